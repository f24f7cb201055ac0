//! Namespaces and the other fields of `linux` that are only checked or translated.

use isopod_oci::runtime::{Linux, Namespace, NamespaceKind, Spec};
use rustix::fs::{Mode, OFlags};

use super::{Joined, UserNamespace};
use crate::error::{Error, Result};
use crate::{mapping, mount_options};

/// `NSFS_MAGIC`.
const NAMESPACE_MAGIC: i64 = 0x6e73_6673;

/// Sorts namespaces into those to make and those to join; the latter are opened.
pub(super) fn namespaces(list: &[Namespace]) -> Result<(Vec<NamespaceKind>, Vec<Joined>)> {
    let (mut new, mut joined) = (Vec::new(), Vec::<Joined>::new());
    for (index, namespace) in list.iter().enumerate() {
        let kind = namespace.kind;
        if new.contains(&kind) || joined.iter().any(|joined| joined.kind == kind) {
            return Err(Error::config(
                format!("linux.namespaces[{index}].type"),
                format!("malformed spec file: duplicated ns {:?}", kind.proc_name()),
            ));
        }
        match namespace.path.as_deref().filter(|path| !path.is_empty()) {
            None => {
                check_known(index, kind)?;
                new.push(kind);
            }
            Some(path) => {
                let namespace = open(index, kind, path)?;
                if kind == NamespaceKind::User && is_own(&namespace, kind) {
                    // To enter it again is refused by the kernel, and changes nothing.
                    continue;
                }
                joined.push(namespace);
            }
        }
    }
    Ok((new, joined))
}

fn check_known(index: usize, kind: NamespaceKind) -> Result<()> {
    // The older kinds are in every kernel that can run this code.
    if !matches!(kind, NamespaceKind::Time | NamespaceKind::User | NamespaceKind::Cgroup)
        || std::fs::symlink_metadata(format!("/proc/self/ns/{}", kind.proc_name())).is_ok()
    {
        return Ok(());
    }
    Err(Error::unsupported(
        format!("linux.namespaces[{index}]"),
        format!("the kernel has no {} namespaces", kind.proc_name()),
    ))
}

fn open(index: usize, kind: NamespaceKind, path: &str) -> Result<Joined> {
    let field = || format!("linux.namespaces[{index}].path");
    if !path.starts_with('/') {
        return Err(Error::config(field(), format!("{path:?}: expected an absolute path")));
    }
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| Error::config(field(), format!("{path}: {error}")))?;
    let magic = rustix::fs::fstatfs(&file).map_err(Error::file("stat", path))?.f_type;
    if magic != NAMESPACE_MAGIC {
        return Err(Error::config(field(), format!("{path} is not a namespace")));
    }
    Ok(Joined { kind, path: path.to_owned(), file })
}

/// Whether a namespace is the one that the calling process is in.
pub(super) fn is_own(joined: &Joined, kind: NamespaceKind) -> bool {
    let own = rustix::fs::stat(format!("/proc/self/ns/{}", kind.proc_name()));
    match (own, rustix::fs::fstat(&joined.file)) {
        (Ok(own), Ok(other)) => own.st_ino == other.st_ino && own.st_dev == other.st_dev,
        _ => false,
    }
}

pub(super) fn user_namespace(
    linux: &Linux,
    new: &[NamespaceKind],
    joined: &[Joined],
    rootless: bool,
) -> Result<UserNamespace> {
    mapping::check("linux.uidMappings", &linux.uid_mappings)?;
    mapping::check("linux.gidMappings", &linux.gid_mappings)?;
    let mapped = !linux.uid_mappings.is_empty() || !linux.gid_mappings.is_empty();
    if new.contains(&NamespaceKind::User) {
        for (name, list) in [("uid", &linux.uid_mappings), ("gid", &linux.gid_mappings)] {
            if list.is_empty() {
                return Err(Error::config(
                    format!("linux.{name}Mappings"),
                    format!("user namespaces enabled, but no {name} mapping found"),
                ));
            }
        }
        return Ok(UserNamespace::New);
    }
    if joined.iter().any(|joined| joined.kind == NamespaceKind::User) {
        return Ok(UserNamespace::Joined);
    }
    if mapped {
        return Err(Error::config(
            "linux.uidMappings",
            "user namespace mappings specified, but user namespace isn't enabled in the config",
        ));
    }
    if rootless && !rustix::process::geteuid().is_root() {
        return Err(Error::config(
            "linux.namespaces",
            "rootless container requires user namespaces",
        ));
    }
    Ok(UserNamespace::Own)
}

/// Fields that depend on a namespace, and fields that are not offered.
pub(super) fn check(
    spec: &Spec,
    linux: &Linux,
    isolated: &dyn Fn(NamespaceKind) -> bool,
) -> Result<()> {
    let uts = isolated(NamespaceKind::Uts);
    if spec.hostname.as_deref().is_some_and(|name| !name.is_empty()) && !uts {
        return Err(Error::config(
            "hostname",
            "unable to set hostname without a private UTS namespace",
        ));
    }
    if spec.domainname.as_deref().is_some_and(|name| !name.is_empty()) && !uts {
        return Err(Error::config(
            "domainname",
            "unable to set domainname without a private UTS namespace",
        ));
    }
    if (!linux.masked_paths.is_empty() || !linux.readonly_paths.is_empty())
        && !isolated(NamespaceKind::Mount)
    {
        return Err(Error::config(
            "linux.maskedPaths",
            "unable to restrict sys entries without a private MNT namespace",
        ));
    }
    if linux.intel_rdt.is_some() {
        return Err(Error::unsupported("linux.intelRdt", "Intel RDT is not supported"));
    }
    if !linux.net_devices.is_empty() {
        return Err(Error::unsupported(
            "linux.netDevices",
            "moving network devices is not supported",
        ));
    }
    if linux.mount_label.as_deref().is_some_and(|label| !label.is_empty())
        && !super::process::lsm_is_enabled("selinux")
    {
        return Err(Error::unsupported(
            "linux.mountLabel",
            "selinux label is specified in config, but selinux is disabled or not supported",
        ));
    }
    for (index, device) in linux.devices.iter().enumerate() {
        check_device(index, device)?;
    }
    for (name, list) in
        [("maskedPaths", &linux.masked_paths), ("readonlyPaths", &linux.readonly_paths)]
    {
        for (index, path) in list.iter().enumerate() {
            if !path.starts_with('/') {
                return Err(Error::config(
                    format!("linux.{name}[{index}]"),
                    format!("{path:?}: expected an absolute path"),
                ));
            }
        }
    }
    Ok(())
}

fn check_device(index: usize, device: &isopod_oci::runtime::LinuxDevice) -> Result<()> {
    let field = |name: &str| format!("linux.devices[{index}].{name}");
    if !device.path.starts_with('/') || device.path.ends_with('/') {
        return Err(Error::config(
            field("path"),
            format!("{:?}: expected the absolute path of a file", device.path),
        ));
    }
    match device.kind.as_str() {
        "p" => return Ok(()),
        "c" | "u" | "b" => {}
        other => {
            return Err(Error::config(
                field("type"),
                format!("invalid device type {other:?}, expected c, u, b or p"),
            ));
        }
    }
    for (name, number) in [("major", device.major), ("minor", device.minor)] {
        if number.is_none_or(|number| u32::try_from(number).is_err()) {
            return Err(Error::config(
                field(name),
                format!("expected a number from 0 to 4294967295 for {}", device.path),
            ));
        }
    }
    Ok(())
}

pub(super) fn time_offsets(linux: &Linux, new: &[NamespaceKind]) -> Result<Option<String>> {
    let Some(offsets) = &linux.time_offsets else { return Ok(None) };
    if !new.contains(&NamespaceKind::Time) {
        return Err(Error::config(
            "linux.timeOffsets",
            "time namespace offsets specified, but time namespace isn't enabled in the config",
        ));
    }
    let mut text = String::new();
    for (name, offset) in [("monotonic", offsets.monotonic), ("boottime", offsets.boottime)] {
        let Some(offset) = offset else { continue };
        if offset.nanosecs >= 1_000_000_000 {
            return Err(Error::config(
                format!("linux.timeOffsets.{name}.nanosecs"),
                format!("{} is not below 1000000000", offset.nanosecs),
            ));
        }
        text += &format!("{name} {} {}\n", offset.secs, offset.nanosecs);
    }
    Ok((!text.is_empty()).then_some(text))
}

pub(super) fn propagation(linux: &Linux) -> Result<Option<(u64, bool)>> {
    match linux.rootfs_propagation.as_deref() {
        None | Some("") => Ok(None),
        Some(word) => mount_options::propagation(word).map(Some).ok_or_else(|| {
            Error::config(
                "linux.rootfsPropagation",
                format!(
                    "rootfsPropagation={word} is not supported, expected shared, slave, private, \
                     unbindable or one of these with an r before it"
                ),
            )
        }),
    }
}

pub(super) fn personality(linux: &Linux) -> Result<Option<u32>> {
    /// `PER_LINUX32`.
    const LINUX32: u32 = 8;
    let Some(personality) = &linux.personality else { return Ok(None) };
    if !personality.flags.is_empty() {
        return Err(Error::config(
            "linux.personality.flags",
            "additional flags are not supported by the specification",
        ));
    }
    match personality.domain.as_str() {
        "LINUX" => Ok(Some(0)),
        "LINUX32" => Ok(Some(LINUX32)),
        other => Err(Error::config(
            "linux.personality.domain",
            format!("invalid domain {other:?}, expected LINUX or LINUX32"),
        )),
    }
}
