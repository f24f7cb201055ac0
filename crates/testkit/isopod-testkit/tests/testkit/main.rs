//! The harness itself, against the real thing.

mod machines;
