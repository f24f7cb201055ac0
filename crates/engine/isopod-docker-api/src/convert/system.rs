//! The engine's own documents.

use crate::convert::{container, image, signed, volume};
use crate::version::ApiVersion;
use isopod_base::times::Timestamp;
use isopod_docker_types as wire;
use isopod_engine as domain;
use std::collections::BTreeMap;

/// The name of the built-in runtime.
pub(crate) const RUNTIME: &str = "isopod";

/// The registry that short names mean.
const HUB: &str = "docker.io";

/// The address that clients look their credentials for that registry up by.
const INDEX_SERVER: &str = "https://index.docker.io/v1/";

/// `GET /version`.
pub(crate) fn version(version: domain::Version) -> wire::Version {
    let details = BTreeMap::from([
        ("ApiVersion".to_owned(), wire::API_VERSION.to_owned()),
        ("MinAPIVersion".to_owned(), wire::MIN_API_VERSION.to_owned()),
        ("Os".to_owned(), version.os.clone()),
        ("Arch".to_owned(), version.architecture.clone()),
        ("GitCommit".to_owned(), version.commit.clone()),
        ("KernelVersion".to_owned(), version.kernel_version.clone()),
        ("GoVersion".to_owned(), String::new()),
        ("Experimental".to_owned(), "false".to_owned()),
    ]);
    wire::Version {
        platform: wire::PlatformName { name: "isopod".into() },
        components: vec![wire::ComponentVersion {
            name: "Engine".into(),
            version: version.version.clone(),
            details,
        }],
        version: version.version,
        api_version: wire::API_VERSION.into(),
        min_api_version: wire::MIN_API_VERSION.into(),
        git_commit: version.commit,
        go_version: String::new(),
        os: version.os,
        arch: version.architecture,
        kernel_version: version.kernel_version,
        experimental: false,
        build_time: String::new(),
    }
}

/// `GET /info`.
pub(crate) fn info(info: domain::Info, version: domain::Version) -> wire::Info {
    let runtimes = BTreeMap::from([(RUNTIME.to_owned(), wire::RuntimeInfo::default())]);
    wire::Info {
        id: info.id,
        containers: signed(info.containers),
        containers_running: signed(info.running),
        containers_paused: signed(info.paused),
        containers_stopped: signed(info.stopped),
        images: signed(info.images),
        driver: info.driver,
        driver_status: info.driver_status.into_iter().map(|(key, value)| [key, value]).collect(),
        plugins: wire::PluginsInfo {
            volume: vec!["local".into()],
            network: info.network_drivers,
            authorization: Vec::new(),
            log: info.log_drivers,
        },
        memory_limit: info.memory_limit,
        swap_limit: info.swap_limit,
        cpu_cfs_period: info.cpu_cfs,
        cpu_cfs_quota: info.cpu_cfs,
        cpu_shares: info.cpu_shares,
        cpu_set: info.cpuset,
        pids_limit: info.pids_limit,
        ipv4_forwarding: info.ipv4_forwarding,
        n_fd: signed(info.open_fds),
        oom_kill_disable: info.oom_kill_disable,
        system_time: info.system_time.rfc3339(),
        logging_driver: info.log_driver,
        cgroup_driver: info.cgroup_driver,
        cgroup_version: info.cgroup_version,
        n_events_listener: signed(info.event_listeners),
        kernel_version: info.kernel_version,
        operating_system: info.operating_system,
        os_version: info.os_version,
        os_type: "linux".into(),
        architecture: info.architecture,
        index_server_address: INDEX_SERVER.into(),
        registry_config: Some(registries(info.insecure_registries, info.registry_mirrors)),
        ncpu: signed(info.cpus),
        mem_total: signed(info.memory_bytes),
        docker_root_dir: info.data_root.display().to_string(),
        name: info.hostname,
        labels: info.labels,
        server_version: version.version.clone(),
        runtimes,
        default_runtime: RUNTIME.into(),
        swarm: wire::SwarmInfo {
            local_node_state: "inactive".into(),
            ..wire::SwarmInfo::default()
        },
        live_restore_enabled: true,
        init_binary: RUNTIME.into(),
        runc_commit: wire::Commit { id: version.commit },
        security_options: info.security_options.iter().map(|name| security_option(name)).collect(),
        warnings: info.warnings,
        engine_pid: std::process::id().into(),
        ..wire::Info::default()
    }
}

/// `seccomp` as `docker info` reads it.
fn security_option(name: &str) -> String {
    match name {
        "seccomp" => "name=seccomp,profile=builtin".into(),
        other if other.starts_with("name=") => other.into(),
        other => format!("name={other}"),
    }
}

fn registries(insecure: Vec<String>, mirrors: Vec<String>) -> wire::RegistryServiceConfig {
    let (mut cidrs, hosts): (Vec<String>, Vec<String>) =
        insecure.into_iter().partition(|entry| entry.contains('/'));
    for loopback in ["::1/128", "127.0.0.0/8"] {
        if !cidrs.iter().any(|cidr| cidr == loopback) {
            cidrs.push(loopback.into());
        }
    }
    let mut index_configs: BTreeMap<String, wire::IndexInfo> = hosts
        .into_iter()
        .map(|host| (host.clone(), wire::IndexInfo { name: host, ..wire::IndexInfo::default() }))
        .collect();
    let hub = wire::IndexInfo {
        name: HUB.into(),
        mirrors: mirrors.clone(),
        secure: true,
        official: true,
    };
    index_configs.insert(HUB.into(), hub);
    wire::RegistryServiceConfig { insecure_registry_cidrs: cidrs, index_configs, mirrors }
}

/// What `GET /system/df` is to count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) containers: bool,
    pub(crate) images: bool,
    pub(crate) volumes: bool,
    pub(crate) build_cache: bool,
}

/// `GET /system/df`.
pub(crate) fn disk_usage(
    usage: domain::DiskUsage,
    counted: Counted,
    version: ApiVersion,
) -> wire::DiskUsage {
    let now = Timestamp::now();
    wire::DiskUsage {
        layers_size: if counted.images { signed(usage.layers_bytes) } else { 0 },
        images: counted.images.then(|| {
            usage.images.into_iter().map(|image| image::summary(image, version)).collect()
        }),
        containers: counted.containers.then(|| {
            usage.containers.iter().map(|details| container::summary(details, now)).collect()
        }),
        volumes: counted.volumes.then(|| usage.volumes.into_iter().map(volume::used).collect()),
        build_cache: counted.build_cache.then(Vec::new),
        builder_size: 0,
    }
}
