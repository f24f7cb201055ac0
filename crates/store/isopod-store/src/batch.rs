//! What an entry of the log carries: the commands that were proposed together.
//!
//! ```text
//! context:  proposer u64  batch u64
//! data:     ( length u32  command[length] ) repeated
//! ```

use bytes::{Buf, Bytes};
use isopod_mvcc::{Command, DecodeError};

/// Which proposal an entry is: who made it, and which of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchId {
    pub(crate) proposer: u64,
    pub(crate) batch: u64,
}

impl BatchId {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut bytes = self.proposer.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.batch.to_le_bytes());
        bytes
    }

    /// The id at the start of an entry's context, and what follows it.
    pub(crate) fn split(context: &Bytes) -> Option<(Self, Bytes)> {
        let mut rest = context.clone();
        if rest.len() < 16 {
            return None;
        }
        let id = Self { proposer: rest.get_u64_le(), batch: rest.get_u64_le() };
        Some((id, rest))
    }
}

/// Appends a command to an entry's data.
pub(crate) fn push(data: &mut Vec<u8>, command: &Command) {
    let at = data.len();
    data.extend_from_slice(&[0; 4]);
    command.encode(data);
    let length = u32::try_from(data.len() - at - 4).expect("requests are smaller than 4 GiB");
    data[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// The commands of an entry's data. The entry was committed: what does not decode was written by
/// another version, and no member of this one may go on.
pub(crate) fn commands(data: &Bytes) -> impl Iterator<Item = Result<Command, DecodeError>> {
    let mut rest = data.clone();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = if rest.len() < 4 { usize::MAX } else { rest.get_u32_le() as usize };
        let taken = rest.split_to(length.min(rest.len()));
        Some(Command::decode(&taken))
    })
}
