//! What this runtime can do, for `features`.

/// Names of all mount options with a meaning of their own.
#[must_use]
pub fn mount_option_names() -> Vec<String> {
    crate::mount_options::names()
}

/// Names of all kinds of namespaces.
#[must_use]
pub fn namespace_names() -> [&'static str; 8] {
    ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]
}
