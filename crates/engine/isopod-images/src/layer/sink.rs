//! Where the entries of a layer become files.
//!
//! Every path is looked up by `openat2` with `RESOLVE_IN_ROOT`, so that a link within the layer
//! leads where it would lead inside a container, and never out. The last part of a path is never
//! followed: what is there is replaced. Descriptors of recent parent directories are kept, so
//! that a file costs one lookup of its name and not of its path.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, Uid, chmodat,
    chownat, fchmod, fchown, futimens, linkat, mkdirat, mknodat, openat, statat, symlinkat,
    unlinkat, utimensat,
};
use rustix::io::Errno;

use super::owner::Owner;
use super::path::{clean, name as display, refuse, split};
use crate::error::LayerError;
use crate::limits::Limits;
use crate::snapshot::{Fixups, Usage, WhiteoutStyle, xattr};
use crate::tar::{Entry, Kind, Reader, WHITEOUT_OPAQUE, WHITEOUT_PREFIX};

/// Parent directories kept open.
const PARENTS: usize = 128;

/// Turns entries into files under a root.
pub(super) struct Sink<'a> {
    root: Rc<OwnedFd>,
    meaning: Meaning,
    limits: &'a Limits,
    owner: Owner,
    parents: HashMap<Vec<u8>, Rc<OwnedFd>>,
    /// Attributes of directories, set at the end: until then all are ours to write into.
    directories: BTreeMap<Vec<u8>, Attributes>,
    implicit: HashSet<Vec<u8>>,
    fixups: Fixups,
    usage: Usage,
    /// Whether something was replaced, so that the usage counted so far is not true.
    replaced: bool,
    pub(super) skipped: Vec<String>,
}

/// What the entries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A layer, in a directory of its own.
    Layer(WhiteoutStyle),
    /// Files for a directory that is in use.
    Flat(Flat),
}

/// How a plain archive is unpacked over files that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flat {
    /// Directories and other things do not take each other's places.
    pub(crate) no_overwrite_dir_non_dir: bool,
    /// Whom everything belongs to, instead of the owners in the archive.
    pub(crate) chown: Option<(u32, u32)>,
}

struct Attributes {
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: (i64, u32),
    atime: (i64, u32),
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Skipped things that are listed by name; more are not worth the memory.
const SKIPPED: usize = 100;

impl<'a> Sink<'a> {
    /// A sink for a layer, in an empty directory.
    pub(super) fn layer(
        root: OwnedFd,
        style: WhiteoutStyle,
        limits: &'a Limits,
    ) -> Result<Self, LayerError> {
        // No set-group-id bit that new files would inherit.
        fchmod(&root, Mode::from_raw_mode(0o755))
            .map_err(|error| LayerError::io("prepare the layer's directory")(error.into()))?;
        let mut sink = Self::new(root, Meaning::Layer(style), limits);
        sink.implicit.insert(Vec::new());
        Ok(sink)
    }

    /// A sink for a plain archive, in any directory.
    pub(super) fn flat(root: OwnedFd, flat: Flat, limits: &'a Limits) -> Self {
        Self::new(root, Meaning::Flat(flat), limits)
    }

    fn new(root: OwnedFd, meaning: Meaning, limits: &'a Limits) -> Self {
        Self {
            root: Rc::new(root),
            meaning,
            limits,
            owner: Owner::of_this_process(matches!(meaning, Meaning::Flat(_))),
            parents: HashMap::new(),
            directories: BTreeMap::new(),
            implicit: HashSet::new(),
            fixups: Fixups::default(),
            usage: Usage::default(),
            replaced: false,
            skipped: Vec::new(),
        }
    }

    /// Takes one entry, and its data from `reader`.
    pub(super) fn entry<R: io::Read>(
        &mut self,
        entry: &Entry,
        reader: &mut Reader<R>,
    ) -> Result<(), LayerError> {
        let path = clean(&entry.path, self.limits).map_err(|reason| refuse(&entry.path, reason))?;
        let given;
        let entry = match self.meaning {
            Meaning::Flat(Flat { chown: Some((uid, gid)), .. }) => {
                given = Entry { uid, gid, ..entry.clone() };
                &given
            }
            _ => entry,
        };
        if path.is_empty() {
            if entry.kind != Kind::Directory {
                return Err(refuse(&entry.path, "the root of a layer must be a directory"));
            }
            self.implicit.remove(&path);
            self.directories.insert(path, attributes(entry));
            return Ok(());
        }
        let (dir, name) = split(&path);
        if let Meaning::Layer(style) = self.meaning {
            let mut dirs = dir.split(|&byte| byte == b'/');
            if dirs.any(|part| part.starts_with(WHITEOUT_PREFIX)) {
                return Err(refuse(&entry.path, "a whiteout cannot have content"));
            }
            if name.starts_with(WHITEOUT_PREFIX) {
                return self.whiteout(entry, dir, name, style);
            }
        }
        self.usage.entries += 1;
        let parent = self.parent(dir, entry)?;
        let c_name = c_string(name, entry)?;
        match entry.kind {
            Kind::File => self.file(entry, &path, &parent, &c_name, reader),
            Kind::Directory => self.directory(entry, path.clone(), &parent, &c_name),
            Kind::Symlink => self.symlink(entry, &path, &parent, &c_name),
            Kind::HardLink => self.hard_link(entry, &path, &parent, &c_name),
            Kind::Char if entry.device == (0, 0) => match self.meaning {
                Meaning::Layer(style) => self.hide(entry, &path, &parent, &c_name, style),
                Meaning::Flat(_) => self.node(entry, &path, &parent, &c_name),
            },
            Kind::Char | Kind::Block | Kind::Fifo => self.node(entry, &path, &parent, &c_name),
            Kind::Other(flag) => Err(refuse(
                &entry.path,
                format!("its type {:?} is none that a layer may have", char::from(flag)),
            )),
        }
    }

    /// Sets what had to wait, and tells what is left to be settled with the layers below.
    pub(super) fn finish(mut self) -> Result<(Fixups, Usage, Vec<String>), LayerError> {
        self.parents.clear();
        let directories = std::mem::take(&mut self.directories);
        // The deepest first: without privilege, a directory closes when its mode is set.
        for (path, attributes) in directories.iter().rev() {
            self.set_directory(path, attributes)
                .map_err(io_error(path, "set attributes of the directory"))?;
        }
        if let (Meaning::Flat(_), Some((link, target))) = (self.meaning, self.fixups.links.first())
        {
            return Err(refuse(
                link,
                format!("hard link to {:?}, which does not exist", display(target)),
            ));
        }
        self.fixups.implicit = self.implicit.into_iter().collect();
        self.fixups.implicit.sort();
        Ok((self.fixups, self.usage, self.skipped))
    }

    /// Whether the usage has to be measured, since entries replaced each other.
    pub(super) fn must_measure(&self) -> bool {
        self.replaced
    }

    fn file<R: io::Read>(
        &mut self,
        entry: &Entry,
        path: &[u8],
        parent: &OwnedFd,
        name: &CString,
        reader: &mut Reader<R>,
    ) -> Result<(), LayerError> {
        let at = |action| io_error(&entry.path, action);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(entry.mode & 0o777);
        let file = match openat(parent, name, flags, mode) {
            Err(Errno::EXIST) => {
                self.replace(path, parent, name).map_err(at("replace"))?;
                openat(parent, name, flags, mode)
            }
            other => other,
        };
        let mut file = File::from(file.map_err(|error| at("create")(error.into()))?);
        match &entry.sparse {
            None => loop {
                let chunk = reader.data()?;
                if chunk.is_empty() {
                    break;
                }
                file.write_all(chunk).map_err(at("write"))?;
            },
            Some(pieces) => {
                for piece in pieces {
                    write_piece(&file, piece.offset, piece.length, reader)?.map_err(at("write"))?;
                }
                file.set_len(entry.size).map_err(at("set the length"))?;
            }
        }
        self.usage.bytes += entry.stored;
        let give = self.owner.must_give(entry.uid, entry.gid);
        if give {
            let (uid, gid) = ids(entry.uid, entry.gid);
            fchown(&file, Some(uid), Some(gid))
                .map_err(|error| at("change owner")(error.into()))?;
        }
        if self.owner.must_set(entry.mode) {
            fchmod(&file, Mode::from_raw_mode(entry.mode))
                .map_err(|error| at("change mode")(error.into()))?;
        }
        self.xattrs(entry, parent, name)?;
        futimens(&file, &times(entry)).map_err(|error| at("set times")(error.into()))
    }

    fn directory(
        &mut self,
        entry: &Entry,
        path: Vec<u8>,
        parent: &OwnedFd,
        name: &CString,
    ) -> Result<(), LayerError> {
        let at = |action| io_error(&entry.path, action);
        match mkdirat(parent, name, Mode::RWXU) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let stat = inspect(parent, name).map_err(at("inspect"))?;
                if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                    if self.keeps_kinds() {
                        return Err(refuse(
                            &entry.path,
                            "cannot overwrite non-directory with directory",
                        ));
                    }
                    // What a whiteout hid must not shine through the new directory.
                    let hidden = is_whiteout(&stat);
                    self.replace(&path, parent, name).map_err(at("replace"))?;
                    mkdirat(parent, name, Mode::RWXU)
                        .map_err(|error| at("create")(error.into()))?;
                    if hidden {
                        self.set_opaque(parent, name).map_err(at("mark opaque"))?;
                    }
                }
            }
            Err(error) => return Err(at("create")(error.into())),
        }
        self.implicit.remove(&path);
        self.directories.insert(path, attributes(entry));
        Ok(())
    }

    fn symlink(
        &mut self,
        entry: &Entry,
        path: &[u8],
        parent: &OwnedFd,
        name: &CString,
    ) -> Result<(), LayerError> {
        let at = |action| io_error(&entry.path, action);
        if entry.link.is_empty() || entry.link.len() > self.limits.path_bytes {
            return Err(refuse(
                &entry.path,
                format!(
                    "a symbolic link needs a target of 1 to {} bytes, this one has {}",
                    self.limits.path_bytes,
                    entry.link.len()
                ),
            ));
        }
        match symlinkat(&entry.link[..], parent, name) {
            Err(Errno::EXIST) => {
                self.replace(path, parent, name).map_err(at("replace"))?;
                symlinkat(&entry.link[..], parent, name)
            }
            other => other,
        }
        .map_err(|error| at("create")(error.into()))?;
        self.settle_at(entry, parent, name)
    }

    fn hard_link(
        &mut self,
        entry: &Entry,
        path: &[u8],
        parent: &OwnedFd,
        name: &CString,
    ) -> Result<(), LayerError> {
        let at = |action| io_error(&entry.path, action);
        let target = clean(&entry.link, self.limits).map_err(|reason| {
            refuse(&entry.path, format!("hard link to {:?}: {reason}", display(&entry.link)))
        })?;
        if target.is_empty() {
            return Err(refuse(&entry.path, "hard link to the root"));
        }
        if target == path {
            return Ok(());
        }
        let (target_dir, target_name) = split(&target);
        let target_name = c_string(target_name, entry)?;
        let Some(target_dir) = self.lookup(target_dir).map_err(at("look up the target"))? else {
            self.fixups.links.push((path.to_vec(), target));
            return Ok(());
        };
        let link = || linkat(&*target_dir, &target_name, parent, name, AtFlags::empty());
        let linked = match link() {
            Err(Errno::EXIST) => {
                // Both may already be the same file, which must not be lost.
                let (here, there) = (
                    inspect(parent, name).map_err(at("inspect"))?,
                    inspect(&target_dir, &target_name),
                );
                match there {
                    Ok(there) if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) => {
                        return Ok(());
                    }
                    _ => {
                        self.replace(path, parent, name).map_err(at("replace"))?;
                        link()
                    }
                }
            }
            other => other,
        };
        match linked {
            Ok(()) => Ok(()),
            Err(Errno::NOENT) => {
                self.fixups.links.push((path.to_vec(), target));
                Ok(())
            }
            Err(error) => Err(at("make the hard link")(error.into())),
        }
    }

    fn node(
        &mut self,
        entry: &Entry,
        path: &[u8],
        parent: &OwnedFd,
        name: &CString,
    ) -> Result<(), LayerError> {
        let at = |action| io_error(&entry.path, action);
        let kind = match entry.kind {
            Kind::Char => FileType::CharacterDevice,
            Kind::Block => FileType::BlockDevice,
            _ => FileType::Fifo,
        };
        let device = rustix::fs::makedev(entry.device.0, entry.device.1);
        let mode = Mode::from_raw_mode(entry.mode & 0o777);
        let mut made = mknodat(parent, name, kind, mode, device);
        if made == Err(Errno::EXIST) {
            self.replace(path, parent, name).map_err(at("replace"))?;
            made = mknodat(parent, name, kind, mode, device);
        }
        match made {
            Err(Errno::PERM) if kind != FileType::Fifo => {
                // A container gets its devices from the runtime, not from its image.
                self.skip(entry, "a device, for which the rights are missing");
                return Ok(());
            }
            other => other.map_err(|error| at("create")(error.into()))?,
        }
        self.settle_at(entry, parent, name)?;
        if self.owner.must_set(entry.mode) {
            chmodat(parent, name, Mode::from_raw_mode(entry.mode), AtFlags::empty())
                .map_err(|error| at("change mode")(error.into()))?;
        }
        Ok(())
    }

    /// Owner, attributes and times of something that is not opened.
    fn settle_at(
        &mut self,
        entry: &Entry,
        parent: &OwnedFd,
        name: &CString,
    ) -> Result<(), LayerError> {
        let at = |action| io_error(&entry.path, action);
        if self.owner.must_give(entry.uid, entry.gid) {
            let (uid, gid) = ids(entry.uid, entry.gid);
            chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| at("change owner")(error.into()))?;
        }
        self.xattrs(entry, parent, name)?;
        utimensat(parent, name, &times(entry), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| at("set times")(error.into()))
    }

    fn xattrs(
        &mut self,
        entry: &Entry,
        parent: &OwnedFd,
        name: &CString,
    ) -> Result<(), LayerError> {
        for (key, value) in &entry.xattrs {
            // An image that brings overlayfs' own marks could redirect directories.
            let set = !xattr::is_overlay(key)
                && xattr::set(parent, name, key, value)
                    .map_err(io_error(&entry.path, "set an extended attribute"))?;
            if !set {
                self.skip(entry, &format!("the attribute {}", display(key)));
            }
        }
        Ok(())
    }

    /// An entry whose name says that another one is hidden.
    fn whiteout(
        &mut self,
        entry: &Entry,
        dir: &[u8],
        name: &[u8],
        style: WhiteoutStyle,
    ) -> Result<(), LayerError> {
        if name == WHITEOUT_OPAQUE {
            let parent = self.parent(dir, entry)?;
            return match style {
                // The root of an overlay is never opaque by itself.
                WhiteoutStyle::Overlay { userxattr } if !dir.is_empty() => {
                    xattr::set_opaque(&*parent, userxattr)
                        .map_err(io_error(&entry.path, "mark the directory opaque"))
                }
                _ => {
                    self.fixups.opaque.push(dir.to_vec());
                    Ok(())
                }
            };
        }
        if name.starts_with(b".wh..wh.") {
            // Bookkeeping of aufs, which means nothing elsewhere.
            return Ok(());
        }
        let hidden = &name[WHITEOUT_PREFIX.len()..];
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(refuse(&entry.path, "the whiteout hides no name"));
        }
        let parent = self.parent(dir, entry)?;
        let path = if dir.is_empty() { hidden.to_vec() } else { [dir, b"/", hidden].concat() };
        let c_name = c_string(hidden, entry)?;
        self.hide(entry, &path, &parent, &c_name, style)
    }

    /// Hides a name of the layers below. What this layer itself has under that name stays.
    fn hide(
        &mut self,
        entry: &Entry,
        path: &[u8],
        parent: &OwnedFd,
        name: &CString,
        style: WhiteoutStyle,
    ) -> Result<(), LayerError> {
        let at = |action| io_error(&entry.path, action);
        if style == WhiteoutStyle::Recorded {
            self.fixups.whiteouts.push(path.to_vec());
            return Ok(());
        }
        match mknodat(parent, name, FileType::CharacterDevice, Mode::empty(), 0) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => {
                let stat = inspect(parent, name).map_err(at("inspect"))?;
                if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                    self.set_opaque(parent, name).map_err(at("mark the directory opaque"))?;
                }
                Ok(())
            }
            Err(error) => Err(at("make the whiteout")(error.into())),
        }
    }

    fn set_opaque(&self, parent: &OwnedFd, name: &CString) -> io::Result<()> {
        let Meaning::Layer(WhiteoutStyle::Overlay { userxattr }) = self.meaning else {
            return Ok(());
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = openat(parent, name, flags, Mode::empty())?;
        xattr::set_opaque(&dir, userxattr)
    }

    /// The directory that an entry goes into, made if it is not there.
    fn parent(&mut self, dir: &[u8], entry: &Entry) -> Result<Rc<OwnedFd>, LayerError> {
        let at = |action| io_error(&entry.path, action);
        if let Some(found) = self.lookup(dir).map_err(at("look up the parent"))? {
            return Ok(found);
        }
        let mut end = 0;
        let mut parent = Rc::clone(&self.root);
        // From the top, so that a chain of ten thousand names needs no deep recursion.
        for part in dir.split(|&byte| byte == b'/') {
            end += part.len() + usize::from(end > 0);
            let here = &dir[..end];
            if let Some(found) = self.lookup(here).map_err(at("look up the parent"))? {
                parent = found;
                continue;
            }
            let name = c_string(part, entry)?;
            mkdirat(&*parent, &name, Mode::RWXU).map_err(|error| match error {
                Errno::EXIST => refuse(
                    &entry.path,
                    format!("{:?} on its way is a link that leads nowhere", display(here)),
                ),
                error => at("make the parent")(error.into()),
            })?;
            self.usage.entries += 1;
            self.implicit.insert(here.to_vec());
            let mut attributes = Attributes::implicit();
            if let Meaning::Flat(Flat { chown: Some((uid, gid)), .. }) = self.meaning {
                (attributes.uid, attributes.gid) = (uid, gid);
            }
            self.directories.insert(here.to_vec(), attributes);
            parent = self
                .lookup(here)
                .map_err(at("look up the parent"))?
                .ok_or_else(|| refuse(&entry.path, "its parent vanished"))?;
        }
        Ok(parent)
    }

    /// Opens a directory under the root, following links as if the root were `/`.
    fn lookup(&mut self, dir: &[u8]) -> io::Result<Option<Rc<OwnedFd>>> {
        if dir.is_empty() {
            return Ok(Some(Rc::clone(&self.root)));
        }
        if let Some(found) = self.parents.get(dir) {
            return Ok(Some(Rc::clone(found)));
        }
        let Some(fd) = open_in_root(&self.root, dir, self.meaning)? else {
            return Ok(None);
        };
        if self.parents.len() >= PARENTS {
            self.parents.clear();
        }
        let fd = Rc::new(fd);
        self.parents.insert(dir.to_vec(), Rc::clone(&fd));
        Ok(Some(fd))
    }

    /// Removes what is at `path`, since the archive brings something else for it.
    fn replace(&mut self, path: &[u8], parent: &OwnedFd, name: &CString) -> io::Result<()> {
        self.replaced = true;
        match unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::ISDIR | Errno::PERM) if self.keeps_kinds() => {
                return Err(io::Error::new(
                    io::ErrorKind::IsADirectory,
                    "cannot overwrite directory with non-directory",
                ));
            }
            Err(Errno::ISDIR | Errno::PERM) => {
                let full = xattr::path_at(parent, name);
                std::fs::remove_dir_all(std::ffi::OsStr::new(
                    full.to_str().map_err(io::Error::other)?,
                ))?;
                let below = [path, b"/"].concat();
                self.directories.retain(|dir, _| dir != path && !dir.starts_with(&below));
                self.implicit.retain(|dir| dir != path && !dir.starts_with(&below));
            }
            Err(error) => return Err(error.into()),
        }
        // A descriptor may stand for a directory that is gone, by whatever path it was reached.
        self.parents.clear();
        Ok(())
    }

    fn set_directory(&mut self, path: &[u8], attributes: &Attributes) -> io::Result<()> {
        let Some(dir) = self.lookup(path)? else {
            return Ok(());
        };
        self.parents.clear();
        if self.owner.must_give(attributes.uid, attributes.gid) {
            let (uid, gid) = ids(attributes.uid, attributes.gid);
            chownat(&*dir, c"", Some(uid), Some(gid), AtFlags::EMPTY_PATH)?;
        }
        chmodat(&*dir, c".", Mode::from_raw_mode(attributes.mode), AtFlags::empty())?;
        for (key, value) in &attributes.xattrs {
            let set = !xattr::is_overlay(key) && xattr::set(&*dir, c".", key, value)?;
            if !set && self.skipped.len() < SKIPPED {
                self.skipped.push(format!("{}: the attribute {}", display(path), display(key)));
            }
        }
        let times = Timestamps {
            last_access: timespec(attributes.atime),
            last_modification: timespec(attributes.mtime),
        };
        Ok(utimensat(&*dir, c".", &times, AtFlags::empty())?)
    }

    fn keeps_kinds(&self) -> bool {
        matches!(self.meaning, Meaning::Flat(Flat { no_overwrite_dir_non_dir: true, .. }))
    }

    fn skip(&mut self, entry: &Entry, what: &str) {
        if self.skipped.len() < SKIPPED {
            self.skipped.push(format!("{}: {what}", display(&entry.path)));
        }
    }
}

impl Attributes {
    /// Of a directory that the archive does not list.
    fn implicit() -> Self {
        Self { mode: 0o755, uid: 0, gid: 0, mtime: (0, 0), atime: (0, 0), xattrs: Vec::new() }
    }
}

/// Opens a directory as a path from `root`; nothing, if there is none.
fn open_in_root(root: &OwnedFd, dir: &[u8], meaning: Meaning) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let more = match meaning {
        // A layer's directory has no mounts; a container's root may.
        Meaning::Layer(_) => ResolveFlags::NO_XDEV,
        Meaning::Flat(_) => ResolveFlags::empty(),
    };
    match isopod_sys::rooted::open(root, dir, flags, more) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn write_piece<R: io::Read>(
    file: &File,
    mut offset: u64,
    length: u64,
    reader: &mut Reader<R>,
) -> Result<io::Result<()>, LayerError> {
    let mut left = length;
    while left > 0 {
        let chunk = reader.data_up_to(left)?;
        if chunk.is_empty() {
            return Err(LayerError::Truncated { place: "a piece of a sparse file".to_owned() });
        }
        if let Err(error) = file.write_all_at(chunk, offset) {
            return Ok(Err(error));
        }
        offset += chunk.len() as u64;
        left -= chunk.len() as u64;
    }
    Ok(Ok(()))
}

fn attributes(entry: &Entry) -> Attributes {
    Attributes {
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        mtime: entry.mtime,
        atime: entry.atime.unwrap_or(entry.mtime),
        xattrs: entry.xattrs.clone(),
    }
}

fn times(entry: &Entry) -> Timestamps {
    Timestamps {
        last_access: timespec(entry.atime.unwrap_or(entry.mtime)),
        last_modification: timespec(entry.mtime),
    }
}

fn timespec((seconds, nanos): (i64, u32)) -> Timespec {
    Timespec { tv_sec: seconds, tv_nsec: nanos.into() }
}

fn ids(uid: u32, gid: u32) -> (Uid, Gid) {
    (Uid::from_raw(uid), Gid::from_raw(gid))
}

fn inspect(parent: impl AsFd, name: &CString) -> io::Result<Stat> {
    Ok(statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

fn c_string(name: &[u8], entry: &Entry) -> Result<CString, LayerError> {
    CString::new(name).map_err(|_| refuse(&entry.path, "its name has a NUL byte"))
}

fn io_error(entry: &[u8], action: &'static str) -> impl FnOnce(io::Error) -> LayerError {
    let entry = display(entry);
    move |source| LayerError::EntryIo { entry, action, source }
}
