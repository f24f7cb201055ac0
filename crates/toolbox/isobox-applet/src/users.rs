//! Users and groups, read from `/etc/passwd` and `/etc/group` without the C library's name
//! services, which a static binary cannot load.

use std::collections::HashMap;

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Number of the login group.
    pub gid: u32,
    /// The comment field.
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number.
    pub gid: u32,
    /// Names of those for whom it is a supplementary group.
    pub members: Vec<String>,
}

/// All users.
#[must_use]
pub fn users() -> Vec<User> {
    lines("/etc/passwd")
        .iter()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            fields.next()?;
            Some(User {
                name,
                uid: fields.next()?.parse().ok()?,
                gid: fields.next()?.parse().ok()?,
                gecos: fields.next().unwrap_or_default().to_owned(),
                home: fields.next().unwrap_or_default().to_owned(),
                shell: fields.next().unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// All groups.
#[must_use]
pub fn groups() -> Vec<Group> {
    lines("/etc/group")
        .iter()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            fields.next()?;
            let gid = fields.next()?.parse().ok()?;
            let members = fields.next().unwrap_or_default();
            let members =
                members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            Some(Group { name, gid, members })
        })
        .collect()
}

fn lines(path: &str) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// The user of a name, or of a number if no user has that name.
#[must_use]
pub fn uid_of(name: &str) -> Option<u32> {
    let named = users().into_iter().find(|user| user.name == name).map(|user| user.uid);
    named.or_else(|| number(name))
}

/// The group of a name, or of a number if no group has that name.
#[must_use]
pub fn gid_of(name: &str) -> Option<u32> {
    let named = groups().into_iter().find(|group| group.name == name).map(|group| group.gid);
    named.or_else(|| number(name))
}

fn number(name: &str) -> Option<u32> {
    let name = name.strip_prefix('+').unwrap_or(name);
    let number: u32 = if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.parse().ok()?
    } else {
        return None;
    };
    // The largest number means "leave as it is" to the kernel.
    (number != u32::MAX).then_some(number)
}

/// The groups of a user beside the login group.
#[must_use]
pub fn supplementary(name: &str) -> Vec<u32> {
    let member = |group: &Group| group.members.iter().any(|member| member == name);
    groups().into_iter().filter(member).map(|group| group.gid).collect()
}

/// `USER`, `USER:GROUP`, `USER:` (its login group), `:GROUP`; with a dot where no user has a name
/// with one. The error says which part is unknown.
pub fn owner(text: &str) -> Result<(Option<u32>, Option<u32>), String> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => match text.split_once('.') {
            Some((user, group)) if uid_of(text).is_none() => (user, Some(group)),
            _ => (text, None),
        },
    };
    let uid = match user {
        "" => None,
        user => Some(uid_of(user).ok_or_else(|| format!("unknown user {user}"))?),
    };
    let gid = match (group, uid) {
        (Some(""), Some(uid)) => {
            let login = users().into_iter().find(|user| user.uid == uid).map(|user| user.gid);
            Some(login.ok_or_else(|| format!("unknown user {user}"))?)
        }
        (None | Some(""), _) => None,
        (Some(group), _) => Some(gid_of(group).ok_or_else(|| format!("unknown group {group}"))?),
    };
    Ok((uid, gid))
}

/// Names of users and groups by number, read once and only when asked.
#[derive(Debug, Default)]
pub struct Names {
    users: Option<HashMap<u32, String>>,
    groups: Option<HashMap<u32, String>>,
}

impl Names {
    /// The user's name, or the number as text.
    pub fn user(&mut self, uid: u32) -> String {
        self.known_user(uid).unwrap_or_else(|| uid.to_string())
    }

    /// The group's name, or the number as text.
    pub fn group(&mut self, gid: u32) -> String {
        self.known_group(gid).unwrap_or_else(|| gid.to_string())
    }

    /// The user's name if there is one.
    pub fn known_user(&mut self, uid: u32) -> Option<String> {
        let users = self.users.get_or_insert_with(|| {
            users().into_iter().rev().map(|user| (user.uid, user.name)).collect()
        });
        users.get(&uid).cloned()
    }

    /// The group's name if there is one.
    pub fn known_group(&mut self, gid: u32) -> Option<String> {
        let groups = self.groups.get_or_insert_with(|| {
            groups().into_iter().rev().map(|group| (group.gid, group.name)).collect()
        });
        groups.get(&gid).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_names_or_numbers() {
        assert_eq!(owner("root"), Ok((Some(0), None)));
        assert_eq!(owner("0:0"), Ok((Some(0), Some(0))));
        assert_eq!(owner("root:"), Ok((Some(0), Some(0))));
        assert_eq!(owner(":root"), Ok((None, Some(0))));
        assert_eq!(owner("root.root"), Ok((Some(0), Some(0))));
        assert_eq!(owner(":"), Ok((None, None)));
        assert_eq!(owner("no-such-user"), Err("unknown user no-such-user".to_owned()));
        assert_eq!(owner("0:no-such"), Err("unknown group no-such".to_owned()));
    }
}
