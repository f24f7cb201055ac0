//! Kernel parameters: only those that the container has for itself may be set.

use isopod_oci::runtime::{Linux, NamespaceKind, Spec};

use super::{Joined, linux::is_own};
use crate::error::{Error, Result};

/// Parameters of the IPC namespace (`ipc/ipc_sysctl.c`), besides `fs.mqueue.`.
const IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// A parameter to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sysctl {
    /// Its path below `/proc`.
    pub(crate) path: String,
    pub(crate) value: String,
}

pub(super) fn plan(
    linux: &Linux,
    spec: &Spec,
    isolated: &dyn Fn(NamespaceKind) -> bool,
    joined: &[Joined],
) -> Result<Vec<Sysctl>> {
    let mut sysctls = Vec::with_capacity(linux.sysctl.len());
    for (name, value) in &linux.sysctl {
        let dotted = dotted(name);
        let refuse = |reason: String| Error::config(format!("linux.sysctl[{name:?}]"), reason);
        if path(&dotted).split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(refuse("expected names separated by dots".into()));
        }
        let separate = |kind| {
            if isolated(kind) {
                Ok(())
            } else {
                Err(refuse(format!(
                    "sysctl {name:?} is not allowed in the hosts {} namespace",
                    kind.proc_name()
                )))
            }
        };
        match dotted.as_str() {
            ipc if IPC.contains(&ipc) || ipc.starts_with("fs.mqueue.") => {
                separate(NamespaceKind::Ipc)?;
            }
            net if net.starts_with("net.") => {
                separate(NamespaceKind::Network)?;
                let host = joined.iter().any(|joined| {
                    joined.kind == NamespaceKind::Network && is_own(joined, joined.kind)
                });
                if host {
                    return Err(refuse(format!(
                        "sysctl {name:?} not allowed in host network namespace"
                    )));
                }
            }
            "kernel.domainname" => separate(NamespaceKind::Uts)?,
            "kernel.hostname" => {
                separate(NamespaceKind::Uts)?;
                if spec.hostname.as_deref().is_some_and(|name| !name.is_empty()) {
                    return Err(refuse(format!(
                        "sysctl {name:?} is not allowed as it conflicts with the OCI hostname field"
                    )));
                }
            }
            user if user.starts_with("user.") => separate(NamespaceKind::User)?,
            _ => {
                return Err(refuse(format!(
                    "sysctl {name:?} is not in a separate kernel namespace"
                )));
            }
        }
        sysctls.push(Sysctl { path: path(&dotted), value: value.clone() });
    }
    Ok(sysctls)
}

/// The name with dots between its parts; sysctl(8) also takes slashes, in which case dots are
/// part of names (`net/ipv4/conf/eth0.1/forwarding`).
fn dotted(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(at) if name.as_bytes()[at] == b'/' => swap(name),
        _ => name.to_owned(),
    }
}

fn path(dotted: &str) -> String {
    format!("sys/{}", swap(dotted))
}

fn swap(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, kinds: &[NamespaceKind]) -> Result<Vec<Sysctl>> {
        let linux =
            Linux { sysctl: [(name.to_owned(), "1".to_owned())].into(), ..Linux::default() };
        plan(&linux, &Spec::default(), &|kind| kinds.contains(&kind), &[])
    }

    #[test]
    fn only_what_is_the_containers_own_may_be_set() {
        use NamespaceKind::{Ipc, Network, User, Uts};
        for (name, kind) in [
            ("net.ipv4.ip_forward", Network),
            ("kernel.sem", Ipc),
            ("fs.mqueue.msg_max", Ipc),
            ("kernel.domainname", Uts),
            ("user.max_user_namespaces", User),
        ] {
            assert!(check(name, &[kind]).is_ok(), "{name}");
            assert!(check(name, &[]).is_err(), "{name}");
        }
        let all = [Ipc, Network, User, Uts];
        for name in ["kernel.panic", "vm.swappiness", "", "net.", "net.../x", "net./../kernel"] {
            assert!(check(name, &all).is_err(), "{name}");
        }
    }

    #[test]
    fn both_separators_are_understood() {
        let path = |name| check(name, &[NamespaceKind::Network]).expect("allowed").remove(0).path;
        assert_eq!(path("net.ipv4.ip_forward"), "sys/net/ipv4/ip_forward");
        assert_eq!(path("net/ipv4/conf/eth0.1/x"), "sys/net/ipv4/conf/eth0.1/x");
        assert_eq!(path("net.ipv4.conf.eth0/1.x"), "sys/net/ipv4/conf/eth0.1/x");
    }
}
