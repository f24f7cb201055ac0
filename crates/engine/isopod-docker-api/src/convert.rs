//! Between the wire's documents and the engine's domain types.

pub(crate) mod container;
pub(crate) mod create;
pub(crate) mod event;
pub(crate) mod host;
pub(crate) mod image;
pub(crate) mod network;
pub(crate) mod registry;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod system;
pub(crate) mod volume;

use isopod_base::times::Timestamp;

/// How Go writes a time that never was.
pub(crate) const NEVER: &str = "0001-01-01T00:00:00Z";

/// RFC 3339, or Go's zero time.
pub(crate) fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(|| NEVER.to_owned(), Timestamp::rfc3339)
}

/// Sizes and counts on the wire are signed.
pub(crate) fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
