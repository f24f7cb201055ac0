//! Id mappings of user namespaces: checked, and written directly or by the set-uid helpers.

use std::process::Command;

use isopod_oci::runtime::IdMapping;

use crate::error::{Error, Result};
use crate::procfs::ProcFs;

/// Which ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    User,
    Group,
}

impl Ids {
    fn file(self) -> &'static str {
        match self {
            Self::User => "uid_map",
            Self::Group => "gid_map",
        }
    }

    fn helper(self) -> &'static str {
        match self {
            Self::User => "newuidmap",
            Self::Group => "newgidmap",
        }
    }
}

/// Maps the ids of the user namespace that process `pid` is in.
///
/// With root's rights the maps are written directly. Otherwise one range of size one that
/// stands for the caller may be written directly (at the price of `setgroups(2)`), and all else
/// is asked of `newuidmap` and `newgidmap`, which consult `/etc/subuid` and `/etc/subgid`.
pub(crate) fn write(proc: &ProcFs, pid: i32, uids: &[IdMapping], gids: &[IdMapping]) -> Result<()> {
    let privileged = rustix::process::geteuid().is_root();
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if privileged || is_own(uids, uid) {
        proc.write(&format!("{pid}/uid_map"), lines(uids).as_bytes())?;
    } else {
        ask_helper(Ids::User, pid, uids)?;
    }
    if privileged {
        proc.write(&format!("{pid}/gid_map"), lines(gids).as_bytes())
    } else if is_own(gids, gid) {
        proc.write(&format!("{pid}/setgroups"), b"deny")?;
        proc.write(&format!("{pid}/gid_map"), lines(gids).as_bytes())
    } else {
        ask_helper(Ids::Group, pid, gids)
    }
}

/// Whether the mapping is the one that the kernel lets anybody write.
pub(crate) fn is_own(mappings: &[IdMapping], id: u32) -> bool {
    matches!(mappings, [one] if one.size == 1 && one.host_id == id)
}

fn lines(mappings: &[IdMapping]) -> String {
    mappings
        .iter()
        .map(|map| format!("{} {} {}\n", map.container_id, map.host_id, map.size))
        .collect()
}

fn ask_helper(ids: Ids, pid: i32, mappings: &[IdMapping]) -> Result<()> {
    let mut command = Command::new(ids.helper());
    command.arg(pid.to_string());
    for map in mappings {
        command.args([map.container_id, map.host_id, map.size].map(|number| number.to_string()));
    }
    let output = command.output().map_err(|error| {
        Error::unsupported(
            format!("linux.{}", if ids == Ids::User { "uidMappings" } else { "gidMappings" }),
            format!("{} is needed to map more than the caller's own id: {error}", ids.helper()),
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::System {
        what: format!("{} for {}", ids.helper(), ids.file()),
        source: std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    })
}

/// Checks ranges: not empty, within 32 bits, none overlapping another on either side.
pub(crate) fn check(field: &str, mappings: &[IdMapping]) -> Result<()> {
    let end = |start: u32, size: u32| u64::from(start) + u64::from(size);
    for (index, map) in mappings.iter().enumerate() {
        let at = || format!("{field}[{index}]");
        if map.size == 0 {
            return Err(Error::config(at(), "expected a size of at least 1"));
        }
        if end(map.container_id, map.size) > 1 << 32 || end(map.host_id, map.size) > 1 << 32 {
            return Err(Error::config(at(), "the range reaches beyond 32 bits"));
        }
        for other in &mappings[..index] {
            let overlap = |a: u32, b: u32| {
                u64::from(a) < end(b, other.size) && u64::from(b) < end(a, map.size)
            };
            if overlap(map.container_id, other.container_id) || overlap(map.host_id, other.host_id)
            {
                return Err(Error::config(at(), "the range overlaps an earlier one"));
            }
        }
    }
    Ok(())
}

/// What an id inside the namespace is outside.
pub(crate) fn to_host(mappings: &[IdMapping], id: u32) -> Option<u32> {
    mappings.iter().find_map(|map| {
        let offset = id.checked_sub(map.container_id)?;
        (offset < map.size).then(|| map.host_id + offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(container_id: u32, host_id: u32, size: u32) -> IdMapping {
        IdMapping { container_id, host_id, size }
    }

    #[test]
    fn ranges_are_checked() {
        assert!(check("m", &[map(0, 1000, 1), map(1, 100_000, 65_536)]).is_ok());
        assert!(check("m", &[map(0, 1000, 0)]).is_err());
        assert!(check("m", &[map(0, u32::MAX, 2)]).is_err());
        assert!(check("m", &[map(0, 1000, 10), map(9, 5000, 1)]).is_err());
        assert!(check("m", &[map(0, 1000, 10), map(10, 1009, 1)]).is_err());
    }

    #[test]
    fn ids_are_translated() {
        let maps = [map(0, 1000, 1), map(1, 100_000, 10)];
        assert_eq!(to_host(&maps, 0), Some(1000));
        assert_eq!(to_host(&maps, 10), Some(100_009));
        assert_eq!(to_host(&maps, 11), None);
    }
}
