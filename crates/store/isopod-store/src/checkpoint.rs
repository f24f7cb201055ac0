//! Checkpoints: the state and the cluster's members at one entry of the log, in one file of
//! checksummed blocks. `DESIGN.md` draws the bytes and lists the order of syncs.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use isopod_mvcc::{Restore, RestoreError, Snapshot, State};
use raft::eraftpb::ConfState;

use crate::bytes_reader::Reader;
use crate::disk::{Disk, DiskFile};
use crate::membership::Membership;

const MAGIC: &[u8; 8] = b"isopckp2";
/// Length and checksum before each block.
const BLOCK_HEADER_BYTES: usize = 8;
/// A block longer than this was not written by us: a record is at most a request.
const BLOCK_LIMIT_BYTES: u32 = 1 << 30;
/// The file is written in pieces of about this size.
const WRITE_BYTES: usize = 1 << 20;
const UNFINISHED: &str = "checkpoint.new";

/// A checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system refused.
    #[error("{action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A block does not read back.
    #[error(
        "{} is damaged at byte {offset}: {reason}; restore this member from a snapshot or let it join anew",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What did not fit.
        reason: &'static str,
    },
    /// The blocks are whole but not a state.
    #[error("{} holds no state", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: RestoreError,
    },
}

fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> CheckpointError + 'a {
    move |source| CheckpointError::Io { action, path: path.to_path_buf(), source }
}

/// What a checkpoint says beside the state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// Whose it is.
    pub member_id: u64,
    /// Index and term of the last entry that it includes.
    pub applied: (u64, u64),
    /// The configuration of Raft at that entry.
    pub conf_state: ConfState,
    /// The members at that entry.
    pub membership: Membership,
}

impl Metadata {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [self.member_id, self.applied.0, self.applied.1] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let conf = &self.conf_state;
        bytes.push(u8::from(conf.auto_leave));
        for ids in [&conf.voters, &conf.learners, &conf.voters_outgoing, &conf.learners_next] {
            let count = u32::try_from(ids.len()).expect("a cluster has few members");
            bytes.extend_from_slice(&count.to_le_bytes());
            ids.iter().for_each(|id| bytes.extend_from_slice(&id.to_le_bytes()));
        }
        self.membership.encode(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let member_id = reader.u64()?;
        let applied = (reader.u64()?, reader.u64()?);
        let mut conf_state = ConfState { auto_leave: reader.u8()? != 0, ..ConfState::default() };
        let mut ids = || {
            let count = reader.u32()?;
            (0..count).map(|_| reader.u64()).collect::<Option<Vec<_>>>()
        };
        conf_state.voters = ids()?;
        conf_state.learners = ids()?;
        conf_state.voters_outgoing = ids()?;
        conf_state.learners_next = ids()?;
        let membership = Membership::decode(&mut reader)?;
        reader.is_empty().then_some(Self { member_id, applied, conf_state, membership })
    }
}

fn path(dir: &Path, index: u64) -> PathBuf {
    dir.join(format!("checkpoint-{index:016x}"))
}

fn index(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("checkpoint-").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// Writes a checkpoint durably and then removes older ones. What was there before stays in force
/// until the new one is whole.
pub fn write(
    disk: &dyn Disk,
    dir: &Path,
    metadata: &Metadata,
    snapshot: &Snapshot,
) -> Result<(), CheckpointError> {
    let unfinished = dir.join(UNFINISHED);
    let outcome = write_file(disk, &unfinished, metadata, snapshot);
    if let Err(error) = outcome {
        // Above all when space is lacking, what was written so far must not keep it.
        let _ = disk.remove(&unfinished);
        return Err(io_error("write", &unfinished)(error));
    }
    let whole = path(dir, metadata.applied.0);
    disk.rename(&unfinished, &whole).map_err(io_error("rename", &unfinished))?;
    disk.sync_dir(dir).map_err(io_error("sync", dir))?;
    for index in indexes(disk, dir)? {
        if index < metadata.applied.0 {
            let path = path(dir, index);
            disk.remove(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}

fn write_file(
    disk: &dyn Disk,
    path: &Path,
    metadata: &Metadata,
    snapshot: &Snapshot,
) -> io::Result<()> {
    let file = disk.create(path)?;
    let mut writer = Writer { file, at: 0, buffer: MAGIC.to_vec(), blocks: 0 };
    writer.block(&metadata.encode())?;
    for chunk in snapshot.chunks() {
        writer.block(&chunk)?;
    }
    // An empty block ends the file; its checksum counts the others.
    let blocks = writer.blocks;
    writer.buffer.extend_from_slice(&0_u32.to_le_bytes());
    writer.buffer.extend_from_slice(&crc32fast::hash(&blocks.to_le_bytes()).to_le_bytes());
    writer.flush()?;
    writer.file.sync()
}

struct Writer {
    file: Box<dyn DiskFile>,
    at: u64,
    buffer: Vec<u8>,
    blocks: u64,
}

impl Writer {
    fn block(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= BLOCK_LIMIT_BYTES);
        let length = length.ok_or_else(|| io::Error::other("a block of over 1 GiB"))?;
        self.buffer.extend_from_slice(&length.to_le_bytes());
        self.buffer.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        self.buffer.extend_from_slice(bytes);
        self.blocks += 1;
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The newest checkpoint in `dir`, if there is one.
pub fn read_newest(
    disk: &dyn Disk,
    dir: &Path,
) -> Result<Option<(Metadata, State)>, CheckpointError> {
    let unfinished = dir.join(UNFINISHED);
    // What a crash left of one that was being written.
    let _ = disk.remove(&unfinished);
    let Some(index) = indexes(disk, dir)?.into_iter().max() else { return Ok(None) };
    read(disk, &path(dir, index)).map(Some)
}

fn indexes(disk: &dyn Disk, dir: &Path) -> Result<Vec<u64>, CheckpointError> {
    let names = disk.list(dir).map_err(io_error("list", dir))?;
    Ok(names.iter().filter_map(|name| index(name)).collect())
}

fn read(disk: &dyn Disk, path: &Path) -> Result<(Metadata, State), CheckpointError> {
    let file = disk.open(path).map_err(io_error("open", path))?;
    let size = file.size_bytes().map_err(io_error("read", path))?;
    let mut blocks = Blocks { file: file.as_ref(), path, size, at: 0, count: 0 };
    blocks.magic()?;
    let metadata_at = blocks.at;
    let metadata = blocks.next()?.and_then(|bytes| Metadata::decode(&bytes));
    let metadata =
        metadata.ok_or_else(|| blocks.damaged(metadata_at, "not a checkpoint's head"))?;
    let mut restore = Restore::default();
    let state_error = |source| CheckpointError::State { path: path.to_path_buf(), source };
    while let Some(chunk) = blocks.next()? {
        restore.push(chunk).map_err(state_error)?;
    }
    Ok((metadata, restore.finish().map_err(state_error)?))
}

struct Blocks<'a> {
    file: &'a dyn DiskFile,
    path: &'a Path,
    size: u64,
    at: u64,
    count: u64,
}

impl Blocks<'_> {
    fn damaged(&self, offset: u64, reason: &'static str) -> CheckpointError {
        CheckpointError::Damaged { path: self.path.to_path_buf(), offset, reason }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        if self.size - self.at < N as u64 {
            return Err(self.damaged(self.at, "the file ends early"));
        }
        let mut bytes = [0; N];
        self.file.read_at(&mut bytes, self.at).map_err(io_error("read", self.path))?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn magic(&mut self) -> Result<(), CheckpointError> {
        let whole = &self.take::<8>()? == MAGIC;
        if whole { Ok(()) } else { Err(self.damaged(0, "not a checkpoint of this version")) }
    }

    /// The next block; none at the end.
    fn next(&mut self) -> Result<Option<Bytes>, CheckpointError> {
        let start = self.at;
        let header: [u8; BLOCK_HEADER_BYTES] = self.take()?;
        let [a, b, c, d, e, f, g, h] = header;
        let (length, crc) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if length == 0 {
            let all = crc == crc32fast::hash(&self.count.to_le_bytes()) && self.at == self.size;
            return if all {
                Ok(None)
            } else {
                Err(self.damaged(start, "not all blocks are there"))
            };
        }
        if length > BLOCK_LIMIT_BYTES || u64::from(length) > self.size - self.at {
            return Err(self.damaged(start, "a block's length is wrong"));
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_at(&mut bytes, self.at).map_err(io_error("read", self.path))?;
        if crc32fast::hash(&bytes) != crc {
            return Err(self.damaged(start, "a block's checksum is wrong"));
        }
        self.at += u64::from(length);
        self.count += 1;
        Ok(Some(bytes.into()))
    }
}
