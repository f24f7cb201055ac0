//! Who belongs to the cluster: names, addresses, ids; and changes of that as the log carries them.

use std::collections::BTreeMap;

use bytes::Bytes;
use raft::eraftpb::{ConfChange, ConfChangeType};
use sha1::{Digest, Sha1};

use crate::bytes_reader::Reader;

/// A member of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// Its id, never 0.
    pub id: u64,
    /// Its name; empty until it has started.
    pub name: String,
    /// Where members reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it; empty until it has started.
    pub client_urls: Vec<String>,
    /// Whether it only learns and does not vote.
    pub learner: bool,
}

/// The members of a cluster, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// The cluster's id.
    pub cluster_id: u64,
    /// The members.
    pub members: BTreeMap<u64, Member>,
}

/// A change of the membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// A member joins, or what is known of it changes, or a learner comes to vote.
    Set(Member),
    /// A member leaves.
    Remove(u64),
}

const SET: u8 = 1;
const REMOVE: u8 = 2;

/// The id of a member with these addresses in the cluster of this name: as etcd computes it, so
/// that configurations which name ids keep meaning the same. `salt` tells members apart that are
/// added later; the first ones have none.
#[must_use]
pub fn member_id(peer_urls: &[String], cluster_token: &str, salt: Option<u64>) -> u64 {
    let mut sorted = peer_urls.to_vec();
    sorted.sort();
    let mut hasher = Sha1::new();
    hasher.update(sorted.concat());
    hasher.update(cluster_token);
    if let Some(salt) = salt {
        hasher.update(salt.to_string());
    }
    first_bytes(hasher)
}

/// The id of the cluster that these members begin.
pub(crate) fn cluster_id<'a>(members: impl Iterator<Item = &'a u64>) -> u64 {
    let mut ids: Vec<u64> = members.copied().collect();
    ids.sort_unstable();
    let mut hasher = Sha1::new();
    ids.iter().for_each(|id| hasher.update(id.to_be_bytes()));
    first_bytes(hasher)
}

fn first_bytes(hasher: Sha1) -> u64 {
    let digest = hasher.finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("a digest has 20 bytes"))
}

impl Membership {
    /// Makes a committed change.
    pub(crate) fn apply(&mut self, change: &MemberChange) {
        match change {
            MemberChange::Set(member) => {
                self.members.insert(member.id, member.clone());
            }
            MemberChange::Remove(id) => {
                self.members.remove(id);
            }
        }
    }

    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.cluster_id.to_le_bytes());
        put_count(bytes, self.members.len());
        self.members.values().for_each(|member| member.encode(bytes));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let cluster_id = reader.u64()?;
        let count = reader.u32()?;
        let mut members = BTreeMap::new();
        for _ in 0..count {
            let member = Member::decode(reader)?;
            members.insert(member.id, member);
        }
        Some(Self { cluster_id, members })
    }
}

impl Member {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes.push(u8::from(self.learner));
        put_text(bytes, &self.name);
        for urls in [&self.peer_urls, &self.client_urls] {
            put_count(bytes, urls.len());
            urls.iter().for_each(|url| put_text(bytes, url));
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let id = reader.u64()?;
        let learner = reader.u8()? != 0;
        let name = text(reader)?;
        let mut urls = || {
            let count = reader.u32()?;
            (0..count).map(|_| text(reader)).collect::<Option<Vec<_>>>()
        };
        Some(Self { id, name, peer_urls: urls()?, client_urls: urls()?, learner })
    }
}

impl MemberChange {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Set(member) => {
                bytes.push(SET);
                member.encode(&mut bytes);
            }
            Self::Remove(id) => {
                bytes.push(REMOVE);
                bytes.extend_from_slice(&id.to_le_bytes());
            }
        }
        bytes
    }

    pub(crate) fn decode(bytes: &Bytes) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let change = match reader.u8()? {
            SET => Self::Set(Member::decode(&mut reader)?),
            REMOVE => Self::Remove(reader.u64()?),
            _ => return None,
        };
        reader.is_empty().then_some(change)
    }

    /// The same as Raft sees it.
    pub(crate) fn conf_change(&self) -> ConfChange {
        let (kind, node_id) = match self {
            Self::Set(member) if member.learner => (ConfChangeType::AddLearnerNode, member.id),
            Self::Set(member) => (ConfChangeType::AddNode, member.id),
            Self::Remove(id) => (ConfChangeType::RemoveNode, *id),
        };
        let mut change = ConfChange { node_id, ..ConfChange::default() };
        change.set_change_type(kind);
        change
    }
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("requests are smaller than 4 GiB");
    bytes.extend_from_slice(&count.to_le_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn text(reader: &mut Reader<'_>) -> Option<String> {
    let length = reader.u32()? as usize;
    String::from_utf8(reader.bytes(length)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_etcd() {
        let id = member_id(&["http://localhost:2380".to_owned()], "etcd-cluster", None);
        assert_eq!(format!("{id:x}"), "8e9e05c52164694d");
        assert_eq!(format!("{:x}", cluster_id([id].iter())), "cdf818194e3a8c32");
    }

    #[test]
    fn changes_read_back() {
        let member = Member {
            id: 7,
            name: "a".to_owned(),
            peer_urls: vec!["http://a:2380".to_owned(), String::new()],
            client_urls: vec![],
            learner: true,
        };
        for change in [MemberChange::Set(member), MemberChange::Remove(9)] {
            let bytes = Bytes::from(change.encode());
            assert_eq!(MemberChange::decode(&bytes), Some(change));
            for cut in 0..bytes.len() {
                assert_eq!(MemberChange::decode(&bytes.slice(..cut)), None);
            }
        }
    }
}
