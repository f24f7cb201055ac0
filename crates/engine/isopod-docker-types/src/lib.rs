//! The JSON documents of the Docker Engine API (1.40 to 1.51), shared by the server and the
//! command line: plain serde types, no behaviour beyond reading and writing them.
//!
//! They read as leniently as Go's decoder does (unknown fields are ignored, `null` is the zero
//! value of any field) and write what Go's encoder writes: which empty fields are left out,
//! which are `null` and which are `[]` or `{}` matters to clients, so each field says so.
//!
//! ```
//! use isopod_docker_types::{ContainerCreateRequest, ContainerWaitResponse};
//!
//! let body = r#"{"Image":"debian:12","Cmd":["true"],"Env":null,"HostConfig":{"Memory":4194304}}"#;
//! let request: ContainerCreateRequest = serde_json::from_str(body).unwrap();
//! assert_eq!(request.host_config.unwrap().resources.memory, 4 << 20);
//!
//! let answer = ContainerWaitResponse { status_code: 3, error: None };
//! assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"StatusCode":3}"#);
//! ```

#[macro_use]
mod go;

mod build;
mod config;
mod container;
mod event;
mod exec;
mod filters;
mod host_config;
mod image;
mod mount;
mod network;
mod progress;
mod registry;
mod socket;
mod stats;
mod system;
mod volume;

pub use build::{BUILD_EVENT_ID, BuildEvent, BuildStepInfo};
pub use config::{ContainerConfig, ContainerCreateRequest, ContainerCreateResponse, Healthcheck};
pub use container::{
    ContainerInspect, ContainerListHostConfig, ContainerListNetworks, ContainerState,
    ContainerSummary, ContainerTopResponse, ContainerWaitError, ContainerWaitResponse,
    ContainersPruneReport, FilesystemChange, GraphDriver, Health, HealthcheckResult, PathStat,
    change_kind,
};
pub use event::{EventActor, EventMessage};
pub use exec::{ExecCreateRequest, ExecInspect, ExecProcessConfig, ExecStartRequest};
pub use filters::{Filters, FiltersError};
pub use go::{CommandLine, Present};
pub use host_config::{
    DeviceMapping, DeviceRequest, HostConfig, LogConfig, Resources, RestartPolicy, ThrottleDevice,
    Ulimit, UpdateRequest, UpdateResponse, WeightDevice,
};
pub use image::{
    ImageDeleteItem, ImageHistoryItem, ImageInspect, ImageMetadata, ImageRootFs, ImageSummary,
    ImagesPruneReport, SearchResult,
};
pub use mount::{
    BindOptions, Mount, MountDriver, MountImageOptions, MountPoint, TmpfsOptions, VolumeOptions,
};
pub use network::{
    ConfigReference, EndpointIpamConfig, EndpointResource, EndpointSettings, Ipam, IpamConfig,
    NetworkAddress, NetworkConnectRequest, NetworkCreateRequest, NetworkCreateResponse,
    NetworkDisconnectRequest, NetworkInspect, NetworkSettings, NetworkingConfig,
    NetworksPruneReport, Port, PortBinding, PortMap,
};
pub use progress::{JsonError, JsonMessage, JsonProgress, PushResult};
pub use registry::{
    AuthConfig, AuthResponse, Descriptor, DistributionInspect, IndexInfo, Platform,
    RegistryServiceConfig,
};
pub use socket::{Socket, SocketCreateRequest};
pub use stats::{
    BlkioStatEntry, BlkioStats, ContainerStats, CpuStats, CpuUsage, MemoryStats, NetworkStats,
    PidsStats, StorageStats, ThrottlingData,
};
pub use system::{
    BuildCacheRecord, BuildPruneReport, Commit, ComponentVersion, DiskUsage, ErrorResponse,
    IdResponse, Info, PlatformName, PluginsInfo, RuntimeInfo, SwarmInfo, SwarmPeer, Version,
};
pub use volume::{
    Volume, VolumeCreateRequest, VolumeListResponse, VolumeUsage, VolumesPruneReport,
};

/// The newest API version that these documents describe.
pub const API_VERSION: &str = "1.51";

/// The oldest API version that is served.
pub const MIN_API_VERSION: &str = "1.40";
