//! Devices of the host in a container, and the rules of its device cgroup.

use crate::containers::Record;
use crate::error::{Error, Result};
use isopod_oci::runtime::{LinuxDevice, LinuxDeviceCgroup};
use rustix::fs::{FileType, major, minor};
use std::path::Path;

/// Nodes to make, and rules that allow their use.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    pub(crate) nodes: Vec<LinuxDevice>,
    pub(crate) rules: Vec<LinuxDeviceCgroup>,
}

pub(crate) fn of(record: &Record) -> Result<Devices> {
    let mut devices = Devices::default();
    if record.host.privileged {
        devices.rules.push(LinuxDeviceCgroup {
            allow: true,
            access: Some("rwm".into()),
            ..LinuxDeviceCgroup::default()
        });
        collect(Path::new("/dev"), "/dev", &mut devices.nodes, 0)?;
    } else {
        // What a container has by default is the runtime's to allow.
        devices.rules.push(LinuxDeviceCgroup {
            allow: false,
            access: Some("rwm".into()),
            ..LinuxDeviceCgroup::default()
        });
    }
    for mapping in &record.host.resources.devices {
        let inside = if mapping.path_in_container.is_empty() {
            &mapping.path_on_host
        } else {
            &mapping.path_in_container
        };
        let access = permissions(&mapping.cgroup_permissions)?;
        let outside = std::fs::canonicalize(&mapping.path_on_host)
            .map_err(|source| gathering(&mapping.path_on_host).because(source))?;
        let mut nodes = Vec::new();
        if outside.is_dir() {
            collect(&outside, inside, &mut nodes, 0)?;
        } else {
            nodes.extend(node(&outside, inside)?);
        }
        if nodes.is_empty() {
            return Err(gathering(&mapping.path_on_host));
        }
        for node in nodes {
            if !record.host.privileged {
                devices.rules.push(LinuxDeviceCgroup {
                    allow: true,
                    kind: Some(node.kind.clone()),
                    major: node.major,
                    minor: node.minor,
                    access: Some(access.clone()),
                });
            }
            devices.nodes.retain(|present| present.path != node.path);
            devices.nodes.push(node);
        }
    }
    for rule in &record.host.resources.device_cgroup_rules {
        devices.rules.push(parse_rule(rule)?);
    }
    Ok(devices)
}

/// Checks what needs no look at the host.
pub(crate) fn check(record: &Record) -> Result<()> {
    for mapping in &record.host.resources.devices {
        permissions(&mapping.cgroup_permissions)?;
    }
    for rule in &record.host.resources.device_cgroup_rules {
        parse_rule(rule)?;
    }
    Ok(())
}

fn gathering(path: &str) -> Error {
    Error::invalid(format_args!(
        "error gathering device information while adding custom device {path:?}"
    ))
}

fn permissions(text: &str) -> Result<String> {
    if text.is_empty() {
        return Ok("rwm".into());
    }
    if text.chars().all(|c| "rwm".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid(format_args!(
            "invalid device permissions {text:?}: expected of r, w and m"
        )))
    }
}

/// `c 1:3 rwm`, numbers may be `*`.
fn parse_rule(rule: &str) -> Result<LinuxDeviceCgroup> {
    let invalid = || Error::invalid(format_args!("invalid device cgroup rule format: '{rule}'"));
    let parts: Vec<_> = rule.split_ascii_whitespace().collect();
    let [kind, numbers, access] = parts[..] else {
        return Err(invalid());
    };
    let (first, second) = numbers.split_once(':').ok_or_else(invalid)?;
    let number = |text: &str| match text {
        "*" => Ok(Some(-1)),
        text => text.parse::<u32>().map(|n| Some(i64::from(n))).map_err(|_| invalid()),
    };
    if !["a", "b", "c"].contains(&kind) || access.is_empty() {
        return Err(invalid());
    }
    Ok(LinuxDeviceCgroup {
        allow: true,
        kind: Some(kind.to_owned()),
        major: number(first)?,
        minor: number(second)?,
        access: Some(permissions(access).map_err(|_| invalid())?),
    })
}

fn node(path: &Path, inside: &str) -> Result<Option<LinuxDevice>> {
    let failed = |error: rustix::io::Errno| {
        gathering(&path.to_string_lossy()).because(std::io::Error::from(error))
    };
    let stat = rustix::fs::lstat(path).map_err(failed)?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => "c",
        FileType::BlockDevice => "b",
        _ => return Ok(None),
    };
    Ok(Some(LinuxDevice {
        kind: kind.into(),
        path: inside.to_owned(),
        major: Some(i64::from(major(stat.st_rdev))),
        minor: Some(i64::from(minor(stat.st_rdev))),
        file_mode: Some(stat.st_mode & 0o7777),
        uid: Some(stat.st_uid),
        gid: Some(stat.st_gid),
    }))
}

/// All device nodes below a directory, without what a container has of its own.
fn collect(directory: &Path, inside: &str, nodes: &mut Vec<LinuxDevice>, depth: u32) -> Result<()> {
    if depth > 8 {
        return Ok(());
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let own = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"];
        if depth == 0 && own.contains(&name.as_str()) {
            continue;
        }
        let inside = format!("{inside}/{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), &inside, nodes, depth + 1)?,
            Ok(kind) if kind.is_symlink() => {}
            // One that went away meanwhile is no matter.
            _ => nodes.extend(node(&entry.path(), &inside).ok().flatten()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let rule = parse_rule("c 7:* rmw").expect("valid");
        assert_eq!(
            (rule.major, rule.minor, rule.access.as_deref()),
            (Some(7), Some(-1), Some("rmw"))
        );
        for bad in ["", "c 1:3", "x 1:3 r", "c 1 r", "c 1:x r", "c 1:3 q"] {
            assert!(parse_rule(bad).is_err(), "{bad}");
        }
    }
}
