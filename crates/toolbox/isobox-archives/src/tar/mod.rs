//! `tar`: makes, lists, unpacks and extends archives of files.

mod create;
mod names;
mod options;
mod read;
mod sparse;
mod transform;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use isobox_applet::{Applet, Context, Error, Place, Result, Status, errno_text, write_all};
use rustix::fs::{Mode, OFlags};

pub(crate) use create::pack_into;
pub(crate) use options::Options;
pub(crate) use read::{Archive, read_stream};

use options::Action;

/// `tar`
pub(crate) const TAR: Applet = Applet::new(
    "tar",
    tar,
    "c|x|t|r|u [-zjJaZvpPOkmhoSi] [-f FILE] [-C DIR] [-T FILE] [-X FILE] [LONGOPT]... [FILE]...\n\n\
    Make, unpack, list or extend tar archives\n\n\
    \tc\tMake\n\tx\tUnpack\n\tt\tList\n\tr\tAppend\n\tu\tAppend what is newer\n\
    \t-f FILE\tName of the archive ('-' or none: standard input or output)\n\
    \t-C DIR\tGo to DIR before what follows\n\
    \t-z\tgzip\n\t-j\tbzip2\n\t-J\txz\n\t--lzma\n\t--zstd\n\
    \t-a\tCompression by the archive's name (it is detected when reading)\n\
    \t-v\tNames of files; twice: all about them\n\
    \t-O\tUnpack to standard output\n\
    \t-k\tDo not replace files; --skip-old-files: nor complain;\n\
    \t\t--keep-newer-files; --overwrite\n\
    \t-p\tPermissions without regard to the umask (root: default)\n\
    \t-o\tDo not restore owners (others than root: default)\n\
    \t-m\tDo not restore times\n\
    \t-P\tKeep leading '/' and '..' of names, follow all links\n\
    \t-h\tStore what links point to\n\t-S\tStore sparse files as such\n\
    \t-i\tIgnore blocks of zeros: several archives in a row\n\
    \t-T FILE\tNames of files from FILE (--null: each ends in a NUL)\n\
    \t-X FILE\tPatterns of names to leave out; --exclude PATTERN, --exclude-vcs\n\
    \t--strip-components N, --transform s/RE/NEW/[gi], --numeric-owner, --xattrs,\n\
    \t--no-recursion, --one-file-system, --hard-dereference,\n\
    \t--[no-]wildcards, --[no-]anchored\n\
    \t-H, --format gnu|pax|ustar|v7, -b N (record of N blocks, default 20)\n\
    \t--owner, --group, --mode, --mtime, --clamp-mtime, --sort name|none",
)
.at(Place::Bin);

fn tar(cx: &mut Context<'_>) -> Result<Status> {
    let options = options::parse(cx)?;
    match options.action {
        Action::Create => create::create(cx, &options)?,
        Action::Append | Action::Update => create::append(cx, &options)?,
        Action::List | Action::Extract => read::read(cx, &options)?,
    }
    Ok(cx.status())
}

/// The words of an error of an archive's reader.
fn archive_error(options: &Options, error: isopod_tar::Error) -> Error {
    let name = options.archive.as_deref().unwrap_or(OsStr::new("-"));
    let text = match error {
        isopod_tar::Error::Io(source) => errno_text(&source),
        other => other.to_string(),
    };
    Error::Bytes([name.as_encoded_bytes(), b": ", text.as_bytes()].concat())
}

/// The directory after the first `count` options `-C`, each of which starts from the one before.
fn directory<'a>(cx: &Context<'a>, directories: &[std::ffi::OsString]) -> Result<Directory<'a>> {
    let mut directory = Directory::Borrowed(cx.dir);
    for name in directories {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let next = rustix::fs::openat(directory.as_fd(), name, flags, Mode::empty())
            .map_err(|errno| Error::doing("can't change directory to", name, errno))?;
        directory = Directory::Owned(next);
    }
    Ok(directory)
}

/// An open directory.
enum Directory<'a> {
    Borrowed(BorrowedFd<'a>),
    Owned(OwnedFd),
}

impl AsFd for Directory<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Borrowed(fd) => *fd,
            Self::Owned(fd) => fd.as_fd(),
        }
    }
}

/// Where an archive is written to.
struct ArchiveFile<'a>(BorrowedFd<'a>);

impl Write for ArchiveFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_all(self.0, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
