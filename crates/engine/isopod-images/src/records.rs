//! The store's records: JSON values in the journal, and the names of their keys.
//!
//! The table of keys is in `DESIGN.md`.

use isopod_journal::Journal;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::RecordError;

/// Content: `blob/<digest>`.
pub(crate) const BLOB: &str = "blob/";
/// Leases: `lease/<id>`.
pub(crate) const LEASE: &str = "lease/";
/// Snapshots: `snapshot/<key>`.
pub(crate) const SNAPSHOT: &str = "snapshot/";
/// Images: `image/<digest of the target>`.
pub(crate) const IMAGE: &str = "image/";
/// Names: `name/<canonical name>`.
pub(crate) const NAME: &str = "name/";
/// Manifests that refer to others: `referrer/<subject>/<digest>`.
pub(crate) const REFERRER: &str = "referrer/";
/// What registries serve: `repository/<name>@…`.
pub(crate) const REPOSITORY: &str = "repository/";
/// The format of the store.
pub(crate) const FORMAT: &str = "format";

/// The record under `key`.
pub(crate) fn get<T: DeserializeOwned>(
    journal: &Journal,
    key: &str,
) -> Result<Option<T>, RecordError> {
    journal.get(key).map(|bytes| decode(key, &bytes)).transpose()
}

/// All records whose key begins with `prefix`, with the rest of their keys.
pub(crate) fn scan<T: DeserializeOwned>(
    journal: &Journal,
    prefix: &str,
) -> Result<Vec<(String, T)>, RecordError> {
    journal
        .scan(prefix)
        .into_iter()
        .map(|(key, bytes)| {
            let value = decode(&key, &bytes)?;
            Ok((key[prefix.len()..].to_owned(), value))
        })
        .collect()
}

/// A record's bytes.
pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    serde_json::to_vec(record).expect("records are plain structures with text keys")
}

fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, RecordError> {
    serde_json::from_slice(bytes).map_err(|source| RecordError { key: key.to_owned(), source })
}
