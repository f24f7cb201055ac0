//! Files of containers: looking at them, copying them out and in, whole file systems.

use super::{Container, Record};
use crate::byte_stream::{StreamReader, written_by};
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::tree::{self, Pack};
use crate::{ByteStream, Engine, ErrorKind, MountKind, PathStat, PutArchive};
use isopod_base::times::Timestamp;
use isopod_images::MountOptions;
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

/// A directory tree, and a path in it.
struct Place {
    root: OwnedFd,
    path: String,
    /// Whether it may be written to.
    writable: bool,
}

/// The root directory of a running container.
pub(crate) fn running_root(record: &Record) -> Result<OwnedFd> {
    let path = format!("/proc/{}/root", record.state.pid);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, &path, flags, Mode::empty()).map_err(|error| match error {
        Errno::NOENT | Errno::SRCH => Error::not_running(&record.id),
        error => Error::internal(format_args!("open the root of container {}", record.id))
            .because(io::Error::from(error)),
    })
}

/// Copies what a tree has at `path` into the empty directory `target`, which also gets the owner
/// and mode of the original.
pub(crate) fn copy_up(root: &OwnedFd, path: &str, target: &Path) -> Result<()> {
    let Ok(source) = tree::open(root, path, OFlags::RDONLY | OFlags::DIRECTORY) else {
        // The image has nothing there.
        return Ok(());
    };
    let failed = |error: io::Error| {
        Error::internal(format_args!("copy {path} of the image to the volume")).because(error)
    };
    let into = std::fs::File::open(target).map_err(failed)?;
    let stat = fstat(&source).map_err(|error| failed(error.into()))?;
    let (mut reader, mut writer) = io::pipe().map_err(failed)?;
    std::thread::scope(|scope| {
        let packing = scope.spawn(move || {
            let what = Pack { parent: source.as_fd(), name: c".", called: "", one_mount: true };
            let outcome = tree::pack(&what, &mut writer);
            drop(writer);
            outcome
        });
        let options = PutArchive { copy_owners: true, ..PutArchive::default() };
        let unpacked = tree::unpack(into.as_fd(), "", &mut reader, options);
        drop(reader);
        let packed =
            packing.join().map_err(|_| Error::internal("a thread of the engine failed"))?;
        unpacked.map_err(|source| {
            Error::internal(format_args!("copy {path} of the image to the volume")).because(source)
        })?;
        packed.map_err(failed)
    })?;
    let owner = (rustix::fs::Uid::from_raw(stat.st_uid), rustix::fs::Gid::from_raw(stat.st_gid));
    rustix::fs::fchown(&into, Some(owner.0), Some(owner.1))
        .map_err(|error| failed(error.into()))?;
    rustix::fs::fchmod(&into, Mode::from_raw_mode(stat.st_mode & 0o7777))
        .map_err(|error| failed(error.into()))
}

impl Engine {
    /// What a path in a container is; a link at its end is not followed.
    pub async fn stat_path(self: &Arc<Self>, name: &str, path: &str) -> Result<PathStat> {
        let container = self.containers.find(name)?;
        let (engine, path, name) = (Arc::clone(self), path.to_owned(), name.to_owned());
        blocking(move || {
            let place = engine.place(&container, &path)?;
            stat(&place, &path).map_err(|error| not_there(error, &path, &name))
        })
        .await
    }

    /// A file or tree of a container as a tar archive.
    pub async fn get_archive(
        self: &Arc<Self>,
        name: &str,
        path: &str,
    ) -> Result<(PathStat, ByteStream)> {
        let container = self.containers.find(name)?;
        let (engine, path, shown) = (Arc::clone(self), path.to_owned(), name.to_owned());
        let target = Arc::clone(&container);
        let (stat, place) = blocking(move || {
            let place = engine.place(&target, &path)?;
            let stat = stat(&place, &path).map_err(|error| not_there(error, &path, &shown))?;
            Ok((stat, place))
        })
        .await?;
        let called = stat.name.clone();
        let stream = written_by(move |out| {
            let path = place.path.trim_end_matches('/').trim_end_matches("/.");
            let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
            let (parent, last) = if last.is_empty() || last == "." || last == ".." {
                (tree::open(&place.root, path, OFlags::PATH | OFlags::DIRECTORY)?, ".")
            } else {
                (tree::open(&place.root, above, OFlags::PATH | OFlags::DIRECTORY)?, last)
            };
            let follows = place.path.ends_with('/') || place.path.ends_with("/.");
            let (parent, last) = if follows && last != "." {
                (tree::open(&place.root, path, OFlags::PATH | OFlags::DIRECTORY)?, ".")
            } else {
                (parent, last)
            };
            let what = Pack {
                parent: parent.as_fd(),
                name: &CString::new(last)?,
                called: called.trim_matches('/'),
                one_mount: false,
            };
            tree::pack(&what, out)
        });
        self.container_event(&container, "archive-path", &[]);
        Ok((stat, stream))
    }

    /// Unpacks a tar archive (compressed or not) into a directory of a container.
    pub async fn put_archive(
        self: &Arc<Self>,
        name: &str,
        path: &str,
        options: PutArchive,
        archive: ByteStream,
    ) -> Result<()> {
        let container = self.containers.find(name)?;
        let (engine, path, shown) = (Arc::clone(self), path.to_owned(), name.to_owned());
        let target = Arc::clone(&container);
        blocking(move || {
            let place = engine.place(&target, &path)?;
            let directory = tree::open(&place.root, &place.path, OFlags::PATH)
                .map_err(|error| not_there(error, &path, &shown))?;
            let stat = fstat(&directory).map_err(|error| not_there(error, &path, &shown))?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                return Err(Error::invalid("extraction point is not a directory"));
            }
            if !place.writable {
                return Err(Error::new(
                    ErrorKind::Forbidden,
                    "container rootfs is marked read-only",
                ));
            }
            tree::unpack(place.root.as_fd(), &place.path, StreamReader::new(archive), options)
                .map_err(|source| {
                    Error::invalid(format_args!("unpack into {path} of container {shown}"))
                        .because(source)
                })
        })
        .await?;
        self.container_event(&container, "extract-to-dir", &[]);
        Ok(())
    }

    /// The root file system of a container, without what is mounted in it, as a tar archive.
    pub async fn export_container(self: &Arc<Self>, name: &str) -> Result<ByteStream> {
        let container = self.containers.find(name)?;
        let engine = Arc::clone(self);
        let target = Arc::clone(&container);
        let root = blocking(move || engine.root(&target)).await?;
        let stream = written_by(move |out| {
            let what = Pack { parent: root.as_fd(), name: c".", called: "", one_mount: true };
            tree::pack(&what, out)
        });
        self.container_event(&container, "export", &[]);
        Ok(stream)
    }

    /// The root directory of a container, whether it runs or not.
    fn root(&self, container: &Container) -> Result<OwnedFd> {
        let record = container.record();
        if record.state.status.is_alive() {
            return running_root(&record);
        }
        self.store
            .snapshots()
            .mounts(&record.id)
            .and_then(|mounts| mounts.open(&MountOptions::default()))
            .map_err(|source| {
                Error::internal(format_args!("mount the root file system of {}", record.id))
                    .because(source)
            })
    }

    /// Where a path of a container is. In one that does not run, volumes and binds are where
    /// they are on the host.
    fn place(&self, container: &Container, path: &str) -> Result<Place> {
        if path.is_empty() {
            return Err(Error::invalid("path cannot be empty"));
        }
        let record = container.record();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let below = |destination: &str| {
            path.strip_prefix(destination)
                .filter(|rest| rest.is_empty() || rest.starts_with('/'))
                .map(str::to_owned)
        };
        let mount = record
            .mounts
            .iter()
            .filter(|mount| mount.kind != MountKind::Tmpfs)
            .filter_map(|mount| Some((mount, below(&mount.destination)?)))
            .max_by_key(|(mount, _)| mount.destination.len());
        if record.state.status.is_alive() {
            let writable = mount.map_or(!record.host.readonly_rootfs, |(mount, _)| mount.writable);
            return Ok(Place { root: running_root(&record)?, path, writable });
        }
        match mount {
            Some((mount, rest)) if Path::new(&mount.source).is_dir() => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let root = openat(CWD, &mount.source, flags, Mode::empty()).map_err(|error| {
                    Error::internal(format_args!("open {}", mount.source))
                        .because(io::Error::from(error))
                })?;
                Ok(Place {
                    root,
                    path: if rest.is_empty() { "/".into() } else { rest },
                    writable: mount.writable,
                })
            }
            _ => Ok(Place {
                root: self.root(container)?,
                path,
                writable: !record.host.readonly_rootfs,
            }),
        }
    }
}

fn stat(place: &Place, asked: &str) -> Result<PathStat, Errno> {
    let follows = place.path.ends_with('/') || place.path.ends_with("/.");
    let flags = if follows { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
    let fd = tree::open(&place.root, &place.path, flags)?;
    let stat = fstat(&fd)?;
    let mut link_target = String::new();
    if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
        let target = rustix::fs::readlinkat(&fd, "", Vec::new())?.to_string_lossy().into_owned();
        link_target = if target.starts_with('/') {
            target
        } else {
            let above = asked.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
            format!("{above}/{target}")
        };
    }
    let trimmed = asked.trim_end_matches('/');
    let name = if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or("/") };
    Ok(PathStat {
        name: name.to_owned(),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode,
        mtime: Timestamp::from_nanos(
            i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        ),
        link_target,
    })
}

fn not_there(error: Errno, path: &str, name: &str) -> Error {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => {
            Error::not_found(format_args!("Could not find the file {path} in container {name}"))
        }
        error => Error::internal(format_args!("look up {path} in container {name}"))
            .because(io::Error::from(error)),
    }
}
