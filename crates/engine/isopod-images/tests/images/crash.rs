//! The process dies at each step; the store opens again, holds what its records say, and works.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use isopod_images::{CollectPolicy, MountOptions, RemoveOptions, SnapshotterKind, failpoint};

use crate::support::{
    assert_clean, contents, dir, docker_archive, file, is_root, load_one, open, open_under,
    patiently, tar,
};

const DIRECTORY: &str = "ISOPOD_TEST_CRASH_DIRECTORY";
const KIND: &str = "ISOPOD_TEST_CRASH_COPY";

pub(crate) fn archive() -> Vec<u8> {
    docker_archive(
        "crash:1",
        &[
            tar(&[dir("etc/"), file("etc/a", "1")]),
            tar(&[file("etc/b", "2"), file("etc/.wh.a", "")]),
        ],
    )
}

/// What the image shows.
pub(crate) fn expected() -> BTreeMap<PathBuf, Vec<u8>> {
    BTreeMap::from([(PathBuf::from("etc/b"), b"2".to_vec())])
}

/// Everything that passes a fail point. The machine goes down between load and use.
pub(crate) fn scenario(directory: &Path, kind: SnapshotterKind) {
    let images = open(directory, kind);
    load_one(&images, &archive());
    drop(images);
    let images = open_under(directory, kind, "second run");
    let image = images.resolve("crash:1", None).unwrap();
    images.sync_trees().unwrap();
    images.prepare("container", &image).unwrap();
    images.snapshots().remove("container").unwrap();
    let options = RemoveOptions { keep_unreferenced: true, ..RemoveOptions::default() };
    images.remove("crash:1", options, &|_| Vec::new()).unwrap();
    images.collect(&CollectPolicy::default()).unwrap();
}

/// Run by the test below in a process of its own.
#[test]
fn child() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let kind = match std::env::var_os(KIND) {
            Some(_) => SnapshotterKind::Copy,
            None => SnapshotterKind::Overlay,
        };
        scenario(directory.as_ref(), kind);
    }
}

/// Runs the scenario until it is cut off at a point.
fn cut_at(point: &str, directory: &Path, kind: SnapshotterKind) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["crash::child", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env("ISOPOD_FAIL_POINT", point)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if kind == SnapshotterKind::Copy {
        command.env(KIND, "1");
    }
    let status = command.status().unwrap();
    assert_eq!(status.signal(), Some(6), "{point} was not reached: {status}");
}

/// Takes the power: of every tree that is not recorded as being on the disk, half is lost, as
/// after a kernel that had not written it yet. Returns how many trees there are like that.
fn lose_power(directory: &Path) -> usize {
    let root = directory.join("images");
    let journal = patiently(|| match isopod_journal::Journal::open(&root.join("journal")) {
        Err(isopod_journal::Error::InUse { .. }) => None,
        other => Some(other.unwrap()),
    });
    let mut lost = 0;
    for (_, record) in journal.scan("snapshot/") {
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        if record.get("unsynced").is_none() {
            continue;
        }
        lost += 1;
        let dir = root.join("snapshots").join(record["number"].to_string());
        if lost % 2 == 0 {
            fs::remove_dir_all(&dir).unwrap_or_default();
            continue;
        }
        let mut pending = vec![dir];
        while let Some(dir) = pending.pop() {
            for entry in fs::read_dir(dir).into_iter().flatten() {
                let entry = entry.unwrap();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    pending.push(entry.path());
                } else if kind.is_file() {
                    File::options().write(true).open(entry.path()).unwrap().set_len(0).unwrap();
                }
            }
        }
    }
    lost
}

#[test]
fn a_crash_at_any_step_loses_and_leaks_nothing() {
    cut_at_every_point("a_crash_at_any_step_loses_and_leaks_nothing", false);
}

#[test]
fn a_power_cut_at_any_step_loses_and_leaks_nothing() {
    cut_at_every_point("a_power_cut_at_any_step_loses_and_leaks_nothing", true);
}

fn cut_at_every_point(test: &str, power: bool) {
    if !is_root(test) {
        return;
    }
    if !cfg!(debug_assertions) {
        eprintln!("SKIP: {test}: fail points are not in release builds");
        return;
    }
    for kind in [SnapshotterKind::Overlay, SnapshotterKind::Copy] {
        for point in failpoint::POINTS {
            let directory = tempfile::tempdir().unwrap();
            cut_at(point, directory.path(), kind);
            let known = *point == "commit.recorded"
                || point.starts_with("trees.")
                || point.starts_with("snapshot.");
            let second = point.starts_with("trees.");
            let after = |run: &str| match power {
                true => {
                    lose_power(directory.path());
                    open_under(directory.path(), kind, run)
                }
                false if second => open_under(directory.path(), kind, "second run"),
                false => open(directory.path(), kind),
            };
            let images = after("third run");
            assert_clean(&images);
            // What was acknowledged is there and whole; what was not is not there at all.
            for image in images.list().unwrap() {
                assert_eq!(contents(&images, &image), expected(), "{point}");
            }
            assert_eq!(images.list().unwrap().len(), usize::from(known), "{point}");
            if images.snapshots().stat("container").unwrap().is_some() {
                images.snapshots().remove("container").unwrap();
            }
            drop(images);
            scenario(directory.path(), kind);
            let images = after("fourth run");
            assert_clean(&images);
            assert!(images.content().list().unwrap().is_empty(), "{point}: blobs");
            assert!(images.snapshots().list().unwrap().is_empty(), "{point}: snapshots");
        }
    }
}

#[test]
fn what_a_container_stands_on_outlives_its_image_and_a_power_cut() {
    if !is_root("what_a_container_stands_on_outlives_its_image_and_a_power_cut") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let images = open(directory.path(), SnapshotterKind::Overlay);
    let image = load_one(&images, &archive());
    images.prepare("container", &image).unwrap();
    // The trees can be unpacked again only as long as their blobs are here.
    let options = RemoveOptions { force: true, ..RemoveOptions::default() };
    images.remove("crash:1", options, &|_| Vec::new()).unwrap();
    images.collect(&CollectPolicy::default()).unwrap();
    assert!(images.content().list().unwrap().is_empty());
    drop(images);
    assert_eq!(lose_power(directory.path()), 0);
    let images = open_under(directory.path(), SnapshotterKind::Overlay, "second run");
    let mounts = images.snapshots().mounts("container").unwrap();
    let root = mounts.open(&MountOptions::default()).unwrap();
    let path = format!("/proc/self/fd/{}/etc/b", root.as_raw_fd());
    assert_eq!(fs::read(path).unwrap(), b"2");
}

#[test]
fn a_layer_that_cannot_be_unpacked_again_is_named_and_does_not_keep_the_store_shut() {
    if !is_root("a_layer_that_cannot_be_unpacked_again_is_named_and_does_not_keep_the_store_shut") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let images = open(directory.path(), SnapshotterKind::Overlay);
    let image = load_one(&images, &archive());
    let blob = images.content().blob_path(&image.layers[0].digest);
    let good = fs::read(&blob).unwrap();
    drop(images);
    lose_power(directory.path());
    let mut bad = good.clone();
    let at = bad.windows(5).position(|part| part == b"etc/a").unwrap();
    bad[at] = b'E';
    fs::write(&blob, bad).unwrap();
    let images = open_under(directory.path(), SnapshotterKind::Overlay, "second run");
    let faults = images.verify().unwrap();
    let chain = image.chain.as_ref().unwrap().to_string();
    assert!(faults.iter().any(|fault| fault.object == chain), "{faults:?}");
    let mounts = images
        .prepare("container", &image)
        .and_then(|mounts| Ok(mounts.open(&MountOptions::default())?));
    assert!(mounts.is_err(), "a tree that is not whole was mounted");
    drop(images);
    // With the blob mended, the next opening succeeds.
    fs::write(&blob, good).unwrap();
    let images = open_under(directory.path(), SnapshotterKind::Overlay, "third run");
    assert_eq!(images.verify().unwrap(), []);
    assert_eq!(contents(&images, &image), expected());
}
