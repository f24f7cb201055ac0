//! Entry points for fuzzers: the parsers of archives, without files around them.
//!
//! None of them may panic, hang or take memory beyond its limits, whatever the bytes are.

use std::io::Read;
use std::os::fd::AsFd;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::stream::Stream;
use crate::unpack::Source;
use crate::{ar as ar_archive, cpio as cpio_archive, zip as zip_archive};

/// Reads `bytes` as a cpio archive.
pub fn cpio(bytes: &[u8]) {
    let mut stream = Stream::new(bytes);
    while let Ok(Some(member)) = cpio_archive::next(&mut stream) {
        if cpio_archive::finish(&mut stream, &member).is_err() {
            break;
        }
    }
}

/// Reads `bytes` as an ar archive.
pub fn ar(bytes: &[u8]) {
    let mut reader = ar_archive::Reader::new(bytes);
    while let Ok(Some(_)) = reader.next() {
        while reader.chunk(u64::MAX).is_ok_and(|chunk| !chunk.is_empty()) {}
    }
}

/// Reads `bytes` as a zip archive: its directory, and at most 16 MiB of each member.
///
/// # Panics
/// Without a file in memory to keep them in.
pub fn zip(bytes: &[u8]) {
    let file = memfd_create("archive", MemfdFlags::CLOEXEC).expect("a file in memory");
    isobox_applet::write_all(file.as_fd(), bytes).expect("room for the archive");
    let Ok(archive) = zip_archive::File::new(file.as_fd()) else { return };
    let Ok(members) = archive.directory() else { return };
    for member in members.iter().take(100) {
        if let Ok(data) = zip_archive::contents(archive, member) {
            // What matters is that it returns.
            let _ = std::io::copy(&mut data.take(16 << 20), &mut std::io::sink());
        }
    }
}

#[cfg(test)]
mod tests {
    /// Every archive cut at every place and with every byte changed, as far as it is short.
    fn torment(archive: &[u8], read: fn(&[u8])) {
        for cut in 0..archive.len() {
            read(&archive[..cut]);
            for value in [0, 0x2f, 0x37, 0x7f, 0xff] {
                let mut damaged = archive.to_vec();
                damaged[cut] = value;
                read(&damaged);
            }
        }
    }

    #[test]
    fn damaged_archives_are_errors_and_nothing_worse() {
        let numbers = "00000001".repeat(11);
        let newc = [b"070701", numbers.as_bytes(), b"0000000200000000a\0"];
        torment(&newc.concat(), super::cpio);
        torment(b"!<arch>\n//              0           0     0     0       5         `\nlong/\n/0              0           0     0     644     3         `\nabc\n", super::ar);
        let mut zip =
            b"PK\x03\x04\x0a\0\0\0\x08\0\0\0!\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x01\0\0\0a\x03\0\0\0\0"
                .to_vec();
        let directory = zip.len() as u32;
        zip.extend_from_slice(b"PK\x01\x02\x1e\x03\x0a\0\0\0\x08\0\0\0!\0\0\0\0\0\x05\0\0\0\x05\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\xa4\x81\0\0\0\0a");
        zip.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0");
        zip.extend_from_slice(&directory.to_le_bytes());
        zip.extend_from_slice(&[0, 0]);
        torment(&zip, super::zip);
    }
}
