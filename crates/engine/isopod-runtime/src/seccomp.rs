//! Filters: compiled once per profile, kept in each container's state, loaded, and their notify
//! descriptors handed to the listener.
//!
//! A compiled program is kept as `<root>/.seccomp/<key>`, where the key is a digest over the
//! profile, the architecture and this code's version. Layout of the file, little-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `isoseccm` |
//! | 4 | flags for `seccomp(2)` |
//! | 4 | 1 if a listener is wanted |
//! | n × 8 | the program, in the machine's byte order |
//! | 32 | SHA-256 over all before, as 64 hexadecimal digits' bytes |

use std::hash::Hash;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use isopod_base::{Algorithm, Digest, Hasher};
use isopod_oci::runtime::{ContainerProcessState, LinuxSeccomp, State};
use isopod_seccomp::Arch;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::channel;
use crate::error::{Error, Result};
use crate::state::SeccompState;

const MAGIC: &[u8; 8] = b"isoseccm";
const HEADER: usize = 16;
const TRAILER: usize = 64;
/// Name of the cache's directory; no container's id begins with a dot.
const CACHE: &str = ".seccomp";
/// Most programs kept; the cache is emptied when it is full.
const CACHE_LIMIT: usize = 256;

/// A program ready to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) program: Vec<u8>,
    pub(crate) flags: u32,
    pub(crate) wants_listener: bool,
}

impl Filter {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.program.len() + TRAILER);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        bytes.extend_from_slice(&u32::from(self.wants_listener).to_le_bytes());
        bytes.extend_from_slice(&self.program);
        let digest = Digest::sha256(&bytes);
        bytes.extend_from_slice(digest.hex().as_bytes());
        bytes
    }

    /// `None` for anything that was not written by [`Filter::encode`] as a whole.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let body = bytes.len().checked_sub(TRAILER).filter(|body| *body >= HEADER)?;
        let (body, trailer) = bytes.split_at(body);
        if !body.starts_with(MAGIC) || Digest::sha256(body).hex().as_bytes() != trailer {
            return None;
        }
        let number = |at: usize| {
            body[at..at + 4].try_into().map(u32::from_le_bytes).expect("four bytes of the header")
        };
        Some(Self {
            flags: number(8),
            wants_listener: number(12) == 1,
            program: body[HEADER..].to_vec(),
        })
    }
}

/// The filter of a profile, from the cache below `root` if it is there.
///
/// System calls that this machine's architecture does not have are left aside without a word,
/// since profiles are written for all architectures.
pub(crate) fn prepare(root: &Path, profile: &LinuxSeccomp) -> Result<Filter> {
    let native = Arch::native().ok_or_else(|| {
        Error::unsupported("linux.seccomp", "this machine's architecture is not known")
    })?;
    let path = root.join(CACHE).join(key(profile, native).hex());
    if let Some(filter) = std::fs::read(&path).ok().as_deref().and_then(Filter::decode) {
        return Ok(filter);
    }
    let program = isopod_seccomp::compile(profile, native).map_err(Error::Seccomp)?;
    let filter = Filter {
        program: program.as_bytes().to_vec(),
        flags: program.flags(),
        wants_listener: program.wants_listener(),
    };
    store(&path, &filter);
    Ok(filter)
}

/// A cache that cannot be written costs time, nothing else.
fn store(path: &Path, filter: &Filter) {
    if let Some(parent) = path.parent() {
        let _ = std::fs::create_dir_all(parent);
        make_room(parent);
    }
    let _ = isopod_base::files::replace_volatile(path, &filter.encode(), 0o600);
}

/// Whoever makes up a new profile for every container must not fill the disk with them.
fn make_room(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    if paths.len() >= CACHE_LIMIT {
        for path in paths {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn key(profile: &LinuxSeccomp, native: Arch) -> Digest {
    struct Feed(Hasher);
    impl std::hash::Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut feed = Feed(Hasher::new(Algorithm::Sha256));
    (env!("CARGO_PKG_VERSION"), native.scmp_name()).hash(&mut feed);
    profile.hash(&mut feed);
    feed.0.finish()
}

/// What is stored of a filter, for processes that join later.
pub(crate) fn keep(profile: &LinuxSeccomp, filter: &Filter) -> SeccompState {
    let (instructions, _) = filter.program.as_chunks();
    SeccompState {
        flags: filter.flags,
        program: instructions.iter().map(|bytes| u64::from_ne_bytes(*bytes)).collect(),
        wants_listener: filter.wants_listener,
        listener_path: profile.listener_path.clone(),
        listener_metadata: profile.listener_metadata.clone(),
    }
}

/// The filter of a container's state; `None` if it is not there, as in an older state.
pub(crate) fn kept(state: &SeccompState) -> Option<Filter> {
    (!state.program.is_empty()).then(|| Filter {
        program: state.program.iter().flat_map(|instruction| instruction.to_ne_bytes()).collect(),
        flags: state.flags,
        wants_listener: state.wants_listener,
    })
}

/// Sends a notify descriptor and the state of its process to the listener.
pub(crate) fn send_listener(
    seccomp: &SeccompState,
    listener: &OwnedFd,
    pid: i32,
    state: State,
) -> Result<()> {
    let Some(path) = &seccomp.listener_path else {
        return Err(Error::config(
            "linux.seccomp.listenerPath",
            "must be set for a profile with SCMP_ACT_NOTIFY",
        ));
    };
    let message = ContainerProcessState {
        oci_version: state.oci_version.clone(),
        fds: vec!["seccompFd".into()],
        pid,
        metadata: seccomp.listener_metadata.clone(),
        state,
    };
    let bytes = serde_json::to_vec(&message).expect("maps with string keys only");
    let address = SocketAddrUnix::new(path.as_str()).map_err(Error::file("connect", path))?;
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .map_err(Error::system("make a socket for the seccomp listener"))?;
    rustix::net::connect(&socket, &address).map_err(Error::file("connect", path))?;
    channel::send(socket.as_fd(), &bytes, Some(listener.as_fd()))
        .map_err(Error::file("send to", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter() -> Filter {
        Filter { program: vec![6, 0, 0, 0, 0, 0, 0xff, 0x7f], flags: 2, wants_listener: true }
    }

    #[test]
    fn what_was_stored_is_read_and_nothing_else() {
        let mut bytes = filter().encode();
        assert_eq!(Filter::decode(&bytes), Some(filter()));
        bytes[HEADER] ^= 1;
        assert_eq!(Filter::decode(&bytes), None);
        for length in 0..bytes.len() {
            assert_eq!(Filter::decode(&bytes[..length]), None);
        }
    }

    #[test]
    fn the_cache_is_filled_used_and_repaired() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let profile =
            LinuxSeccomp { default_action: "SCMP_ACT_ALLOW".into(), ..LinuxSeccomp::default() };
        let first = prepare(dir.path(), &profile).expect("compiles");
        let entry = std::fs::read_dir(dir.path().join(CACHE))
            .expect("lists")
            .next()
            .expect("one file")
            .expect("reads")
            .path();
        std::fs::write(&entry, b"damaged").expect("writes");
        assert_eq!(prepare(dir.path(), &profile).expect("compiles"), first);
        assert!(Filter::decode(&std::fs::read(&entry).expect("reads")).is_some());
    }
}
