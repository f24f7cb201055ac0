//! Reading and writing `/proc` files that really are those.
//!
//! Whoever controls a path can put a link or another file system in the place of
//! `/proc/self/attr/exec` or of a kernel parameter, so that a write meant as a protection goes
//! nowhere or does harm (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881). So the root of procfs
//! is opened and recognised once, before the container's files are in reach, and every access
//! goes through that descriptor without crossing into another mount.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use crate::error::{Error, Result};

/// `PROC_SUPER_MAGIC`.
pub(crate) const MAGIC: i64 = 0x9fa0;
/// Inode number of the root of every procfs.
const ROOT_INODE: u64 = 1;

/// A procfs known to be one.
#[derive(Debug)]
pub(crate) struct ProcFs(OwnedFd);

impl ProcFs {
    /// Opens the caller's `/proc`.
    pub(crate) fn open() -> Result<Self> {
        let root = rustix::fs::open(
            c"/proc",
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(Error::file("open", "/proc"))?;
        Self::recognise(root)
    }

    /// Mounts a procfs of the calling process's namespaces that nobody else can reach.
    fn private() -> io::Result<Self> {
        let context = rustix::mount::fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_create(&context)?;
        let root = rustix::mount::fsmount(
            &context,
            FsMountFlags::FSMOUNT_CLOEXEC,
            MountAttrFlags::MOUNT_ATTR_NOSUID
                | MountAttrFlags::MOUNT_ATTR_NODEV
                | MountAttrFlags::MOUNT_ATTR_NOEXEC,
        )?;
        Ok(Self(root))
    }

    fn recognise(root: OwnedFd) -> Result<Self> {
        let unsafe_proc =
            |reason: &str| Error::Unsafe { what: "/proc".into(), reason: reason.into() };
        let magic = rustix::fs::fstatfs(&root).map_err(Error::file("stat", "/proc"))?.f_type;
        if magic != MAGIC {
            return Err(unsafe_proc("it is not a procfs"));
        }
        let inode = rustix::fs::fstat(&root).map_err(Error::file("stat", "/proc"))?.st_ino;
        if inode != ROOT_INODE {
            return Err(unsafe_proc("it is not the root of a procfs"));
        }
        Ok(Self(root))
    }

    fn open_file(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(rustix::fs::openat2(
            self.0.as_fd(),
            path,
            flags | OFlags::CLOEXEC | OFlags::NOCTTY,
            Mode::empty(),
            ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS,
        )?)
    }

    /// Writes a file given by its path below `/proc`, in one call.
    pub(crate) fn write(&self, path: &str, value: &[u8]) -> Result<()> {
        let file = match self.open_file(path, OFlags::WRONLY) {
            // Something is mounted over it, as in a container that we run in ourselves.
            Err(error) if is_covered(&error) => Self::private()
                .and_then(|private| private.open_file(path, OFlags::WRONLY))
                .map_err(|_| error),
            other => other,
        };
        let full = || format!("/proc/{path}");
        let file = file.map_err(Error::file("open", full()))?;
        let written = rustix::io::write(&file, value).map_err(Error::file("write", full()))?;
        if written != value.len() {
            return Err(Error::file("write", full())(io::Error::from(io::ErrorKind::WriteZero)));
        }
        Ok(())
    }

    #[cfg(test)]
    /// Reads a small file given by its path below `/proc`.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        let full = || format!("/proc/{path}");
        let file = self.open_file(path, OFlags::RDONLY).map_err(Error::file("open", full()))?;
        let mut text = String::new();
        io::Read::read_to_string(&mut std::fs::File::from(file), &mut text)
            .map_err(Error::file("read", full()))?;
        Ok(text)
    }
}

fn is_covered(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::XDEV, Errno::ROFS]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Start time of a process in clock ticks since boot; `None` when there is none of that id.
pub(crate) fn start_time(pid: i32) -> Result<Option<u64>> {
    Ok(stat(pid)?.and_then(|stat| (stat.state != 'Z' && stat.state != 'X').then_some(stat.start)))
}

/// The parts of `/proc/PID/stat` that matter here.
struct Stat {
    state: char,
    start: u64,
}

fn stat(pid: i32) -> Result<Option<Stat>> {
    if pid <= 0 {
        return Ok(None);
    }
    let path = format!("/proc/{pid}/stat");
    // The file says that it is empty, so a reader without a guess would begin with a few bytes.
    let mut text = String::with_capacity(1024);
    let read = std::fs::File::open(&path)
        .and_then(|mut file| io::Read::read_to_string(&mut file, &mut text));
    match read {
        Ok(_) => {}
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Error::file("read", path)(error)),
    }
    parse_stat(&text).map(Some).ok_or_else(|| Error::Unsafe {
        what: path,
        reason: "it does not look like a procfs file".into(),
    })
}

/// The name in parentheses may hold anything, so fields are counted from the last parenthesis.
fn parse_stat(text: &str) -> Option<Stat> {
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    // The state is field 3, the start time field 22.
    let start = fields.nth(18)?.parse().ok()?;
    Some(Stat { state, start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_cannot_confuse() {
        let text = "7 (a) R 1 (b)) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        let stat = parse_stat(text).expect("parses");
        assert_eq!((stat.state, stat.start), ('S', 4711));
        assert!(parse_stat("").is_none());
    }

    #[test]
    fn files_are_read_and_other_mounts_and_links_refused() {
        let proc = ProcFs::open().expect("opens");
        assert!(proc.read("self/stat").is_ok());
        assert!(proc.read("self/cwd/etc/passwd").is_err());
        assert!(proc.read("../etc/passwd").is_err());
        assert!(start_time(std::process::id() as i32).expect("reads").is_some());
        assert!(start_time(0).expect("reads").is_none());
    }
}
