//! Mounts: made detached, given their attributes, and attached to a descriptor.
//!
//! The mount point is opened inside the container's root once and the mount goes to that
//! descriptor, so that nothing depends on what the path leads to afterwards.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use isopod_sys::mount_attr::{MountAttr, RDONLY, SLAVE, mount_setattr};
use rustix::fs::{FileType, OFlags, ResolveFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags,
};

use super::{Setup, cgroup_mount, copy_up};
use crate::error::{Error, Result};
use crate::mount_options::MountOptions;
use crate::plan::{MountKind, MountPlan};
use crate::{procfs, resolve};

/// Longest value that `fsconfig(2)` takes, the final zero included.
const VALUE_LIMIT: usize = 256;

/// What may be mounted inside `/proc` by a configuration: files that file systems of user
/// space provide in the place of the kernel's own. Anything else could deceive a runtime.
const INSIDE_PROC: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/net/dev",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
];

/// Makes one mount of the configuration.
pub(super) fn mount(setup: &Setup<'_>, root: BorrowedFd<'_>, mount: &MountPlan) -> Result<()> {
    check_proc(mount)?;
    let failed = || Error::system(format!("mount {} ({})", mount.destination, mount.field));
    match &mount.kind {
        MountKind::Remount => return remount(root, mount).map_err(failed()),
        MountKind::Cgroup => cgroup_mount::mount(setup, root, mount)?,
        MountKind::Bind { source, recursive } => {
            bind(setup, root, mount, source, *recursive)?;
        }
        MountKind::FileSystem { kind, source } => {
            file_system(setup, root, mount, kind, source.as_deref())?;
        }
    }
    if !mount.options.propagation.is_empty() {
        let target = resolve::handle(root, &mount.destination).map_err(failed())?;
        propagate(target.as_fd(), &mount.options).map_err(failed())?;
    }
    Ok(())
}

/// Whether the process must be in its cgroups by then: they are shown, or memory is taken that
/// is to be counted there.
pub(super) fn needs_groups(mount: &MountPlan) -> bool {
    match &mount.kind {
        MountKind::Cgroup => true,
        MountKind::FileSystem { kind, .. } => kind.starts_with("cgroup") || mount.options.copy_up,
        MountKind::Bind { .. } | MountKind::Remount => false,
    }
}

/// Files are still to be made in these, so they become read-only at the end.
pub(super) fn readonly_is_deferred(mount: &MountPlan) -> bool {
    mount.options.attr.set & RDONLY != 0
        && match &mount.kind {
            MountKind::FileSystem { kind, .. } if kind == "tmpfs" => true,
            MountKind::FileSystem { .. } => clean(&mount.destination) == "/dev",
            _ => false,
        }
}

fn clean(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").fold(
        String::new(),
        |mut clean, part| {
            if part == ".." {
                clean.truncate(clean.rfind('/').unwrap_or(0));
            } else {
                clean.push('/');
                clean.push_str(part);
            }
            clean
        },
    )
}

/// Refuses mounts over parts of `/proc` (CVE-2019-16884): protections are written there.
fn check_proc(mount: &MountPlan) -> Result<()> {
    let destination = clean(&mount.destination);
    let refuse = |reason: &str| {
        Err(Error::config(
            format!("{}.destination", mount.field),
            format!(
                "{:?} cannot be mounted because it is inside /proc: {reason}",
                mount.destination
            ),
        ))
    };
    if destination == "/proc" {
        return match &mount.kind {
            MountKind::FileSystem { kind, .. } if kind == "proc" => Ok(()),
            MountKind::Remount => Ok(()),
            MountKind::Bind { source, .. }
                if rustix::fs::statfs(source).is_ok_and(|stat| stat.f_type == procfs::MAGIC) =>
            {
                Ok(())
            }
            _ => refuse("only a procfs can be mounted there"),
        };
    }
    if destination.starts_with("/proc/")
        && !INSIDE_PROC.contains(&destination.as_str())
        && !matches!(mount.kind, MountKind::Remount)
    {
        return refuse("only files such as /proc/cpuinfo may be covered");
    }
    Ok(())
}

/// The same for what the path turned out to be: a link may have led into `/proc`.
fn check_target(mount: &MountPlan, target: BorrowedFd<'_>) -> Result<()> {
    let destination = clean(&mount.destination);
    let stat = rustix::fs::fstatfs(target).map_err(Error::file("stat", &mount.destination))?;
    if stat.f_type != procfs::MAGIC
        || destination == "/proc"
        || INSIDE_PROC.contains(&destination.as_str())
    {
        return Ok(());
    }
    Err(Error::Unsafe {
        what: format!("mount point {}", mount.destination),
        reason: "it leads into /proc".into(),
    })
}

/// Clones the mount at a path of the host, detached.
pub(crate) fn open_tree(path: &Path, recursive: bool) -> Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    rustix::mount::open_tree(rustix::fs::CWD, path, flags).map_err(Error::file("bind mount", path))
}

/// Clones the mount of a descriptor, detached.
pub(super) fn open_tree_at(fd: BorrowedFd<'_>, recursive: bool) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    Ok(rustix::mount::open_tree(fd, c"", flags)?)
}

/// Attaches a detached mount to what `target` refers to.
pub(super) fn attach(tree: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(tree, c"", target, c"", flags)?)
}

/// A detached read-only directory without anything in it.
pub(super) fn empty_directory() -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(&context, c"source", c"tmpfs")?;
    rustix::mount::fsconfig_set_string(&context, c"mode", c"0755")?;
    rustix::mount::fsconfig_set_flag(&context, c"ro")?;
    rustix::mount::fsconfig_create(&context)?;
    Ok(rustix::mount::fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_RDONLY,
    )?)
}

/// Covers a path of the host with an empty directory.
pub(super) fn cover(path: &CStr) -> io::Result<()> {
    let target = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, rustix::fs::Mode::empty())?;
    attach(empty_directory()?.as_fd(), target.as_fd())
}

fn bind(
    setup: &Setup<'_>,
    root: BorrowedFd<'_>,
    mount: &MountPlan,
    source: &Path,
    recursive: bool,
) -> Result<()> {
    let opened;
    let tree = match &mount.prepared {
        Some(tree) => tree,
        None => {
            opened = open_tree(source, recursive)?;
            &opened
        }
    };
    let failed = || {
        Error::system(format!(
            "bind mount {} to {} ({})",
            source.display(),
            mount.destination,
            mount.field
        ))
    };
    if mount.prepared.is_some() && !setup.plan.shares_mounts() {
        // Cloned in the host's namespace, it would share its mounts with the host.
        let attr = MountAttr { propagation: SLAVE, ..MountAttr::default() };
        mount_setattr(tree.as_fd(), c"", true, &attr, None).map_err(failed())?;
    }
    set_attributes(tree.as_fd(), &mount.options).map_err(failed())?;
    let directory = resolve::file_type(tree.as_fd()).map_err(failed())? == FileType::Directory;
    let target = if directory {
        resolve::make_directory(root, &mount.destination)
    } else {
        resolve::make_file(root, &mount.destination)
    };
    let target = target.map_err(failed())?;
    check_target(mount, target.as_fd())?;
    attach(tree.as_fd(), target.as_fd()).map_err(failed())
}

pub(super) fn set_attributes(tree: BorrowedFd<'_>, options: &MountOptions) -> io::Result<()> {
    for (attr, recursive) in [(&options.recursive_attr, true), (&options.attr, false)] {
        if attr.set | attr.clear != 0 {
            mount_setattr(tree, c"", recursive, attr, None)?;
        }
    }
    Ok(())
}

fn propagate(target: BorrowedFd<'_>, options: &MountOptions) -> io::Result<()> {
    for (kind, recursive) in &options.propagation {
        let attr = MountAttr { propagation: *kind, ..MountAttr::default() };
        mount_setattr(target, c"", *recursive, &attr, None)?;
    }
    Ok(())
}

fn remount(root: BorrowedFd<'_>, mount: &MountPlan) -> io::Result<()> {
    let target = resolve::handle(root, &mount.destination)?;
    set_attributes(target.as_fd(), &mount.options)?;
    propagate(target.as_fd(), &mount.options)
}

fn file_system(
    setup: &Setup<'_>,
    root: BorrowedFd<'_>,
    mount: &MountPlan,
    kind: &str,
    source: Option<&str>,
) -> Result<()> {
    let failed =
        || Error::system(format!("mount {kind} to {} ({})", mount.destination, mount.field));
    let present = if matches!(kind, "proc" | "sysfs") {
        plain_directory(root, mount, kind)?
    } else {
        resolve::directory(root, &mount.destination).map_err(failed())?
    };
    let existed = present.is_some();
    let target = match present {
        Some(target) => target,
        None => resolve::make_directory(root, &mount.destination).map_err(failed())?,
    };
    check_target(mount, target.as_fd())?;
    let mut data = mount.options.data.clone();
    if kind == "tmpfs" && existed && !data.iter().any(|(key, _)| key == "mode") {
        // A tmpfs over a directory keeps the directory's permissions.
        let stat = rustix::fs::fstat(&target).map_err(Error::file("stat", &mount.destination))?;
        let mode = stat.st_mode & 0o7777;
        data.push(("mode".into(), Some(format!("{mode:04o}"))));
    }
    let label = setup.plan.linux.mount_label.as_deref().filter(|label| !label.is_empty());
    if let Some(label) = label
        && !matches!(kind, "proc" | "sysfs" | "mqueue" | "cgroup2")
    {
        data.push(("context".into(), Some(label.to_owned())));
    }
    let mut attr = mount.options.attr;
    if readonly_is_deferred(mount) {
        attr.set &= !RDONLY;
    }
    let special = attr.clear & !isopod_sys::mount_attr::ATIME != 0
        || mount.options.recursive_attr.set != 0
        || (mount.options.copy_up && existed)
        || (attr.set & RDONLY != 0 && is_virtual(kind));
    if !special && in_one_call(target.as_fd(), kind, source, &data, attr.set).is_ok() {
        return Ok(());
    }
    if data.iter().any(|(_, value)| value.as_ref().is_some_and(|v| v.len() >= VALUE_LIMIT)) {
        return by_mount_call(&target, kind, source, &data, attr.set).map_err(failed());
    }
    let tree = new_file_system(kind, source, &data, attr.set).map_err(failed())?;
    if attr.clear & !isopod_sys::mount_attr::ATIME != 0 || mount.options.recursive_attr.set != 0 {
        let options = MountOptions { attr, ..mount.options.clone() };
        set_attributes(tree.as_fd(), &options).map_err(failed())?;
    }
    if mount.options.copy_up && existed {
        let from =
            resolve::open(root, &mount.destination, OFlags::DIRECTORY, ResolveFlags::empty())
                .map_err(failed())?;
        copy_up::copy(from.as_fd(), tree.as_fd())
            .map_err(Error::file("copy up", &mount.destination))?;
    }
    attach(tree.as_fd(), target.as_fd()).map_err(failed())
}

/// Links in the place of `/proc` and `/sys` are refused, since what they lead to would be
/// covered in their stead (CVE-2019-19921). Nothing if there is nothing.
fn plain_directory(root: BorrowedFd<'_>, mount: &MountPlan, kind: &str) -> Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    match resolve::open(root, &mount.destination, flags, ResolveFlags::NO_SYMLINKS) {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(Error::config(
            format!("{}.destination", mount.field),
            format!(
                "filesystem {kind:?} must be mounted on ordinary directory, and {:?} is none",
                mount.destination
            ),
        )),
    }
}

/// Mounts a file system on the directory of a descriptor by `mount(2)`, which takes a third of
/// the system calls that a file system in its own descriptor takes. The directory is named by
/// making it the working directory, so that no path is followed. What goes wrong is for
/// [`new_file_system`] to explain.
fn in_one_call(
    target: BorrowedFd<'_>,
    kind: &str,
    source: Option<&str>,
    data: &[(String, Option<String>)],
    attributes: u64,
) -> io::Result<()> {
    let (flags, data) = (mount_flags(attributes)?, joined(data)?);
    rustix::process::fchdir(target)?;
    let source = source.filter(|source| !source.is_empty()).unwrap_or("none");
    Ok(rustix::mount::mount(source, c".", kind, flags, data.as_c_str())?)
}

/// Attributes of a mount as `mount(2)` has them.
fn mount_flags(attributes: u64) -> io::Result<MountFlags> {
    use isopod_sys::mount_attr as attr;
    const KNOWN: [(u64, MountFlags); 7] = [
        (attr::RDONLY, MountFlags::RDONLY),
        (attr::NOSUID, MountFlags::NOSUID),
        (attr::NODEV, MountFlags::NODEV),
        (attr::NOEXEC, MountFlags::NOEXEC),
        (attr::NOATIME, MountFlags::NOATIME),
        (attr::STRICTATIME, MountFlags::STRICTATIME),
        (attr::NODIRATIME, MountFlags::NODIRATIME),
    ];
    let known = KNOWN.iter().filter(|(bit, _)| attributes & bit != 0);
    let (bits, flags) = known
        .fold((0, MountFlags::empty()), |(bits, flags), (bit, flag)| (bits | bit, flags | *flag));
    if bits == attributes { Ok(flags) } else { Err(rustix::io::Errno::INVAL.into()) }
}

/// Options as `mount(2)` has them; a comma cannot be in one.
fn joined(data: &[(String, Option<String>)]) -> io::Result<CString> {
    let mut text = String::new();
    for (key, value) in data {
        if key.contains(',') || value.as_deref().is_some_and(|value| value.contains(',')) {
            return Err(rustix::io::Errno::INVAL.into());
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(key);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    Ok(CString::new(text)?)
}

/// Makes a file system and mounts it, detached.
pub(super) fn new_file_system(
    kind: &str,
    source: Option<&str>,
    data: &[(String, Option<String>)],
    attributes: u64,
) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    let configured = (|| {
        if let Some(source) = source.filter(|source| !source.is_empty()) {
            rustix::mount::fsconfig_set_string(&context, c"source", source)?;
        }
        if attributes & RDONLY != 0 && !is_virtual(kind) {
            rustix::mount::fsconfig_set_flag(&context, c"ro")?;
        }
        for (key, value) in data {
            match value {
                Some(value) => {
                    rustix::mount::fsconfig_set_string(&context, key.as_str(), value.as_str())?;
                }
                None => rustix::mount::fsconfig_set_flag(&context, key.as_str())?,
            }
        }
        rustix::mount::fsconfig_create(&context)
    })();
    configured.map_err(|error| explain(&context, error))?;
    let attributes = u32::try_from(attributes).map_err(|_| rustix::io::Errno::INVAL)?;
    Ok(rustix::mount::fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::from_bits_retain(attributes),
    )?)
}

/// File systems that share one super block with the host, or hold nothing on a disk: only the
/// mount is made read-only.
fn is_virtual(kind: &str) -> bool {
    matches!(
        kind,
        "proc"
            | "sysfs"
            | "tmpfs"
            | "ramfs"
            | "devpts"
            | "mqueue"
            | "cgroup"
            | "cgroup2"
            | "bpf"
            | "debugfs"
            | "tracefs"
            | "securityfs"
            | "hugetlbfs"
            | "devtmpfs"
    )
}

/// The kernel's own words about a failed configuration, if it left any.
fn explain(context: &OwnedFd, error: rustix::io::Errno) -> io::Error {
    let mut log = [0; 512];
    match rustix::io::read(context, &mut log) {
        Ok(length) if length > 2 => {
            let text = String::from_utf8_lossy(&log[2..length]);
            io::Error::other(format!("{}: {}", text.trim_end(), error))
        }
        _ => error.into(),
    }
}

/// `mount(2)`, for values that are too long for `fsconfig(2)`.
fn by_mount_call(
    target: &OwnedFd,
    kind: &str,
    source: Option<&str>,
    data: &[(String, Option<String>)],
    attributes: u64,
) -> io::Result<()> {
    // Long values may hold commas that are meant to separate options, as those of overlay.
    let joined: Vec<String> = data
        .iter()
        .map(|(key, value)| match value {
            Some(value) => format!("{key}={value}"),
            None => key.clone(),
        })
        .collect();
    let (flags, data) = (mount_flags(attributes)?, CString::new(joined.join(","))?);
    // The host's procfs is still in place, and the number is this process's own.
    let path = format!("/proc/self/fd/{}", target.as_raw_fd());
    Ok(rustix::mount::mount(source.unwrap_or(kind), path, kind, flags, data.as_c_str())?)
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn paths_are_cleaned_lexically() {
        for (path, expected) in [
            ("/proc", "/proc"),
            ("//proc/./self/", "/proc/self"),
            ("/a/../proc", "/proc"),
            ("../../proc", "/proc"),
            ("/", ""),
        ] {
            assert_eq!(clean(path), expected, "{path}");
        }
    }
}
