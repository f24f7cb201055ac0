//! What the command line prints: tables, templates, progress, and writing it out.

mod columns;
mod format;
mod inspect;
mod progress;
mod text;
mod writer;

pub(crate) use columns::{align, align_from};
pub(crate) use format::{Columns, Listing, check_rows, format_flags, print_rows};
pub(crate) use inspect::{Found, print_found};
pub(crate) use progress::{Progress, show_progress};
pub(crate) use text::{ago, ellipsis, go_quote, local_time, sanitize, short_id};
pub(crate) use writer::{Out, is_broken_pipe, stderr, stdout};
