//! What a build needs of the world: processes in containers, users, archives, URLs.

use crate::cancel::Cancel;
use crate::event::Stream;
use isopod_dockerfile::{Network, Security};
use std::io::{Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// Something behind the border failed; the text is for the user.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BorderError {
    /// What.
    pub message: String,
}

impl BorderError {
    /// An error with this text.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A command to run in a container of its own.
#[derive(Debug)]
pub struct Sandbox<'a> {
    /// 64 hexadecimal digits.
    pub id: &'a str,
    /// The root file system: a mount that stands nowhere.
    pub root: OwnedFd,
    /// The command.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: Vec<String>,
    /// Who runs it.
    pub user: String,
    /// Where.
    pub cwd: String,
    /// Network.
    pub network: Network,
    /// Confinement.
    pub security: Security,
    /// Mounts, in order.
    pub mounts: Vec<Mounted>,
}

/// A mount of a sandbox.
#[derive(Debug)]
pub struct Mounted {
    /// Absolute path in the container.
    pub target: String,
    /// What is there.
    pub source: MountSource,
    /// Whether it may not be written to.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug)]
pub enum MountSource {
    /// A path in a mount that stands nowhere (empty for all of it). Links in the path lead
    /// nowhere out of the mount.
    Tree(OwnedFd, String),
    /// An empty file system in memory, of a size.
    Tmpfs(Option<u64>),
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, 128 + n if a signal ended it.
    pub code: i32,
}

/// What was fetched.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// Name that the server suggests, if any.
    pub name: Option<String>,
    /// Seconds since 1970 when it was last changed, if the server says so.
    pub modified: Option<i64>,
}

/// How to unpack an archive.
#[derive(Debug, Clone, Copy)]
pub struct Unpack {
    /// Owner of everything; the archive's own if absent.
    pub owner: Option<(u32, u32)>,
}

/// What stands behind the border. All of it blocks.
pub trait Sandboxes: Send + Sync {
    /// Runs a command to its end, and hands over what it prints.
    fn run(
        &self,
        sandbox: Sandbox<'_>,
        cancel: &Cancel,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Exit, BorderError>;

    /// User and group id of `user[:group]`, by the files of a root file system.
    fn owner(&self, root: BorrowedFd<'_>, user: &str) -> Result<(u32, u32), BorderError>;

    /// Unpacks a tar archive, decompressed already, into a directory of a root file system.
    fn unpack(
        &self,
        root: BorrowedFd<'_>,
        target: &str,
        archive: &mut (dyn Read + Send),
        how: Unpack,
    ) -> Result<(), BorderError>;

    /// Fetches a URL.
    fn fetch(
        &self,
        url: &str,
        out: &mut dyn Write,
        cancel: &Cancel,
    ) -> Result<Fetched, BorderError>;

    /// Where to keep files that last as long as a build at most.
    fn scratch(&self) -> PathBuf;
}
