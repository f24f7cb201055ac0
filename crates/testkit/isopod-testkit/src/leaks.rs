//! Leak checks: what mounts, cgroups, processes and files are there now that were not before.
//!
//! Other tests run on the same machine at the same time, so every kind of thing is narrowed to
//! what the caller can own: mounts of this mount namespace and cgroups whose path contains a
//! marker, descendants of this process, entries of named directories.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What was there at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    marker: String,
    dirs: Vec<PathBuf>,
    mounts: BTreeSet<String>,
    cgroups: BTreeSet<PathBuf>,
    processes: BTreeSet<String>,
    entries: BTreeSet<PathBuf>,
}

/// What a later snapshot has and an earlier one had not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaks(Vec<String>);

impl Leaks {
    /// Whether nothing leaked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Leaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Snapshot {
    /// Looks at mounts and cgroups whose path contains `marker`, at descendants of this process,
    /// and at what lies in `dirs`.
    pub fn take(marker: &str, dirs: &[&Path]) -> Self {
        let dirs: Vec<PathBuf> = dirs.iter().map(|dir| dir.to_path_buf()).collect();
        Self {
            mounts: mounts(marker),
            cgroups: cgroups(marker),
            processes: descendants(),
            entries: dirs.iter().flat_map(|dir| entries(dir)).collect(),
            marker: marker.to_owned(),
            dirs,
        }
    }

    /// What has appeared since.
    pub fn leaks(&self) -> Leaks {
        let dirs: Vec<&Path> = self.dirs.iter().map(PathBuf::as_path).collect();
        let now = Self::take(&self.marker, &dirs);
        let mut leaks = Vec::new();
        for mount in now.mounts.difference(&self.mounts) {
            leaks.push(format!("mount {mount}"));
        }
        for cgroup in now.cgroups.difference(&self.cgroups) {
            leaks.push(format!("cgroup {}", cgroup.display()));
        }
        for process in now.processes.difference(&self.processes) {
            leaks.push(format!("process {process}"));
        }
        for entry in now.entries.difference(&self.entries) {
            leaks.push(format!("file {}", entry.display()));
        }
        Leaks(leaks)
    }
}

fn mounts(marker: &str) -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            // With the id, so that two mounts on top of each other are two.
            Some((fields.next()?, fields.nth(3)?))
        })
        .filter(|(_, point)| point.contains(marker))
        .map(|(id, point)| format!("{point} ({id})"))
        .collect()
}

fn cgroups(marker: &str) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut pending = vec![(PathBuf::from("/sys/fs/cgroup"), 0)];
    while let Some((dir, depth)) = pending.pop() {
        if dir.to_string_lossy().contains(marker) {
            found.insert(dir.clone());
        }
        // Deep enough for hierarchies, markers and the sub-groups of a container.
        if depth < 7 {
            let below = fs::read_dir(&dir).into_iter().flatten().flatten();
            pending.extend(
                below
                    .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                    .map(|entry| (entry.path(), depth + 1)),
            );
        }
    }
    found
}

/// Pids of all descendants of this process.
pub fn descendant_pids() -> Vec<u32> {
    family().into_iter().map(|(pid, _, _)| pid).collect()
}

/// Removes cgroups whose path contains `marker`, deepest first; says whether none is left.
pub fn remove_cgroups(marker: &str) -> bool {
    for dir in cgroups(marker).iter().rev() {
        let _ = fs::remove_dir(dir);
    }
    cgroups(marker).is_empty()
}

fn descendants() -> BTreeSet<String> {
    family().into_iter().map(|(pid, name, state)| format!("{pid} ({name}, {state})")).collect()
}

/// Descendants of this process with name and state, without those that are gone but for their
/// entry.
fn family() -> Vec<(u32, String, char)> {
    let own = std::process::id();
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        if let Some((name, state, parent)) = parse_stat(&stat) {
            parents.push((pid, parent, state, name.to_owned()));
        }
    }
    let mut family: BTreeSet<u32> = [own].into();
    loop {
        let before = family.len();
        for (pid, parent, _, _) in &parents {
            if family.contains(parent) {
                family.insert(*pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    parents
        .into_iter()
        .filter(|(pid, _, state, _)| *pid != own && family.contains(pid) && *state != 'X')
        .map(|(pid, _, state, name)| (pid, name, state))
        .collect()
}

fn parse_stat(stat: &str) -> Option<(&str, char, u32)> {
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1;
    let mut fields = tail.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((name, state, fields.next()?.parse().ok()?))
}

fn entries(dir: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_processes_that_stay_are_leaks() {
        let dir = crate::temp_dir("leaks").expect("a directory");
        let before = Snapshot::take("no-such-marker", &[dir.path()]);
        fs::write(dir.path().join("left"), "").expect("written");
        let leaks = before.leaks().to_string();
        assert!(leaks.contains("left"), "{leaks}");
        fs::remove_file(dir.path().join("left")).expect("removed");
        let child = crate::ProcessGuard::spawn(std::process::Command::new("sleep").arg("60"))
            .expect("starts");
        let leaks = before.leaks().to_string();
        assert!(leaks.contains(&format!("process {}", child.id())), "{leaks}");
    }

    #[test]
    fn stat_lines_with_odd_names() {
        assert_eq!(parse_stat("7 (a) b) S 3 1 1"), Some(("a) b", 'S', 3)));
        assert_eq!(parse_stat("nonsense"), None);
    }
}
