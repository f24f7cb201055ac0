//! `/dev`: the device nodes that every container has, those asked for, and the usual links.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use isopod_oci::runtime::LinuxDevice;
use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid};
use rustix::io::Errno;

use super::attach;
use crate::error::{Error, Result};
use crate::plan::{Plan, UserNamespace};
use crate::resolve;

/// Name, major and minor number; all for everybody (`config-linux.md`, "Default Devices").
const DEFAULTS: [(&str, i64, i64); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];
const DEFAULT_MODE: u32 = 0o666;

/// Links of `/dev`, and what they lead to.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
];

/// Fills `/dev`.
pub(super) fn make(root: BorrowedFd<'_>, plan: &Plan) -> Result<()> {
    let old_mask = rustix::process::umask(Mode::empty());
    let result = make_all(root, plan);
    rustix::process::umask(old_mask);
    result
}

fn make_all(root: BorrowedFd<'_>, plan: &Plan) -> Result<()> {
    let dev = resolve::make_directory(root, "/dev").map_err(Error::file("make", "/dev"))?;
    let foreign = plan.user != UserNamespace::Own;
    for (path, major, minor) in DEFAULTS {
        if plan.linux.devices.iter().any(|device| device.path == path) {
            continue;
        }
        let device = LinuxDevice {
            kind: "c".into(),
            path: path.into(),
            major: Some(major),
            minor: Some(minor),
            file_mode: Some(DEFAULT_MODE),
            uid: None,
            gid: None,
        };
        node(root, dev.as_fd(), &device, foreign).map_err(Error::file("make device", path))?;
    }
    for device in &plan.linux.devices {
        let parent = device.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        resolve::make_directory(root, parent)
            .and_then(|parent| node(root, parent.as_fd(), device, foreign))
            .map_err(Error::file("make device", &device.path))?;
    }
    links(dev.as_fd())
}

/// Makes one node in the directory `parent`; where the kernel does not allow that, as in a user
/// namespace, the host's own is bind mounted instead.
fn node(
    root: BorrowedFd<'_>,
    parent: BorrowedFd<'_>,
    device: &LinuxDevice,
    foreign: bool,
) -> std::io::Result<()> {
    if foreign && device.kind != "p" {
        return bind(root, device);
    }
    let name = device.path.rsplit_once('/').map_or(device.path.as_str(), |(_, name)| name);
    let kind = match device.kind.as_str() {
        "b" => FileType::BlockDevice,
        "p" => FileType::Fifo,
        _ => FileType::CharacterDevice,
    };
    let number = |number: Option<i64>| number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let device_number = rustix::fs::makedev(number(device.major), number(device.minor));
    let mode = Mode::from_raw_mode(device.file_mode.unwrap_or(DEFAULT_MODE) & 0o7777);
    match rustix::fs::mknodat(parent, name, kind, mode, device_number) {
        Ok(()) => {}
        // What the image or a mount brings along is left.
        Err(Errno::EXIST) => return Ok(()),
        Err(Errno::PERM) => return bind(root, device),
        Err(error) => return Err(error.into()),
    }
    let (uid, gid) = (device.uid.unwrap_or(0), device.gid.unwrap_or(0));
    if (uid, gid) != (0, 0) {
        rustix::fs::chownat(
            parent,
            name,
            Some(Uid::from_raw(uid)),
            Some(Gid::from_raw(gid)),
            AtFlags::SYMLINK_NOFOLLOW,
        )?;
    }
    Ok(())
}

fn bind(root: BorrowedFd<'_>, device: &LinuxDevice) -> std::io::Result<()> {
    let tree = attach::open_tree(Path::new(&device.path), false).map_err(|error| match error {
        Error::File { source, .. } => source,
        other => std::io::Error::other(other.to_string()),
    })?;
    let target = resolve::make_file(root, &device.path)?;
    attach::attach(tree.as_fd(), target.as_fd())
}

fn links(dev: BorrowedFd<'_>) -> Result<()> {
    for (name, target) in LINKS {
        if name == "core" && !Path::new(target).exists() {
            continue;
        }
        match rustix::fs::symlinkat(target, dev, name) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(Error::file("make", format!("/dev/{name}"))(error)),
        }
    }
    // Terminals of this container only: its own devpts, not whatever the image has here.
    match rustix::fs::unlinkat(dev, "ptmx", AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        // A mount lies there on purpose.
        Err(Errno::BUSY) => return Ok(()),
        Err(error) => return Err(Error::file("replace", "/dev/ptmx")(error)),
    }
    rustix::fs::symlinkat("pts/ptmx", dev, "ptmx").map_err(Error::file("make", "/dev/ptmx"))
}
