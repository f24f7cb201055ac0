//! Stores, archives and images made for tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use isopod_base::Digest;
use isopod_images::tar::{Entry, Kind, Writer};
use isopod_images::{Image, Images, LoadOptions, Loaded, Options, SnapshotterKind};
use tempfile::TempDir;

/// Whether this process may do what overlays need; says so if not.
pub(crate) fn is_root(test: &str) -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|meta| {
        use std::os::unix::fs::MetadataExt;
        meta.uid() == 0
    });
    if !root {
        eprintln!("SKIP: {test}: needs root");
    }
    root
}

/// A store in a directory of its own.
pub(crate) struct Store {
    pub(crate) images: Images,
    pub(crate) dir: TempDir,
}

pub(crate) fn store() -> Store {
    store_of(SnapshotterKind::Auto)
}

pub(crate) fn store_of(kind: SnapshotterKind) -> Store {
    let dir = tempfile::tempdir().unwrap();
    let images = open(dir.path(), kind);
    Store { images, dir }
}

pub(crate) fn open(dir: &Path, kind: SnapshotterKind) -> Images {
    open_under(dir, kind, &Options::new(dir).boot)
}

/// As [`open`], under another run of the kernel.
pub(crate) fn open_under(dir: &Path, kind: SnapshotterKind, boot: &str) -> Images {
    let options =
        Options { snapshotter: kind, boot: boot.to_owned(), ..Options::new(dir.join("images")) };
    patiently(|| match Images::open(options.clone()) {
        Err(isopod_images::ImageError::Journal(isopod_journal::Error::InUse { .. })) => None,
        other => Some(other.unwrap()),
    })
}

/// Opens what is locked for a moment: a process that another test is just starting holds the
/// lock's descriptor until it is there.
pub(crate) fn patiently<T>(open: impl Fn() -> Option<T>) -> T {
    for _ in 0..100 {
        match open() {
            Some(opened) => return opened,
            None => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
    panic!("the store stays locked");
}

/// An entry of an archive in a line.
pub(crate) fn file<'a>(path: &'a str, content: &'a str) -> (Entry, &'a [u8]) {
    let entry =
        Entry { size: content.len() as u64, ..Entry::plain(path.as_bytes(), Kind::File, 0o644) };
    (entry, content.as_bytes())
}

pub(crate) fn dir(path: &str) -> (Entry, &'static [u8]) {
    (Entry::plain(path.as_bytes(), Kind::Directory, 0o755), b"")
}

pub(crate) fn link(path: &str, kind: Kind, target: &str) -> (Entry, &'static [u8]) {
    let entry =
        Entry { link: target.as_bytes().to_vec(), ..Entry::plain(path.as_bytes(), kind, 0o777) };
    (entry, b"")
}

pub(crate) fn tar(entries: &[(Entry, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (entry, content) in entries {
        writer.copy(entry, &mut &content[..]).unwrap();
    }
    writer.finish().unwrap()
}

/// A configuration that lists layers.
pub(crate) fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<String> =
        layers.iter().map(|layer| format!("\"{}\"", Digest::sha256(layer))).collect();
    format!(
        r#"{{"architecture":"amd64","os":"linux","x-unknown":[1],"config":{{"Cmd":["sh"]}},"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
        diff_ids.join(",")
    )
    .into_bytes()
}

/// A docker-archive with one image.
pub(crate) fn docker_archive(name: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    docker_archive_with(name, &config(layers), layers)
}

pub(crate) fn docker_archive_with(name: &str, config: &[u8], layers: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    let mut paths = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let path = format!("{index}/layer.tar");
        writer.file(&path, 0, layer).unwrap();
        paths.push(format!("\"{path}\""));
    }
    writer.file("config.json", 0, config).unwrap();
    let manifest = format!(
        r#"[{{"Config":"config.json","RepoTags":["{name}"],"Layers":[{}]}}]"#,
        paths.join(",")
    );
    writer.file("manifest.json", 0, manifest.as_bytes()).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn load(
    images: &Images,
    archive: &[u8],
) -> Result<Vec<Loaded>, isopod_images::ImageError> {
    images.load(&mut &archive[..], &LoadOptions::default(), &|_| {})
}

pub(crate) fn load_one(images: &Images, archive: &[u8]) -> Image {
    let mut loaded = load(images, archive).unwrap();
    assert_eq!(loaded.len(), 1);
    loaded.remove(0).image
}

/// The files of an image, through a mount that is attached nowhere.
pub(crate) fn contents(images: &Images, image: &Image) -> BTreeMap<PathBuf, Vec<u8>> {
    use std::os::fd::AsRawFd;
    static SERIAL: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let key = format!("contents-{serial}");
    let mounts = images.prepare(&key, image).unwrap();
    let fd = mounts.open(&Default::default()).unwrap();
    let root = PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()));
    let mut found = BTreeMap::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(root.join(&dir)).unwrap() {
            let entry = entry.unwrap();
            let path = dir.join(entry.file_name());
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                pending.push(path);
            } else if kind.is_file() {
                found.insert(path, fs::read(entry.path()).unwrap());
            } else {
                found.insert(path, Vec::new());
            }
        }
    }
    drop(fd);
    images.snapshots().remove(&key).unwrap();
    found
}

/// Names in a directory.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// That the store holds what its records say, and nothing else.
pub(crate) fn assert_clean(images: &Images) {
    assert_eq!(images.verify().unwrap(), []);
    let root = images.root();
    let snapshots = images.snapshots().list().unwrap().len();
    assert_eq!(names(&root.join("snapshots")).len(), snapshots, "snapshot directories");
    let blobs = images.content().list().unwrap().len();
    let files = names(&root.join("content/blobs/sha256")).len()
        + names(&root.join("content/blobs/sha512")).len();
    assert_eq!(files, blobs, "blob files");
    let unnamed: Vec<String> = names(&root.join("content/ingest"))
        .into_iter()
        .filter(|name| name.starts_with("unnamed"))
        .collect();
    assert_eq!(unnamed, Vec::<String>::new(), "parts of unnamed blobs");
}
