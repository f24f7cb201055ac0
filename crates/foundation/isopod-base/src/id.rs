//! Random identifiers.

use rustix::rand::{GetRandomFlags, getrandom};

/// Number of hexadecimal digits of a full identifier.
pub const FULL_LENGTH: usize = 64;

/// Fresh bytes from the kernel.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        // Blocks only before the kernel's pool was ever filled; never fails for short reads.
        match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("the kernel has no random bytes: {error}"),
        }
    }
    bytes
}

/// A new identifier of 64 hexadecimal digits.
///
/// One whose first twelve digits are all decimal is not given out: they would be taken for a
/// number where a short identifier is used as a host name.
#[must_use]
pub fn full() -> String {
    loop {
        let id = crate::digest::hex(&random_bytes::<{ FULL_LENGTH / 2 }>());
        if !id.bytes().take(12).all(|b| b.is_ascii_digit()) {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn identifiers_are_long_and_different() {
        let (a, b) = (super::full(), super::full());
        assert_eq!(a.len(), super::FULL_LENGTH);
        assert_ne!(a, b);
    }
}
