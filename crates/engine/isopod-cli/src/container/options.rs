//! The flags of `create` and `run`, and the request that they make.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use isopod_docker_types::{
    ContainerConfig, ContainerCreateRequest, DeviceRequest, Healthcheck, HostConfig, LogConfig,
    Present, Resources, RestartPolicy,
};

use super::networks;
use super::ports;
use super::values::{self, check};
use super::volumes;
use crate::args::{Flag, Parsed, boolean, list, nano_cpus, switch_on, text, typed, unquote};

/// Limits that `create`, `run` and `update` share.
pub(super) static LIMITS: &[Flag] = &[
    typed("blkio-weight", ' ', "uint16", "Share of block I/O, 10 to 1000 (0: no opinion)"),
    typed("cpu-period", ' ', "int", "Period of the CPU quota in microseconds"),
    typed("cpu-quota", ' ', "int", "CPU time in each period in microseconds"),
    typed("cpu-rt-period", ' ', "int", "Period of real-time CPU in microseconds"),
    typed("cpu-rt-runtime", ' ', "int", "Real-time CPU in each period in microseconds"),
    typed("cpu-shares", 'c', "int", "Share of CPU time relative to other containers"),
    typed("cpus", ' ', "decimal", "Number of CPUs, such as 1.5"),
    text("cpuset-cpus", ' ', "CPUs to run on, such as 0-3 or 0,1"),
    text("cpuset-mems", ' ', "Memory nodes to use, such as 0-3 or 0,1"),
    typed("memory", 'm', "bytes", "Most memory, such as 64m or 1.5g"),
    typed("memory-reservation", ' ', "bytes", "Memory that is left when memory is short"),
    typed("memory-swap", ' ', "bytes", "Most memory and swap together; -1 for unlimited swap"),
    typed("pids-limit", ' ', "int", "Most processes and threads; -1 for unlimited"),
];

/// What else `create` and `run` take.
pub(super) static OPTIONS: &[Flag] = &[
    list("add-host", ' ', "Add a line to /etc/hosts (HOST:IP)").check(check::extra_host),
    list("annotation", ' ', "Annotation for the OCI runtime (KEY=VALUE)").named("map"),
    list("attach", 'a', "Attach to STDIN, STDOUT or STDERR").check(check::attach),
    list("blkio-weight-device", ' ', "Share of block I/O of a device (PATH:WEIGHT)")
        .check(check::weight_device),
    list("cap-add", ' ', "Add a Linux capability"),
    list("cap-drop", ' ', "Drop a Linux capability"),
    text("cgroup-parent", ' ', "Parent of the container's cgroup"),
    text("cgroupns", ' ', "Cgroup namespace: host or private"),
    text("cidfile", ' ', "Write the container's id to this new file"),
    list("device", ' ', "Give a device of the host (PATH[:PATH][:rwm])"),
    list("device-cgroup-rule", ' ', "Add a device rule (TYPE MAJOR:MINOR MODE)")
        .check(check::device_rule),
    list("device-read-bps", ' ', "Most bytes a second read from a device (PATH:RATE)")
        .check(check::throttle_bytes),
    list("device-read-iops", ' ', "Most reads a second from a device (PATH:RATE)")
        .check(check::throttle_count),
    list("device-write-bps", ' ', "Most bytes a second written to a device (PATH:RATE)")
        .check(check::throttle_bytes),
    list("device-write-iops", ' ', "Most writes a second to a device (PATH:RATE)")
        .check(check::throttle_count),
    switch_on("disable-content-trust", ' ', "Accepted as docker has it; nothing is signed"),
    list("dns", ' ', "DNS server").check(check::ip_address),
    list("dns-option", ' ', "Option of the DNS resolver"),
    list("dns-search", ' ', "DNS search domain"),
    text("domainname", ' ', "NIS domain name"),
    text("entrypoint", ' ', "Run this instead of the image's entry point"),
    list("env", 'e', "Environment variable: NAME=VALUE, or NAME to pass it on").check(check::env),
    list("env-file", ' ', "File of environment variables"),
    list("expose", ' ', "Port or range of ports that is exposed"),
    text("gpus", ' ', "GPUs to give ('all', a number, or device=ID)").named("gpu-request"),
    list("group-add", ' ', "Further group of the process"),
    text("health-cmd", ' ', "Command that checks the container's health"),
    typed("health-interval", ' ', "duration", "Time between checks"),
    typed("health-retries", ' ', "int", "Failures in a row that mean unhealthy"),
    typed("health-start-interval", ' ', "duration", "Time between checks while starting"),
    typed("health-start-period", ' ', "duration", "Time to start, when failures do not count"),
    typed("health-timeout", ' ', "duration", "Most time for one check"),
    text("hostname", 'h', "Host name of the container"),
    boolean("init", ' ', "Run an init that reaps processes and forwards signals"),
    boolean("interactive", 'i', "Keep standard input open"),
    text("ip", ' ', "IPv4 address"),
    text("ip6", ' ', "IPv6 address"),
    text("ipc", ' ', "IPC namespace: none, private, shareable, host, container:NAME"),
    text("isolation", ' ', "Accepted as docker has it (Windows)"),
    typed("kernel-memory", ' ', "bytes", "Accepted as docker has it; kernels ignore it"),
    list("label", 'l', "Label (KEY=VALUE)").check(check::label),
    list("label-file", ' ', "File of labels"),
    list("link", ' ', "Link to another container"),
    list("link-local-ip", ' ', "Link-local address"),
    text("log-driver", ' ', "Where output is kept: json-file, local or none"),
    list("log-opt", ' ', "Option of the log, such as max-size=10m"),
    text("mac-address", ' ', "MAC address"),
    typed("memory-swappiness", ' ', "int", "How readily memory is swapped out, 0 to 100")
        .default("-1"),
    list("mount", ' ', "Mount something (type=bind,src=/data,dst=/data,readonly)")
        .check(check::mount)
        .named("mount"),
    text("name", ' ', "Name of the container"),
    list("network", ' ', "Network: host, none, or the name of one").named("network"),
    list("network-alias", ' ', "Further name of the container in the network"),
    boolean("no-healthcheck", ' ', "Do not check health, whatever the image says"),
    boolean("oom-kill-disable", ' ', "Do not kill processes when memory is short (cgroup v1)"),
    typed("oom-score-adj", ' ', "int", "How readily processes are killed, -1000 to 1000"),
    text("pid", ' ', "PID namespace: host or container:NAME"),
    text("platform", ' ', "Platform of the image, such as linux/amd64"),
    boolean("privileged", ' ', "Give the container the host's privileges"),
    list("publish", 'p', "Publish a port of the container ([[IP:]PORT:]PORT[/PROTOCOL])"),
    boolean("publish-all", 'P', "Publish every exposed port"),
    text("pull", ' ', "When to pull the image: always, missing or never").default("missing"),
    boolean("quiet", 'q', "Do not show the progress of pulling"),
    boolean("read-only", ' ', "Make the root file system read-only"),
    text("restart", ' ', "When to restart: no, on-failure[:MAX], always, unless-stopped")
        .default("no"),
    boolean("rm", ' ', "Remove the container when it ends, with its anonymous volumes"),
    text("runtime", ' ', "OCI runtime to use"),
    list("security-opt", ' ', "Security option, such as no-new-privileges or seccomp=FILE"),
    typed("shm-size", ' ', "bytes", "Size of /dev/shm"),
    text("stop-signal", ' ', "Signal that stops the container"),
    typed("stop-timeout", ' ', "int", "Seconds from the stop signal to the kill"),
    list("storage-opt", ' ', "Option of the storage driver"),
    list("sysctl", ' ', "Kernel parameter (NAME=VALUE)").check(check::sysctl).named("map"),
    list("tmpfs", ' ', "Mount a tmpfs (PATH[:OPTIONS])"),
    boolean("tty", 't', "Give the process a terminal"),
    list("ulimit", ' ', "Resource limit (NAME=SOFT[:HARD])").check(check::ulimit).named("ulimit"),
    text("user", 'u', "User, and group after a colon"),
    text("userns", ' ', "User namespace: host"),
    text("uts", ' ', "UTS namespace: host"),
    list("volume", 'v', "Mount a directory or a volume (SOURCE:PATH[:OPTIONS])"),
    text("volume-driver", ' ', "Driver of new volumes"),
    list("volumes-from", ' ', "Mount the volumes of another container"),
    text("workdir", 'w', "Working directory"),
];

/// The request for an image and the words after it.
pub(super) fn request(flags: &Parsed) -> Result<ContainerCreateRequest> {
    let (image, command) =
        flags.operands.split_first().ok_or_else(|| anyhow!("no image was named"))?;
    let published = ports::published(flags.list("publish"))?;
    let mounts = volumes::from_flags(flags.list("volume"))?;
    let host_config = host_config(flags, &published, mounts.binds)?;
    let mut exposed: BTreeMap<String, Present> =
        published.keys().map(|port| (port.clone(), Present {})).collect();
    ports::exposed(flags.list("expose"), &mut exposed)?;
    let attached =
        |stream: &str| flags.list("attach").iter().any(|name| name.eq_ignore_ascii_case(stream));
    let all = flags.list("attach").is_empty();
    let (open_stdin, attach_stdin) =
        (flags.on("interactive"), flags.on("interactive") || attached("stdin"));
    let config = ContainerConfig {
        hostname: flags.text("hostname"),
        domainname: flags.text("domainname"),
        user: flags.text("user"),
        attach_stdin,
        attach_stdout: all || attached("stdout"),
        attach_stderr: all || attached("stderr"),
        exposed_ports: exposed,
        tty: flags.on("tty"),
        open_stdin,
        stdin_once: open_stdin && attach_stdin,
        env: values::environment(flags.list("env-file"), flags.list("env"))?,
        cmd: (!command.is_empty()).then(|| command.to_vec().into()),
        healthcheck: healthcheck(flags)?,
        image: image.clone(),
        volumes: mounts.anonymous.into_iter().map(|path| (path, Present {})).collect(),
        working_dir: flags.text("workdir"),
        entrypoint: flags.get("entrypoint").map(|word| vec![word.to_owned()].into()),
        labels: values::labels(flags.list("label-file"), flags.list("label"))?,
        stop_signal: flags.text("stop-signal"),
        stop_timeout: flags.int("stop-timeout"),
        ..ContainerConfig::default()
    };
    let networking_config = Some(networks::networking(flags)?);
    Ok(ContainerCreateRequest { config, host_config: Some(host_config), networking_config })
}

fn host_config(
    flags: &Parsed,
    published: &isopod_docker_types::PortMap,
    binds: Vec<String>,
) -> Result<HostConfig> {
    let restart_policy = values::restart_policy(flags.get("restart").unwrap_or("no"))?;
    if flags.on("rm") && !matches!(restart_policy.name.as_str(), "" | "no") {
        bail!("conflicting options: cannot specify both --restart and --rm");
    }
    let security = values::security_options(flags.list("security-opt"))?;
    let unconfined = security.unconfined_paths.then(Vec::new);
    Ok(HostConfig {
        binds,
        container_id_file: flags.text("cidfile"),
        log_config: log_config(flags)?,
        network_mode: networks::mode(flags)?,
        port_bindings: published.clone(),
        restart_policy,
        auto_remove: flags.on("rm"),
        volume_driver: flags.text("volume-driver"),
        volumes_from: flags.list("volumes-from").to_vec(),
        annotations: values::pairs(flags.list("annotation")),
        cap_add: flags.list("cap-add").to_vec(),
        cap_drop: flags.list("cap-drop").to_vec(),
        cgroupns_mode: one_of(flags, "cgroupns", &["host", "private"], "CGROUP")?,
        dns: flags.list("dns").to_vec(),
        dns_options: flags.list("dns-option").to_vec(),
        dns_search: flags.list("dns-search").to_vec(),
        extra_hosts: flags.list("add-host").iter().map(|host| values::extra_host(host)).collect(),
        group_add: flags.list("group-add").to_vec(),
        ipc_mode: flags.text("ipc"),
        links: flags.list("link").to_vec(),
        oom_score_adj: flags.int("oom-score-adj").unwrap_or(0),
        pid_mode: one_of(flags, "pid", &["host", "container:"], "PID")?,
        privileged: flags.on("privileged"),
        publish_all_ports: flags.on("publish-all"),
        readonly_rootfs: flags.on("read-only"),
        security_opt: security.options,
        storage_opt: storage_options(flags)?,
        tmpfs: flags.list("tmpfs").iter().map(|spec| volumes::tmpfs(spec)).collect(),
        uts_mode: one_of(flags, "uts", &["host"], "UTS")?,
        userns_mode: one_of(flags, "userns", &["host"], "USER")?,
        shm_size: flags.bytes("shm-size"),
        sysctls: values::pairs(flags.list("sysctl")),
        runtime: flags.text("runtime"),
        isolation: flags.text("isolation"),
        resources: all_resources(flags)?,
        mounts: flags
            .list("mount")
            .iter()
            .map(|spec| volumes::mount(spec).map_err(|problem| anyhow!(problem)))
            .collect::<Result<_>>()?,
        masked_paths: unconfined.clone(),
        readonly_paths: unconfined,
        init: flags.given("init").then(|| flags.on("init")),
        ..HostConfig::default()
    })
}

/// A mode that has few values; one that ends with a colon wants something after it.
fn one_of(flags: &Parsed, name: &str, modes: &[&str], kind: &str) -> Result<String> {
    let mode = flags.text(name);
    let fits = |known: &&str| match known.ends_with(':') {
        true => mode.strip_prefix(known).is_some_and(|rest| !rest.is_empty()),
        false => mode == *known,
    };
    if mode.is_empty() || modes.iter().any(fits) {
        return Ok(mode);
    }
    bail!("--{name}: invalid {kind} mode")
}

fn log_config(flags: &Parsed) -> Result<LogConfig> {
    let driver = flags.text("log-driver");
    let options = flags.list("log-opt");
    if driver == "none" && !options.is_empty() {
        bail!("invalid logging opts for driver {driver}");
    }
    Ok(LogConfig { driver, config: values::pairs(options) })
}

fn storage_options(flags: &Parsed) -> Result<BTreeMap<String, String>> {
    let options = flags.list("storage-opt");
    if options.iter().any(|option| !option.contains('=')) {
        bail!("invalid storage option");
    }
    Ok(values::pairs(options))
}

fn all_resources(flags: &Parsed) -> Result<Resources> {
    let swappiness = flags.int("memory-swappiness").unwrap_or(-1);
    if !(-1..=100).contains(&swappiness) {
        bail!("invalid value: {swappiness}. Valid memory swappiness range is 0-100");
    }
    let throttles = |name: &str| {
        flags.list(name).iter().filter_map(|spec| values::throttle(spec)).collect::<Vec<_>>()
    };
    let mut resources = limits(flags);
    resources.cgroup_parent = flags.text("cgroup-parent");
    resources.blkio_weight_device =
        flags.list("blkio-weight-device").iter().filter_map(|spec| values::weight(spec)).collect();
    resources.blkio_device_read_bps = throttles("device-read-bps");
    resources.blkio_device_write_bps = throttles("device-write-bps");
    resources.blkio_device_read_iops = throttles("device-read-iops");
    resources.blkio_device_write_iops = throttles("device-write-iops");
    resources.devices =
        flags.list("device").iter().map(|spec| values::device(spec)).collect::<Result<_>>()?;
    resources.device_cgroup_rules = flags.list("device-cgroup-rule").to_vec();
    resources.device_requests = flags.get("gpus").map(gpus).transpose()?.into_iter().collect();
    resources.memory_swappiness = Some(swappiness);
    resources.oom_kill_disable = Some(flags.on("oom-kill-disable"));
    resources.pids_limit = Some(flags.int("pids-limit").unwrap_or(0));
    resources.ulimits =
        flags.list("ulimit").iter().filter_map(|spec| values::ulimit(spec).ok()).collect();
    Ok(resources)
}

/// The limits in [`LIMITS`].
pub(super) fn limits(flags: &Parsed) -> Resources {
    Resources {
        cpu_shares: flags.int("cpu-shares").unwrap_or(0),
        memory: flags.bytes("memory"),
        nano_cpus: flags.get("cpus").and_then(|cpus| nano_cpus(cpus).ok()).unwrap_or(0),
        blkio_weight: flags.int("blkio-weight").and_then(|w| u16::try_from(w).ok()).unwrap_or(0),
        cpu_period: flags.int("cpu-period").unwrap_or(0),
        cpu_quota: flags.int("cpu-quota").unwrap_or(0),
        cpu_realtime_period: flags.int("cpu-rt-period").unwrap_or(0),
        cpu_realtime_runtime: flags.int("cpu-rt-runtime").unwrap_or(0),
        cpuset_cpus: flags.text("cpuset-cpus"),
        cpuset_mems: flags.text("cpuset-mems"),
        memory_reservation: flags.bytes("memory-reservation"),
        memory_swap: flags.bytes("memory-swap"),
        pids_limit: flags.int("pids-limit"),
        ..Resources::default()
    }
}

/// The policy for `update`, if it was given.
pub(super) fn restart_policy(flags: &Parsed) -> Result<RestartPolicy> {
    flags.get("restart").map_or(Ok(RestartPolicy::default()), values::restart_policy)
}

/// `all`, a number, or `device=0,driver=nvidia,capabilities=utility`.
fn gpus(text: &str) -> Result<DeviceRequest> {
    let wrong =
        |problem: String| anyhow!("invalid argument {text:?} for \"--gpus\" flag: {problem}");
    let mut request =
        DeviceRequest { capabilities: vec![vec!["gpu".into()]], ..Default::default() };
    for field in unquote(text).map_err(&wrong)? {
        let (key, value) = field.split_once('=').unwrap_or(("count", &field));
        match key {
            "count" if value == "all" => request.count = -1,
            "count" => {
                request.count = value.parse().map_err(|_| {
                    wrong(format!(
                        "invalid count ({value}): value must be either \"all\" or an integer"
                    ))
                })?;
            }
            "device" => request.device_ids = value.split(',').map(str::to_owned).collect(),
            "driver" => request.driver = value.to_owned(),
            "capabilities" => {
                request.capabilities[0].extend(value.split(',').map(str::to_owned));
            }
            other => return Err(wrong(format!("unexpected key '{other}' in '{field}'"))),
        }
    }
    Ok(request)
}

fn healthcheck(flags: &Parsed) -> Result<Option<Healthcheck>> {
    let command = flags.text("health-cmd");
    let check = Healthcheck {
        test: match command.as_str() {
            "" => vec![],
            command => vec!["CMD-SHELL".to_owned(), command.to_owned()],
        },
        interval: flags.duration_ns("health-interval"),
        timeout: flags.duration_ns("health-timeout"),
        start_period: flags.duration_ns("health-start-period"),
        start_interval: flags.duration_ns("health-start-interval"),
        retries: flags.int("health-retries").unwrap_or(0),
    };
    let given = check != Healthcheck::default();
    if flags.on("no-healthcheck") {
        if given {
            bail!("--no-healthcheck conflicts with --health-* options");
        }
        return Ok(Some(Healthcheck { test: vec!["NONE".to_owned()], ..check }));
    }
    for (name, value) in [
        ("health-interval", check.interval),
        ("health-timeout", check.timeout),
        ("health-retries", check.retries),
        ("health-start-period", check.start_period),
        ("health-start-interval", check.start_interval),
    ] {
        if value < 0 {
            bail!("--{name} cannot be negative");
        }
    }
    Ok(given.then_some(check))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(line: &str) -> Result<serde_json::Value, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let flags = crate::args::parse(&[LIMITS, OPTIONS], &words, false)
            .map_err(|problem| format!("{problem:?}"))?;
        let request = request(&flags).map_err(|error| error.to_string())?;
        serde_json::to_value(request).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(line: &str, pointer: &str, expected: serde_json::Value) {
        let body = build(line).expect("builds");
        assert_eq!(body.pointer(pointer), Some(&expected), "{line} {pointer}");
    }

    #[test]
    fn flags_become_the_request() {
        use serde_json::json;
        check("-it demo sh -c x", "/Cmd", json!(["sh", "-c", "x"]));
        check("-it demo", "/Tty", json!(true));
        check("-it demo", "/StdinOnce", json!(true));
        check("-it demo", "/AttachStdin", json!(true));
        check("-a stdout demo", "/AttachStderr", json!(false));
        check("demo", "/AttachStdout", json!(true));
        check("demo", "/Cmd", json!(null));
        check("--entrypoint= demo", "/Entrypoint", json!([""]));
        check("-e A=1 -e B= demo", "/Env", json!(["A=1", "B="]));
        check("-m 64m demo", "/HostConfig/Memory", json!(67_108_864));
        check("--memory-swap -1 demo", "/HostConfig/MemorySwap", json!(-1));
        check("--cpus 1.5 demo", "/HostConfig/NanoCpus", json!(1_500_000_000_i64));
        check(
            "-v /a:/b:ro -v data:/d -v /anon demo",
            "/HostConfig/Binds",
            json!(["/a:/b:ro", "data:/d"]),
        );
        check("-v /a:/b -v /anon demo", "/Volumes", json!({"/anon": {}}));
        check("--tmpfs /t:size=1m demo", "/HostConfig/Tmpfs", json!({"/t": "size=1m"}));
        check("--network none demo", "/HostConfig/NetworkMode", json!("none"));
        check("demo", "/HostConfig/NetworkMode", json!("default"));
        check(
            "--restart on-failure:3 demo",
            "/HostConfig/RestartPolicy",
            json!({"Name": "on-failure", "MaximumRetryCount": 3}),
        );
        check(
            "-p 8080:80 demo",
            "/HostConfig/PortBindings",
            json!({"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}),
        );
        check(
            "-p 8080:80 --expose 90-91/udp demo",
            "/ExposedPorts",
            json!({"80/tcp": {}, "90/udp": {}, "91/udp": {}}),
        );
        check(
            "--ulimit nofile=10:20 demo",
            "/HostConfig/Ulimits",
            json!([{"Name": "nofile", "Soft": 10, "Hard": 20}]),
        );
        check(
            "--device /dev/fuse:rw demo",
            "/HostConfig/Devices",
            json!([{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rw"}]),
        );
        check(
            "--health-cmd true --health-interval 5s demo",
            "/Healthcheck",
            json!({"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000_i64}),
        );
        check("--no-healthcheck demo", "/Healthcheck/Test", json!(["NONE"]));
        check("--init demo", "/HostConfig/Init", json!(true));
        check("--security-opt systempaths=unconfined demo", "/HostConfig/MaskedPaths", json!([]));
        check("--add-host a=1.2.3.4 demo", "/HostConfig/ExtraHosts", json!(["a:1.2.3.4"]));
        check("--stop-timeout 3 demo", "/StopTimeout", json!(3));
        check("--gpus all demo", "/HostConfig/DeviceRequests/0/Count", json!(-1));
        check(
            "--mount type=tmpfs,dst=/t,tmpfs-size=1m demo",
            "/HostConfig/Mounts/0/TmpfsOptions",
            json!({"SizeBytes": 1_048_576}),
        );
    }

    #[test]
    fn refusals_are_worded_as_dockers() {
        for (line, message) in [
            (
                "--rm --restart always demo",
                "conflicting options: cannot specify both --restart and --rm",
            ),
            (
                "--restart on-failure:x demo",
                "invalid restart policy format: maximum retry count must be an integer",
            ),
            (
                "--memory-swappiness 200 demo",
                "invalid value: 200. Valid memory swappiness range is 0-100",
            ),
            ("--pid foo demo", "--pid: invalid PID mode"),
            ("--userns foo demo", "--userns: invalid USER mode"),
            ("--cgroupns foo demo", "--cgroupns: invalid CGROUP mode"),
            ("--device foo demo", "foo is not an absolute path"),
            ("--security-opt foo demo", "Invalid --security-opt: \"foo\""),
            ("-p 99999 demo", "invalid containerPort: 99999"),
            ("-p a:b demo", "invalid containerPort: b"),
            (
                "--no-healthcheck --health-cmd x demo",
                "--no-healthcheck conflicts with --health-* options",
            ),
            ("--health-interval -1s demo", "--health-interval cannot be negative"),
            ("--env-file /nonexistent demo", "open /nonexistent: no such file or directory"),
        ] {
            assert_eq!(build(line), Err(message.to_owned()), "{line}");
        }
    }
}
