//! Extended attributes: those that overlayfs marks directories with, and those worth archiving.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{XattrFlags, fgetxattr, lgetxattr, llistxattr, lsetxattr};
use rustix::io::Errno;

/// Names of overlayfs' own attributes, as root and with `userxattr`.
pub(crate) const OVERLAY_PREFIXES: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];

const OPAQUE: [&CStr; 2] = [c"trusted.overlay.opaque", c"user.overlay.opaque"];

/// Largest list of names, and largest value, that the kernel hands out.
const LARGEST: usize = 64 << 10;

/// The path by which calls that know no directory descriptor reach `name` in `dir`.
///
/// The last component is never followed by the `l…xattr` calls, and the descriptor pins the
/// directory, so that nobody can lead such a path astray.
pub(crate) fn path_at(dir: impl AsFd, name: &CStr) -> CString {
    let fd = dir.as_fd().as_raw_fd();
    let path = [format!("/proc/self/fd/{fd}/").as_bytes(), name.to_bytes()].concat();
    CString::new(path).expect("neither part has a NUL")
}

/// Whether a directory of an overlay's layer hides what is below it.
pub(crate) fn is_opaque(dir: &OwnedFd) -> io::Result<bool> {
    for name in OPAQUE {
        let mut value = [0; 2];
        match fgetxattr(dir, name, &mut value[..]) {
            Ok(1) if value[0] == b'y' => return Ok(true),
            Ok(_) | Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

/// Marks a directory opaque.
pub(crate) fn set_opaque(dir: impl AsFd, userxattr: bool) -> io::Result<()> {
    let path = path_at(dir, c".");
    let name = OPAQUE[usize::from(userxattr)];
    Ok(lsetxattr(&path, name, b"y", XattrFlags::empty())?)
}

/// The attributes that belong into an archive: those of users, and file capabilities.
pub(crate) fn archived(dir: impl AsFd, name: &CStr) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    read(dir, name, |attribute| {
        attribute == b"security.capability" || attribute.starts_with(b"user.")
    })
}

/// All attributes but overlayfs' own.
pub(crate) fn all(dir: impl AsFd, name: &CStr) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    read(dir, name, |_| true)
}

/// Whether an attribute is one of overlayfs' own, which no archive may bring or take.
pub(crate) fn is_overlay(attribute: &[u8]) -> bool {
    OVERLAY_PREFIXES.iter().any(|prefix| attribute.starts_with(prefix))
}

fn read(
    dir: impl AsFd,
    name: &CStr,
    wanted: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let path = path_at(dir, name);
    let mut small = [0u8; 512];
    let mut large = Vec::new();
    let names: &[u8] = match llistxattr(&path, &mut small[..]) {
        Ok(count) => &small[..count],
        Err(Errno::RANGE) => {
            large.resize(LARGEST, 0);
            let count = llistxattr(&path, &mut large[..])?;
            &large[..count]
        }
        Err(Errno::NOTSUP | Errno::NOENT) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for attribute in names.split(|&byte| byte == 0) {
        if attribute.is_empty() || is_overlay(attribute) || !wanted(attribute) {
            continue;
        }
        let key = CString::new(attribute).expect("split at NULs");
        let mut value = vec![0; LARGEST];
        match lgetxattr(&path, &key, &mut value[..]) {
            Ok(count) => value.truncate(count),
            Err(Errno::NODATA) => continue,
            Err(error) => return Err(error.into()),
        }
        value.shrink_to_fit();
        found.push((attribute.to_vec(), value));
    }
    found.sort();
    Ok(found)
}

/// Sets one attribute of `name` in `dir`; false if the file system or our rights do not allow
/// for it.
pub(crate) fn set(dir: impl AsFd, name: &CStr, key: &[u8], value: &[u8]) -> io::Result<bool> {
    let Ok(key) = CString::new(key) else {
        return Ok(false);
    };
    match lsetxattr(path_at(dir, name), &key, value, XattrFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOTSUP | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
