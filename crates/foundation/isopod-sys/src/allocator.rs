//! The C library's allocator, which is Rust's too.

use std::io;

/// Lets every allocation of `bytes` or more be a mapping of its own, so that its memory goes back
/// to the system when it is freed. By default the allocator raises that border by itself each time
/// such an allocation is freed, and keeps what is freed between others for good.
pub fn map_allocations_from(bytes: u32) -> io::Result<()> {
    let bytes = libc::c_int::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: mallopt takes two numbers, and may be called at any time.
    match unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, bytes) } {
        1 => Ok(()),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_has_bounds() {
        map_allocations_from(128 << 10).unwrap();
        assert!(map_allocations_from(u32::MAX).is_err());
    }
}
