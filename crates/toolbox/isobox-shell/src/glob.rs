//! Names of files that match a pattern.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, statat};

use crate::pattern;

/// The existing names that match, sorted. The pattern is as in [`pattern::matches`].
#[must_use]
pub(crate) fn expand(pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let root = pattern.iter().take_while(|&&byte| byte == b'/').count();
    walk(&mut pattern[..root].to_vec(), &pattern[root..], &mut found);
    found.sort_unstable();
    found
}

/// Completes `path`, which exists, by what matches `pattern`.
fn walk(path: &mut Vec<u8>, pattern: &[u8], found: &mut Vec<Vec<u8>>) {
    let length = component(pattern);
    let (first, rest) = pattern.split_at(length);
    let slashes = rest.iter().take_while(|&&byte| byte == b'/').count();
    let (separator, rest) = rest.split_at(slashes);
    let before = path.len();
    if let Some(name) = pattern::literal(first) {
        path.extend_from_slice(&name);
        step(path, separator, rest, found);
        path.truncate(before);
        return;
    }
    let directory = if path.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(path) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let Ok(directory) = openat(CWD, directory, flags, Mode::empty()) else { return };
    let Ok(mut entries) = Dir::new(directory) else { return };
    let hidden = first[0] == b'.' || first.starts_with(b"\\.");
    let mut names = Vec::new();
    while let Some(Ok(entry)) = entries.read() {
        let name = entry.file_name().to_bytes();
        if (name[0] != b'.' || hidden) && pattern::matches(first, name) {
            names.push(name.to_vec());
        }
    }
    drop(entries);
    for name in names {
        path.extend_from_slice(&name);
        if separator.is_empty() {
            found.push(path.clone());
        } else {
            step(path, separator, rest, found);
        }
        path.truncate(before);
    }
}

fn step(path: &mut Vec<u8>, separator: &[u8], rest: &[u8], found: &mut Vec<Vec<u8>>) {
    path.extend_from_slice(separator);
    if rest.is_empty() {
        // A trailing slash is satisfied by directories only, which stat sees to.
        if statat(CWD, OsStr::from_bytes(path), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            found.push(path.clone());
        }
    } else {
        walk(path, rest, found);
    }
}

/// The length of the pattern's first component. A slash within brackets is no part of them.
fn component(pattern: &[u8]) -> usize {
    memchr::memchr(b'/', pattern).unwrap_or(pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_by_pattern() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.c", "a.c", ".hidden", "d/x.c", "e/x.h", "we[ird"] {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let root = directory.path().as_os_str().as_bytes();
        let check = |pattern: &str, expected: &[&str]| {
            let full = [root, b"/", pattern.as_bytes()].concat();
            let names: Vec<String> = expand(&full)
                .iter()
                .map(|name| String::from_utf8_lossy(&name[root.len() + 1..]).into_owned())
                .collect();
            assert_eq!(names, expected, "{pattern}");
        };
        check("*.c", &["a.c", "b.c"]);
        check("*/*.c", &["d/x.c"]);
        check("*/", &["d/", "e/"]);
        check(".h*", &[".hidden"]);
        check("[de]/x.?", &["d/x.c", "e/x.h"]);
        check("we\\[*", &["we[ird"]);
        check("nothing*", &[]);
        check("*//x.c", &["d//x.c"]);
    }
}
