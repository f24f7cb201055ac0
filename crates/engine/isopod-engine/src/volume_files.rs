//! The files of volumes that are more than a directory: those with a size, and copies of others.
//!
//! A volume with a size is a file system of its own in a sparse file, `disk.img` beside `_data`,
//! where it is mounted while an engine that has it runs, and stays for containers when it ends.

use crate::Volume;
use crate::error::{Error, Result};
use isopod_base::units::parse_bytes;
use isopod_sys::loop_device::LoopDevice;
use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, unmount,
};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The smallest size that a file system is worth making in.
const LEAST_BYTES: u64 = 1 << 20;

/// The size that a volume was given.
pub(crate) fn size(volume: &Volume) -> Result<Option<u64>> {
    volume.options.get("size").map(|text| parse_size(&volume.name, text)).transpose()
}

/// Reads the option `size`.
pub(crate) fn parse_size(name: &str, text: &str) -> Result<u64> {
    let invalid = |why: String| {
        Error::invalid(format_args!(
            "create {name}: invalid value for option size: {text:?}: {why}"
        ))
    };
    let size = parse_bytes(text).map_err(|error| invalid(error.to_string()))?;
    if size < LEAST_BYTES {
        return Err(invalid(format!("expected at least {LEAST_BYTES} bytes")));
    }
    Ok(size)
}

/// Makes the file system of a new volume that has a size.
pub(crate) fn format(volume: &Volume, bytes: u64) -> Result<()> {
    let path = disk(volume);
    let failed = |what: &str| Error::io(format!("create {}: {what}", volume.name));
    let file = File::create_new(&path).map_err(failed("make its disk"))?;
    file.set_len(bytes).map_err(failed("make its disk"))?;
    let program = ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"]
        .into_iter()
        .find(|program| Path::new(program).exists())
        .ok_or_else(|| {
            Error::new(
                crate::ErrorKind::NotImplemented,
                format_args!(
                    "create {}: the option size needs mkfs.ext4, which this host lacks: install e2fsprogs",
                    volume.name
                ),
            )
        })?;
    let output = Command::new(program)
        .args(["-q", "-F", "-m", "0", "-O", "^has_journal"])
        .arg(&path)
        .stdin(Stdio::null())
        .output()
        .map_err(failed("run mkfs.ext4"))?;
    if !output.status.success() {
        return Err(Error::internal(format_args!(
            "create {}: mkfs.ext4: {}",
            volume.name,
            String::from_utf8_lossy(&output.stderr).trim()
        )));
    }
    mount(volume)?;
    // A new volume is empty.
    let _ = std::fs::remove_dir(volume.mountpoint.join("lost+found"));
    Ok(())
}

/// Mounts a volume that has a size, unless it is.
pub(crate) fn mount(volume: &Volume) -> Result<()> {
    if is_mounted(volume) {
        return Ok(());
    }
    let failed = || Error::io(format!("mount volume {}", volume.name));
    let file = File::options().read(true).write(true).open(disk(volume)).map_err(failed())?;
    let device = LoopDevice::attach(file.as_fd()).map_err(failed())?;
    let tree = open(device.path()).map_err(failed())?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(tree, c"", CWD, &volume.mountpoint, flags).map_err(|error| failed()(error.into()))
}

fn open(device: &Path) -> io::Result<OwnedFd> {
    let context = fsopen(c"ext4", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"source", device)?;
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOSUID;
    Ok(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// Undoes [`mount`]; containers that have the volume are gone by then.
pub(crate) fn unmount_if_mounted(volume: &Volume) {
    if volume.options.contains_key("size") && is_mounted(volume) {
        let _ = unmount(&volume.mountpoint, UnmountFlags::DETACH);
    }
}

fn is_mounted(volume: &Volume) -> bool {
    let device = |path: &Path| rustix::fs::stat(path).ok().map(|stat| stat.st_dev);
    let above = volume.mountpoint.parent().and_then(device);
    device(&volume.mountpoint).is_some_and(|own| Some(own) != above)
}

fn disk(volume: &Volume) -> PathBuf {
    volume.mountpoint.with_file_name("disk.img")
}

/// Copies all files of a volume into a new one. What is written meanwhile may be in it or not.
pub(crate) fn clone(from: &Volume, to: &Volume) -> Result<()> {
    let root = File::open(&from.mountpoint)
        .map_err(Error::io(format_args!("create {}: open volume {}", to.name, from.name)))?;
    crate::containers::copy_up(&OwnedFd::from(root), "/", &to.mountpoint)
}
