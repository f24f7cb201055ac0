//! From a container's record to the configuration that the OCI runtime takes, with the defaults
//! that users of Docker expect.

mod capabilities;
mod devices;
mod mounts;
mod namespaces;
mod passwd;
mod prepared;
mod process;
mod resources;
mod seccomp;
mod security;

pub(crate) use mounts::INIT_PATH;
pub(crate) use passwd::owner;
pub(crate) use process::exec_process;
pub(crate) use resources::{check as check_resources, limits as updated_limits};
pub(crate) use security::Security;

use crate::containers::Record;
use crate::error::Result;
use crate::{Engine, HostConfig, Resources};
use isopod_oci::runtime::{Linux, LinuxResources, Root, Spec, VERSION};
use std::os::fd::{BorrowedFd, OwnedFd};

/// What the kernel's interfaces show of the host and containers should not see.
const MASKED_PATHS: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

const READ_ONLY_PATHS: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Builds the configuration of a container that is about to start; `root` is its root file
/// system, where its users are looked up.
///
/// Along with it come detached mounts, by the destinations that they are for.
pub(crate) fn build(
    engine: &Engine,
    record: &Record,
    root: BorrowedFd<'_>,
) -> Result<(Spec, Vec<(String, OwnedFd)>)> {
    let security = Security::parse(&record.host)?;
    let capabilities = capabilities::of(&record.host)?;
    let namespaces = namespaces::of(engine, record)?;
    let init = record.host.init.unwrap_or(engine.config.init);
    let process = process::build(engine, record, root, &security, &capabilities, init)?;
    let (mounts, prepared) = mounts::build(engine, record, &namespaces, init)?;
    let devices = devices::of(record)?;
    let mut limits = limits(engine, record)?;
    limits.devices.extend(devices.rules);
    let (masked_paths, readonly_paths) = hidden_paths(&record.host, &security);
    let hostname = (!namespaces.shares(isopod_oci::runtime::NamespaceKind::Uts))
        .then(|| engine.hostname_of(record));
    let domainname = Some(record.config.domainname.clone())
        .filter(|name| !name.is_empty() && hostname.is_some());
    let spec = Spec {
        oci_version: VERSION.into(),
        process: Some(process),
        root: Some(Root {
            path: isopod_supervisor::file::ROOTFS.into(),
            readonly: record.host.readonly_rootfs,
        }),
        hostname,
        domainname,
        mounts,
        hooks: None,
        annotations: record.host.annotations.clone(),
        linux: Some(Linux {
            sysctl: record.host.sysctls.clone(),
            resources: Some(limits),
            cgroups_path: Some(cgroups_path(engine, record)),
            namespaces: namespaces.list(),
            devices: devices.nodes,
            seccomp: seccomp::of(record, &security, &capabilities, engine.host.kernel)?,
            rootfs_propagation: mounts::root_propagation(record),
            masked_paths,
            readonly_paths,
            mount_label: security.mount_label.clone(),
            ..Linux::default()
        }),
    };
    Ok((spec, prepared))
}

/// What of the kernel's interfaces a container does not see, and what it cannot write to.
fn hidden_paths(host: &HostConfig, security: &Security) -> (Vec<String>, Vec<String>) {
    let unconfined = host.privileged || security.system_paths_unconfined;
    let paths = |own: &Option<Vec<String>>, usual: &[&str]| match own {
        Some(paths) => paths.clone(),
        None if unconfined => Vec::new(),
        None => usual.iter().map(|&path| path.to_owned()).collect(),
    };
    (paths(&host.masked_paths, &MASKED_PATHS), paths(&host.readonly_paths, &READ_ONLY_PATHS))
}

/// Writes into the configuration what it leaves to the engine, so that its user sees it.
pub(crate) fn fill_hidden_paths(host: &mut HostConfig) -> Result<()> {
    if !host.privileged {
        let (masked, read_only) = hidden_paths(host, &Security::parse(host)?);
        host.masked_paths = Some(masked);
        host.readonly_paths = Some(read_only);
    }
    Ok(())
}

/// Checks what can be known before the start; returns what the user should know.
pub(crate) fn check(engine: &Engine, record: &Record) -> Result<Vec<String>> {
    let security = Security::parse(&record.host)?;
    let capabilities = capabilities::of(&record.host)?;
    namespaces::check(record)?;
    seccomp::of(record, &security, &capabilities, engine.host.kernel)?;
    devices::check(record)?;
    process::check(record)?;
    limits(engine, record)?;
    let mut warnings = Vec::new();
    if record.host.resources.memory_bytes > 0 && !engine.host.swap_limit {
        warnings.push("Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.".into());
    }
    Ok(warnings)
}

fn limits(engine: &Engine, record: &Record) -> Result<LinuxResources> {
    let mut limits = resources::limits(&record.host.resources)?;
    if !engine.host.swap_limit
        && let Some(memory) = &mut limits.memory
    {
        memory.swap = None;
    }
    Ok(limits)
}

/// The limits that an update writes: what it names, with what that makes of the rest.
pub(crate) fn updated_resources(
    engine: &Engine,
    asked: &Resources,
    all: &Resources,
) -> Result<LinuxResources> {
    let mut limits = updated_limits(asked)?;
    if let Some(memory) = &mut limits.memory {
        // The kernel takes a new memory limit only together with a swap limit that fits.
        memory.swap = resources::limits(all)?.memory.and_then(|memory| memory.swap);
        if !engine.host.swap_limit {
            memory.swap = None;
        }
    }
    Ok(limits)
}

fn cgroups_path(engine: &Engine, record: &Record) -> String {
    let own = record.host.resources.cgroup_parent.as_str();
    if engine.config.systemd_cgroups {
        let slice = if own.is_empty() { "system.slice" } else { own };
        return format!("{slice}:isopod:{}", record.id);
    }
    let parent = if own.is_empty() { engine.config.cgroup_parent.as_str() } else { own };
    format!("/{}/{}", parent.trim_matches('/'), record.id)
}
