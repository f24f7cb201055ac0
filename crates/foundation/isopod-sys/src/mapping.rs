//! A file mapped for sharing: what is stored in it survives the death of the process at once,
//! without a system call, as long as the machine runs.

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_void;
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};

/// A shared, writable mapping of the first bytes of a file.
///
/// The file must be long enough, and private to its one process at a time: cutting it short
/// makes accesses fail with `SIGBUS`.
#[derive(Debug)]
pub struct SharedMapping {
    start: NonNull<u8>,
    length: usize,
}

impl SharedMapping {
    /// Maps the first `length` bytes of `file`.
    pub fn new(file: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        // SAFETY: the kernel chooses the address of a fresh mapping, so no memory in use changes.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                file,
                0,
            )
        }?;
        let start = NonNull::new(start.cast::<u8>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, length })
    }

    /// The mapped bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is `length` bytes long for as long as `self` lives, and `&mut self`
        // is needed to change it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// The mapped bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }

    /// The number at the byte `offset`, a multiple of 8.
    #[must_use]
    pub fn load(&self, offset: usize) -> u64 {
        self.word(offset).load(Ordering::Acquire)
    }

    /// Stores a number at the byte `offset`, a multiple of 8, after all earlier changes and
    /// before all later ones, as a successor of this process sees them.
    pub fn store(&mut self, offset: usize, value: u64) {
        compiler_fence(Ordering::SeqCst);
        self.word(offset).store(value, Ordering::SeqCst);
        compiler_fence(Ordering::SeqCst);
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.length, "offset {offset}");
        // SAFETY: in bounds and aligned (the mapping begins at a page), by the assertion; plain
        // accesses to the same bytes need `&mut self` and so cannot happen at the same time.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().add(offset).cast::<u64>()) }
    }
}

impl Drop for SharedMapping {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `new` made, and no borrow of it outlives `self`.
        // A failure would leave it mapped, which harms nobody.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn what_is_stored_is_in_the_file() {
        let path = std::env::temp_dir().join(format!("isopod-mapping-{}", std::process::id()));
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .expect("opens");
        file.set_len(4096).expect("grows");
        let mut mapping = SharedMapping::new(file.as_fd(), 4096).expect("maps");
        mapping.store(8, 0x0102_0304);
        mapping.bytes_mut()[100] = 7;
        assert_eq!(mapping.load(8), 0x0102_0304);
        let bytes = std::fs::read(&path).expect("reads");
        std::fs::remove_file(&path).expect("removes");
        assert_eq!((bytes[8], bytes[100]), (4, 7));
    }
}
