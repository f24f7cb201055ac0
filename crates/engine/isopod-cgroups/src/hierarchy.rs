//! Which control group file systems are mounted where, and where in them this process is.
//!
//! Pure text in, values out, except for [`Hierarchy::detect`], which reads the three files of
//! `/proc` and `/sys` that are needed. It knows nothing of containers.

use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// Where distributions mount the control groups.
const DEFAULT_ROOT: &str = "/sys/fs/cgroup";

/// `f_type` of a cgroup2 file system, from `linux/magic.h`.
const CGROUP2_SUPER_MAGIC: u64 = 0x6367_7270;

/// The version 1 controllers that a container joins; hierarchies with others are left alone.
pub(crate) const V1_CONTROLLERS: [&str; 15] = [
    "cpuset",
    "devices",
    "memory",
    "cpu",
    "cpuacct",
    "pids",
    "blkio",
    "hugetlb",
    "net_cls",
    "net_prio",
    "perf_event",
    "freezer",
    "rdma",
    "misc",
    "name=systemd",
];

/// How a machine mounts its control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Version 1 hierarchies only.
    V1,
    /// Version 1 hierarchies, and a version 2 tree beside them.
    Hybrid,
    /// One version 2 tree.
    V2,
}

/// A mounted version 1 hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V1Mount {
    /// Its controllers, such as `cpu` and `cpuacct`, or `name=systemd`.
    pub controllers: Vec<String>,
    /// Where it is mounted.
    pub mountpoint: PathBuf,
    /// Which group of the hierarchy the mount shows as its root.
    pub root: PathBuf,
    /// The group of this process in the hierarchy, as `/proc/self/cgroup` has it.
    pub own: PathBuf,
}

/// The mounted version 2 tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V2Mount {
    /// Where it is mounted.
    pub mountpoint: PathBuf,
    /// Which group of the tree the mount shows as its root.
    pub root: PathBuf,
    /// The group of this process in the tree, as `/proc/self/cgroup` has it.
    pub own: PathBuf,
}

/// The mounted control groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    mode: Mode,
    v1: Vec<V1Mount>,
    v2: Option<V2Mount>,
}

/// A line of `/proc` that is not what the kernel documents.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file}, line {line}: {content:?}: expected {expected}")]
pub struct ParseError {
    /// The file.
    pub file: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// What it holds.
    pub content: String,
    /// What it should hold.
    pub expected: &'static str,
}

impl Hierarchy {
    /// Looks at the machine.
    ///
    /// A version 2 tree at `/sys/fs/cgroup` answers without a look at the mount table, which
    /// is long on a machine with many containers.
    pub fn detect() -> Result<Self> {
        let own = read("/proc/self/cgroup")?;
        if rustix::fs::statfs(DEFAULT_ROOT)
            .is_ok_and(|stat| stat.f_type as u64 == CGROUP2_SUPER_MAGIC)
        {
            let own = parse_membership(&own)?;
            return Ok(Self {
                mode: Mode::V2,
                v1: Vec::new(),
                v2: Some(V2Mount {
                    mountpoint: DEFAULT_ROOT.into(),
                    root: "/".into(),
                    own: membership(&own, "").unwrap_or_else(|| "/".into()),
                }),
            });
        }
        Self::parse(&read("/proc/self/mountinfo")?, &own)?.ok_or(Error::NotMounted)
    }

    /// Reads the text of `/proc/self/mountinfo` and of `/proc/self/cgroup`; nothing if no
    /// control group is mounted.
    pub fn parse(mountinfo: &[u8], cgroup: &[u8]) -> Result<Option<Self>, ParseError> {
        let own = parse_membership(cgroup)?;
        let mut v1: Vec<V1Mount> = Vec::new();
        let mut v2: Option<V2Mount> = None;
        for (index, line) in mountinfo.split(|b| *b == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let Some(mount) = parse_mount(line) else {
                return Err(ParseError {
                    file: "/proc/self/mountinfo",
                    line: index + 1,
                    content: String::from_utf8_lossy(line).into_owned(),
                    expected: "a mount as in proc(5)",
                });
            };
            match mount.kind {
                b"cgroup" => add_v1(&mut v1, mount, &own),
                b"cgroup2" => add_v2(&mut v2, mount, &own),
                _ => {}
            }
        }
        let controlled =
            v1.iter().any(|m| m.controllers.iter().any(|name| !name.starts_with("name=")));
        let unified = v2.as_ref().is_some_and(|m| m.mountpoint == Path::new(DEFAULT_ROOT));
        let mode = match (controlled && !unified, v2.is_some()) {
            (true, true) => Mode::Hybrid,
            (true, false) => Mode::V1,
            (false, true) => Mode::V2,
            (false, false) => return Ok(None),
        };
        if mode == Mode::V2 {
            v1.clear();
        }
        Ok(Some(Self { mode, v1, v2 }))
    }

    /// How the machine mounts its control groups.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The version 1 hierarchies with controllers that containers join.
    pub fn v1_mounts(&self) -> &[V1Mount] {
        &self.v1
    }

    /// The version 2 tree.
    pub fn v2(&self) -> Option<&V2Mount> {
        self.v2.as_ref()
    }

    /// The version 1 hierarchy of a controller.
    pub fn v1_mount(&self, controller: &str) -> Option<&V1Mount> {
        self.v1.iter().find(|m| m.controllers.iter().any(|name| name == controller))
    }
}

impl V1Mount {
    /// The directory of a group given by `path`: absolute is from the mount's root, relative
    /// from the group of this process.
    pub(crate) fn directory(&self, path: &Path) -> PathBuf {
        directory(&self.mountpoint, &self.root, &self.own, path)
    }
}

impl V2Mount {
    /// As for version 1, but a relative path starts at the parent of this process's group:
    /// that group holds processes, so it cannot pass controllers on to groups below it.
    pub(crate) fn directory(&self, path: &Path) -> PathBuf {
        let parent = self.own.parent().unwrap_or(Path::new("/"));
        directory(&self.mountpoint, &self.root, parent, path)
    }

    /// The directory of a group by its full name in the tree, as `/proc/PID/cgroup` has it.
    pub(crate) fn directory_of(&self, name: &Path) -> PathBuf {
        directory(&self.mountpoint, &self.root, name, Path::new(""))
    }
}

fn directory(mountpoint: &Path, root: &Path, own: &Path, path: &Path) -> PathBuf {
    let mut full = mountpoint.to_owned();
    if !path.is_absolute() {
        // Inside a container without a cgroup namespace the names in /proc are those of the
        // host, while the mount shows the container's group as its root.
        push_confined(&mut full, own.strip_prefix(root).unwrap_or(Path::new("")));
    }
    push_confined(&mut full, path);
    full
}

/// Appends `path` to `base`; `..` does not lead above `base`.
pub(crate) fn push_confined(base: &mut PathBuf, path: &Path) {
    let mut depth = 0_usize;
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                base.push(name);
                depth += 1;
            }
            Component::ParentDir if depth > 0 => {
                base.pop();
                depth -= 1;
            }
            _ => {}
        }
    }
}

/// Files of `/proc` say that they are empty, so that a reader without a guess of its own begins
/// with a few bytes at a time.
pub(crate) fn read(path: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(8 * 1024);
    std::fs::File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|source: io::Error| Error::read(path, source))?;
    Ok(bytes)
}

struct Mount<'a> {
    root: PathBuf,
    mountpoint: PathBuf,
    kind: &'a [u8],
    options: &'a [u8],
}

/// One line of mountinfo: `36 35 98:0 /mnt1 /mnt2 rw master:1 - ext3 /dev/root rw,errors=x`.
fn parse_mount(line: &[u8]) -> Option<Mount<'_>> {
    let mut fields = line.split(|b| *b == b' ');
    let root = unescape(fields.nth(3)?);
    let mountpoint = unescape(fields.next()?);
    fields.find(|field| *field == b"-")?;
    let kind = fields.next()?;
    let _source = fields.next()?;
    Some(Mount { root, mountpoint, kind, options: fields.next()? })
}

/// Undoes the kernel's octal escapes of space, tab, newline and backslash.
fn unescape(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let octal =
            tail.get(..3).filter(|d| byte == b'\\' && d.iter().all(|c| (b'0'..=b'7').contains(c)));
        match octal {
            Some(digits) => {
                out.push(digits.iter().fold(0_u8, |n, d| n.wrapping_mul(8).wrapping_add(d - b'0')));
                rest = &tail[3..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    std::ffi::OsString::from_vec(out).into()
}

fn add_v1(mounts: &mut Vec<V1Mount>, mount: Mount<'_>, own: &[(String, PathBuf)]) {
    let controllers: Vec<String> = mount
        .options
        .split(|b| *b == b',')
        .filter_map(|option| std::str::from_utf8(option).ok())
        .filter(|option| V1_CONTROLLERS.contains(option))
        .map(str::to_owned)
        .collect();
    // A later mount over the same directory hides the earlier one; elsewhere the first mount
    // of a controller counts.
    mounts.retain(|known| known.mountpoint != mount.mountpoint);
    let known = mounts.iter().any(|m| m.controllers.iter().any(|name| controllers.contains(name)));
    let Some(first) = controllers.first().filter(|_| !known) else { return };
    let own = membership(own, first).unwrap_or_else(|| mount.root.clone());
    mounts.push(V1Mount { controllers, mountpoint: mount.mountpoint, root: mount.root, own });
}

fn add_v2(v2: &mut Option<V2Mount>, mount: Mount<'_>, own: &[(String, PathBuf)]) {
    let preferred = Path::new(DEFAULT_ROOT);
    let replace = match v2 {
        None => true,
        Some(known) => {
            known.mountpoint == mount.mountpoint
                || (mount.mountpoint.starts_with(preferred)
                    && !known.mountpoint.starts_with(preferred))
        }
    };
    if replace {
        let own = membership(own, "").unwrap_or_else(|| mount.root.clone());
        *v2 = Some(V2Mount { mountpoint: mount.mountpoint, root: mount.root, own });
    }
}

/// `/proc/PID/cgroup`: pairs of controller and group; the version 2 tree is the controller "".
pub(crate) fn parse_membership(text: &[u8]) -> Result<Vec<(String, PathBuf)>, ParseError> {
    let mut found = Vec::new();
    for (index, line) in text.split(|b| *b == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let mut fields = line.splitn(3, |b| *b == b':');
        let (Some(_id), Some(names), Some(group)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(ParseError {
                file: "/proc/self/cgroup",
                line: index + 1,
                content: String::from_utf8_lossy(line).into_owned(),
                expected: "ID:CONTROLLERS:PATH",
            });
        };
        for name in String::from_utf8_lossy(names).split(',') {
            let group: PathBuf = std::ffi::OsString::from_vec(group.to_owned()).into();
            found.push((name.to_owned(), group));
        }
    }
    Ok(found)
}

pub(crate) fn membership(all: &[(String, PathBuf)], controller: &str) -> Option<PathBuf> {
    all.iter().find(|(name, _)| name == controller).map(|(_, group)| group.clone())
}

#[cfg(test)]
mod tests;
