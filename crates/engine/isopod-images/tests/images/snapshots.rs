//! The conformance suite on both snapshotters, and what is special to each.

use isopod_images::{MountOptions, SnapshotterKind, snapshot::conformance};

use crate::support::{contents, dir, docker_archive, file, is_root, load_one, open, store_of, tar};

#[test]
fn overlay_conforms() {
    if is_root("overlay_conforms") {
        conformance::run(&store_of(SnapshotterKind::Overlay).images);
    }
}

#[test]
fn copy_conforms() {
    if is_root("copy_conforms") {
        conformance::run(&store_of(SnapshotterKind::Copy).images);
    }
}

#[test]
fn a_store_keeps_its_kind() {
    if !is_root("a_store_keeps_its_kind") {
        return;
    }
    let store = store_of(SnapshotterKind::Copy);
    let dir = store.dir;
    drop(store.images);
    assert_eq!(open(dir.path(), SnapshotterKind::Auto).snapshots().name(), "copy");
    let options = isopod_images::Options {
        snapshotter: SnapshotterKind::Overlay,
        ..isopod_images::Options::new(dir.path().join("images"))
    };
    assert!(isopod_images::Images::open(options).is_err());
}

#[test]
fn a_hundred_layers_mount() {
    if !is_root("a_hundred_layers_mount") {
        return;
    }
    let store = store_of(SnapshotterKind::Overlay);
    let texts: Vec<(String, String)> =
        (0..120).map(|n| (format!("d/{n}"), n.to_string())).collect();
    let layers: Vec<Vec<u8>> =
        texts.iter().map(|(path, text)| tar(&[dir("d/"), file(path, text)])).collect();
    let image = load_one(&store.images, &docker_archive("many:1", &layers));
    assert_eq!(contents(&store.images, &image).len(), 120);
}

#[test]
fn files_take_the_ids_of_a_user_namespace() {
    use std::os::fd::AsFd;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    use std::process::{Command, Stdio};
    if !is_root("files_take_the_ids_of_a_user_namespace") {
        return;
    }
    for kind in [SnapshotterKind::Overlay, SnapshotterKind::Copy] {
        let store = store_of(kind);
        let image = load_one(&store.images, &docker_archive("ids:1", &[tar(&[file("f", "x")])]));
        // A process whose user namespace is borrowed.
        let mut child = Command::new("unshare")
            .args(["--user", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0; 1];
        let ready = std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line);
        if ready.is_err() {
            eprintln!("SKIP: files_take_the_ids_of_a_user_namespace: no user namespaces here");
            let _ = child.wait();
            return;
        }
        for map in ["uid_map", "gid_map"] {
            std::fs::write(format!("/proc/{}/{map}", child.id()), "0 100000 65536").unwrap();
        }
        let namespace = std::fs::File::open(format!("/proc/{}/ns/user", child.id())).unwrap();
        let mounts = store.images.prepare("c", &image).unwrap();
        let options = MountOptions { idmap: Some(namespace.as_fd()), ..MountOptions::default() };
        let opened = mounts.open(&options);
        drop(child.stdin.take());
        let _ = child.wait();
        let fd = opened.unwrap();
        let path = format!("/proc/self/fd/{}/f", fd.as_raw_fd());
        assert_eq!(std::fs::metadata(&path).unwrap().uid(), 100_000, "{kind:?}");
    }
}
