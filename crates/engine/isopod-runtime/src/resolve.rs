//! Paths of the container, resolved so that no link can lead out of its root.
//!
//! Every path is resolved by the kernel in one call with the container's root as the boundary
//! (`openat2(2)`, `RESOLVE_IN_ROOT`), and what follows acts on the descriptor, never on the path
//! again: a link that is swapped in between changes nothing (CVE-2021-30465).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// How many links that lead nowhere are followed to make what they point to.
const LINKS: usize = 16;
/// Permissions of directories made for mount points.
const DIRECTORY_MODE: u32 = 0o755;
/// Permissions of files made for mount points.
const FILE_MODE: u32 = 0o644;

/// Opens `path` below `root`. Links are followed inside the root, magic ones never.
pub(crate) fn open(
    root: BorrowedFd<'_>,
    path: &str,
    flags: OFlags,
    more: ResolveFlags,
) -> io::Result<OwnedFd> {
    let relative = match path.trim_start_matches('/') {
        "" => ".",
        path => path,
    };
    Ok(isopod_sys::rooted::open(root, relative, flags, more)?)
}

/// Opens `path` below `root` only as a handle (`O_PATH`).
pub(crate) fn handle(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    open(root, path, OFlags::PATH, ResolveFlags::empty())
}

/// Opens the directory `path` below `root` as a handle; nothing if it is not there.
pub(crate) fn directory(root: BorrowedFd<'_>, path: &str) -> io::Result<Option<OwnedFd>> {
    match open(root, path, OFlags::PATH | OFlags::DIRECTORY, ResolveFlags::empty()) {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the directory `path` below `root` as a handle; what is missing of it is made.
pub(crate) fn make_directory(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let directory =
        |path: &str| open(root, path, OFlags::PATH | OFlags::DIRECTORY, ResolveFlags::empty());
    match directory(path) {
        Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {}
        result => return result,
    }
    match make_last(root, path) {
        Ok(Some(made)) => Ok(made),
        _ => walk(root, path, LINKS),
    }
}

/// As is most often the case, only the last name is missing; nothing if more is.
fn make_last(root: BorrowedFd<'_>, path: &str) -> io::Result<Option<OwnedFd>> {
    let Some((parent, name)) = path.trim_end_matches('/').rsplit_once('/') else { return Ok(None) };
    if matches!(name, "" | "." | "..") {
        return Ok(None);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let parent = open(root, parent, flags, ResolveFlags::empty())?;
    rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(DIRECTORY_MODE))?;
    open(parent.as_fd(), name, flags | OFlags::NOFOLLOW, ResolveFlags::NO_SYMLINKS).map(Some)
}

/// Makes a directory name by name, each below the descriptor of the one before.
fn walk(root: BorrowedFd<'_>, path: &str, links: usize) -> io::Result<OwnedFd> {
    let mut prefix = String::new();
    let mut current = handle(root, "")?;
    let mut names = path.split('/').filter(|name| !name.is_empty() && *name != ".");
    while let Some(name) = names.next() {
        let parent = prefix.clone();
        prefix.push('/');
        prefix.push_str(name);
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        current = match open(root, &prefix, flags, ResolveFlags::empty()) {
            Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {
                match rustix::fs::mkdirat(&current, name, Mode::from_raw_mode(DIRECTORY_MODE)) {
                    Ok(()) => open(root, &prefix, flags, ResolveFlags::empty())?,
                    // Made by somebody else meanwhile, or a link to what does not exist yet.
                    Err(Errno::EXIST) => {
                        let Some(target) = link_target(current.as_fd(), &parent, name)? else {
                            current = open(root, &prefix, flags, ResolveFlags::empty())?;
                            continue;
                        };
                        if links == 0 {
                            return Err(Errno::LOOP.into());
                        }
                        let rest: Vec<&str> = names.collect();
                        return walk(root, &format!("{target}/{}", rest.join("/")), links - 1);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            result => result?,
        };
    }
    Ok(current)
}

/// The path, seen from the root, that a link leads to; `None` for what is no link.
fn link_target(directory: BorrowedFd<'_>, parent: &str, name: &str) -> io::Result<Option<String>> {
    let target = match rustix::fs::readlinkat(directory, name, Vec::new()) {
        Ok(target) => target.into_string().map_err(|_| Errno::ILSEQ)?,
        Err(Errno::INVAL) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(Some(if target.starts_with('/') { target } else { format!("{parent}/{target}") }))
}

/// Opens the file `path` below `root` as a handle; made empty if missing, with its directories.
pub(crate) fn make_file(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let mut path = path.trim_end_matches('/').to_owned();
    for _ in 0..=LINKS {
        match handle(root, &path) {
            Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {}
            result => return result,
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if matches!(name, "" | "." | "..") {
            return Err(Errno::ISDIR.into());
        }
        let directory = make_directory(root, parent)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(
            &directory,
            name,
            flags | OFlags::WRONLY,
            Mode::from_raw_mode(FILE_MODE),
        ) {
            // Opened again as a handle below.
            Ok(_) => {}
            Err(Errno::EXIST) => {
                if let Some(target) = link_target(directory.as_fd(), parent, name)? {
                    path = target;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::LOOP.into())
}

/// What sort of file a descriptor refers to.
pub(crate) fn file_type(file: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(file)?.st_mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn root() -> (tempfile::TempDir, OwnedFd) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(dir.path(), flags, Mode::empty()).expect("opens");
        (dir, fd)
    }

    #[test]
    fn links_stay_inside_the_root() {
        let (dir, fd) = root();
        symlink("/etc", dir.path().join("abs")).expect("links");
        symlink("../../../../etc", dir.path().join("rel")).expect("links");
        for path in ["/abs/x", "rel/x", "../../x/../y"] {
            make_directory(fd.as_fd(), path).expect(path);
        }
        assert!(dir.path().join("etc/x").is_dir());
        assert!(dir.path().join("y").is_dir());
        make_file(fd.as_fd(), "/abs/passwd").expect("makes");
        assert!(dir.path().join("etc/passwd").is_file());
    }

    #[test]
    fn links_to_what_is_missing_are_filled_in() {
        let (dir, fd) = root();
        std::fs::create_dir(dir.path().join("var")).expect("makes");
        symlink("../run", dir.path().join("var/run")).expect("links");
        symlink("/run/file", dir.path().join("var/file")).expect("links");
        make_directory(fd.as_fd(), "/var/run/secrets").expect("makes");
        make_file(fd.as_fd(), "/var/file").expect("makes");
        assert!(dir.path().join("run/secrets").is_dir());
        assert!(dir.path().join("run/file").is_file());
    }

    #[test]
    fn loops_end() {
        let (dir, fd) = root();
        symlink("b", dir.path().join("a")).expect("links");
        symlink("a", dir.path().join("b")).expect("links");
        assert!(make_directory(fd.as_fd(), "/a/x").is_err());
        assert!(make_file(fd.as_fd(), "/a").is_err());
    }

    #[test]
    fn magic_links_are_not_followed() {
        let (_dir, _fd) = root();
        let proc = rustix::fs::open(c"/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let proc = proc.expect("opens");
        assert!(handle(proc.as_fd(), "self/root/etc").is_err());
    }
}
