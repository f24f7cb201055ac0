//! A create request: the portable configuration and what Docker checks before anything is made.

use crate::convert::{host, network};
use crate::error::{ApiError, ApiResult};
use crate::version::ApiVersion;
use isopod_docker_types as wire;
use isopod_engine as domain;
use std::collections::BTreeMap;

/// The whole request.
pub(crate) fn request(
    request: wire::ContainerCreateRequest,
    name: Option<String>,
    platform: Option<String>,
    version: ApiVersion,
) -> ApiResult<domain::CreateContainer> {
    let mut host = host::from_wire(request.host_config.unwrap_or_default(), version)?;
    let mut networks = network::endpoints(request.networking_config.unwrap_or_default())?;
    join(&mut host, &mut networks, &request.config.mac_address)?;
    Ok(domain::CreateContainer {
        name: name.map(|name| name.trim_start_matches('/').to_owned()),
        platform,
        config: config(request.config)?,
        host,
        networks,
    })
}

/// A network named only in `NetworkingConfig` is the container's. The MAC address of before 1.44
/// is that of its first network.
fn join(
    host: &mut domain::HostConfig,
    networks: &mut BTreeMap<String, domain::EndpointSettings>,
    mac_address: &str,
) -> ApiResult<()> {
    if host.network_mode == domain::NetworkMode::Default
        && let Some(name) = networks.keys().find(|name| *name != "default")
    {
        host.network_mode = domain::NetworkMode::from(name.clone());
    }
    if mac_address.is_empty() {
        return Ok(());
    }
    let mac = mac_address
        .parse()
        .map_err(|_| ApiError::bad_request(format!("invalid MAC address: {mac_address}")))?;
    let name = match &host.network_mode {
        domain::NetworkMode::Named(name) => name.clone(),
        domain::NetworkMode::Default => "default".into(),
        _ => {
            return Err(ApiError::bad_request(
                "conflicting options: mac-address and the network mode",
            ));
        }
    };
    let settings = networks.entry(name).or_default();
    settings.mac = settings.mac.or(Some(mac));
    Ok(())
}

/// The portable configuration.
pub(crate) fn config(config: wire::ContainerConfig) -> ApiResult<domain::ContainerConfig> {
    for entry in &config.env {
        if entry.is_empty() || entry.starts_with('=') {
            return Err(ApiError::bad_request(format!("invalid environment variable: {entry}")));
        }
    }
    if let Some(check) = &config.healthcheck {
        check_health(check)?;
    }
    Ok(domain::ContainerConfig {
        hostname: config.hostname,
        domainname: config.domainname,
        user: config.user,
        attach_stdin: config.attach_stdin,
        attach_stdout: config.attach_stdout,
        attach_stderr: config.attach_stderr,
        exposed_ports: config.exposed_ports.into_keys().collect(),
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        env: config.env,
        cmd: config.cmd.map(|words| words.0),
        healthcheck: config.healthcheck.map(healthcheck),
        args_escaped: config.args_escaped,
        image: config.image,
        volumes: config.volumes.into_keys().collect(),
        working_dir: config.working_dir,
        entrypoint: config.entrypoint.map(|words| words.0),
        network_disabled: config.network_disabled,
        on_build: config.on_build,
        labels: config.labels,
        stop_signal: config.stop_signal,
        stop_timeout: config.stop_timeout,
        shell: config.shell,
    })
}

fn healthcheck(check: wire::Healthcheck) -> domain::Healthcheck {
    domain::Healthcheck {
        test: check.test,
        interval_ns: check.interval,
        timeout_ns: check.timeout,
        start_period_ns: check.start_period,
        start_interval_ns: check.start_interval,
        retries: check.retries,
    }
}

/// The shortest time of a health check, as Docker has it.
const SHORTEST_NS: i64 = 1_000_000;

fn check_health(check: &wire::Healthcheck) -> ApiResult<()> {
    let times = [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
    ];
    for (name, value) in times {
        if value != 0 && value < SHORTEST_NS {
            return Err(ApiError::bad_request(format!(
                "{name} in Healthcheck cannot be less than 1ms"
            )));
        }
    }
    if check.retries < 0 {
        return Err(ApiError::bad_request("Retries in Healthcheck cannot be negative"));
    }
    Ok(())
}

/// Back to the wire.
pub(crate) fn to_wire(config: &domain::ContainerConfig) -> wire::ContainerConfig {
    let present = |set: &std::collections::BTreeSet<String>| {
        set.iter().map(|key| (key.clone(), wire::Present {})).collect()
    };
    wire::ContainerConfig {
        hostname: config.hostname.clone(),
        domainname: config.domainname.clone(),
        user: config.user.clone(),
        attach_stdin: config.attach_stdin,
        attach_stdout: config.attach_stdout,
        attach_stderr: config.attach_stderr,
        exposed_ports: present(&config.exposed_ports),
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        env: config.env.clone(),
        cmd: config.cmd.clone().map(Into::into),
        healthcheck: config.healthcheck.as_ref().map(healthcheck_to_wire),
        args_escaped: config.args_escaped,
        image: config.image.clone(),
        volumes: present(&config.volumes),
        working_dir: config.working_dir.clone(),
        entrypoint: config.entrypoint.clone().map(Into::into),
        network_disabled: config.network_disabled,
        mac_address: String::new(),
        on_build: config.on_build.clone(),
        labels: config.labels.clone(),
        stop_signal: config.stop_signal.clone(),
        stop_timeout: config.stop_timeout,
        shell: config.shell.clone(),
    }
}

/// A health check on the wire.
pub(crate) fn healthcheck_to_wire(check: &domain::Healthcheck) -> wire::Healthcheck {
    wire::Healthcheck {
        test: check.test.clone(),
        interval: check.interval_ns,
        timeout: check.timeout_ns,
        start_period: check.start_period_ns,
        start_interval: check.start_interval_ns,
        retries: check.retries,
    }
}
