//! The kernel's settings of networks, in the namespace of the calling thread.

use crate::error::{Error, Result};
use std::path::PathBuf;

fn path(name: &[&str]) -> PathBuf {
    let mut path = PathBuf::from("/proc/sys/net");
    path.extend(name);
    path
}

/// Reads a setting; `None` if the kernel does not have it.
pub(crate) fn read(name: &[&str]) -> Option<String> {
    std::fs::read_to_string(path(name)).ok().map(|text| text.trim().to_owned())
}

/// Changes a setting unless it has the value already.
pub(crate) fn set(name: &[&str], value: &str) -> Result<()> {
    if read(name).as_deref() == Some(value) {
        return Ok(());
    }
    std::fs::write(path(name), value)
        .map_err(Error::system(format!("set net.{} to {value}", name.join("."))))
}
