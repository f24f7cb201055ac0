//! Places where a test cuts the engine off, to see what a crash there leaves behind.
//!
//! In builds with debug assertions the process aborts at the point that the environment variable
//! `ISOPOD_FAIL_POINT` names; in release builds nothing of this remains.

/// Every point, in the order in which the life of a container reaches them.
pub const POINTS: &[&str] = &[
    "volume.made",
    "create.directory",
    "create.snapshot",
    "create.recorded",
    "start.directory",
    "start.spawned",
    "start.started",
    "start.recorded",
    "exit.told",
    "exit.recorded",
    "remove.unrecorded",
    "remove.snapshot",
    "remove.directory",
    "volume.moved",
    "volume.unrecorded",
];

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
