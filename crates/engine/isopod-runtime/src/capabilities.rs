//! Capability names and sets.

use isopod_oci::runtime::LinuxCapabilities;
use rustix::thread::{CapabilitySet, CapabilitySets};

/// Names by number, without `CAP_` (`capability.h`, Linux 6.x).
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Every capability known, by name (`CAP_CHOWN` ...), in the kernel's order.
#[must_use]
pub fn known_capabilities() -> Vec<String> {
    NAMES.iter().map(|name| format!("CAP_{name}")).collect()
}

/// The highest capability that both this code and the running kernel know.
#[must_use]
pub fn last_capability() -> u32 {
    let known = NAMES.len() as u32 - 1;
    std::fs::read_to_string("/proc/sys/kernel/cap_last_cap")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .map_or(known, |kernel: u32| kernel.min(known))
}

/// The five sets, ready to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sets {
    pub(crate) bounding: CapabilitySet,
    pub(crate) ambient: CapabilitySet,
    pub(crate) thread: CapabilitySets,
}

impl Default for Sets {
    fn default() -> Self {
        let none = CapabilitySet::empty();
        Self {
            bounding: none,
            ambient: none,
            thread: CapabilitySets { effective: none, permitted: none, inheritable: none },
        }
    }
}

impl Sets {
    /// Translates names to sets; those unknown are left aside and come back as warnings, since
    /// a configuration written for a newer kernel should still run.
    pub(crate) fn parse(names: &LinuxCapabilities) -> (Self, Vec<String>) {
        let mut unknown = Vec::new();
        let mut set = |names: &[String]| {
            let mut set = CapabilitySet::empty();
            for name in names {
                match number(name) {
                    Some(bit) => set |= CapabilitySet::from_bits_retain(1 << bit),
                    None if !unknown.contains(name) => unknown.push(name.clone()),
                    None => {}
                }
            }
            set
        };
        let mut sets = Self {
            bounding: set(&names.bounding),
            ambient: set(&names.ambient),
            thread: CapabilitySets {
                effective: set(&names.effective),
                permitted: set(&names.permitted),
                inheritable: set(&names.inheritable),
            },
        };
        // The kernel refuses others, but configurations made by older tools name them.
        sets.ambient &= sets.thread.permitted & sets.thread.inheritable;
        let warnings = unknown
            .into_iter()
            .map(|name| format!("ignoring unknown or unavailable capability {name:?}"))
            .collect();
        (sets, warnings)
    }
}

fn number(name: &str) -> Option<usize> {
    let bare = name.strip_prefix("CAP_").unwrap_or(name);
    NAMES.iter().position(|known| *known == bare)
}

/// Every single capability of the kernel, as sets of one.
pub(crate) fn each() -> impl Iterator<Item = CapabilitySet> {
    (0..64).map(|bit| CapabilitySet::from_bits_retain(1 << bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_bits_and_unknown_ones_warnings() {
        let names = LinuxCapabilities {
            bounding: vec!["CAP_CHOWN".into(), "CAP_SYS_ADMIN".into(), "CAP_NEW".into()],
            effective: vec!["CAP_NEW".into(), "CAP_CHECKPOINT_RESTORE".into()],
            ..LinuxCapabilities::default()
        };
        let (sets, warnings) = Sets::parse(&names);
        assert_eq!(sets.bounding, CapabilitySet::CHOWN | CapabilitySet::SYS_ADMIN);
        assert_eq!(sets.thread.effective, CapabilitySet::CHECKPOINT_RESTORE);
        assert_eq!(warnings.len(), 1);
    }
}
