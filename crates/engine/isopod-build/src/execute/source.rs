//! What a pattern of a copy means in a tree.

use super::tree::{self, names, open};
use isopod_dockerfile::Pattern;
use rustix::fs::OFlags;
use std::os::fd::{AsFd, BorrowedFd};

/// One thing to copy: its path in the tree, and which part of it `--parents` keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) kept: String,
}

/// Most paths that one pattern may match.
const MATCHES: usize = 100_000;

/// Finds what a pattern means; the error is for the user.
pub(super) fn find(root: BorrowedFd<'_>, pattern: &str) -> Result<Vec<Found>, String> {
    // `a/./b`: with --parents, what stands before the dot is left out.
    let (pivot, _) = pattern.split_once("/./").unwrap_or(("", ""));
    let pivot_depth = pivot.split('/').filter(|part| !part.is_empty() && *part != ".").count();
    let clean = crate::plan::absolute("/", pattern);
    let parts: Vec<&str> = clean.split('/').filter(|part| !part.is_empty()).collect();
    let keep = |path: &str| {
        let kept: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).skip(pivot_depth).collect();
        kept.join("/")
    };
    let wild = parts.iter().any(|part| part.contains(['*', '?', '[', '\\']));
    if !wild {
        let path = parts.join("/");
        return match tree::stat(root, &path) {
            Ok(Some(_)) => Ok(vec![Found { kept: keep(&path), path }]),
            Ok(None) => Err(format!(
                "file not found in build context or excluded by .dockerignore: stat {}: file does not exist",
                pattern.trim_start_matches("./").trim_start_matches('/')
            )),
            Err(error) => Err(format!("stat {pattern}: {error}")),
        };
    }
    let mut paths = Vec::new();
    expand(root, String::new(), &parts, &mut paths)?;
    if paths.is_empty() {
        return Err("no source files were specified".to_owned());
    }
    Ok(paths.into_iter().map(|path| Found { kept: keep(&path), path }).collect())
}

fn expand(
    root: BorrowedFd<'_>,
    prefix: String,
    parts: &[&str],
    found: &mut Vec<String>,
) -> Result<(), String> {
    let Some((part, rest)) = parts.split_first() else {
        if found.len() >= MATCHES {
            return Err(format!("a pattern matches more than {MATCHES} files"));
        }
        found.push(prefix);
        return Ok(());
    };
    let join = |name: &str| {
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") }
    };
    if *part == "**" {
        expand(root, prefix.clone(), rest, found)?;
    } else if !part.contains(['*', '?', '[', '\\']) {
        let path = join(part);
        return match tree::stat(root, &path) {
            Ok(Some(_)) => expand(root, path, rest, found),
            Ok(None) => Ok(()),
            Err(error) => Err(format!("stat {path}: {error}")),
        };
    }
    let pattern = Pattern::glob(part).map_err(|error| error.to_string())?;
    let Ok(directory) = open(root, &prefix, OFlags::RDONLY | OFlags::DIRECTORY) else {
        return Ok(());
    };
    for name in names(directory.as_fd()).map_err(|error| format!("list {prefix:?}: {error}"))? {
        let Some(name) = name.to_str() else { continue };
        if *part == "**" {
            let path = join(name);
            // Not through links: they may lead in circles.
            let real = tree::stat_at(directory.as_fd(), name.as_ref());
            if real.is_ok_and(|stat| stat.is_some_and(|stat| tree::is_dir(&stat))) {
                expand(root, path, parts, found)?;
            }
        } else if pattern.matches(name) {
            expand(root, join(name), rest, found)?;
        }
    }
    Ok(())
}
