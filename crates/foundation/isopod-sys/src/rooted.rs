//! Paths below a root that no link, `..` or race leads out of.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::path::Arg;

/// How often a resolution is repeated when a rename elsewhere disturbed it.
const RETRIES: usize = 128;

/// Opens `path` below `root` as a process would whose root directory it is: links are followed
/// inside, magic ones never. `path` is relative; `more` narrows the resolution further.
pub fn open(
    root: impl AsFd,
    path: impl Arg,
    flags: OFlags,
    more: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | more;
    path.into_with_c_str(|path| {
        for _ in 0..RETRIES {
            match openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                // The kernel could not rule out that a rename moved the path out of the root.
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    })
}
