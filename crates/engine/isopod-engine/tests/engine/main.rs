//! The engine as a whole: real containers of a busybox image, as root.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod crashes;
mod images;
mod lifecycle;
#[path = "../../../isopod-registry/tests/registry/peer.rs"]
mod peer;
mod pull_crashes;
