//! The user's terminal: raw mode, size, the keys that detach, and signals that are passed on.

mod detach;
mod raw;
mod signals;
mod stdin;

pub(crate) use detach::DetachKeys;
pub(crate) use raw::ChangedMode;
pub(crate) use signals::{forward_signals, window_changes};
pub(crate) use stdin::{Stdin, stdin_is_terminal};
