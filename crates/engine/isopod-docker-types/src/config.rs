//! What a container is to run: the portable half of its configuration, and the create request.

use crate::go::{CommandLine, Present, is_empty, null_if_empty};
use crate::{HostConfig, NetworkingConfig};
use std::collections::BTreeMap;

document! {
    /// The portable configuration of a container (`Config` in inspect).
    pub struct ContainerConfig {
        /// Host name; empty means the short id.
        pub hostname: String,
        /// NIS domain name.
        pub domainname: String,
        /// `user`, `uid`, `user:group` ...; empty means the image's or root.
        pub user: String,
        /// Whether the creating client attaches stdin.
        pub attach_stdin: bool,
        /// Whether the creating client attaches stdout.
        pub attach_stdout: bool,
        /// Whether the creating client attaches stderr.
        pub attach_stderr: bool,
        /// Exposed ports, `80/tcp`.
        #[serde(skip_serializing_if = "is_empty")]
        pub exposed_ports: BTreeMap<String, Present>,
        /// Whether the process gets a terminal.
        pub tty: bool,
        /// Whether stdin stays open without an attached client.
        pub open_stdin: bool,
        /// Whether stdin closes when its first client leaves.
        pub stdin_once: bool,
        /// `KEY=value`; a bare `KEY` removes the image's.
        #[serde(serialize_with = "null_if_empty")]
        pub env: Vec<String>,
        /// Arguments; `None` takes the image's.
        pub cmd: Option<CommandLine>,
        /// Health check; `None` takes the image's.
        #[serde(skip_serializing_if = "is_empty")]
        pub healthcheck: Option<Healthcheck>,
        /// Windows only.
        #[serde(skip_serializing_if = "is_empty")]
        pub args_escaped: bool,
        /// The image as the user named it.
        pub image: String,
        /// Anonymous volumes, by path in the container.
        #[serde(serialize_with = "null_if_empty")]
        pub volumes: BTreeMap<String, Present>,
        /// Working directory.
        pub working_dir: String,
        /// Entry point; `None` takes the image's, an empty list (or `[""]`) clears it.
        pub entrypoint: Option<CommandLine>,
        /// Whether the network is off.
        #[serde(skip_serializing_if = "is_empty")]
        pub network_disabled: bool,
        /// MAC address (before API 1.44).
        #[serde(skip_serializing_if = "is_empty")]
        pub mac_address: String,
        /// Build triggers of the image.
        #[serde(serialize_with = "null_if_empty")]
        pub on_build: Vec<String>,
        /// Labels.
        pub labels: BTreeMap<String, String>,
        /// Signal that stops the container, `SIGTERM`.
        #[serde(skip_serializing_if = "is_empty")]
        pub stop_signal: String,
        /// Seconds between the stop signal and the kill.
        #[serde(skip_serializing_if = "is_empty")]
        pub stop_timeout: Option<i64>,
        /// Shell for the shell form of commands.
        #[serde(skip_serializing_if = "is_empty")]
        pub shell: Vec<String>,
    }

    /// How to check that a container is healthy. Durations are nanoseconds, 0 inherits.
    pub struct Healthcheck {
        /// `[]` inherits; `["NONE"]`; `["CMD", args...]`; `["CMD-SHELL", command]`.
        #[serde(skip_serializing_if = "is_empty")]
        pub test: Vec<String>,
        /// Time between checks.
        #[serde(skip_serializing_if = "is_empty")]
        pub interval: i64,
        /// Time after which a check counts as failed.
        #[serde(skip_serializing_if = "is_empty")]
        pub timeout: i64,
        /// Grace time at the start, during which failures do not count.
        #[serde(skip_serializing_if = "is_empty")]
        pub start_period: i64,
        /// Time between checks during the start period.
        #[serde(skip_serializing_if = "is_empty")]
        pub start_interval: i64,
        /// Consecutive failures that make a container unhealthy.
        #[serde(skip_serializing_if = "is_empty")]
        pub retries: i64,
    }

    /// `POST /containers/create`: the configuration itself with two members beside it.
    pub struct ContainerCreateRequest {
        /// The portable configuration.
        pub config: ..ContainerConfig,
        /// The part that depends on the host.
        pub host_config: Option<HostConfig>,
        /// The networks to join.
        pub networking_config: Option<NetworkingConfig>,
    }

    /// The answer to it.
    pub struct ContainerCreateResponse {
        /// The full id.
        pub id: String,
        /// What the user should know.
        pub warnings: Vec<String>,
    }
}
