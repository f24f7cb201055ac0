//! The power goes, on a real file system: at each step the disk is copied as it is at that
//! moment, without what the kernel still has in memory, and the store on the copy is opened.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use isopod_images::{MountOptions, SnapshotterKind, failpoint};

use crate::crash::{archive, expected, scenario};
use crate::support::{assert_clean, contents, is_root, load_one, open, open_under};

/// Set in children: the file that is the disk.
const DISK: &str = "ISOPOD_TEST_POWER_DISK";
const DISK_BYTES: u64 = 48 << 20;

/// Mounts a disk, in a namespace of its own that goes with the process.
fn mount(disk: &Path) -> PathBuf {
    let mnt = disk.with_extension("mnt");
    fs::create_dir_all(&mnt).unwrap();
    let mounted = Command::new("mount").args(["-o", "loop"]).arg(disk).arg(&mnt).status().unwrap();
    assert!(mounted.success(), "mount: {mounted}");
    mnt
}

/// Run in a process of its own: does everything, and is stopped somewhere on the way.
#[test]
fn before() {
    if let Some(disk) = std::env::var_os(DISK) {
        scenario(&mount(disk.as_ref()), SnapshotterKind::Overlay);
    }
}

/// Run in a process of its own: looks at what the disk had.
#[test]
fn after() {
    let Some(disk) = std::env::var_os(DISK) else {
        return;
    };
    let directory = mount(disk.as_ref());
    let point = std::env::var("ISOPOD_TEST_POWER_POINT").unwrap();
    let images = open_under(&directory, SnapshotterKind::Overlay, "after the cut");
    if images.snapshots().stat("container").unwrap().is_some() {
        // Recorded without waiting for its empty directories: they are made again.
        images.snapshots().mounts("container").unwrap().open(&MountOptions::default()).unwrap();
        images.snapshots().remove("container").unwrap();
    }
    assert_clean(&images);
    let acknowledged =
        point == "commit.recorded" || point.starts_with("trees.") || point.starts_with("snapshot.");
    assert_eq!(images.list().unwrap().len(), usize::from(acknowledged), "images");
    for image in images.list().unwrap() {
        assert_eq!(contents(&images, &image), expected());
    }
    drop(images);
    // And it works on.
    let images = open(&directory, SnapshotterKind::Overlay);
    let image = load_one(&images, &archive());
    assert_eq!(contents(&images, &image), expected());
}

/// Starts one of the above.
fn start(test: &str, disk: &Path, variable: &str, point: &str) -> Child {
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(DISK, disk)
        .env(variable, point)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A process that does not outlive its test.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the process has stopped itself.
fn await_stop(child: &mut Child, point: &str) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "{point} was not reached");
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("{point} was not reached in a minute");
}

#[test]
fn what_the_disk_has_at_any_moment_is_enough() {
    const NAME: &str = "what_the_disk_has_at_any_moment_is_enough";
    if !is_root(NAME) {
        return;
    }
    let have = |tool: &str| Command::new(tool).arg("-V").output().is_ok();
    if !cfg!(debug_assertions) || !have("mkfs.ext4") || !Path::new("/dev/loop-control").exists() {
        eprintln!("SKIP: {NAME}: needs fail points (no release build), mkfs.ext4 and loop devices");
        return;
    }
    for point in failpoint::POINTS {
        let directory = tempfile::tempdir().unwrap();
        let disk = directory.path().join("disk");
        File::create(&disk).unwrap().set_len(DISK_BYTES).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk).status().unwrap();
        assert!(made.success(), "mkfs.ext4: {made}");
        let mut child = Stopped(start("power::before", &disk, "ISOPOD_STOP_POINT", point));
        await_stop(&mut child.0, point);
        let cut = directory.path().join("cut");
        fs::copy(&disk, &cut).unwrap();
        drop(child);
        let looked = start("power::after", &cut, "ISOPOD_TEST_POWER_POINT", point);
        let looked = looked.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&looked.stderr);
        assert!(looked.status.success(), "cut at {point}: {said}");
    }
}
