//! Which devices a container may open or make: rules, and how the two versions enforce them.

mod program;
mod rules;

use isopod_oci::runtime::LinuxDeviceCgroup;

pub(crate) use program::Program;
pub(crate) use rules::{Access, Kind, Rules};

/// The rules that every container gets after its own: it may make any device node, and use
/// the harmless devices of the specification, pseudo-terminals and its console.
pub(crate) fn default_rules() -> impl Iterator<Item = LinuxDeviceCgroup> {
    const MAKE: &str = "m";
    const ALL: &str = "rwm";
    [
        ("c", None, None, MAKE),
        ("b", None, None, MAKE),
        ("c", Some(1), Some(3), ALL), // null
        ("c", Some(1), Some(5), ALL), // zero
        ("c", Some(1), Some(7), ALL), // full
        ("c", Some(1), Some(8), ALL), // random
        ("c", Some(1), Some(9), ALL), // urandom
        ("c", Some(5), Some(0), ALL), // tty
        ("c", Some(5), Some(1), ALL), // console
        ("c", Some(5), Some(2), ALL), // ptmx
        ("c", Some(136), None, ALL),  // pts/*
    ]
    .into_iter()
    .map(|(kind, major, minor, access)| LinuxDeviceCgroup {
        allow: true,
        kind: Some(kind.to_owned()),
        major,
        minor,
        access: Some(access.to_owned()),
    })
}

/// Whether this process is in a user namespace other than the first one, where device rules
/// cannot be set. Asked only after the kernel has refused.
pub(crate) fn in_user_namespace() -> bool {
    std::fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| {
        let fields: Vec<&str> = map.split_ascii_whitespace().collect();
        fields != ["0", "0", "4294967295"]
    })
}
