//! Users and groups of a container, by the files in its root file system.

use crate::error::{Error, Result};
use isopod_oci::runtime::User;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use std::io::Read;
use std::os::fd::BorrowedFd;

/// Most bytes read of a file of the container.
const LIMIT_BYTES: u64 = 4 << 20;

/// The user that `user[:group]` names, with its groups and those that `extra` names.
pub(crate) fn resolve(root: BorrowedFd<'_>, user: &str, extra: &[String]) -> Result<User> {
    look_up(&read(root, "etc/passwd"), &read(root, "etc/group"), user, extra)
}

/// User and group id that files of `user[:group]` get; a number without a group is both.
pub(crate) fn owner(root: BorrowedFd<'_>, user: &str) -> Result<(u32, u32)> {
    if let Ok(id) = user.parse::<u32>()
        && i32::try_from(id).is_ok()
    {
        return Ok((id, id));
    }
    let user = resolve(root, user, &[])?;
    Ok((user.uid, user.gid))
}

fn look_up(passwd: &str, group: &str, user: &str, extra: &[String]) -> Result<User> {
    let (user, own_group) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (user, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let entry = passwd
        .lines()
        .map(fields)
        .find(|fields| fields[0] == user)
        .or_else(|| passwd.lines().map(fields).find(|fields| fields[2] == user));
    let number = user.parse::<u32>().ok().filter(|id| i32::try_from(*id).is_ok());
    let (uid, mut gid, name) = match (&entry, number) {
        (Some(entry), _) => (id(entry[2])?, id(entry[3])?, Some(entry[0])),
        (None, Some(uid)) => (uid, 0, None),
        (None, None) => {
            return Err(Error::invalid(format_args!(
                "unable to find user {user}: no matching entries in passwd file"
            )));
        }
    };
    let mut additional_gids = Vec::new();
    match own_group {
        Some(own_group) => gid = group_id(group, own_group)?,
        None => {
            // Without a group of its own: those that list the user.
            for fields in group.lines().map(fields) {
                let lists =
                    name.is_some_and(|name| fields[3].split(',').any(|member| member == name));
                if lists {
                    additional_gids.push(id(fields[2])?);
                }
            }
        }
    }
    for name in extra {
        additional_gids.push(group_id(group, name)?);
    }
    // As Docker has it, and as `id` shows it: the process's own group is among them.
    additional_gids.insert(0, gid);
    let mut seen = std::collections::BTreeSet::new();
    additional_gids.retain(|gid| seen.insert(*gid));
    Ok(User { uid, gid, additional_gids, ..User::default() })
}

fn group_id(group: &str, name: &str) -> Result<u32> {
    let entry = group.lines().map(fields).find(|fields| fields[0] == name);
    match (entry, name.parse::<u32>()) {
        (Some(entry), _) => id(entry[2]),
        (None, Ok(number)) if i32::try_from(number).is_ok() => Ok(number),
        _ => Err(Error::invalid(format_args!(
            "unable to find group {name}: no matching entries in group file"
        ))),
    }
}

fn id(text: &str) -> Result<u32> {
    text.parse().map_err(|_| {
        Error::invalid(format_args!(
            "the container's user files have an id that is no number: {text:?}"
        ))
    })
}

/// The first four fields of a line; absent ones are empty.
fn fields(line: &str) -> [&str; 4] {
    let mut parts = line.trim().splitn(7, ':');
    [(); 4].map(|()| parts.next().unwrap_or_default())
}

/// A file of the container; one that is not there, or is something else, has no lines.
fn read(root: BorrowedFd<'_>, path: &str) -> String {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let mut text = Vec::new();
    if let Ok(fd) = openat2(root, path, flags, Mode::empty(), resolve) {
        let file = std::fs::File::from(fd);
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            // What cannot be read is as if it were not there.
            let _ = file.take(LIMIT_BYTES).read_to_end(&mut text);
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/false\n100:x:5:6::/:\n";
    const GROUP: &str = "root:x:0:\nweb:x:34:\nssl:x:101:web,other\naudio:x:29:root\n";

    #[test]
    fn users_are_found_by_name_and_number() {
        for (text, uid, gid, additional) in [
            ("", 0, 0, vec![0, 29]),
            ("web", 33, 34, vec![34, 101]),
            ("33", 33, 34, vec![34, 101]),
            ("web:ssl", 33, 101, vec![101]),
            ("web:7", 33, 7, vec![7]),
            ("1234", 1234, 0, vec![0]),
            ("1234:5", 1234, 5, vec![5]),
            ("100", 5, 6, vec![6]),
        ] {
            let user = look_up(PASSWD, GROUP, text, &[]).expect(text);
            assert_eq!(
                (user.uid, user.gid, user.additional_gids),
                (uid, gid, additional),
                "{text}"
            );
        }
        let user =
            look_up(PASSWD, GROUP, "1234", &["ssl".into(), "9".into(), "9".into()]).expect("valid");
        assert_eq!(user.additional_gids, [0, 101, 9]);
    }

    #[test]
    fn unknown_names_are_told() {
        let error = look_up(PASSWD, GROUP, "nobody", &[]).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "unable to find user nobody: no matching entries in passwd file"
        );
        assert!(look_up(PASSWD, GROUP, "web:nogroup", &[]).is_err());
        assert!(look_up("", "", "4294967295", &[]).is_err());
    }
}
