//! Which members are meant, and which are left out.

use isobox_applet::glob::{self, Flags};

/// Patterns of `--exclude` and `-X`.
#[derive(Debug, Default)]
pub(crate) struct Excluded {
    patterns: Vec<(Vec<u8>, bool)>,
    /// Whether patterns that are added match from the beginning of a path only.
    pub(crate) anchored: bool,
}

impl Excluded {
    /// Adds a pattern.
    pub(crate) fn add(&mut self, pattern: &[u8]) {
        let pattern = pattern.strip_suffix(b"/").unwrap_or(pattern);
        self.patterns.push((pattern.to_vec(), self.anchored));
    }

    /// Whether a path is left out: it matches, from its beginning or after any slash, up to its
    /// end or any slash.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        self.patterns.iter().any(|(pattern, anchored)| {
            starts(path, *anchored).any(|start| matches_leading(pattern, &path[start..]))
        })
    }
}

fn starts(path: &[u8], anchored: bool) -> impl Iterator<Item = usize> + '_ {
    let slashes = memchr::memchr_iter(b'/', path).map(|slash| slash + 1);
    std::iter::once(0).chain(slashes.filter(move |_| !anchored))
}

/// Whether the path, or a directory on its way, matches.
fn matches_leading(pattern: &[u8], path: &[u8]) -> bool {
    glob::matches(pattern, path, Flags::default())
        || memchr::memchr_iter(b'/', path)
            .any(|slash| glob::matches(pattern, &path[..slash], Flags::default()))
}

/// The members that operands name, and which of those were found.
pub(super) struct Wanted {
    names: Vec<(Vec<u8>, bool)>,
    wildcards: bool,
    recursive: bool,
}

impl Wanted {
    pub(super) fn new(
        names: impl Iterator<Item = Vec<u8>>,
        wildcards: bool,
        recursive: bool,
    ) -> Self {
        let names = names
            .map(|name| {
                let end = name.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
                (name[..end].to_vec(), false)
            })
            .collect();
        Self { names, wildcards, recursive }
    }

    /// Whether a member is wanted. Without names all are.
    pub(super) fn has(&mut self, path: &[u8]) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let (wildcards, recursive) = (self.wildcards, self.recursive);
        let mut wanted = false;
        for (name, found) in &mut self.names {
            let below = path.strip_prefix(&name[..]);
            let literal =
                below.is_some_and(|rest| rest.is_empty() || recursive && rest.starts_with(b"/"));
            let matches = literal
                || wildcards
                    && if recursive {
                        matches_leading(name, path)
                    } else {
                        glob::matches(name, path, Flags::default())
                    };
            *found |= matches;
            wanted |= matches;
        }
        wanted
    }

    /// Names that no member had.
    pub(super) fn missing(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().filter(|(_, found)| !found).map(|(name, _)| &name[..])
    }
}

/// The path without its first `count` parts; nothing if that is all of it.
pub(super) fn strip(path: &[u8], count: usize) -> Option<&[u8]> {
    let mut rest = path;
    for _ in 0..count {
        let slash = memchr::memchr(b'/', rest)?;
        rest = &rest[slash..];
        let name = rest.iter().position(|&byte| byte != b'/')?;
        rest = &rest[name..];
    }
    (!rest.is_empty()).then_some(rest)
}

/// The length of what is not stored of a path: leading slashes, and everything up to the last
/// `..`.
pub(super) fn unsafe_prefix(path: &[u8]) -> usize {
    let mut start = 0;
    let mut at = 0;
    for part in path.split(|&byte| byte == b'/') {
        let after = at + part.len();
        if part == b".." {
            start = after;
        }
        at = after + 1;
    }
    while path.get(start) == Some(&b'/') {
        start += 1;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_leave_out_files_and_what_is_below() {
        let mut excluded = Excluded::default();
        excluded.add(b"*.o");
        excluded.add(b"build/");
        excluded.anchored = true;
        excluded.add(b"top");
        for (path, expected) in [
            ("a.o", true),
            ("x/a.o", true),
            ("x/a.o/b", true),
            ("x/build", true),
            ("x/build/y", true),
            ("rebuild", false),
            ("top/x", true),
            ("x/top", false),
        ] {
            assert_eq!(excluded.has(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn parts_are_stripped() {
        for (path, count, expected) in [
            ("a/b/c", 1, Some("b/c")),
            ("a//b", 1, Some("b")),
            ("a/", 1, None),
            ("a", 1, None),
            ("a", 0, Some("a")),
            ("./a", 1, Some("a")),
        ] {
            assert_eq!(strip(path.as_bytes(), count), expected.map(str::as_bytes), "{path}");
        }
        for (path, expected) in [("/a", 1), ("///a", 3), ("../a", 3), ("a/../b", 5), ("a/b", 0)] {
            assert_eq!(unsafe_prefix(path.as_bytes()), expected, "{path}");
        }
    }
}
