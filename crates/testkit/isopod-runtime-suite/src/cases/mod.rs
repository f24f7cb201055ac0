//! All cases, by area.

mod breakouts;
mod capabilities;
mod cgroup_v1;
mod cgroup_v2;
mod cli;
mod devices;
mod exec;
mod filesystem;
mod hooks;
mod lifecycle;
mod mounts;
mod namespaces;
mod process;
mod rootless;
mod seccomp;
mod terminals;
mod updates;
mod user_namespace;

use crate::Case;

/// Every case of the suite, in the order in which they run.
pub fn all() -> Vec<Case> {
    [
        process::cases(),
        capabilities::cases(),
        filesystem::cases(),
        mounts::cases(),
        devices::cases(),
        namespaces::cases(),
        user_namespace::cases(),
        seccomp::cases(),
        hooks::cases(),
        lifecycle::cases(),
        exec::cases(),
        terminals::cases(),
        cli::cases(),
        updates::cases(),
        cgroup_v1::cases(),
        cgroup_v2::cases(),
        rootless::cases(),
        breakouts::cases(),
    ]
    .concat()
}
