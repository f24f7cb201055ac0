//! The store of images from outside: archives good and bad, crashes, and other people's tools.
#![allow(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod archives;
mod crash;
mod escapes;
mod forms;
mod interop;
mod power;
mod snapshots;
mod store;
mod support;
