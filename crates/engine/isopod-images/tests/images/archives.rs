//! Archives of images, good and bad.

use std::io::Write;

use isopod_base::Digest;
use isopod_images::tar::{Kind, Writer};
use isopod_images::{
    CommitOptions, ImageError, ImportOptions, SaveItem, SnapshotterKind, snapshot::Snapshotter,
};
use isopod_oci::image::ExecutionConfig;

use crate::support::{
    assert_clean, config, contents, dir, docker_archive, docker_archive_with, file, is_root, link,
    load, load_one, store, store_of, tar,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn two_layers() -> Vec<Vec<u8>> {
    vec![
        tar(&[dir("etc/"), file("etc/a", "1"), file("etc/b", "2")]),
        tar(&[dir("etc/"), file("etc/a", "changed"), file("etc/.wh.b", "")]),
    ]
}

#[test]
fn a_docker_archive_loads_in_any_compression() {
    if !is_root("a_docker_archive_loads_in_any_compression") {
        return;
    }
    let plain = docker_archive("two:1", &two_layers());
    let packed: Vec<Vec<u8>> = two_layers().iter().map(|layer| gzip(layer)).collect();
    let inner = docker_archive_with("two:1", &config(&two_layers()), &packed);
    let zstd: Vec<Vec<u8>> =
        two_layers().iter().map(|layer| zstd::encode_all(&layer[..], 3).unwrap()).collect();
    let inner_zstd = docker_archive_with("two:1", &config(&two_layers()), &zstd);
    for archive in [plain.clone(), gzip(&plain), inner, inner_zstd] {
        for kind in [SnapshotterKind::Overlay, SnapshotterKind::Copy] {
            let store = store_of(kind);
            let image = load_one(&store.images, &archive);
            assert_eq!(image.id, Digest::sha256(&config(&two_layers())));
            assert_eq!(image.names, ["two:1"]);
            let files = contents(&store.images, &image);
            assert_eq!(files.len(), 1, "{files:?}");
            assert_eq!(files[std::path::Path::new("etc/a")], b"changed");
            assert_clean(&store.images);
        }
    }
}

#[test]
fn old_archives_with_links_between_layers_load() {
    if !is_root("old_archives_with_links_between_layers_load") {
        return;
    }
    // docker before 25: a directory for each layer; the same layer twice is a link.
    let layer = tar(&[file("f", "x")]);
    let layers = [layer.clone(), layer.clone()];
    let mut writer = Writer::new(Vec::new());
    writer.directory("aa", 0).unwrap();
    writer.file("aa/VERSION", 0, b"1.0").unwrap();
    writer.file("aa/json", 0, b"{}").unwrap();
    writer.file("aa/layer.tar", 0, &layer).unwrap();
    writer.directory("bb", 0).unwrap();
    writer.header(&link("bb/layer.tar", Kind::Symlink, "../aa/layer.tar").0).unwrap();
    writer.file("c.json", 0, &config(&layers)).unwrap();
    let manifest =
        r#"[{"Config":"c.json","RepoTags":null,"Layers":["aa/layer.tar","bb/layer.tar"]}]"#;
    writer.file("manifest.json", 0, manifest.as_bytes()).unwrap();
    writer.file("repositories", 0, b"{}").unwrap();
    let archive = writer.finish().unwrap();
    let store = store();
    let image = load_one(&store.images, &archive);
    assert!(image.names.is_empty());
    assert_eq!(contents(&store.images, &image).len(), 1);
    assert_clean(&store.images);
}

#[test]
fn bad_archives_are_refused_and_leave_nothing() {
    if !is_root("bad_archives_are_refused_and_leave_nothing") {
        return;
    }
    let layers = two_layers();
    let good = docker_archive("bad:1", &layers);
    let mut cut = gzip(&layers[0]);
    cut.truncate(cut.len() / 2);
    let mut flipped = layers[0].clone();
    flipped[700] ^= 1;
    let one = &layers[..1];
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "neither manifest.json"),
        ("no archive", b"hello ".repeat(200), "tar archive"),
        ("cut off", good[..good.len() / 2].to_vec(), ""),
        (
            "a layer that is cut off",
            docker_archive_with("bad:1", &config(one), &[cut]),
            "0/layer.tar",
        ),
        ("a damaged layer", docker_archive_with("bad:1", &config(one), &[flipped]), "0/layer.tar"),
        (
            "another layer than listed",
            docker_archive_with("bad:1", &config(one), &layers[1..]),
            "but the image's configuration lists",
        ),
        (
            "too few layers",
            docker_archive_with("bad:1", &config(&layers), one),
            "lists 2 layers, but the manifest lists 1",
        ),
        (
            "a bad configuration",
            docker_archive_with("bad:1", b"{\"rootfs\":1}", one),
            "configuration",
        ),
        (
            "a missing layer",
            {
                let mut writer = Writer::new(Vec::new());
                writer.file("c.json", 0, &config(one)).unwrap();
                let manifest = br#"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["x.tar"]}]"#;
                writer.file("manifest.json", 0, manifest).unwrap();
                writer.finish().unwrap()
            },
            "x.tar is listed",
        ),
        (
            "no image",
            {
                let mut writer = Writer::new(Vec::new());
                writer.file("manifest.json", 0, b"[]").unwrap();
                writer.finish().unwrap()
            },
            "no image",
        ),
        (
            "bad JSON",
            {
                let mut writer = Writer::new(Vec::new());
                writer.file("manifest.json", 0, b"[{").unwrap();
                writer.finish().unwrap()
            },
            "manifest.json",
        ),
        (
            "a forged blob",
            {
                let mut writer = Writer::new(Vec::new());
                let path = format!("blobs/sha256/{}", Digest::sha256(b"x").hex());
                writer.file(&path, 0, &layers[0]).unwrap();
                writer.finish().unwrap()
            },
            "damaged or forged",
        ),
    ];
    let store = store();
    for (name, archive, expected) in cases {
        let error = load(&store.images, &archive).expect_err(name);
        let text = isopod_base::chain(&error).to_string();
        assert!(text.contains(expected), "{name}: {text}");
        assert_eq!(store.images.list().unwrap().len(), 0, "{name}");
        assert_eq!(store.images.content().list().unwrap().len(), 0, "{name}");
        assert_clean(&store.images);
    }
    load_one(&store.images, &good);
}

#[test]
fn what_is_saved_loads_again() {
    if !is_root("what_is_saved_loads_again") {
        return;
    }
    let store = store();
    let image = load_one(&store.images, &docker_archive("docker.io/library/two:1", &two_layers()));
    store.images.tag("docker.io/library/two:1", "docker.io/library/two:2").unwrap();
    let names = ["1", "2"]
        .map(|tag| (format!("docker.io/library/two:{tag}"), format!("two:{tag}")))
        .to_vec();
    let mut archive = Vec::new();
    let item = SaveItem { image: image.clone(), names };
    store.images.save(&[item], &mut archive).unwrap();
    let other = crate::support::store();
    let loaded = load(&other.images, &archive).unwrap();
    // The names of docker's manifest.json are the short ones; the caller makes them one.
    assert_eq!(loaded.len(), 1);
    let names = &loaded[0].names;
    assert!(names.contains(&"docker.io/library/two:2".to_owned()), "{names:?}");
    assert_eq!(loaded[0].image.id, image.id);
    assert_eq!(loaded[0].image.config_bytes, image.config_bytes, "unknown fields stay");
    assert_eq!(contents(&store.images, &image), contents(&other.images, &loaded[0].image));
}

#[test]
fn a_root_file_system_is_imported_and_exported() {
    if !is_root("a_root_file_system_is_imported_and_exported") {
        return;
    }
    let store = store();
    let root = tar(&[dir("./"), dir("./etc/"), file("./etc/a", "1")]);
    let options = ImportOptions {
        changes: vec!["CMD [\"/bin/true\"]".to_owned(), "ENV A=b".to_owned()],
        message: "Imported from -".to_owned(),
        name: Some("root:1".to_owned()),
        ..ImportOptions::default()
    };
    let image = store.images.import(&mut &gzip(&root)[..], &options, &|_| {}).unwrap();
    assert_eq!(image.diff_ids, [Digest::sha256(&root)]);
    assert_eq!(image.config.config.env, ["A=b"]);
    let history = store.images.history(&image).unwrap();
    assert_eq!(history[0].comment, "Imported from -");
    assert_eq!(history[0].size, 1);
    let mounts = store.images.prepare("c", &image).unwrap();
    let target = store.dir.path().join("mounted");
    std::fs::create_dir(&target).unwrap();
    let attached = mounts.attach(&target, &Default::default()).unwrap();
    let mut exported = Vec::new();
    store.images.export(attached.path(), &mut exported).unwrap();
    drop(attached);
    let again =
        store.images.import(&mut &exported[..], &ImportOptions::default(), &|_| {}).unwrap();
    assert_eq!(contents(&store.images, &again), contents(&store.images, &image));
    let bad = ImportOptions { changes: vec!["RUN true".to_owned()], ..ImportOptions::default() };
    assert!(matches!(
        store.images.import(&mut &root[..], &bad, &|_| {}),
        Err(ImageError::Change { .. })
    ));
    let truncated = &root[..700];
    assert!(store.images.import(&mut &truncated[..], &ImportOptions::default(), &|_| {}).is_err());
    assert_clean(&store.images);
}

#[test]
fn a_container_is_committed() {
    use std::os::fd::AsRawFd;
    if !is_root("a_container_is_committed") {
        return;
    }
    for kind in [SnapshotterKind::Overlay, SnapshotterKind::Copy] {
        let store = store_of(kind);
        let parent = load_one(&store.images, &docker_archive("two:1", &two_layers()));
        let commit = |key: &str| {
            let options = CommitOptions {
                snapshot: key,
                parent: Some(&parent),
                config: ExecutionConfig::default(),
                changes: vec!["LABEL a=b".to_owned()],
                author: "me".to_owned(),
                message: "done".to_owned(),
                created_by: "sh".to_owned(),
                platform: None,
                name: Some(format!("{key}:1")),
            };
            store.images.commit(&options).unwrap()
        };
        let fd =
            store.images.prepare("changed", &parent).unwrap().open(&Default::default()).unwrap();
        let path = |name: &str| format!("/proc/self/fd/{}/{name}", fd.as_raw_fd());
        std::fs::write(path("new"), "n").unwrap();
        std::fs::remove_file(path("etc/a")).unwrap();
        let image = commit("changed");
        assert_eq!(image.layers.len(), 3);
        assert_eq!(image.config.config.labels["a"], "b");
        let text = String::from_utf8(image.config_bytes.clone()).unwrap();
        assert!(text.contains("x-unknown"), "unknown fields stay: {text}");
        let files: Vec<_> = contents(&store.images, &image).into_keys().collect();
        assert_eq!(files, [std::path::Path::new("new")]);
        // Nothing changed: no layer, but a step in the history.
        store.images.prepare("same", &parent).unwrap();
        let same = commit("same");
        if kind == SnapshotterKind::Overlay {
            assert_eq!(same.layers.len(), 2);
            assert!(same.config.history.last().unwrap().empty_layer);
        }
        drop(fd);
        let snapshots: &dyn Snapshotter = store.images.snapshots();
        snapshots.remove("changed").unwrap();
        snapshots.remove("same").unwrap();
        assert_clean(&store.images);
    }
}
