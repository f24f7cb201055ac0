//! Limits of version 1 hierarchies.
//!
//! A limit whose controller is not mounted is an error; a controller of which nothing is asked
//! is not touched.

mod blkio;
mod cpu;
mod cpuset;
mod devices;
mod memory;

use isopod_oci::runtime::{LinuxNetwork, LinuxResources};

use crate::error::{Error, Result};
use crate::group::Group;
use crate::manager::Manager;
use crate::v2;

pub(crate) use cpuset::inherit as inherit_cpuset;

/// Writes what `resources` asks for. The group of devices may be said to be new: made just
/// now, and without a process.
pub(crate) fn apply(
    manager: &Manager,
    resources: &LinuxResources,
    rootless: bool,
    new_devices: bool,
) -> Result<()> {
    let of = |controller: &'static str| -> Result<&Group> {
        manager.group(controller).ok_or(Error::ControllerMissing { controller })
    };
    if let Some(cpu) = &resources.cpu {
        if cpuset::is_set(cpu) {
            cpuset::apply(of("cpuset")?, cpu)?;
        }
        if cpu::is_set(cpu) {
            cpu::apply(of("cpu")?, cpu)?;
        }
    }
    if !resources.devices.is_empty() {
        match manager.group("devices") {
            Some(group) => devices::apply(group, &resources.devices, rootless, new_devices)?,
            None if rootless => {}
            None => return Err(Error::DevicesMissing),
        }
    }
    if let Some(memory) = resources.memory.as_ref().filter(|m| memory::is_set(m)) {
        memory::apply(of("memory")?, memory)?;
    }
    if let Some(limit) = resources.pids.and_then(|pids| pids.limit).filter(|limit| *limit != 0) {
        of("pids")?.write("pids.max", &v2::number_or_max(limit))?;
    }
    if let Some(block_io) = resources.block_io.as_ref().filter(|io| v2::io_is_set(io)) {
        blkio::apply(of("blkio")?, block_io)?;
    }
    if !resources.hugepage_limits.is_empty() {
        match (manager.group("hugetlb"), manager.hybrid_tree()) {
            (Some(group), _) => v2::apply_hugetlb(group, resources, "limit_in_bytes")?,
            (None, Some(tree)) => v2::apply_hugetlb(tree, resources, "max")?,
            (None, None) => return Err(Error::ControllerMissing { controller: "hugetlb" }),
        }
    }
    if let Some(network) = &resources.network {
        apply_network(manager, network)?;
    }
    if !resources.rdma.is_empty() {
        let group = manager.group("rdma").or(manager.hybrid_tree());
        v2::apply_rdma(group.ok_or(Error::ControllerMissing { controller: "rdma" })?, resources)?;
    }
    Ok(())
}

fn apply_network(manager: &Manager, network: &LinuxNetwork) -> Result<()> {
    if let Some(class_id) = network.class_id.filter(|id| *id != 0) {
        manager
            .group("net_cls")
            .ok_or(Error::ControllerMissing { controller: "net_cls" })?
            .write("net_cls.classid", &class_id.to_string())?;
    }
    if !network.priorities.is_empty() {
        let group =
            manager.group("net_prio").ok_or(Error::ControllerMissing { controller: "net_prio" })?;
        let lines: Vec<String> =
            network.priorities.iter().map(|p| format!("{} {}", p.name, p.priority)).collect();
        group.write_each("net_prio.ifpriomap", lines.iter().map(String::as_str))?;
    }
    Ok(())
}
