//! The process dies at each step; the store opens again, holds what its records say, and works.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use isopod_images::{CollectPolicy, RemoveOptions, SnapshotterKind, failpoint};

use crate::support::{
    assert_clean, contents, dir, docker_archive, file, is_root, load_one, open, tar,
};

const DIRECTORY: &str = "ISOPOD_TEST_CRASH_DIRECTORY";
const KIND: &str = "ISOPOD_TEST_CRASH_COPY";

fn archive() -> Vec<u8> {
    docker_archive(
        "crash:1",
        &[
            tar(&[dir("etc/"), file("etc/a", "1")]),
            tar(&[file("etc/b", "2"), file("etc/.wh.a", "")]),
        ],
    )
}

/// Everything that passes a fail point.
fn scenario(directory: &Path, kind: SnapshotterKind) {
    let images = open(directory, kind);
    let image = load_one(&images, &archive());
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

#[test]
fn a_crash_at_any_step_loses_and_leaks_nothing() {
    if !is_root("a_crash_at_any_step_loses_and_leaks_nothing") {
        return;
    }
    if !cfg!(debug_assertions) {
        eprintln!(
            "SKIP: a_crash_at_any_step_loses_and_leaks_nothing: fail points are not in release builds"
        );
        return;
    }
    for kind in [SnapshotterKind::Overlay, SnapshotterKind::Copy] {
        for point in failpoint::POINTS {
            let directory = tempfile::tempdir().unwrap();
            cut_at(point, directory.path(), kind);
            let images = open(directory.path(), kind);
            assert_clean(&images);
            // What was acknowledged is there and whole; what was not is not there at all.
            for image in images.list().unwrap() {
                assert_eq!(contents(&images, &image).len(), 1, "{point}");
            }
            let known = matches!(
                *point,
                "commit.recorded"
                    | "snapshot.created"
                    | "snapshot.recorded"
                    | "snapshot.unrecorded"
                    | "snapshot.removed"
            );
            assert_eq!(images.list().unwrap().len(), usize::from(known), "{point}");
            if images.snapshots().stat("container").unwrap().is_some() {
                images.snapshots().remove("container").unwrap();
            }
            drop(images);
            scenario(directory.path(), kind);
            let images = open(directory.path(), kind);
            assert_clean(&images);
            assert!(images.content().list().unwrap().is_empty(), "{point}: blobs");
            assert!(images.snapshots().list().unwrap().is_empty(), "{point}: snapshots");
        }
    }
}
