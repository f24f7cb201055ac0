//! The store over a disk that fails, and over the real one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faulty_disk;
mod log;
mod random;
mod single;
mod watch;
