//! The daemon's settings: flags, file and environment, validated before anything is touched.

use crate::daemon::error::DaemonError;
use crate::daemon::file;
use crate::daemon::flags::{Given, Values};
use crate::daemon::networks;
use crate::daemon::tls::Tls;
use isopod_base::units::parse_bytes;
use isopod_engine::{Config, NetworkMode, Ulimit};
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::level_filters::LevelFilter;

/// A socket to listen on.
#[derive(Debug)]
pub(crate) enum Host {
    /// A path.
    Unix(PathBuf),
    /// An address, for clients that prove who they are.
    Tcp { address: SocketAddr, tls: Arc<ServerConfig> },
    /// What a service manager passed.
    Activated,
}

/// Everything that the daemon needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) engine: Config,
    pub(crate) hosts: Vec<Host>,
    pub(crate) group: Option<u32>,
    pub(crate) pid_file: PathBuf,
    pub(crate) log_level: LevelFilter,
    pub(crate) validate_only: bool,
}

impl Settings {
    /// Puts together what the command line, the file and the environment say.
    pub(crate) fn load(given: Given) -> Result<Self, DaemonError> {
        let default_file =
            if given.as_dockerd { "/etc/docker/daemon.json" } else { "/etc/isopod/daemon.json" };
        let (path, optional) = match &given.config_file {
            Some(path) => (path.clone(), false),
            None => (PathBuf::from(default_file), true),
        };
        let values = merge(given.values, file::read(&path, optional)?, &path)?;
        let mut engine = Config::for_host().map_err(DaemonError::Open)?;
        for (name, directory) in [
            ("ISOPOD_DATA_ROOT", &mut engine.data_root),
            ("ISOPOD_EXEC_ROOT", &mut engine.exec_root),
        ] {
            if let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) {
                *directory = PathBuf::from(value);
            }
        }
        configure(&mut engine, &values)?;
        for directory in [&mut engine.data_root, &mut engine.exec_root] {
            *directory = std::path::absolute(&*directory).map_err(DaemonError::Runtime)?;
        }
        let one = |flag: &str| values.get(flag).and_then(|values| values.last());
        let hosts = match values.get("host") {
            Some(hosts) => {
                let tls = Tls::new(&values, given.as_dockerd)?;
                hosts.iter().map(|text| host(text, &tls)).collect::<Result<_, _>>()?
            }
            None => vec![Host::Unix(default_socket(&engine, given.as_dockerd))],
        };
        let log_level = match one("debug").map(|on| switch("debug", on)).transpose()? {
            Some(true) => LevelFilter::DEBUG,
            _ => one("log-level").map_or(Ok(LevelFilter::INFO), |text| log_level(text))?,
        };
        Ok(Self {
            hosts,
            group: group(one("group").map(String::as_str), engine.rootless)?,
            pid_file: one("pidfile")
                .map_or_else(|| engine.exec_root.join("engine.pid"), PathBuf::from),
            log_level,
            validate_only: given.validate_only,
            engine,
        })
    }
}

/// Flags and file together; what both give is an error, as dockerd has it.
fn merge(flags: Values, file: Values, path: &Path) -> Result<Values, DaemonError> {
    let twice: Vec<String> = flags
        .iter()
        .filter_map(|(flag, value)| {
            let other = file.get(flag)?;
            Some(format!(
                "{flag}: (from flag: {}, from file: {})",
                value.join(","),
                other.join(",")
            ))
        })
        .collect();
    if !twice.is_empty() {
        return Err(DaemonError::Directive {
            path: path.to_owned(),
            message: format!(
                "the following directives are specified both as a flag and in the configuration file: {}",
                twice.join(", ")
            ),
        });
    }
    Ok(flags.into_iter().chain(file).collect())
}

/// The settings that are the engine's own.
fn configure(engine: &mut Config, values: &Values) -> Result<(), DaemonError> {
    for (&flag, texts) in values {
        let last = texts.last().map(String::as_str).unwrap_or_default();
        if networks::configure(&mut engine.network, flag, texts)? {
            if (flag, last) == ("bridge", "none") {
                engine.default_network = NetworkMode::None;
            }
            continue;
        }
        match flag {
            "data-root" => engine.data_root = non_empty(flag, last)?.into(),
            "exec-root" => engine.exec_root = non_empty(flag, last)?.into(),
            "cgroup-parent" => engine.cgroup_parent = last.to_owned(),
            "exec-opt" => engine.systemd_cgroups = systemd_cgroups(texts)?,
            "log-driver" => engine.log_driver = last.to_owned(),
            "log-opt" => {
                engine.log_options =
                    texts.iter().map(|text| pair(flag, text)).collect::<Result<_, _>>()?;
            }
            "init" => engine.init = switch(flag, last)?,
            "default-shm-size" => {
                engine.shm_size_bytes =
                    parse_bytes(last).map_err(|error| invalid(flag, last, error))?;
            }
            "default-ulimit" => {
                engine.ulimits = texts.iter().map(|text| ulimit(text)).collect::<Result<_, _>>()?;
            }
            "default-network" => {
                engine.default_network = match last {
                    "none" => NetworkMode::None,
                    "host" => NetworkMode::Host,
                    "bridge" if !engine.rootless => NetworkMode::Named("bridge".into()),
                    _ => return Err(invalid(flag, last, "expected bridge, none or host")),
                };
            }
            "iptables" | "ip-forward" if !switch(flag, last)? => {
                return Err(invalid(
                    flag,
                    last,
                    "networks do not work without: use default-network=none",
                ));
            }
            "userland-proxy" => {
                switch(flag, last)?;
            }
            "label" => {
                for text in texts {
                    pair(flag, text)?;
                }
                engine.labels.clone_from(texts);
            }
            "insecure-registry" => engine.insecure_registries.clone_from(texts),
            "registry-mirror" => engine.registry_mirrors.clone_from(texts),
            "live-restore" => {
                switch(flag, last)?;
            }
            "storage-driver" if !matches!(last, "" | "overlay2" | "overlay" | "overlayfs") => {
                return Err(invalid(flag, last, "the engine chooses: overlay, or plain copies"));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn invalid(name: &str, value: &str, message: impl std::fmt::Display) -> DaemonError {
    DaemonError::Value { name: name.into(), value: value.into(), message: message.to_string() }
}

fn non_empty<'a>(flag: &str, text: &'a str) -> Result<&'a str, DaemonError> {
    if text.is_empty() { Err(invalid(flag, text, "expected a path")) } else { Ok(text) }
}

pub(super) fn switch(flag: &str, text: &str) -> Result<bool, DaemonError> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(invalid(flag, text, "expected true or false")),
    }
}

fn pair(flag: &str, text: &str) -> Result<(String, String), DaemonError> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| invalid(flag, text, "expected KEY=VALUE"))
}

fn systemd_cgroups(options: &[String]) -> Result<bool, DaemonError> {
    let mut systemd = false;
    for option in options {
        systemd = match option.as_str() {
            "native.cgroupdriver=systemd" => true,
            "native.cgroupdriver=cgroupfs" => false,
            _ => {
                return Err(invalid(
                    "exec-opt",
                    option,
                    "expected native.cgroupdriver=cgroupfs or native.cgroupdriver=systemd",
                ));
            }
        };
    }
    Ok(systemd)
}

/// `nofile=1024:2048`; the hard limit is the soft one's if it is missing.
fn ulimit(text: &str) -> Result<Ulimit, DaemonError> {
    let bad = || {
        invalid("default-ulimit", text, "expected NAME=SOFT[:HARD] with numbers, -1 for unlimited")
    };
    let (name, limits) = text.split_once('=').ok_or_else(bad)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (soft.parse().map_err(|_| bad())?, hard.parse().map_err(|_| bad())?);
    Ok(Ulimit { name: name.into(), soft, hard })
}

fn log_level(text: &str) -> Result<LevelFilter, DaemonError> {
    Ok(match text {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" => LevelFilter::INFO,
        "warn" | "warning" => LevelFilter::WARN,
        "error" | "fatal" | "panic" => LevelFilter::ERROR,
        _ => return Err(invalid("log-level", text, "expected debug, info, warn, error or fatal")),
    })
}

fn host(text: &str, tls: &Tls) -> Result<Host, DaemonError> {
    match text.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Host::Unix(path.into())),
        Some(("fd", _)) => Ok(Host::Activated),
        Some(("tcp", address)) => tls.host(text, address),
        _ if text.starts_with('/') => Ok(Host::Unix(text.into())),
        _ => Err(invalid("host", text, "expected unix:///PATH, tcp://ADDRESS:PORT or fd://")),
    }
}

fn default_socket(engine: &Config, as_dockerd: bool) -> PathBuf {
    let name = if as_dockerd { "docker.sock" } else { "isopod.sock" };
    let directory = if engine.rootless { std::env::var_os("XDG_RUNTIME_DIR") } else { None };
    directory.map_or_else(|| PathBuf::from("/run"), PathBuf::from).join(name)
}

/// The sockets' group. The default one need not exist; then they are root's alone.
fn group(name: Option<&str>, rootless: bool) -> Result<Option<u32>, DaemonError> {
    let wanted = name.unwrap_or("docker");
    if wanted.is_empty() || (rootless && name.is_none()) {
        return Ok(None);
    }
    if let Ok(id) = wanted.parse() {
        return Ok(Some(id));
    }
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    match (id_of(&groups, wanted), name) {
        (Some(id), _) => Ok(Some(id)),
        (None, None) => Ok(None),
        (None, Some(name)) => Err(DaemonError::NoGroup { name: name.into() }),
    }
}

/// The number of a name in `/etc/group` or `/etc/passwd`.
pub(crate) fn id_of(groups: &str, wanted: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == wanted).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let tls = Tls::new(&Values::new(), false).expect("nothing is wrong");
        let host = |text| host(text, &tls);
        assert!(
            matches!(host("unix:///run/a.sock"), Ok(Host::Unix(path)) if path.ends_with("a.sock"))
        );
        assert!(matches!(host("fd://"), Ok(Host::Activated)));
        assert!(host("unix://relative").is_err());
    }

    #[test]
    fn groups() {
        let groups = "root:x:0:\ndocker:x:998:me,you\n";
        assert_eq!(id_of(groups, "docker"), Some(998));
        assert_eq!(id_of(groups, "dock"), None);
    }

    #[test]
    fn both_flag_and_file() {
        let values = |value: &str| Values::from([("host", vec![value.to_owned()])]);
        let error = merge(values("a"), values("b"), Path::new("/f")).expect_err("twice");
        assert!(error.to_string().contains("host: (from flag: a, from file: b)"), "{error}");
    }

    #[test]
    fn values_are_checked() {
        let mut config = Config::in_directories("/d".into(), "/e".into());
        let mut set = |flag, value: &str| {
            configure(&mut config, &Values::from([(flag, vec![value.to_owned()])]))
        };
        set("default-ulimit", "nofile=1:2").expect("valid");
        set("default-shm-size", "1g").expect("valid");
        for (flag, value) in [
            ("default-ulimit", "nofile"),
            ("default-shm-size", "much"),
            ("default-network", "mesh"),
            ("exec-opt", "native.cgroupdriver=x"),
            ("log-opt", "=x"),
            ("init", "maybe"),
            ("storage-driver", "zfs"),
        ] {
            let error = set(flag, value).expect_err(flag).to_string();
            assert!(error.contains(flag) && error.contains(value), "{error}");
        }
        assert_eq!(config.shm_size_bytes, 1 << 30);
    }
}
