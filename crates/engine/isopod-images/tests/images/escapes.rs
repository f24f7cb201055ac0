//! Layers that try to get out, or to do what a layer must not.

use std::fs;

use isopod_images::tar::{Entry, Kind};
use isopod_images::{ImageError, LayerError, SnapshotterKind};

use crate::support::{
    assert_clean, contents, dir, docker_archive, file, is_root, link, load, load_one, store,
    store_of, tar,
};

/// Loads an image of one layer; tells the chain of errors if that fails.
fn try_layer(entries: &[(Entry, &[u8])]) -> Result<Vec<String>, String> {
    let store = store();
    let outside = store.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("canary"), "alive").unwrap();
    let result = load(&store.images, &docker_archive("evil:1", &[tar(entries)]));
    assert_eq!(fs::read(outside.join("canary")).unwrap(), b"alive");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "something came out");
    assert_clean(&store.images);
    match result {
        Err(error) => {
            assert_eq!(store.images.content().list().unwrap().len(), 0, "blobs left");
            assert_eq!(store.images.list().unwrap().len(), 0, "images left");
            Err(isopod_base::chain(&error).to_string())
        }
        Ok(loaded) => Ok(contents(&store.images, &loaded[0].image)
            .into_keys()
            .map(|path| path.display().to_string())
            .collect()),
    }
}

#[test]
fn paths_that_climb_are_refused_by_name() {
    if !is_root("paths_that_climb_are_refused_by_name") {
        return;
    }
    for path in ["../outside/canary", "a/../../outside/canary", "/../outside/canary"] {
        let error = try_layer(&[file(path, "dead")]).unwrap_err();
        assert!(error.contains(path) && error.contains("leads out"), "{error}");
        assert!(error.contains("evil:1"), "the image is named: {error}");
    }
}

#[test]
fn absolute_paths_are_under_the_root() {
    if is_root("absolute_paths_are_under_the_root") {
        let found = try_layer(&[file("/etc/isopod-test", "x")]).unwrap();
        assert_eq!(found, ["etc/isopod-test"]);
        assert!(!fs::exists("/etc/isopod-test").unwrap());
    }
}

#[test]
fn nothing_is_written_through_links() {
    if !is_root("nothing_is_written_through_links") {
        return;
    }
    let up = "../../../../outside";
    // A directory that is a link: it leads under the root, where nothing is.
    let error = try_layer(&[link("d", Kind::Symlink, up), file("d/canary", "dead")]).unwrap_err();
    assert!(error.contains("leads nowhere"), "{error}");
    // A file that is a link is replaced.
    let through = format!("{up}/canary");
    let found = try_layer(&[link("f", Kind::Symlink, &through), file("f", "dead")]).unwrap();
    assert_eq!(found, ["f"]);
    // A directory that becomes a link after it was used.
    let swapped = try_layer(&[
        dir("d/"),
        file("d/x", "x"),
        link("d", Kind::Symlink, up),
        file("d/canary", "dead"),
    ]);
    assert!(swapped.unwrap_err().contains("leads nowhere"));
    // Links within the layer are followed as in a container.
    let found = try_layer(&[
        dir("usr/"),
        dir("usr/lib/"),
        link("lib", Kind::Symlink, "/usr/lib"),
        file("lib/libc.so", "x"),
    ])
    .unwrap();
    assert_eq!(found, ["lib", "usr/lib/libc.so"]);
}

#[test]
fn attributes_of_directories_are_not_set_through_links() {
    if is_root("attributes_of_directories_are_not_set_through_links") {
        let found = try_layer(&[
            dir("d/"),
            link("d", Kind::Symlink, "../../../../outside"),
            file("e", "x"),
        ])
        .unwrap();
        assert_eq!(found, ["d", "e"]);
    }
}

#[test]
fn hard_links_stay_in_the_image() {
    if !is_root("hard_links_stay_in_the_image") {
        return;
    }
    for target in ["/etc/passwd", "etc/passwd"] {
        let error = try_layer(&[link("p", Kind::HardLink, target)]).unwrap_err();
        assert!(error.contains("etc/passwd"), "{error}");
    }
    let error = try_layer(&[link("p", Kind::HardLink, "../outside/canary")]).unwrap_err();
    assert!(error.contains("leads out"), "{error}");
    let error = try_layer(&[
        link("d", Kind::Symlink, "../../../../outside"),
        link("p", Kind::HardLink, "d/canary"),
    ])
    .unwrap_err();
    assert!(error.contains("hard link"), "{error}");
}

#[test]
fn marks_of_overlayfs_cannot_be_forged() {
    if !is_root("marks_of_overlayfs_cannot_be_forged") {
        return;
    }
    let forged = |key: &str| {
        let (mut entry, content) = dir("d/");
        entry.xattrs = vec![(key.as_bytes().to_vec(), b"/etc".to_vec())];
        (entry, content)
    };
    let store = store_of(SnapshotterKind::Overlay);
    let layer = tar(&[forged("trusted.overlay.redirect"), file("d/f", "x")]);
    load_one(&store.images, &docker_archive("forged:1", &[layer]));
    let layer = store.images.root().join("snapshots");
    let number = fs::read_dir(&layer).unwrap().next().unwrap().unwrap().path();
    let mut value = [0; 64];
    let set =
        rustix::fs::lgetxattr(number.join("fs/d"), "trusted.overlay.redirect", &mut value[..]);
    assert!(set.is_err(), "the mark was set");
}

#[test]
fn names_and_links_beyond_the_limits_are_refused() {
    if !is_root("names_and_links_beyond_the_limits_are_refused") {
        return;
    }
    let name = "n".repeat(256);
    assert!(try_layer(&[file(&name, "")]).unwrap_err().contains("limit"));
    let deep = "d/".repeat(2100) + "f";
    assert!(try_layer(&[file(&deep, "")]).unwrap_err().contains("limit"));
    assert!(try_layer(&[link("l", Kind::Symlink, "")]).unwrap_err().contains("target"));
    let circle = [link("a", Kind::Symlink, "b"), link("b", Kind::Symlink, "a"), file("a/f", "x")];
    assert!(try_layer(&circle).is_err());
}

#[test]
fn a_bomb_stops_at_its_limit() {
    use std::io::Write;
    if !is_root("a_bomb_stops_at_its_limit") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let limits = isopod_images::Limits {
        expansion_floor_bytes: 1 << 20,
        expansion_ratio: 10,
        ..Default::default()
    };
    let options =
        isopod_images::Options { limits, ..isopod_images::Options::new(dir.path().join("images")) };
    let images = isopod_images::Images::open(options).unwrap();
    let zeros = "\0".repeat(64 << 20);
    let layer = tar(&[file("zeros", &zeros)]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&layer).unwrap();
    let packed = encoder.finish().unwrap();
    let archive =
        crate::support::docker_archive_with("bomb:1", &crate::support::config(&[layer]), &[packed]);
    let error = load(&images, &archive).unwrap_err();
    let ImageError::Layer { source: LayerError::Limit { .. }, .. } = &error else {
        panic!("{error:?}");
    };
    assert_clean(&images);
}
