//! Starting to write a file's dirty pages to the disk, without waiting for it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `sync_file_range(2)` with `SYNC_FILE_RANGE_WRITE`: hands the dirty pages of the range to the
/// disk. It makes nothing durable; a later `fdatasync` finds less left to do. File systems that
/// cannot do it are left alone.
pub fn start(file: BorrowedFd<'_>, offset: u64, length: u64) -> io::Result<()> {
    let (Ok(offset), Ok(length)) = (offset.try_into(), length.try_into()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = libc::SYNC_FILE_RANGE_WRITE;
    // SAFETY: takes numbers only, and a descriptor that lives as long as the call.
    let outcome = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, flags) };
    if outcome == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESPIPE) => Ok(()),
        error if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn a_range_of_a_file_is_taken() {
        let path = std::env::temp_dir().join(format!("isopod-write-back-{}", std::process::id()));
        let mut file = std::fs::File::create(&path).expect("a file");
        std::fs::remove_file(&path).expect("removes");
        file.write_all(&[1; 100]).expect("writes");
        start(file.as_fd(), 0, 100).expect("starts");
        start(file.as_fd(), 0, u64::MAX).expect_err("beyond what a file can have");
    }
}
