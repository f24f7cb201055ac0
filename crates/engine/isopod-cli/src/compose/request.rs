//! From a service to the engine's request for a container.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use isopod_base::units::parse_duration;
use isopod_compose::{Node, Project, Service, config_hash, labels};
use isopod_docker_types::{
    BindOptions, CommandLine, ContainerConfig, ContainerCreateRequest, DeviceMapping,
    EndpointIpamConfig, EndpointSettings, Healthcheck, HostConfig, LogConfig, Mount,
    MountImageOptions, NetworkingConfig, PortBinding, Present, Resources, RestartPolicy,
    ThrottleDevice, TmpfsOptions, Ulimit, VolumeOptions, WeightDevice,
};

use super::build::image_of;
use super::project::Found;

/// What a container needs of others that are there by then.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// Ids of the first containers of services.
    pub(super) containers: BTreeMap<String, String>,
    /// Id of the image.
    pub(super) image: String,
    /// Anonymous volumes of the container before: targets and names.
    pub(super) volumes: Vec<(String, String)>,
}

/// The request for one container of a service.
pub(super) fn request(
    found: &Found,
    service: &Service,
    number: u32,
    around: &Surroundings,
) -> Result<ContainerCreateRequest> {
    let project = &found.project;
    let mut config = config(found, service, number, around);
    let mut host = host(service, around)?;
    resources(service, &mut host.resources);
    mounts(project, service, around, &mut host)?;
    ports(service, &mut config, &mut host);
    let networking = networks(project, service, number, around, &mut host)?;
    Ok(ContainerCreateRequest { config, host_config: Some(host), networking_config: networking })
}

fn config(found: &Found, service: &Service, number: u32, around: &Surroundings) -> ContainerConfig {
    let project = &found.project;
    let text = |path: &str| service.text(path).unwrap_or_default().to_owned();
    let command = |path: &str| service.at(path).map(|_| CommandLine::from(service.words(path)));
    let mut all = service.labels("labels");
    let depends: Vec<String> = service
        .dependencies()
        .iter()
        .map(|dependency| {
            let condition = match dependency.condition {
                isopod_compose::Condition::Started => "service_started",
                isopod_compose::Condition::Healthy => "service_healthy",
                isopod_compose::Condition::Completed => "service_completed_successfully",
            };
            format!("{}:{condition}:{}", dependency.service, dependency.restart)
        })
        .collect();
    let files: Vec<String> = found.files.iter().map(|file| file.display().to_string()).collect();
    for (name, value) in [
        (labels::PROJECT, project.name.clone()),
        (labels::SERVICE, service.name.clone()),
        (labels::NUMBER, number.to_string()),
        (labels::ONE_OFF, "False".to_owned()),
        (labels::CONFIG_HASH, config_hash(project, service)),
        (labels::IMAGE, around.image.clone()),
        (labels::CONFIG_FILES, files.join(",")),
        (labels::WORKING_DIR, found.directory.display().to_string()),
        (labels::DEPENDS_ON, depends.join(",")),
        (labels::VERSION, env!("CARGO_PKG_VERSION").to_owned()),
    ] {
        all.insert(name.to_owned(), value);
    }
    let environment = service.at("environment").map(Node::entries).unwrap_or_default();
    ContainerConfig {
        hostname: text("hostname"),
        domainname: text("domainname"),
        user: text("user"),
        attach_stdout: true,
        attach_stderr: true,
        tty: flag(service, "tty"),
        open_stdin: flag(service, "stdin_open"),
        env: environment
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
            .collect(),
        cmd: command("command"),
        entrypoint: command("entrypoint"),
        healthcheck: healthcheck(service),
        image: image_of(project, service),
        working_dir: text("working_dir"),
        mac_address: text("mac_address"),
        labels: all,
        stop_signal: text("stop_signal"),
        stop_timeout: service
            .text("stop_grace_period")
            .and_then(|text| parse_duration(text).ok())
            .map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX)),
        exposed_ports: service
            .words("expose")
            .into_iter()
            .map(|port| if port.contains('/') { port } else { format!("{port}/tcp") })
            .map(|port| (port, Present {}))
            .collect(),
        ..ContainerConfig::default()
    }
}

fn healthcheck(service: &Service) -> Option<Healthcheck> {
    let check = service.at("healthcheck")?;
    if check.get("disable").and_then(Node::as_bool) == Some(true) {
        return Some(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() });
    }
    let nanos = |name: &str| {
        let text = check.get(name).and_then(Node::as_str)?;
        i64::try_from(parse_duration(text).ok()?.as_nanos()).ok()
    };
    Some(Healthcheck {
        test: service.words("healthcheck.test"),
        interval: nanos("interval").unwrap_or(0),
        timeout: nanos("timeout").unwrap_or(0),
        start_period: nanos("start_period").unwrap_or(0),
        start_interval: nanos("start_interval").unwrap_or(0),
        retries: check.get("retries").and_then(Node::as_int).unwrap_or(0),
    })
}

fn flag(service: &Service, path: &str) -> bool {
    service.at(path).and_then(Node::as_bool).unwrap_or(false)
}

/// `service:x` and `container:x` as the engine has it.
fn shared(mode: &str, around: &Surroundings) -> Result<String> {
    let Some(service) = mode.strip_prefix("service:") else { return Ok(mode.to_owned()) };
    let id = around.containers.get(service);
    let id = id.with_context(|| format!("service {service:?} has no container to share with"))?;
    Ok(format!("container:{id}"))
}

fn host(service: &Service, around: &Surroundings) -> Result<HostConfig> {
    let text = |path: &str| service.text(path).unwrap_or_default().to_owned();
    let mode = |path: &str| shared(service.text(path).unwrap_or_default(), around);
    let mut volumes_from = Vec::new();
    for entry in service.words("volumes_from") {
        volumes_from.push(match entry.strip_prefix("container:") {
            Some(container) => container.to_owned(),
            None => {
                let (name, rest) = entry.split_once(':').unwrap_or((&entry, "rw"));
                let id = around.containers.get(name);
                let id = id.with_context(|| format!("volumes_from: {name:?} has no container"))?;
                format!("{id}:{rest}")
            }
        });
    }
    Ok(HostConfig {
        log_config: LogConfig {
            driver: text("logging.driver"),
            config: service.pairs("logging.options"),
        },
        restart_policy: restart(service),
        volumes_from,
        annotations: service.labels("annotations"),
        cap_add: service.words("cap_add"),
        cap_drop: service.words("cap_drop"),
        cgroupns_mode: text("cgroup"),
        dns: service.words("dns"),
        dns_options: service.words("dns_opt"),
        dns_search: service.words("dns_search"),
        extra_hosts: service
            .words("extra_hosts")
            .into_iter()
            .map(|entry| entry.replacen('=', ":", 1))
            .collect(),
        group_add: service.words("group_add"),
        ipc_mode: mode("ipc")?,
        pid_mode: mode("pid")?,
        links: service.words("external_links"),
        oom_score_adj: int(service, "oom_score_adj").unwrap_or(0),
        privileged: flag(service, "privileged"),
        publish_all_ports: flag(service, "x-isopod-publish-all"),
        readonly_rootfs: flag(service, "read_only"),
        security_opt: service.words("security_opt"),
        storage_opt: service.pairs("storage_opt"),
        uts_mode: text("uts"),
        userns_mode: text("userns_mode"),
        shm_size: int(service, "shm_size").unwrap_or(0),
        sysctls: service.pairs("sysctls"),
        runtime: text("runtime"),
        init: service.at("init").and_then(Node::as_bool),
        ..HostConfig::default()
    })
}

fn int(service: &Service, path: &str) -> Option<i64> {
    service.at(path).and_then(Node::as_int)
}

fn restart(service: &Service) -> RestartPolicy {
    if let Some(text) = service.text("restart") {
        let (name, count) = text.split_once(':').unwrap_or((text, "0"));
        return RestartPolicy {
            name: name.to_owned(),
            maximum_retry_count: count.parse().unwrap_or(0),
        };
    }
    let Some(policy) = service.at("deploy.restart_policy") else { return RestartPolicy::default() };
    let name = match policy.get("condition").and_then(Node::as_str) {
        Some("none") => "no",
        Some("on-failure") => "on-failure",
        _ => "always",
    };
    let attempts = policy.get("max_attempts").and_then(Node::as_int).unwrap_or(0);
    let maximum_retry_count = if name == "on-failure" { attempts } else { 0 };
    RestartPolicy { name: name.to_owned(), maximum_retry_count }
}

fn resources(service: &Service, out: &mut Resources) {
    let limit = |name: &str| service.at(&format!("deploy.resources.limits.{name}"));
    let cpus = limit("cpus").or_else(|| service.at("cpus")).and_then(Node::as_float);
    out.nano_cpus = cpus.map_or(0, |cpus| (cpus * 1e9) as i64);
    let memory = limit("memory").and_then(Node::as_int).or_else(|| int(service, "mem_limit"));
    out.memory = memory.unwrap_or(0);
    let reserved = service.at("deploy.resources.reservations.memory").and_then(Node::as_int);
    out.memory_reservation = reserved.or_else(|| int(service, "mem_reservation")).unwrap_or(0);
    out.memory_swap = int(service, "memswap_limit").unwrap_or(0);
    out.memory_swappiness = int(service, "mem_swappiness");
    out.pids_limit = limit("pids").and_then(Node::as_int).or_else(|| int(service, "pids_limit"));
    out.cpu_shares = int(service, "cpu_shares").unwrap_or(0);
    out.cpu_period = int(service, "cpu_period").unwrap_or(0);
    out.cpu_quota = int(service, "cpu_quota").unwrap_or(0);
    out.cpu_realtime_period = int(service, "cpu_rt_period").unwrap_or(0);
    out.cpu_realtime_runtime = int(service, "cpu_rt_runtime").unwrap_or(0);
    out.cpuset_cpus = service.text("cpuset").unwrap_or_default().to_owned();
    out.cgroup_parent = service.text("cgroup_parent").unwrap_or_default().to_owned();
    out.oom_kill_disable = service.at("oom_kill_disable").and_then(Node::as_bool);
    out.device_cgroup_rules = service.words("device_cgroup_rules");
    let field = |node: &Node, name: &str| {
        node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned()
    };
    out.devices = items(service, "devices")
        .iter()
        .map(|device| DeviceMapping {
            path_on_host: field(device, "source"),
            path_in_container: field(device, "target"),
            cgroup_permissions: field(device, "permissions"),
        })
        .collect();
    out.ulimits = service
        .at("ulimits")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|(name, node)| {
            let number = |which| node.get(which).and_then(Node::as_int);
            let soft = number("soft").or(number("hard")).unwrap_or(0);
            Ulimit { name: name.clone(), soft, hard: number("hard").unwrap_or(soft) }
        })
        .collect();
    let rates = |name: &str| -> Vec<ThrottleDevice> {
        items(service, &format!("blkio_config.{name}"))
            .iter()
            .map(|node| ThrottleDevice {
                path: field(node, "path"),
                rate: node.get("rate").and_then(Node::as_int).unwrap_or(0).unsigned_abs(),
            })
            .collect()
    };
    out.blkio_weight = int(service, "blkio_config.weight")
        .and_then(|weight| u16::try_from(weight).ok())
        .unwrap_or(0);
    out.blkio_weight_device = items(service, "blkio_config.weight_device")
        .iter()
        .map(|node| WeightDevice {
            path: field(node, "path"),
            weight: node
                .get("weight")
                .and_then(Node::as_int)
                .and_then(|weight| u16::try_from(weight).ok())
                .unwrap_or(0),
        })
        .collect();
    out.blkio_device_read_bps = rates("device_read_bps");
    out.blkio_device_write_bps = rates("device_write_bps");
    out.blkio_device_read_iops = rates("device_read_iops");
    out.blkio_device_write_iops = rates("device_write_iops");
}

fn items<'a>(service: &'a Service, path: &str) -> &'a [Node] {
    service.at(path).map(Node::items).unwrap_or_default()
}

fn mounts(
    project: &Project,
    service: &Service,
    around: &Surroundings,
    host: &mut HostConfig,
) -> Result<()> {
    let mut targets = Vec::new();
    for node in items(service, "volumes") {
        let text = |path: &str| node.at(path).and_then(Node::as_str).unwrap_or_default().to_owned();
        let on = |path: &str| node.at(path).and_then(Node::as_bool).unwrap_or(false);
        let kind = text("type");
        let mut mount = Mount {
            source: text("source"),
            target: text("target"),
            read_only: on("read_only"),
            consistency: String::new(),
            kind: kind.clone(),
            ..Mount::default()
        };
        targets.push(mount.target.clone());
        match kind.as_str() {
            "bind" => {
                mount.source = home(&mount.source)?;
                mount.bind_options = Some(BindOptions {
                    propagation: text("bind.propagation"),
                    create_mountpoint: on("bind.create_host_path"),
                    non_recursive: text("bind.recursive") == "disabled",
                    ..BindOptions::default()
                });
            }
            "volume" => {
                if let Some(name) =
                    project.volumes.get(&mount.source).and_then(|volume| volume.get("name"))
                {
                    mount.source = name.as_str().unwrap_or_default().to_owned();
                } else if let Some((_, known)) =
                    around.volumes.iter().find(|(target, _)| *target == mount.target)
                {
                    mount.source.clone_from(known);
                }
                mount.volume_options = Some(VolumeOptions {
                    no_copy: on("volume.nocopy"),
                    subpath: text("volume.subpath"),
                    ..VolumeOptions::default()
                });
            }
            "tmpfs" => {
                let number = |path: &str| node.at(path).and_then(Node::as_int).unwrap_or(0);
                mount.tmpfs_options = Some(TmpfsOptions {
                    size_bytes: number("tmpfs.size"),
                    mode: u32::try_from(number("tmpfs.mode")).unwrap_or(0),
                    ..TmpfsOptions::default()
                });
            }
            "image" => {
                mount.image_options = Some(MountImageOptions { subpath: text("image.subpath") });
            }
            _ => {}
        }
        host.mounts.push(mount);
    }
    // Volumes that the image asks for go over to the next container.
    for (target, name) in &around.volumes {
        if !targets.contains(target) {
            host.mounts.push(Mount {
                kind: "volume".to_owned(),
                source: name.clone(),
                target: target.clone(),
                ..Mount::default()
            });
        }
    }
    for entry in service.words("tmpfs") {
        let (path, options) = entry.split_once(':').unwrap_or((&entry, ""));
        host.tmpfs.insert(path.to_owned(), options.to_owned());
    }
    super::secrets::file_mounts(project, service, host)
}

/// `~` is the caller's home.
fn home(path: &str) -> Result<String> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    let Ok(home) = std::env::var("HOME") else { bail!("{path}: HOME is not set") };
    Ok(format!("{home}{rest}"))
}

fn ports(service: &Service, config: &mut ContainerConfig, host: &mut HostConfig) {
    for port in items(service, "ports") {
        let text =
            |name: &str| port.get(name).and_then(Node::as_str).unwrap_or_default().to_owned();
        let target = port.get("target").and_then(Node::as_int).unwrap_or(0);
        let protocol = port.get("protocol").and_then(Node::as_str).unwrap_or("tcp");
        let key = format!("{target}/{protocol}");
        config.exposed_ports.insert(key.clone(), Present {});
        let binding = PortBinding { host_ip: text("host_ip"), host_port: text("published") };
        host.port_bindings.entry(key).or_default().get_or_insert_default().push(binding);
    }
}

fn networks(
    project: &Project,
    service: &Service,
    number: u32,
    around: &Surroundings,
    host: &mut HostConfig,
) -> Result<Option<NetworkingConfig>> {
    if let Some(mode) = service.text("network_mode") {
        host.network_mode = shared(mode, around)?;
        return Ok(None);
    }
    let all = endpoints(project, service, number);
    let Some((name, endpoint)) = all.into_iter().next() else {
        host.network_mode = "none".to_owned();
        return Ok(None);
    };
    host.network_mode = name.clone();
    let endpoints_config = BTreeMap::from([(name, Some(endpoint))]);
    Ok(Some(NetworkingConfig { endpoints_config }))
}

/// The networks of a service, the one with the highest priority first, with its settings there.
pub(super) fn endpoints(
    project: &Project,
    service: &Service,
    number: u32,
) -> Vec<(String, EndpointSettings)> {
    let mut entries: Vec<&(String, Node)> =
        service.at("networks").map(Node::entries).unwrap_or_default().iter().collect();
    let priority = |node: &Node| node.get("priority").and_then(Node::as_int).unwrap_or(0);
    entries.sort_by_key(|(name, node)| (std::cmp::Reverse(priority(node)), name.clone()));
    let container = isopod_compose::container_name(project, service, number);
    entries
        .into_iter()
        .filter_map(|(key, node)| {
            let name = project.networks.get(key)?.get("name")?.as_str()?.to_owned();
            let text =
                |field: &str| node.get(field).and_then(Node::as_str).unwrap_or_default().to_owned();
            let words = |field: &str| -> Vec<String> {
                let items = node.get(field).map(Node::items).unwrap_or_default();
                items.iter().filter_map(Node::as_str).map(str::to_owned).collect()
            };
            let mut aliases = vec![container.clone(), service.name.clone()];
            aliases.extend(words("aliases"));
            let address = EndpointIpamConfig {
                ipv4_address: text("ipv4_address"),
                ipv6_address: text("ipv6_address"),
                link_local_ips: words("link_local_ips"),
            };
            let fixed = address != EndpointIpamConfig::default();
            let options = node.get("driver_opts").map(Node::entries).unwrap_or_default();
            let endpoint = EndpointSettings {
                ipam_config: fixed.then_some(address),
                links: links(project, service),
                aliases,
                mac_address: text("mac_address"),
                driver_opts: options
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                    .collect(),
                gw_priority: node.get("gw_priority").and_then(Node::as_int).unwrap_or(0),
                ..EndpointSettings::default()
            };
            Some((name, endpoint))
        })
        .collect()
}

/// `links: [db:database]` as `PROJECT-db-1:database`.
fn links(project: &Project, service: &Service) -> Vec<String> {
    service
        .words("links")
        .iter()
        .filter_map(|link| {
            let (name, alias) = link.split_once(':').unwrap_or((link, link));
            let other = project.services.get(name)?;
            Some(format!("{}:{alias}", isopod_compose::container_name(project, other, 1)))
        })
        .collect()
}
