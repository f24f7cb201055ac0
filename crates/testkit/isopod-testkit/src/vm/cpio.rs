//! The `newc` form of cpio, as the kernel unpacks it for its first root file system.

use std::collections::BTreeSet;

/// An archive under construction.
#[derive(Debug, Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    dirs: BTreeSet<String>,
    inode: u32,
}

impl Archive {
    /// Adds a file, and the directories above it that are not there yet.
    pub(super) fn file(&mut self, path: &str, content: &[u8], mode: u32) {
        let mut above = String::new();
        for part in path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
            if !above.is_empty() {
                above.push('/');
            }
            above.push_str(part);
            if self.dirs.insert(above.clone()) {
                let dir = above.clone();
                self.entry(&dir, &[], 0o040_755);
            }
        }
        self.entry(path, content, 0o100_000 | mode);
    }

    fn entry(&mut self, path: &str, content: &[u8], mode: u32) {
        self.inode += 1;
        let size = u32::try_from(content.len()).expect("an initrd's files are below 4 GiB");
        let name_size = u32::try_from(path.len() + 1).expect("a path is short");
        let links = 1;
        let fields = [self.inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", &[], 0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_directories_come_first() {
        let mut archive = Archive::default();
        archive.file("a/b/c", b"hello", 0o755);
        archive.file("a/b/d", b"", 0o644);
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle}"));
        assert!(at("a\0") < at("a/b\0") && at("a/b\0") < at("a/b/c\0"));
        assert_eq!(text.matches("070701").count(), 5);
    }
}
