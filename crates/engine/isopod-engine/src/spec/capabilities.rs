//! Capabilities of containers.

use crate::HostConfig;
use crate::error::{Error, Result};
use std::sync::OnceLock;

/// What Docker gives a container.
const DEFAULT: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// By number.
const ALL: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// The capabilities of a container, sorted.
pub(crate) fn of(host: &HostConfig) -> Result<Vec<String>> {
    combine(host, available())
}

fn combine(host: &HostConfig, available: &[&'static str]) -> Result<Vec<String>> {
    let all = || available.to_vec();
    if host.privileged {
        return Ok(owned(all()));
    }
    let add = parse(&host.cap_add)?;
    let drop = parse(&host.cap_drop)?;
    let mut set = match (add.contains(&"ALL"), drop.contains(&"ALL")) {
        (true, _) => all(),
        (false, true) => Vec::new(),
        (false, false) => DEFAULT.to_vec(),
    };
    if !drop.contains(&"ALL") {
        set.retain(|capability| !drop.contains(capability));
    }
    set.extend(add.into_iter().filter(|&capability| capability != "ALL"));
    // One that the engine does not have it cannot give: what was asked for by name is an error
    // at the start, what is there by default is left out.
    set.retain(|capability| !DEFAULT.contains(capability) || available.contains(capability));
    set.sort_unstable();
    set.dedup();
    Ok(owned(set))
}

fn owned(set: Vec<&str>) -> Vec<String> {
    let mut set: Vec<_> = set.into_iter().map(str::to_owned).collect();
    set.sort_unstable();
    set
}

fn parse(names: &[String]) -> Result<Vec<&'static str>> {
    names
        .iter()
        .map(|name| {
            let upper = name.to_ascii_uppercase();
            let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
            if full == "CAP_ALL" {
                return Ok("ALL");
            }
            ALL.into_iter()
                .find(|known| *known == full)
                .ok_or_else(|| Error::invalid(format_args!("invalid capability: {full:?}")))
        })
        .collect()
}

/// Those that the engine itself could pass on.
fn available() -> &'static [&'static str] {
    static AVAILABLE: OnceLock<Vec<&'static str>> = OnceLock::new();
    AVAILABLE.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bounding = status
            .lines()
            .find_map(|line| line.strip_prefix("CapBnd:"))
            .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
            .unwrap_or(u64::MAX);
        ALL.iter()
            .enumerate()
            .filter(|(number, _)| bounding & (1 << number) != 0)
            .map(|(_, name)| *name)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_combine_as_in_docker() {
        let set = |add: &[&str], drop: &[&str]| {
            let host = HostConfig {
                cap_add: add.iter().map(|&s| s.into()).collect(),
                cap_drop: drop.iter().map(|&s| s.into()).collect(),
                ..HostConfig::default()
            };
            combine(&host, &ALL)
        };
        assert_eq!(set(&[], &[]).expect("valid"), DEFAULT);
        assert_eq!(set(&["net_admin"], &["ALL"]).expect("valid"), ["CAP_NET_ADMIN"]);
        assert_eq!(set(&["ALL"], &["CAP_CHOWN"]).expect("valid").len(), ALL.len() - 1);
        assert_eq!(set(&[], &["chown"]).expect("valid").len(), DEFAULT.len() - 1);
        assert!(set(&["FLY"], &[]).is_err());
    }
}
