//! Which namespaces a container has of its own, shares with the host or with another container.

use crate::containers::Record;
use crate::error::{Error, Result};
use crate::{CgroupNamespace, Engine, IpcMode, NetworkMode, PidMode, UtsMode};
use isopod_oci::runtime::{Namespace, NamespaceKind};
use std::collections::BTreeMap;

/// The namespaces of a container; a kind that is absent is the host's.
#[derive(Debug)]
pub(crate) struct Namespaces {
    /// Kind to path, `None` for a new one.
    own: BTreeMap<NamespaceKind, Option<String>>,
    /// The process whose IPC namespace is joined, and whose `/dev/shm` is shared.
    pub(crate) ipc_of: Option<i32>,
}

impl Namespaces {
    pub(crate) fn shares(&self, kind: NamespaceKind) -> bool {
        !self.own.contains_key(&kind)
    }

    pub(crate) fn list(&self) -> Vec<Namespace> {
        self.own.iter().map(|(&kind, path)| Namespace { kind, path: path.clone() }).collect()
    }
}

pub(crate) fn of(engine: &Engine, record: &Record) -> Result<Namespaces> {
    let host = &record.host;
    let mut own = BTreeMap::from([(NamespaceKind::Mount, None)]);
    let mut ipc_of = None;
    let path = |kind: NamespaceKind, pid: i32| Some(format!("/proc/{pid}/ns/{}", kind.proc_name()));
    match &host.pid_mode {
        PidMode::Private => _ = own.insert(NamespaceKind::Pid, None),
        PidMode::Host => {}
        PidMode::Container(other) => {
            let pid = process_of(engine, record, other, "PID")?;
            own.insert(NamespaceKind::Pid, path(NamespaceKind::Pid, pid));
        }
    }
    match &host.ipc_mode {
        IpcMode::Host => {}
        IpcMode::Container(other) => {
            let pid = process_of(engine, record, other, "IPC")?;
            own.insert(NamespaceKind::Ipc, path(NamespaceKind::Ipc, pid));
            ipc_of = Some(pid);
        }
        IpcMode::Default | IpcMode::None | IpcMode::Private | IpcMode::Shareable => {
            own.insert(NamespaceKind::Ipc, None);
        }
    }
    if host.uts_mode == UtsMode::Private {
        own.insert(NamespaceKind::Uts, None);
    }
    match &host.network_mode {
        NetworkMode::Host => {}
        NetworkMode::Container(other) => {
            let pid = process_of(engine, record, other, "network")?;
            own.insert(NamespaceKind::Network, path(NamespaceKind::Network, pid));
        }
        NetworkMode::Named(_) => {
            let sandbox = engine.networks.sandbox(&record.id);
            let path = sandbox.map(|sandbox| sandbox.path().to_string_lossy().into_owned());
            own.insert(NamespaceKind::Network, path);
        }
        NetworkMode::Default | NetworkMode::None => {
            own.insert(NamespaceKind::Network, None);
        }
    }
    let private = match host.cgroupns_mode {
        CgroupNamespace::Private => true,
        CgroupNamespace::Host => false,
        CgroupNamespace::Default => engine.host.cgroup_version == 2 && !host.privileged,
    };
    if private {
        own.insert(NamespaceKind::Cgroup, None);
    }
    Ok(Namespaces { own, ipc_of })
}

/// Checks what is asked for. Whether a container to join exists is seen at the start, as Docker
/// has it: a client that is told "not found" at the creation pulls the image instead.
pub(crate) fn check(record: &Record) -> Result<()> {
    let host = &record.host;
    if matches!(host.network_mode, NetworkMode::Container(_)) && !record.config.hostname.is_empty()
    {
        return Err(Error::invalid("conflicting options: hostname and the network mode"));
    }
    if host.uts_mode == UtsMode::Host && !record.config.hostname.is_empty() {
        return Err(Error::invalid("conflicting options: hostname and the UTS mode"));
    }
    Ok(())
}

fn can_share_ipc(mode: &IpcMode) -> bool {
    !matches!(mode, IpcMode::Default | IpcMode::Private | IpcMode::None)
}

fn process_of(engine: &Engine, record: &Record, other: &str, what: &str) -> Result<i32> {
    let container = engine.containers.find(other)?;
    if what == "IPC" && !can_share_ipc(&container.record().host.ipc_mode) {
        return Err(Error::conflict(format_args!(
            "can't join IPC of container {}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)",
            container.id
        )));
    }
    if container.id == record.id {
        return Err(Error::invalid(format_args!("cannot join own {what} namespace")));
    }
    let pid = container.record().state.pid;
    if pid == 0 {
        return Err(Error::conflict(format_args!(
            "cannot join {what} namespace of a non running container: {}",
            container.id
        )));
    }
    Ok(pid)
}
