//! Places where a test cuts the process off, to see what a crash there leaves behind.
//!
//! In builds with debug assertions the process aborts at the point that the environment variable
//! `ISOPOD_FAIL_POINT` names, or stops there, for somebody to look at the disk, if it is
//! `ISOPOD_STOP_POINT` that names it; in release builds nothing of this remains.

/// Ends or stops here if the test in charge asked for it: at the first time, or at the `N`th if
/// it says `point:N`.
#[cfg(debug_assertions)]
pub(crate) fn reach(point: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static WANTED: OnceLock<Option<(String, bool)>> = OnceLock::new();
    static LEFT: AtomicU32 = AtomicU32::new(1);
    let wanted = WANTED.get_or_init(|| {
        let abort = std::env::var("ISOPOD_FAIL_POINT").ok().map(|name| (name, false));
        let stop = || std::env::var("ISOPOD_STOP_POINT").ok().map(|name| (name, true));
        let (name, stops) = abort.or_else(stop)?;
        let (name, count) = name.split_once(':').unwrap_or((&name, "1"));
        LEFT.store(count.parse().unwrap_or(1), Ordering::Relaxed);
        Some((name.to_owned(), stops))
    });
    let Some((_, stops)) = wanted.as_ref().filter(|(name, _)| name == point) else { return };
    if LEFT.fetch_sub(1, Ordering::Relaxed) != 1 {
        return;
    }
    if *stops {
        let own = rustix::process::getpid();
        // Should it fail, the test that waits for the stop says so.
        let _ = rustix::process::kill_process(own, rustix::process::Signal::STOP);
        // Another thread may be the first to stop: this one goes nowhere in between.
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
    std::process::abort();
}

/// Nothing, in release builds.
#[cfg(not(debug_assertions))]
pub(crate) fn reach(_point: &'static str) {}

/// Every point, in the order in which a load, an opening after the machine went down, a sync of
/// the new layers, a container, its removal and a collection reach them.
pub const POINTS: &[&str] = &[
    "ingest.created",
    "ingest.written",
    "ingest.sealed",
    "layer.unpacked",
    "commit.blob-renamed",
    "commit.blob-synced",
    "commit.synced",
    "commit.recorded",
    "trees.removed",
    "trees.restored",
    "trees.recorded",
    "trees.synced",
    "trees.marked",
    "snapshot.created",
    "snapshot.recorded",
    "snapshot.unrecorded",
    "snapshot.removed",
    "collect.marked",
    "collect.unrecorded",
    "collect.removed",
];
