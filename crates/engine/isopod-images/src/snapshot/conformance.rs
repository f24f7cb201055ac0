//! What every snapshotter must do. Panics, with words, where one does not.
//!
//! [`run`] takes a store with the snapshotter in question. It needs the right to mount; nothing
//! is ever attached to the file tree, since it works through descriptors of detached mounts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use isopod_journal::Batch;

use super::{ChangeKind, MountOptions, Mounts, SnapshotKind, Snapshotter};
use crate::error::SnapshotError;
use crate::image::Images;
use crate::layer::unpack;
use crate::tar::{Entry, Kind, Writer};

/// Runs all cases.
pub fn run(images: &Images) {
    let snapshots = images.snapshots();
    names_and_kinds(snapshots);
    layers_stand_on_each_other(snapshots);
    removed_and_replaced_directories(snapshots);
    views_are_read_only(snapshots);
    attributes_stay(snapshots);
    changes_are_told(snapshots);
    staged_layers_are_settled(images);
    a_diff_makes_the_same_tree(images);
    dropped_layers_leave_nothing(images);
}

/// A mounted snapshot.
struct Mounted(OwnedFd);

impl Mounted {
    fn new(mounts: &Mounts) -> Self {
        Self(mounts.open(&MountOptions::default()).expect("mounts"))
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd())).join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect(name);
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }
}

fn active(snapshots: &dyn Snapshotter, key: &str, parent: Option<&str>) -> Mounted {
    Mounted::new(&snapshots.prepare(key, parent).expect("prepares"))
}

fn committed(
    snapshots: &dyn Snapshotter,
    name: &str,
    parent: Option<&str>,
    fill: impl FnOnce(&Mounted),
) {
    let key = format!("{name}-active");
    let mounted = active(snapshots, &key, parent);
    fill(&mounted);
    drop(mounted);
    snapshots.commit(name, &key).expect("commits");
}

fn names_and_kinds(snapshots: &dyn Snapshotter) {
    drop(active(snapshots, "names-a", None));
    let info = snapshots.stat("names-a").expect("stat").expect("there");
    assert_eq!(info.kind, SnapshotKind::Active);
    let taken = snapshots.prepare("names-a", None);
    assert!(matches!(taken, Err(SnapshotError::Exists { .. })), "{taken:?}");
    let upon_active = snapshots.prepare("names-b", Some("names-a"));
    assert!(matches!(upon_active, Err(SnapshotError::Kind { .. })), "{upon_active:?}");
    let upon_none = snapshots.prepare("names-b", Some("nobody"));
    assert!(matches!(upon_none, Err(SnapshotError::NotFound { .. })), "{upon_none:?}");
    snapshots.commit("names-c", "names-a").expect("commits");
    assert!(snapshots.stat("names-a").expect("stat").is_none());
    assert!(snapshots.mounts("names-c").is_err(), "a committed snapshot is not mounted");
    drop(active(snapshots, "names-d", Some("names-c")));
    let held = snapshots.remove("names-c");
    assert!(matches!(held, Err(SnapshotError::HasChildren { .. })), "{held:?}");
    snapshots.remove("names-d").expect("removes");
    snapshots.remove("names-c").expect("removes");
    let gone = snapshots.remove("names-c");
    assert!(matches!(gone, Err(SnapshotError::NotFound { .. })), "{gone:?}");
}

fn layers_stand_on_each_other(snapshots: &dyn Snapshotter) {
    committed(snapshots, "stand-1", None, |m| {
        m.write("one", "1");
        m.write("both", "1");
    });
    committed(snapshots, "stand-2", Some("stand-1"), |m| {
        assert_eq!(m.read("one").as_deref(), Some("1"));
        m.write("both", "2");
        m.write("two", "2");
    });
    let (a, b) = (
        active(snapshots, "stand-a", Some("stand-2")),
        active(snapshots, "stand-b", Some("stand-1")),
    );
    assert_eq!(a.read("both").as_deref(), Some("2"));
    assert_eq!(b.read("both").as_deref(), Some("1"));
    assert_eq!(b.read("two"), None);
    a.write("both", "a");
    assert_eq!(b.read("both").as_deref(), Some("1"));
    let again = Mounted::new(&snapshots.mounts("stand-a").expect("mounts"));
    assert_eq!(again.read("both").as_deref(), Some("a"), "the same snapshot again");
    drop((a, b, again));
    for key in ["stand-a", "stand-b", "stand-2", "stand-1"] {
        snapshots.remove(key).expect("removes");
    }
}

fn removed_and_replaced_directories(snapshots: &dyn Snapshotter) {
    committed(snapshots, "gone-1", None, |m| {
        for dir in ["d", "e", "e/deep"] {
            fs::create_dir(m.path(dir)).expect("makes");
        }
        m.write("d/old", "x");
        m.write("e/deep/old", "x");
        m.write("f", "x");
    });
    committed(snapshots, "gone-2", Some("gone-1"), |m| {
        fs::remove_file(m.path("f")).expect("removes");
        fs::remove_dir_all(m.path("d")).expect("removes");
        fs::create_dir(m.path("d")).expect("makes");
        m.write("d/new", "y");
        fs::remove_dir_all(m.path("e")).expect("removes");
        m.write("e", "a file now");
    });
    let m = active(snapshots, "gone-a", Some("gone-2"));
    assert_eq!(m.read("f"), None);
    assert_eq!(m.read("d/old"), None, "a new directory hides the old one");
    assert_eq!(m.read("d/new").as_deref(), Some("y"));
    assert_eq!(m.read("e").as_deref(), Some("a file now"));
    drop(m);
    for key in ["gone-a", "gone-2", "gone-1"] {
        snapshots.remove(key).expect("removes");
    }
}

fn views_are_read_only(snapshots: &dyn Snapshotter) {
    committed(snapshots, "view-1", None, |m| m.write("f", "x"));
    let view = Mounted::new(&snapshots.view("view-v", Some("view-1")).expect("views"));
    assert_eq!(view.read("f").as_deref(), Some("x"));
    let error = fs::write(view.path("g"), "y").expect_err("read-only");
    assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    drop(view);
    let commit = snapshots.commit("view-2", "view-v");
    assert!(matches!(commit, Err(SnapshotError::Kind { .. })), "{commit:?}");
    let mounts = snapshots.prepare("view-a", Some("view-1")).expect("prepares");
    let options = MountOptions { read_only: true, ..MountOptions::default() };
    let sealed = Mounted(mounts.open(&options).expect("mounts"));
    assert!(fs::write(sealed.path("g"), "y").is_err(), "mounted read-only");
    drop(sealed);
    for key in ["view-a", "view-v", "view-1"] {
        snapshots.remove(key).expect("removes");
    }
}

fn attributes_stay(snapshots: &dyn Snapshotter) {
    committed(snapshots, "attr-1", None, |m| {
        m.write("f", "content");
        fs::set_permissions(m.path("f"), fs::Permissions::from_mode(0o4751)).expect("chmod");
        std::os::unix::fs::chown(m.path("f"), Some(1234), Some(4321)).expect("chown");
        fs::set_permissions(m.path("f"), fs::Permissions::from_mode(0o4751)).expect("chmod");
        fs::hard_link(m.path("f"), m.path("g")).expect("links");
        symlink("f", m.path("s")).expect("links");
        let sparse = File::create(m.path("sparse")).expect("makes");
        sparse.write_all_at(b"end", 1 << 30).expect("writes");
        fs::create_dir(m.path("d")).expect("makes");
        fs::set_permissions(m.path("d"), fs::Permissions::from_mode(0o1777)).expect("chmod");
    });
    let m = active(snapshots, "attr-a", Some("attr-1"));
    let f = fs::metadata(m.path("f")).expect("there");
    assert_eq!((f.mode() & 0o7777, f.uid(), f.gid()), (0o4751, 1234, 4321));
    assert_eq!(f.ino(), fs::metadata(m.path("g")).expect("there").ino());
    assert_eq!(fs::read_link(m.path("s")).expect("there"), Path::new("f"));
    let sparse = fs::metadata(m.path("sparse")).expect("there");
    assert_eq!(sparse.len(), (1 << 30) + 3);
    assert!(sparse.blocks() < 1024, "holes stay holes");
    assert_eq!(fs::metadata(m.path("d")).expect("there").mode() & 0o7777, 0o1777);
    let usage = snapshots.usage("attr-1").expect("usage");
    assert!((10..1 << 20).contains(&usage.bytes), "{usage:?}");
    drop(m);
    for key in ["attr-a", "attr-1"] {
        snapshots.remove(key).expect("removes");
    }
}

fn changes_are_told(snapshots: &dyn Snapshotter) {
    committed(snapshots, "diff-1", None, |m| {
        fs::create_dir(m.path("etc")).expect("makes");
        for name in ["etc/a", "etc/b", "etc/c"] {
            m.write(name, name);
        }
    });
    let m = active(snapshots, "diff-a", Some("diff-1"));
    m.write("etc/a", "changed");
    fs::remove_file(m.path("etc/b")).expect("removes");
    m.write("etc/new", "x");
    drop(m);
    let changes: Vec<(String, ChangeKind)> = snapshots
        .changes("diff-a")
        .expect("changes")
        .into_iter()
        .map(|change| (change.path.display().to_string(), change.kind))
        .collect();
    let expected = [
        ("/etc", ChangeKind::Modified),
        ("/etc/a", ChangeKind::Modified),
        ("/etc/b", ChangeKind::Deleted),
        ("/etc/new", ChangeKind::Added),
    ];
    let expected: Vec<(String, ChangeKind)> =
        expected.into_iter().map(|(path, kind)| (path.to_owned(), kind)).collect();
    assert_eq!(changes, expected);
    for key in ["diff-a", "diff-1"] {
        snapshots.remove(key).expect("removes");
    }
}

/// Unpacks archives as layers upon each other, named `<prefix>-1` and so on.
fn stack(images: &Images, prefix: &str, archives: &[Vec<u8>]) {
    let snapshots = images.snapshots();
    let mut layers = Vec::new();
    for (index, archive) in archives.iter().enumerate() {
        let mut layer = snapshots.stage().expect("stages");
        let bytes = archive.clone();
        let limits = images.limits();
        unpack(&bytes[..], || 0, &mut layer, isopod_base::Algorithm::Sha256, limits)
            .expect("unpacks");
        layers.push((format!("{prefix}-{}", index + 1), layer));
    }
    let batch = snapshots.adopt(None, &mut layers, Batch::new()).expect("adopts");
    images.journal().commit(batch).expect("records");
    for (_, layer) in &mut layers {
        layer.keep();
    }
}

fn archive(entries: &[(&str, Kind, &str)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (path, kind, content) in entries {
        let mut entry = Entry::plain(path.as_bytes(), *kind, 0o640);
        match kind {
            Kind::File => entry.size = content.len() as u64,
            Kind::Directory => {
                entry.mode = 0o750;
                entry.uid = 77;
            }
            _ => entry.link = content.as_bytes().to_vec(),
        }
        writer.copy(&entry, &mut content.as_bytes()).expect("writes");
    }
    writer.finish().expect("ends")
}

fn staged_layers_are_settled(images: &Images) {
    let snapshots = images.snapshots();
    let lower = archive(&[
        ("dir/", Kind::Directory, ""),
        ("dir/file", Kind::File, "below"),
        ("dir/gone", Kind::File, "x"),
        ("opaque/", Kind::Directory, ""),
        ("opaque/old", Kind::File, "x"),
        ("both/", Kind::Directory, ""),
        ("both/old", Kind::File, "x"),
    ]);
    let upper = archive(&[
        // Its directory is not listed: it has the attributes of the one below.
        ("dir/new", Kind::File, "above"),
        // Its target is in the layer below alone.
        ("link", Kind::HardLink, "dir/file"),
        ("dir/.wh.gone", Kind::File, ""),
        ("opaque/", Kind::Directory, ""),
        ("opaque/.wh..wh..opq", Kind::File, ""),
        ("opaque/new", Kind::File, "y"),
        // A directory and its whiteout in one layer: the old content is hidden, in either order.
        ("both/", Kind::Directory, ""),
        ("both/new", Kind::File, "y"),
        (".wh.both", Kind::File, ""),
    ]);
    stack(images, "settled", &[lower, upper]);
    let m = active(snapshots, "settled-a", Some("settled-2"));
    let dir = fs::metadata(m.path("dir")).expect("there");
    assert_eq!((dir.uid(), dir.mode() & 0o7777), (77, 0o750), "an unlisted directory");
    assert_eq!(m.read("dir/file").as_deref(), Some("below"));
    assert_eq!(m.read("link").as_deref(), Some("below"));
    let inode = |name: &str| fs::metadata(m.path(name)).expect(name).ino();
    assert_eq!(inode("dir/file"), inode("link"), "both names are one file");
    assert_eq!(m.read("dir/gone"), None);
    assert_eq!(m.read("opaque/old"), None);
    assert_eq!(m.read("opaque/new").as_deref(), Some("y"));
    assert_eq!(m.read("both/old"), None);
    assert_eq!(m.read("both/new").as_deref(), Some("y"));
    drop(m);
    for key in ["settled-a", "settled-2", "settled-1"] {
        snapshots.remove(key).expect("removes");
    }
}

fn a_diff_makes_the_same_tree(images: &Images) {
    let snapshots = images.snapshots();
    let base = archive(&[
        ("a/", Kind::Directory, ""),
        ("a/one", Kind::File, "1"),
        ("a/two", Kind::File, "2"),
        ("b/", Kind::Directory, ""),
        ("b/three", Kind::File, "3"),
    ]);
    stack(images, "tree", std::slice::from_ref(&base));
    let m = active(snapshots, "tree-a", Some("tree-1"));
    fs::remove_file(m.path("a/one")).expect("removes");
    m.write("a/two", "changed");
    fs::remove_dir_all(m.path("b")).expect("removes");
    fs::create_dir(m.path("b")).expect("makes");
    m.write("b/four", "4");
    fs::hard_link(m.path("b/four"), m.path("b/five")).expect("links");
    symlink("/b/four", m.path("s")).expect("links");
    let expected = listing(&m.path("."));
    drop(m);
    let mut diff = Vec::new();
    snapshots.write_diff("tree-a", &mut diff).expect("diff");
    snapshots.remove("tree-a").expect("removes");
    snapshots.remove("tree-1").expect("removes");
    stack(images, "tree", &[base, diff]);
    let m = active(snapshots, "tree-b", Some("tree-2"));
    assert_eq!(listing(&m.path(".")), expected);
    drop(m);
    for key in ["tree-b", "tree-2", "tree-1"] {
        snapshots.remove(key).expect("removes");
    }
}

fn dropped_layers_leave_nothing(images: &Images) {
    let before = count(&images.root().join("snapshots"));
    let layer = images.snapshots().stage().expect("stages");
    File::create(layer.root().join("f")).and_then(|mut file| file.write_all(b"x")).expect("writes");
    assert_eq!(count(&images.root().join("snapshots")), before + 1);
    drop(layer);
    assert_eq!(count(&images.root().join("snapshots")), before);
}

fn count(dir: &Path) -> usize {
    fs::read_dir(dir).expect("lists").count()
}

/// Everything in a tree: kind, permissions, owner and content by path.
fn listing(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(root.join(&dir)).expect("lists") {
            let entry = entry.expect("lists");
            let path = dir.join(entry.file_name());
            let meta = entry.metadata().expect("there");
            let content = if meta.is_dir() {
                pending.push(path.clone());
                String::new()
            } else if meta.is_symlink() {
                format!("{:?}", fs::read_link(entry.path()).expect("there"))
            } else {
                let mut text = String::new();
                File::open(entry.path())
                    .and_then(|mut file| file.read_to_string(&mut text))
                    .expect("reads");
                text
            };
            let line = format!("{:o} {}:{} {content}", meta.mode(), meta.uid(), meta.gid());
            all.insert(path, line);
        }
    }
    all
}
