//! The process that a `RUN` runs under.
//!
//! The engine has many threads, and a container is made by cloning a process with one. So each
//! `RUN` has a helper: the same program executed anew, which makes the container through the
//! runtime as a library and waits for it. Its standard input is a socket to the engine: what is
//! to be done and the mounts come over it, the exit code goes back. When the other end closes,
//! because the build was given up or the engine died, the helper kills the container, removes
//! what is left of it and ends. The mounts that it makes for the container are in a mount
//! namespace of its own.

mod child;
mod launch;
mod message;

pub use child::main;
pub use launch::{Launch, launch};
