//! Plain tar archives in and out of a directory: `cp`, `export`, and filling volumes.
//!
//! Every path is looked up under a root that the caller holds open, following links as if that
//! root were `/`: what a container put there cannot lead out of it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use crate::error::LayerError;
use crate::layer::{Flat, decompress, unpack_flat};
use crate::limits::Limits;
use crate::tar::{Reader, TreeOptions, Writer, write_named};

/// How to unpack.
#[derive(Debug, Clone, Default)]
pub struct UnpackOptions {
    /// Refuse to put a directory in the place of something else, or something else in the place
    /// of a directory.
    pub no_overwrite_dir_non_dir: bool,
    /// Give everything to this user and group, instead of those in the archive.
    pub chown: Option<(u32, u32)>,
    /// Bounds on the archive.
    pub limits: Limits,
}

/// Writes the file or tree at `path` under `root` as an archive, in which it is called `name`.
///
/// The last part of `path` is not followed. With `one_file_system`, directories on which
/// something else is mounted are written empty.
pub fn pack(
    root: BorrowedFd<'_>,
    path: &Path,
    name: &str,
    one_file_system: bool,
    out: &mut dyn Write,
) -> Result<(), LayerError> {
    let (dir, last) = open_parent(root, path)?;
    let mut writer = Writer::new(out);
    let options = TreeOptions { one_file_system, ..TreeOptions::default() };
    write_named(&mut writer, &dir, &last, name.as_bytes(), options).map_err(|error| {
        LayerError::EntryIo {
            entry: String::from_utf8_lossy(&error.path).into_owned(),
            action: "archive",
            source: error.source,
        }
    })?;
    writer.finish().map_err(LayerError::io("write the archive"))?;
    Ok(())
}

/// Unpacks an archive, compressed or not, into the directory at `path` under `root`. Files that
/// are there are replaced; whiteouts mean nothing.
pub fn unpack(
    root: BorrowedFd<'_>,
    path: &Path,
    input: &mut (dyn Read + Send),
    options: &UnpackOptions,
) -> Result<(), LayerError> {
    let dir = open_dir(root, path)?;
    let (_, decoded) = decompress(input)?;
    let mut reader =
        Reader::new(decoded.take(options.limits.layer_bytes), &options.limits.archive());
    let flat =
        Flat { no_overwrite_dir_non_dir: options.no_overwrite_dir_non_dir, chown: options.chown };
    unpack_flat(dir, path, &mut reader, flat, &options.limits)
}

/// Copies everything in the directory at `path` under `from` into the directory `to`, with all
/// attributes; what is there already and is not replaced stays.
pub fn copy_tree(from: BorrowedFd<'_>, path: &Path, to: BorrowedFd<'_>) -> Result<(), LayerError> {
    let source = open_dir(from, path)?;
    let (reader, writer) = io::pipe().map_err(LayerError::io("make a pipe"))?;
    std::thread::scope(|scope| {
        let packer = scope.spawn(move || {
            let mut writer = io::BufWriter::with_capacity(64 << 10, writer);
            pack(source.as_fd(), Path::new("."), ".", true, &mut writer)
        });
        let unpacked = unpack(
            to,
            Path::new("."),
            &mut io::BufReader::with_capacity(64 << 10, reader),
            &UnpackOptions::default(),
        );
        let packed = packer.join().unwrap_or(Err(LayerError::Abandoned));
        // If unpacking failed, packing did for want of a reader.
        unpacked.and(packed)
    })
}

const RESOLVE: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

fn open_dir(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, LayerError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    openat2(root, path, flags, Mode::empty(), RESOLVE).map_err(|error| LayerError::EntryIo {
        entry: path.display().to_string(),
        action: "open the directory",
        source: error.into(),
    })
}

/// The parent directory of a path, and its last part; `.` for the root and paths that end so.
fn open_parent(root: BorrowedFd<'_>, path: &Path) -> Result<(OwnedFd, Vec<u8>), LayerError> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok((open_dir(root, parent)?, name.as_bytes().to_vec())),
        _ => Ok((open_dir(root, path)?, b".".to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    fn open(path: &Path) -> OwnedFd {
        OwnedFd::from(File::open(path).expect("opens"))
    }

    #[test]
    fn trees_are_copied_over_what_is_there() {
        let dir = tempfile::tempdir().expect("directory");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("d")).expect("makes");
        fs::create_dir_all(to.join("d")).expect("makes");
        fs::write(from.join("d/.wh.name"), "no whiteout here").expect("writes");
        fs::write(from.join("d/both"), "new").expect("writes");
        fs::write(to.join("d/both"), "old").expect("writes");
        fs::write(to.join("d/kept"), "kept").expect("writes");
        copy_tree(open(&from).as_fd(), Path::new("."), open(&to).as_fd()).expect("copies");
        let read = |name: &str| fs::read_to_string(to.join(name)).ok();
        assert_eq!(read("d/both").as_deref(), Some("new"));
        assert_eq!(read("d/kept").as_deref(), Some("kept"));
        assert_eq!(read("d/.wh.name").as_deref(), Some("no whiteout here"));
    }

    #[test]
    fn links_in_the_root_do_not_lead_out_of_it() {
        let dir = tempfile::tempdir().expect("directory");
        let root = dir.path().join("root");
        fs::create_dir(&root).expect("makes");
        fs::write(dir.path().join("secret"), "s").expect("writes");
        std::os::unix::fs::symlink("..", root.join("up")).expect("links");
        let fd = open(&root);
        let mut out = Vec::new();
        pack(fd.as_fd(), Path::new("up/secret"), "x", false, &mut out).expect_err("no such file");
        let mut writer = Writer::new(Vec::new());
        writer.file("secret", 0, b"forged").expect("writes");
        let archive = writer.finish().expect("ends");
        unpack(fd.as_fd(), Path::new("up"), &mut &archive[..], &UnpackOptions::default())
            .expect("`..` of the root is the root");
        assert_eq!(fs::read(dir.path().join("secret")).expect("reads"), b"s");
        assert_eq!(fs::read(root.join("secret")).expect("reads"), b"forged");
    }

    #[test]
    fn kinds_are_kept_when_asked_for() {
        let dir = tempfile::tempdir().expect("directory");
        fs::create_dir(dir.path().join("d")).expect("makes");
        let mut writer = Writer::new(Vec::new());
        writer.file("d", 0, b"x").expect("writes");
        let archive = writer.finish().expect("ends");
        let options = UnpackOptions { no_overwrite_dir_non_dir: true, ..UnpackOptions::default() };
        let root = open(dir.path());
        unpack(root.as_fd(), Path::new(""), &mut &archive[..], &options).expect_err("refused");
        assert!(dir.path().join("d").is_dir());
        unpack(root.as_fd(), Path::new(""), &mut &archive[..], &UnpackOptions::default())
            .expect("replaces");
        assert!(dir.path().join("d").is_file());
    }
}
