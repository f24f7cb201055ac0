//! Places where a test cuts the process off, to see what a crash there leaves behind.
//!
//! In builds with debug assertions the process aborts at the point that the environment variable
//! `ISOPOD_FAIL_POINT` names; in release builds nothing of this remains.

/// Aborts here if the test in charge asked for it.
#[cfg(debug_assertions)]
pub(crate) fn reach(point: &'static str) {
    use std::sync::OnceLock;
    static WANTED: OnceLock<Option<String>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| std::env::var("ISOPOD_FAIL_POINT").ok());
    if wanted.as_deref() == Some(point) {
        std::process::abort();
    }
}

/// Nothing, in release builds.
#[cfg(not(debug_assertions))]
pub(crate) fn reach(_point: &'static str) {}

/// Every point, in the order in which a load, a container, its removal and a collection reach
/// them.
pub const POINTS: &[&str] = &[
    "ingest.created",
    "ingest.written",
    "ingest.sealed",
    "layer.unpacked",
    "commit.blob-renamed",
    "commit.synced",
    "commit.recorded",
    "snapshot.created",
    "snapshot.recorded",
    "snapshot.unrecorded",
    "snapshot.removed",
    "collect.marked",
    "collect.unrecorded",
    "collect.removed",
];
