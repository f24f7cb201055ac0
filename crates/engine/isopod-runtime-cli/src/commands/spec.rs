//! `spec`: a `config.json` to start from.

use std::path::Path;

use isopod_cgroups::{Hierarchy, Mode};
use isopod_oci::runtime::{IdMapping, Mount, Namespace, NamespaceKind, Spec};
use serde::Serialize as _;

use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

const FILE: &str = "config.json";

/// The document itself; it is checked and completed before it is written.
const TEMPLATE: &str = include_str!("spec.json");

pub(crate) fn spec(invocation: &Invocation, _: &Globals) -> Result<i32, Error> {
    let bundle = Path::new(invocation.value("bundle").unwrap_or(""));
    let path = bundle.join(FILE);
    match std::fs::symlink_metadata(&path) {
        Ok(_) => return Err(Error::SpecExists { name: FILE }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file("look for", &path)(error)),
    }
    let v2 = Hierarchy::detect().is_ok_and(|hierarchy| hierarchy.mode() == Mode::V2);
    let mut spec = template(v2);
    if invocation.is_on("rootless") {
        make_rootless(
            &mut spec,
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
    }
    std::fs::write(&path, to_json(&spec)).map_err(Error::file("write", &path))?;
    Ok(0)
}

fn template(v2: bool) -> Spec {
    let mut spec = Spec::parse(TEMPLATE.as_bytes()).expect("the template is valid");
    isopod_oci::runtime::VERSION.clone_into(&mut spec.oci_version);
    if v2 && let Some(linux) = &mut spec.linux {
        linux.namespaces.push(Namespace { kind: NamespaceKind::Cgroup, path: None });
    }
    spec
}

/// What an ordinary user may do: no network of its own, itself as root, no limits.
fn make_rootless(spec: &mut Spec, uid: u32, gid: u32) {
    if let Some(linux) = &mut spec.linux {
        linux.namespaces.retain(|namespace| namespace.kind != NamespaceKind::Network);
        linux.namespaces.push(Namespace { kind: NamespaceKind::User, path: None });
        let one = |host_id| vec![IdMapping { container_id: 0, host_id, size: 1 }];
        linux.uid_mappings = one(uid);
        linux.gid_mappings = one(gid);
        linux.resources = None;
    }
    for mount in &mut spec.mounts {
        if mount.destination == "/sys" {
            // A new sysfs needs a network namespace of one's own.
            *mount = Mount {
                destination: "/sys".to_owned(),
                kind: Some("none".to_owned()),
                source: Some("/sys".to_owned()),
                options: ["rbind", "nosuid", "noexec", "nodev", "ro"].map(str::to_owned).to_vec(),
                ..Mount::default()
            };
        }
        mount.options.retain(|option| !option.starts_with("uid=") && !option.starts_with("gid="));
    }
}

fn to_json(spec: &Spec) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    spec.serialize(&mut serializer).expect("maps with string keys only");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_kept_whole() {
        let spec = template(true);
        let again = Spec::parse(&to_json(&spec)).expect("valid");
        assert_eq!(again, spec);
        let kinds: Vec<_> = spec.linux.expect("given").namespaces.iter().map(|n| n.kind).collect();
        assert!(kinds.contains(&NamespaceKind::Cgroup) && kinds.contains(&NamespaceKind::Network));
    }

    #[test]
    fn rootless() {
        let mut spec = template(false);
        make_rootless(&mut spec, 1000, 100);
        let linux = spec.linux.expect("given");
        assert!(linux.resources.is_none());
        assert_eq!(linux.uid_mappings, [IdMapping { container_id: 0, host_id: 1000, size: 1 }]);
        assert_eq!(linux.gid_mappings, [IdMapping { container_id: 0, host_id: 100, size: 1 }]);
        let options: Vec<&String> = spec.mounts.iter().flat_map(|mount| &mount.options).collect();
        assert!(options.iter().all(|option| !option.starts_with("gid=")));
        assert!(options.iter().any(|option| *option == "rbind"));
    }
}
