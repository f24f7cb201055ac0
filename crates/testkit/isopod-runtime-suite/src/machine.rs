//! What the machine under the suite can do.

use std::fs;
use std::path::Path;

use crate::case::Need;

/// Why a need is not met, if so.
pub(crate) fn unmet(need: Need) -> Option<String> {
    match need {
        Need::V1(controller) => (!has_v1(controller))
            .then(|| format!("the {controller} controller is not mounted as a v1 hierarchy")),
        Need::V2(controller) => (!has_v2(controller))
            .then(|| format!("no v2 tree with the {controller} controller at /sys/fs/cgroup")),
        Need::Namespace(kind) => (!Path::new("/proc/self/ns").join(kind).exists())
            .then(|| format!("the kernel has no {kind} namespaces")),
        Need::File(path, why) => (!Path::new(path).exists()).then(|| format!("{why} ({path})")),
        Need::NoFile(path, why) => Path::new(path).exists().then(|| format!("{why} ({path})")),
        Need::Program(name) => {
            isopod_testkit::peer(name).is_none().then(|| format!("{name} is not installed"))
        }
        Need::Kernel(major, minor) => {
            let version = kernel_version();
            (version < (major, minor)).then(|| {
                format!("needs Linux {major}.{minor}, this is {}.{}", version.0, version.1)
            })
        }
        Need::IdmappedMounts => idmapped_mounts(),
        Need::Capability(name, bit) => (!has_capability(bit))
            .then(|| format!("this process lacks {name}, and a runtime cannot grant it")),
    }
}

/// Whether a pure v2 tree is mounted.
pub(crate) fn is_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

fn has_v2(controller: &str) -> bool {
    let list = fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
    // Device rules are no controller there: a program is attached instead.
    is_v2() && (controller == "devices" || list.split_whitespace().any(|name| name == controller))
}

fn has_v1(controller: &str) -> bool {
    !is_v2() && v1_mount(controller).is_some()
}

/// Where a v1 controller is mounted.
pub(crate) fn v1_mount(controller: &str) -> Option<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    table.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        let (kind, options) = (right.next()?, right.nth(1)?);
        let found = kind == "cgroup" && options.split(',').any(|option| option == controller);
        found.then(|| left.split(' ').nth(4).map(str::to_owned))?
    })
}

fn kernel_version() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut parts =
        release.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn has_capability(bit: u8) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|set| set >> bit & 1 == 1)
}

/// File systems known to support id-mapped mounts since they exist in Linux (5.12 and later).
fn idmapped_mounts() -> Option<String> {
    let kind = rustix::fs::statfs(std::env::temp_dir()).map_or(0, |fs| fs.f_type);
    const EXT4: i64 = 0xef53;
    const XFS: i64 = 0x5846_5342;
    const BTRFS: i64 = 0x9123_683e;
    const TMPFS: i64 = 0x0102_1994;
    let supported = matches!(kind, EXT4 | XFS | BTRFS) && kernel_version() >= (5, 12)
        || kind == TMPFS && kernel_version() >= (6, 3);
    (!supported).then(|| {
        format!("the temporary directory's file system ({kind:#x}) has no id-mapped mounts")
    })
}
