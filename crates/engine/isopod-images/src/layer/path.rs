//! Paths of entries, made fit to be looked up under a root.

use crate::error::LayerError;
use crate::limits::Limits;

/// The longest name of one file.
const NAME_BYTES: usize = 255;

/// A path without leading slash, `.`, `..` and empty parts. The root itself is empty.
///
/// An absolute path counts from the layer's root. One that climbs over the root is refused: no
/// honest tool writes it.
pub(super) fn clean(path: &[u8], limits: &Limits) -> Result<Vec<u8>, String> {
    if path.len() > limits.path_bytes {
        return Err(format!(
            "the path has {} bytes, over the limit of {}",
            path.len(),
            limits.path_bytes
        ));
    }
    let mut clean: Vec<u8> = Vec::with_capacity(path.len());
    let mut ends: Vec<usize> = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let end = ends.pop().ok_or("the path leads out of the layer")?;
                clean.truncate(end);
            }
            _ if part.len() > NAME_BYTES => {
                return Err(format!(
                    "a name in the path has {} bytes, over the limit of {NAME_BYTES}",
                    part.len()
                ));
            }
            _ => {
                ends.push(clean.len());
                if !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(part);
            }
        }
    }
    Ok(clean)
}

/// Parent and name of a clean path.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// An error about an entry.
pub(super) fn refuse(entry: &[u8], reason: impl Into<String>) -> LayerError {
    LayerError::Entry { entry: name(entry), reason: reason.into() }
}

/// An entry's name for people, cut to a bearable length.
pub(super) fn name(entry: &[u8]) -> String {
    let text = String::from_utf8_lossy(entry);
    if text.chars().count() <= 200 {
        return text.into_owned();
    }
    text.chars().take(200).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let limits = Limits::default();
        let cases: &[(&str, Option<&str>)] = &[
            ("a/b", Some("a/b")),
            ("./a//b/", Some("a/b")),
            ("/etc/passwd", Some("etc/passwd")),
            ("./", Some("")),
            ("a/../b", Some("b")),
            ("a/b/../../c", Some("c")),
            ("..", None),
            ("a/../../etc/passwd", None),
            ("/../x", None),
        ];
        for (path, expected) in cases {
            let cleaned = clean(path.as_bytes(), &limits).ok();
            assert_eq!(cleaned.as_deref(), expected.map(str::as_bytes), "{path}");
        }
        assert!(clean("x".repeat(256).as_bytes(), &limits).is_err());
        assert!(clean("x/".repeat(2048).as_bytes(), &limits).is_err());
    }
}
