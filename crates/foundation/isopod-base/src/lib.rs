//! Vocabulary shared by every crate: digests, identifiers, units, error chains, backoff,
//! times, names of signals, and files that survive a crash.
//!
//! What lives here knows nothing of containers, images or protocols, and does no IO but
//! [`files`] and the random bytes of [`id`].
//!
//! ```
//! let digest = isopod_base::Digest::sha256(b"hello");
//! assert!(digest.to_string().starts_with("sha256:2cf24dba"));
//! ```

mod backoff;
mod chain;
mod digest;
pub mod files;
pub mod id;
pub mod signals;
pub mod times;
pub mod ulimit;
pub mod units;

pub use backoff::Backoff;
pub use chain::{Chain, chain};
pub use digest::{Algorithm, Digest, Hasher, InvalidDigest};
