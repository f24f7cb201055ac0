//! Names of units and slices, and the groups that they stand for.

use std::path::PathBuf;

use super::{Error, Result};

/// A container's unit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unit {
    slice: String,
    name: String,
}

impl Unit {
    /// Reads `slice:prefix:name`; made from the container's id if `path` is empty.
    pub(crate) fn parse(path: &str, id: &str, rootless: bool) -> Result<Self> {
        let default = if rootless { "user.slice" } else { "system.slice" };
        let (slice, prefix, name) = if path.is_empty() {
            (default, "isopod", id)
        } else {
            let mut parts = path.split(':');
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(slice), Some(prefix), Some(name), None) if !name.is_empty() => {
                    (if slice.is_empty() { default } else { slice }, prefix, name)
                }
                _ => return Err(Error::Path { path: path.to_owned() }),
            }
        };
        let name = match prefix {
            _ if is_slice(name) => name.to_owned(),
            "" => format!("{name}.scope"),
            prefix => format!("{prefix}-{name}.scope"),
        };
        expand(slice)?;
        if name.contains('/') {
            return Err(Error::Path { path: path.to_owned() });
        }
        Ok(Self { slice: slice.to_owned(), name })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn slice(&self) -> &str {
        &self.slice
    }

    pub(crate) fn is_slice(&self) -> bool {
        is_slice(&self.name)
    }

    /// The group, from the root of the hierarchies.
    pub(crate) fn group_path(&self, rootless: bool) -> Result<PathBuf> {
        let mut path = if rootless { super::user_manager_group()? } else { PathBuf::from("/") };
        path.extend(expand(&self.slice)?);
        path.push(&self.name);
        Ok(path)
    }
}

fn is_slice(name: &str) -> bool {
    name.ends_with(".slice")
}

/// A slice's name holds its place: `a-b.slice` is in `a.slice`, and `-.slice` is the root.
pub(super) fn expand(slice: &str) -> Result<Vec<String>> {
    let invalid = || Error::Slice { name: slice.to_owned() };
    let stem = slice.strip_suffix(".slice").filter(|stem| !stem.is_empty()).ok_or_else(invalid)?;
    if stem == "-" {
        return Ok(Vec::new());
    }
    let mut path = Vec::new();
    let mut prefix = String::new();
    for part in stem.split('-') {
        if part.is_empty() || part.contains('/') {
            return Err(invalid());
        }
        path.push(format!("{prefix}{part}.slice"));
        prefix.push_str(part);
        prefix.push('-');
    }
    Ok(path)
}
