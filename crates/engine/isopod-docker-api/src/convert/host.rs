//! The half of a container's configuration that depends on the host.

use crate::error::{ApiError, ApiResult};
use crate::version::ApiVersion;
use isopod_docker_types as wire;
use isopod_engine as domain;

/// The host configuration of a request.
pub(crate) fn from_wire(
    host: wire::HostConfig,
    version: ApiVersion,
) -> ApiResult<domain::HostConfig> {
    let restart_policy = restart_policy(&host.restart_policy)?;
    if host.auto_remove && restart_policy != domain::RestartPolicy::No {
        return Err(ApiError::bad_request(
            "can't create 'AutoRemove' container with restart policy",
        ));
    }
    if !matches!(host.isolation.as_str(), "" | "default") {
        return Err(ApiError::bad_request(format!(
            "invalid isolation: \"{}\" - linux only supports 'default'",
            host.isolation
        )));
    }
    if host.shm_size < 0 {
        return Err(ApiError::bad_request("SHM size can not be less than 0"));
    }
    Ok(domain::HostConfig {
        binds: host.binds,
        mounts: host.mounts.into_iter().map(mount).collect::<ApiResult<_>>()?,
        tmpfs: host.tmpfs,
        volumes_from: host.volumes_from,
        volume_driver: host.volume_driver,
        container_id_file: host.container_id_file,
        log: domain::LogConfig { driver: host.log_config.driver, options: host.log_config.config },
        network_mode: host.network_mode.into(),
        port_bindings: host
            .port_bindings
            .into_iter()
            .map(|(port, bindings)| {
                (port, bindings.unwrap_or_default().into_iter().map(binding).collect())
            })
            .collect(),
        publish_all_ports: host.publish_all_ports,
        restart_policy,
        auto_remove: host.auto_remove,
        console_size: host.console_size,
        annotations: host.annotations,
        cap_add: host.cap_add,
        cap_drop: host.cap_drop,
        cgroupns_mode: host.cgroupns_mode.parse()?,
        dns: host.dns,
        dns_options: host.dns_options,
        dns_search: host.dns_search,
        extra_hosts: host.extra_hosts,
        group_add: host.group_add,
        ipc_mode: host.ipc_mode.parse()?,
        links: host.links,
        oom_score_adj: oom_score(host.oom_score_adj)?,
        pid_mode: host.pid_mode.parse()?,
        privileged: host.privileged,
        readonly_rootfs: host.readonly_rootfs,
        security_opt: host.security_opt,
        storage_opt: host.storage_opt,
        uts_mode: host.uts_mode.parse()?,
        userns_mode: host.userns_mode.parse()?,
        shm_size_bytes: host.shm_size.unsigned_abs(),
        sysctls: host.sysctls,
        runtime: host.runtime,
        resources: resources(host.resources, version)?,
        masked_paths: host.masked_paths,
        readonly_paths: host.readonly_paths,
        init: host.init,
    })
}

fn oom_score(adjustment: i64) -> ApiResult<i32> {
    i32::try_from(adjustment).ok().filter(|value| (-1000..=1000).contains(value)).ok_or_else(|| {
        ApiError::bad_request(format!(
            "Invalid value {adjustment}, range for oom score adj is [-1000, 1000]"
        ))
    })
}

fn binding(binding: wire::PortBinding) -> domain::PortBinding {
    domain::PortBinding { host_ip: binding.host_ip, host_port: binding.host_port }
}

/// A restart policy of the wire.
pub(crate) fn restart_policy(policy: &wire::RestartPolicy) -> ApiResult<domain::RestartPolicy> {
    Ok(domain::RestartPolicy::parse(&policy.name, policy.maximum_retry_count)?)
}

/// Limits, of a create request or an update.
pub(crate) fn resources(
    limits: wire::Resources,
    version: ApiVersion,
) -> ApiResult<domain::Resources> {
    let throttled = |devices: Vec<wire::ThrottleDevice>| {
        devices.into_iter().map(|device| (device.path, device.rate)).collect()
    };
    // Before 1.42, zero meant "leave it" rather than "unlimited".
    let pids_limit =
        limits.pids_limit.filter(|&limit| limit != 0 || version >= ApiVersion::new(1, 42));
    Ok(domain::Resources {
        cpu_shares: limits.cpu_shares,
        memory_bytes: limits.memory,
        nano_cpus: limits.nano_cpus,
        cgroup_parent: limits.cgroup_parent,
        blkio_weight: limits.blkio_weight,
        blkio_weight_device: limits
            .blkio_weight_device
            .into_iter()
            .map(|device| (device.path, device.weight))
            .collect(),
        blkio_device_read_bps: throttled(limits.blkio_device_read_bps),
        blkio_device_write_bps: throttled(limits.blkio_device_write_bps),
        blkio_device_read_iops: throttled(limits.blkio_device_read_iops),
        blkio_device_write_iops: throttled(limits.blkio_device_write_iops),
        cpu_period_us: limits.cpu_period,
        cpu_quota_us: limits.cpu_quota,
        cpu_realtime_period_us: limits.cpu_realtime_period,
        cpu_realtime_runtime_us: limits.cpu_realtime_runtime,
        cpuset_cpus: limits.cpuset_cpus,
        cpuset_mems: limits.cpuset_mems,
        devices: limits
            .devices
            .into_iter()
            .map(|device| domain::DeviceMapping {
                path_on_host: device.path_on_host,
                path_in_container: device.path_in_container,
                cgroup_permissions: device.cgroup_permissions,
            })
            .collect(),
        device_cgroup_rules: limits.device_cgroup_rules,
        device_requests: limits.device_requests.len(),
        memory_reservation_bytes: limits.memory_reservation,
        memory_swap_bytes: limits.memory_swap,
        memory_swappiness: limits.memory_swappiness,
        oom_kill_disable: limits.oom_kill_disable,
        pids_limit,
        ulimits: limits
            .ulimits
            .into_iter()
            .map(|limit| domain::Ulimit { name: limit.name, soft: limit.soft, hard: limit.hard })
            .collect(),
    })
}

/// A mount in the long form, with the checks that concern its shape.
fn mount(mount: wire::Mount) -> ApiResult<domain::Mount> {
    let invalid = |why: &str| {
        ApiError::bad_request(format!("invalid mount config for type \"{}\": {why}", mount.kind))
    };
    let kind = match mount.kind.as_str() {
        "bind" => domain::MountKind::Bind,
        "volume" => domain::MountKind::Volume,
        "tmpfs" => domain::MountKind::Tmpfs,
        "image" => domain::MountKind::Image,
        _ => return Err(ApiError::bad_request(format!("mount type unknown: \"{}\"", mount.kind))),
    };
    if mount.target.is_empty() {
        return Err(invalid("field Target must not be empty"));
    }
    let foreign = [
        (mount.bind_options.is_some() && kind != domain::MountKind::Bind, "BindOptions"),
        (mount.volume_options.is_some() && kind != domain::MountKind::Volume, "VolumeOptions"),
        (mount.tmpfs_options.is_some() && kind != domain::MountKind::Tmpfs, "TmpfsOptions"),
        (mount.image_options.is_some() && kind != domain::MountKind::Image, "ImageOptions"),
    ];
    if let Some((_, field)) = foreign.iter().find(|(foreign, _)| *foreign) {
        return Err(invalid(&format!("field {field} must not be specified")));
    }
    match kind {
        domain::MountKind::Bind | domain::MountKind::Image if mount.source.is_empty() => {
            return Err(invalid("field Source must not be empty"));
        }
        domain::MountKind::Tmpfs if !mount.source.is_empty() => {
            return Err(invalid("field Source must not be specified"));
        }
        _ => {}
    }
    let bind = mount.bind_options.unwrap_or_default();
    let volume = mount.volume_options.unwrap_or_default();
    let driver = volume.driver_config.unwrap_or_default();
    let tmpfs = mount.tmpfs_options.unwrap_or_default();
    let image = mount.image_options.unwrap_or_default();
    Ok(domain::Mount {
        kind,
        source: mount.source,
        target: mount.target,
        read_only: mount.read_only,
        propagation: bind.propagation,
        non_recursive: bind.non_recursive,
        create_mountpoint: bind.create_mountpoint,
        read_only_non_recursive: bind.read_only_non_recursive,
        no_copy: volume.no_copy,
        volume_labels: volume.labels,
        volume_driver: driver.name,
        volume_options: driver.options,
        subpath: if volume.subpath.is_empty() { image.subpath } else { volume.subpath },
        tmpfs_size_bytes: tmpfs.size_bytes,
        tmpfs_mode: tmpfs.mode,
        tmpfs_options: tmpfs.options.into_iter().map(|option| option.join("=")).collect(),
    })
}

/// Back to the wire.
pub(crate) fn to_wire(host: &domain::HostConfig) -> wire::HostConfig {
    wire::HostConfig {
        binds: host.binds.clone(),
        container_id_file: host.container_id_file.clone(),
        log_config: wire::LogConfig {
            driver: if host.log.driver.is_empty() {
                "json-file".into()
            } else {
                host.log.driver.clone()
            },
            config: host.log.options.clone(),
        },
        network_mode: host.network_mode.to_string(),
        port_bindings: host
            .port_bindings
            .iter()
            .map(|(port, bindings)| {
                (port.clone(), Some(bindings.iter().map(binding_to_wire).collect()))
            })
            .collect(),
        restart_policy: wire::RestartPolicy {
            name: host.restart_policy.name().into(),
            maximum_retry_count: host.restart_policy.max_retries().into(),
        },
        auto_remove: host.auto_remove,
        volume_driver: host.volume_driver.clone(),
        volumes_from: host.volumes_from.clone(),
        console_size: host.console_size,
        annotations: host.annotations.clone(),
        cap_add: host.cap_add.clone(),
        cap_drop: host.cap_drop.clone(),
        cgroupns_mode: host.cgroupns_mode.to_string(),
        dns: host.dns.clone(),
        dns_options: host.dns_options.clone(),
        dns_search: host.dns_search.clone(),
        extra_hosts: host.extra_hosts.clone(),
        group_add: host.group_add.clone(),
        ipc_mode: match host.ipc_mode {
            domain::IpcMode::Default => "private".to_owned(),
            ref mode => mode.to_string(),
        },
        cgroup: String::new(),
        links: host.links.clone(),
        oom_score_adj: host.oom_score_adj.into(),
        pid_mode: host.pid_mode.to_string(),
        privileged: host.privileged,
        publish_all_ports: host.publish_all_ports,
        readonly_rootfs: host.readonly_rootfs,
        security_opt: host.security_opt.clone(),
        storage_opt: host.storage_opt.clone(),
        tmpfs: host.tmpfs.clone(),
        uts_mode: host.uts_mode.to_string(),
        userns_mode: host.userns_mode.to_string(),
        shm_size: if host.shm_size_bytes == 0 {
            64 << 20
        } else {
            super::signed(host.shm_size_bytes)
        },
        sysctls: host.sysctls.clone(),
        runtime: if host.runtime.is_empty() {
            super::system::RUNTIME.into()
        } else {
            host.runtime.clone()
        },
        isolation: String::new(),
        resources: resources_to_wire(&host.resources),
        mounts: host.mounts.iter().map(mount_to_wire).collect(),
        masked_paths: host.masked_paths.clone(),
        readonly_paths: host.readonly_paths.clone(),
        init: host.init,
    }
}

fn binding_to_wire(binding: &domain::PortBinding) -> wire::PortBinding {
    wire::PortBinding { host_ip: binding.host_ip.clone(), host_port: binding.host_port.clone() }
}

fn resources_to_wire(limits: &domain::Resources) -> wire::Resources {
    let throttled = |devices: &[(String, u64)]| {
        devices
            .iter()
            .map(|(path, rate)| wire::ThrottleDevice { path: path.clone(), rate: *rate })
            .collect()
    };
    wire::Resources {
        cpu_shares: limits.cpu_shares,
        memory: limits.memory_bytes,
        nano_cpus: limits.nano_cpus,
        cgroup_parent: limits.cgroup_parent.clone(),
        blkio_weight: limits.blkio_weight,
        blkio_weight_device: limits
            .blkio_weight_device
            .iter()
            .map(|(path, weight)| wire::WeightDevice { path: path.clone(), weight: *weight })
            .collect(),
        blkio_device_read_bps: throttled(&limits.blkio_device_read_bps),
        blkio_device_write_bps: throttled(&limits.blkio_device_write_bps),
        blkio_device_read_iops: throttled(&limits.blkio_device_read_iops),
        blkio_device_write_iops: throttled(&limits.blkio_device_write_iops),
        cpu_period: limits.cpu_period_us,
        cpu_quota: limits.cpu_quota_us,
        cpu_realtime_period: limits.cpu_realtime_period_us,
        cpu_realtime_runtime: limits.cpu_realtime_runtime_us,
        cpuset_cpus: limits.cpuset_cpus.clone(),
        cpuset_mems: limits.cpuset_mems.clone(),
        devices: limits
            .devices
            .iter()
            .map(|device| wire::DeviceMapping {
                path_on_host: device.path_on_host.clone(),
                path_in_container: device.path_in_container.clone(),
                cgroup_permissions: device.cgroup_permissions.clone(),
            })
            .collect(),
        device_cgroup_rules: limits.device_cgroup_rules.clone(),
        memory_reservation: limits.memory_reservation_bytes,
        memory_swap: limits.memory_swap_bytes,
        memory_swappiness: limits.memory_swappiness,
        oom_kill_disable: limits.oom_kill_disable,
        pids_limit: limits.pids_limit,
        ulimits: limits
            .ulimits
            .iter()
            .map(|limit| wire::Ulimit {
                name: limit.name.clone(),
                hard: limit.hard,
                soft: limit.soft,
            })
            .collect(),
        ..wire::Resources::default()
    }
}

fn mount_to_wire(mount: &domain::Mount) -> wire::Mount {
    use domain::MountKind;

    let bind = wire::BindOptions {
        propagation: mount.propagation.clone(),
        non_recursive: mount.non_recursive,
        create_mountpoint: mount.create_mountpoint,
        read_only_non_recursive: mount.read_only_non_recursive,
        read_only_force_recursive: false,
    };
    let driver = wire::MountDriver {
        name: mount.volume_driver.clone(),
        options: mount.volume_options.clone(),
    };
    let volume = wire::VolumeOptions {
        no_copy: mount.no_copy,
        labels: mount.volume_labels.clone(),
        subpath: if mount.kind == MountKind::Volume {
            mount.subpath.clone()
        } else {
            String::new()
        },
        driver_config: Some(driver).filter(|driver| *driver != wire::MountDriver::default()),
    };
    let tmpfs = wire::TmpfsOptions {
        size_bytes: mount.tmpfs_size_bytes,
        mode: mount.tmpfs_mode,
        options: mount
            .tmpfs_options
            .iter()
            .map(|option| option.splitn(2, '=').map(str::to_owned).collect())
            .collect(),
    };
    wire::Mount {
        kind: mount.kind.as_str().into(),
        source: mount.source.clone(),
        target: mount.target.clone(),
        read_only: mount.read_only,
        consistency: String::new(),
        bind_options: Some(bind).filter(|options| *options != wire::BindOptions::default()),
        volume_options: Some(volume).filter(|options| *options != wire::VolumeOptions::default()),
        image_options: (mount.kind == MountKind::Image && !mount.subpath.is_empty())
            .then(|| wire::MountImageOptions { subpath: mount.subpath.clone() }),
        tmpfs_options: Some(tmpfs).filter(|options| *options != wire::TmpfsOptions::default()),
    }
}
