//! The store of images from outside: archives good and bad, crashes, and other people's tools.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

mod archives;
mod crash;
mod escapes;
mod forms;
mod interop;
mod snapshots;
mod store;
mod support;
