//! The bytes of a [`Command`] in the log. `DESIGN.md` draws them.
//!
//! Reading accepts only what this version can carry out: another version, an unknown kind or flag,
//! a length beyond the end, bytes left over are each an error. A member that does not understand
//! an entry must stop, not guess.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod reader;

use bytes::Bytes;

use crate::Command;

/// The version of the format that is written, and the only one that is read.
const VERSION: u8 = 1;

/// What precedes the request.
mod kind {
    pub(super) const PUT: u8 = 1;
    pub(super) const DELETE: u8 = 2;
    pub(super) const TXN: u8 = 3;
    pub(super) const COMPACT: u8 = 4;
    pub(super) const LEASE_GRANT: u8 = 5;
    pub(super) const LEASE_REVOKE: u8 = 6;
    pub(super) const LEASE_CHECKPOINT: u8 = 7;
    pub(super) const ALARM: u8 = 8;
    pub(super) const AUTH: u8 = 9;
    pub(super) const NOTHING: u8 = 10;
    /// Only within a transaction.
    pub(super) const RANGE: u8 = 11;
    /// Set beside a kind if an actor follows.
    pub(super) const WITH_ACTOR: u8 = 0x80;
}

/// Kinds of a change of users and roles.
mod auth_kind {
    pub(super) const ENABLE: u8 = 1;
    pub(super) const DISABLE: u8 = 2;
    pub(super) const USER_ADD: u8 = 3;
    pub(super) const USER_DELETE: u8 = 4;
    pub(super) const USER_CHANGE_PASSWORD: u8 = 5;
    pub(super) const USER_GRANT_ROLE: u8 = 6;
    pub(super) const USER_REVOKE_ROLE: u8 = 7;
    pub(super) const ROLE_ADD: u8 = 8;
    pub(super) const ROLE_DELETE: u8 = 9;
    pub(super) const ROLE_GRANT_PERMISSION: u8 = 10;
    pub(super) const ROLE_REVOKE_PERMISSION: u8 = 11;
}

/// Why bytes are not a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("bytes end within {field} at offset {offset}")]
    Truncated {
        /// What was being read.
        field: &'static str,
        /// Where.
        offset: usize,
    },
    /// Another version of isopod wrote them.
    #[error("format version {0} is not known (expected {VERSION})")]
    Version(u8),
    /// A value that this version does not know.
    #[error("{field} has the unknown value {value} at offset {offset}")]
    Unknown {
        /// What was being read.
        field: &'static str,
        /// Its value.
        value: u64,
        /// Where.
        offset: usize,
    },
    /// A number that is no number, or a name that is not UTF-8.
    #[error("{field} is malformed at offset {offset}")]
    Malformed {
        /// What was being read.
        field: &'static str,
        /// Where.
        offset: usize,
    },
    /// Transactions nested deeper than [`crate::MAX_TXN_DEPTH`].
    #[error("transactions are nested too deeply at offset {offset}")]
    TooDeep {
        /// Where.
        offset: usize,
    },
    /// Something follows the command.
    #[error("{0} bytes follow the command")]
    Trailing(usize),
}

impl Command {
    /// Appends the command's bytes for the log.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        encode::command(buffer, self);
    }

    /// Reads a command. Its keys and values share the memory of `bytes`.
    ///
    /// # Errors
    /// What is not exactly one command of this version.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        decode::command(bytes)
    }
}

#[cfg(test)]
mod tests;
