//! The container's terminal.

use std::os::fd::{AsFd, OwnedFd};

use isopod_oci::runtime::ConsoleSize;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use super::attach;
use crate::error::{Error, Result};
use crate::resolve;

/// `DEVPTS_SUPER_MAGIC`.
const DEVPTS_MAGIC: i64 = 0x1cd1;

/// Opens a new terminal of the container's own devpts: master and slave.
///
/// The directory must really be a devpts, where nobody can put a file of their choice, and the
/// slave is opened through the master, not by its name (CVE-2025-52565).
pub(crate) fn open(root: &OwnedFd, size: Option<ConsoleSize>) -> Result<(OwnedFd, OwnedFd)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let pts = resolve::open(root.as_fd(), "/dev/pts", flags, ResolveFlags::empty())
        .map_err(Error::system("open /dev/pts, which a terminal needs"))?;
    let magic = rustix::fs::fstatfs(&pts).map_err(Error::file("stat", "/dev/pts"))?.f_type;
    if magic != DEVPTS_MAGIC {
        return Err(Error::Unsafe {
            what: "/dev/pts".into(),
            reason: "a terminal needs a devpts mounted there".into(),
        });
    }
    let failed = || Error::system("open a terminal");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let master = rustix::fs::openat(&pts, c"ptmx", flags, Mode::empty()).map_err(failed())?;
    rustix::pty::unlockpt(&master).map_err(failed())?;
    let slave = rustix::pty::ioctl_tiocgptpeer(
        &master,
        OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC,
    )
    .map_err(failed())?;
    if let Some(size) = size.filter(|size| (size.height, size.width) != (0, 0)) {
        let size = Winsize { ws_row: size.height, ws_col: size.width, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&slave, size).map_err(failed())?;
    }
    Ok((master, slave))
}

/// Mounts the slave at `/dev/console`.
pub(super) fn mount(root: &OwnedFd, slave: &OwnedFd) -> Result<()> {
    let failed = || Error::file("mount the terminal at", "/dev/console");
    let flags = OFlags::PATH | OFlags::NOFOLLOW;
    let open = || resolve::open(root.as_fd(), "/dev/console", flags, ResolveFlags::empty());
    // Made only where nothing is: a link would have the image choose what is covered.
    let target = match open() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            resolve::make_file(root.as_fd(), "/dev/console").and_then(|_| open())
        }
        opened => opened,
    };
    let target = target.map_err(failed())?;
    let kind = resolve::file_type(target.as_fd()).map_err(failed())?;
    if kind == FileType::Directory || kind == FileType::Symlink {
        return Err(Error::Unsafe {
            what: "/dev/console".into(),
            reason: "it is neither a file nor a device".into(),
        });
    }
    let tree = attach::open_tree_at(slave.as_fd(), false).map_err(failed())?;
    attach::attach(tree.as_fd(), target.as_fd()).map_err(failed())
}
