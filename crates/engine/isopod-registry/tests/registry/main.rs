//! The client against Debian's `docker-registry`, and against a server that misbehaves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authentication;
mod faults;
mod peer;
mod pull;
mod push;
mod referrers;
mod scripted;

use bytes::Bytes;
use isopod_base::{Digest, Hasher};
use isopod_oci::image::{Descriptor, media_type};
use isopod_registry::{Client, Config, Error, Reference, Repository, RetryPolicy, Timeouts};
use std::time::Duration;

/// Settings that keep tests short.
fn quick() -> Config {
    Config {
        retry: RetryPolicy {
            attempts: 3,
            first_wait: Duration::from_millis(10),
            longest_wait: Duration::from_secs(2),
        },
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(5),
            idle: Duration::from_secs(5),
        },
        ..Config::default()
    }
}

fn client(config: Config) -> Client {
    Client::new(config).unwrap()
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn repository(text: &str) -> Repository {
    client(quick()).repository(&reference(text), None)
}

/// Content without repetition, so that a piece in the wrong place is noticed.
fn noise(length: usize, seed: u64) -> Bytes {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

fn layer(bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type::LAYER, Digest::sha256(bytes), bytes.len() as u64)
}

/// Reads a blob to its end and checks its digest, as a store would.
async fn pull(repository: &Repository, blob: &Descriptor) -> Result<Vec<u8>, Error> {
    let mut reader = repository.open_blob(blob, 0).await?;
    let mut hasher = Hasher::new(blob.digest.algorithm());
    let mut whole = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        hasher.update(&chunk);
        whole.extend_from_slice(&chunk);
    }
    assert_eq!(hasher.finish(), blob.digest, "digest");
    Ok(whole)
}

/// The whole message, as a user sees it.
fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    isopod_base::chain(&result.unwrap_err()).to_string()
}
