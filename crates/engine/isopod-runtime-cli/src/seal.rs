//! Keeping our own file out of a container's reach.

use std::ffi::CString;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt;

use isopod_sys::{execute, sealed_exe, sealed_image};

use crate::error::Error;

/// Makes this process one that runs from a file that nobody can write to, unless it is so
/// already, or this user could not write to the file anyway. Where the kernel does not let it
/// change over as it is, the program is started anew; descriptors, environment and process id
/// stay the same.
pub(crate) fn ensure() -> Result<(), Error> {
    let writable = rustix::process::geteuid().is_root()
        || rustix::fs::access("/proc/self/exe", rustix::fs::Access::WRITE_OK).is_ok();
    if !writable || sealed_exe::is_sealed() {
        return Ok(());
    }
    let sealed = sealed_exe::open().map_err(Error::system("seal the runtime's own file"))?;
    // Whatever came of it, the link that a container could follow is what counts.
    if sealed_image::adopt(sealed.as_fd()).is_ok() && sealed_exe::is_sealed() {
        return Ok(());
    }
    let arguments = c_strings(std::env::args_os().map(OsStringExt::into_vec));
    let environment = c_strings(std::env::vars_os().map(|(name, value)| {
        let mut entry = name.into_vec();
        entry.push(b'=');
        entry.extend(value.into_vec());
        entry
    }));
    let error = execute::execve_file(sealed.as_fd(), &arguments, &environment);
    Err(Error::System { what: "execute the runtime's sealed file", source: error })
}

fn c_strings(strings: impl Iterator<Item = Vec<u8>>) -> Vec<CString> {
    strings
        .map(|bytes| CString::new(bytes).expect("the kernel hands out no NUL inside strings"))
        .collect()
}
