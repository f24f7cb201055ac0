//! Building a state from a snapshot's chunks.

use bytes::Bytes;

use super::{VERSION, tag};
use crate::arena::Location;
use crate::auth::{Auth, Role, User};
use crate::codec::decode;
use crate::codec::reader::Reader;
use crate::record::{self, Record};
use crate::state::{Revisions, State};
use crate::{AlarmRequest, DecodeError, Revision};

/// Why chunks are not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Another version of isopod wrote it.
    #[error("snapshot has format version {0} (expected {VERSION})")]
    Version(u8),
    /// A chunk stands where it must not.
    #[error("chunk {chunk} of the snapshot is of kind {tag}, which cannot stand there")]
    Misplaced {
        /// Which chunk, from 0.
        chunk: usize,
        /// What it says that it is.
        tag: u8,
    },
    /// A chunk's fields are no such.
    #[error("chunk {chunk} of the snapshot is malformed")]
    Malformed {
        /// Which chunk, from 0.
        chunk: usize,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// A chunk of records holds something else.
    #[error("chunk {chunk} of the snapshot holds no valid record at offset {offset}")]
    Record {
        /// Which chunk, from 0.
        chunk: usize,
        /// Where in the chunk.
        offset: usize,
    },
    /// The last chunk is missing, or does not count what came.
    #[error("snapshot is incomplete: {records} records came")]
    Incomplete {
        /// How many.
        records: u64,
    },
}

/// A state that is being built. Memory of the chunks becomes the state's.
#[derive(Default)]
pub struct Restore {
    state: State,
    chunks: usize,
    /// The tag of the chunk before.
    last: u8,
    records: u64,
    /// How many records the last chunk says there are.
    expected: Option<u64>,
    /// The newest revision of the history so far.
    history: Revision,
}

impl Restore {
    /// Begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// It is not the next chunk of a snapshot. The state is lost then.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), RestoreError> {
        let tag = chunk.first().copied().unwrap_or(0);
        let in_order = match tag {
            tag::HEAD => self.last == 0,
            tag::AUTH => self.last == tag::HEAD,
            tag::LEASES => matches!(self.last, tag::AUTH | tag::LEASES),
            tag::BASE => (tag::LEASES..=tag::BASE).contains(&self.last),
            tag::HISTORY | tag::END => (tag::LEASES..=tag::HISTORY).contains(&self.last),
            _ => false,
        };
        if !in_order {
            return Err(RestoreError::Misplaced { chunk: self.chunks, tag });
        }
        let body = chunk.slice(1..);
        match tag {
            tag::BASE | tag::HISTORY => self.take_records(body, tag == tag::HISTORY)?,
            tag::HEAD if body.first().is_some_and(|version| *version != VERSION) => {
                return Err(RestoreError::Version(body[0]));
            }
            _ => {
                let chunk = self.chunks;
                self.take_fields(tag, &body)
                    .map_err(|source| RestoreError::Malformed { chunk, source })?;
            }
        }
        self.last = tag;
        self.chunks += 1;
        Ok(())
    }

    /// The state, once all chunks came.
    ///
    /// # Errors
    /// They did not.
    pub fn finish(self) -> Result<State, RestoreError> {
        if self.expected == Some(self.records) {
            Ok(self.state)
        } else {
            Err(RestoreError::Incomplete { records: self.records })
        }
    }

    fn take_fields(&mut self, tag: u8, body: &Bytes) -> Result<(), DecodeError> {
        let mut reader = Reader::new(body);
        let state = &mut self.state;
        match tag {
            tag::HEAD => {
                reader.byte("version")?;
                state.revision = Revisions {
                    newest: reader.signed("revision")?,
                    compacted: reader.signed("compacted revision")?,
                };
                state.applied = (reader.number("applied index")?, reader.number("applied term")?);
                let alarms = reader.list("alarms", decode::alarm)?;
                state.alarms.extend(alarms.into_iter().map(|request| match request {
                    AlarmRequest::Activate(alarm) | AlarmRequest::Deactivate(alarm) => alarm,
                }));
            }
            tag::AUTH => state.auth = auth(&mut reader)?,
            tag::LEASES => {
                let leases = &mut state.leases;
                reader.list("leases", |reader| {
                    let id = reader.signed("lease")?;
                    leases.restore(id, reader.signed("ttl")?, reader.signed("remaining ttl")?);
                    Ok(())
                })?;
            }
            _ => self.expected = Some(reader.number("records")?),
        }
        reader.finish()
    }

    fn take_records(&mut self, body: Bytes, is_history: bool) -> Result<(), RestoreError> {
        let mut offset = 0;
        let mut slot = None;
        while offset < body.len() {
            let invalid = RestoreError::Record { chunk: self.chunks, offset: offset + 1 };
            let record = record::read(&body, offset).ok_or(invalid.clone())?;
            let revision = record.stamp.revision;
            let ordered = !is_history || revision >= self.history;
            if !ordered || revision > self.state.revision.newest || u32::try_from(offset).is_err() {
                return Err(invalid);
            }
            if is_history {
                self.history = revision;
            }
            let slot = *slot.get_or_insert_with(|| {
                self.state.arena.adopt(body.clone(), is_history.then_some(revision))
            });
            self.add(&body, &record, Location::new(slot, offset as u32));
            self.records += 1;
            offset = record.end;
        }
        Ok(())
    }

    fn add(&mut self, body: &Bytes, record: &Record, location: Location) {
        let key = &body[record.key.clone()];
        let State { arena, index, leases, .. } = &mut self.state;
        let mut old_lease = 0;
        index.add(arena, key, |arena, before| {
            old_lease = before.map_or(0, |before| arena.record(before).0.lease);
            location
        });
        if old_lease != record.lease {
            leases.detach(old_lease, key);
            leases.attach(record.lease, key);
        }
    }
}

fn auth(reader: &mut Reader<'_>) -> Result<Auth, DecodeError> {
    let enabled = reader.flags("authentication", 1)? == 1;
    let revision = reader.number("auth revision")?;
    let users = reader.list("users", |reader| {
        let name = reader.string("user")?;
        let password = reader.bytes("password")?;
        let roles = reader.list("roles", |reader| reader.string("role"))?;
        Ok((name, User { password, roles: roles.into_iter().collect() }))
    })?;
    let roles = reader.list("roles", |reader| {
        let name = reader.string("role")?;
        Ok((name, Role { permissions: reader.list("permissions", decode::permission)? }))
    })?;
    Ok(Auth {
        enabled,
        revision,
        users: users.into_iter().collect(),
        roles: roles.into_iter().collect(),
    })
}
