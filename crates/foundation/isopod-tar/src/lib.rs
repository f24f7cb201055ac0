//! The tar format: a streaming reader that copies nothing twice, and a writer.
//!
//! Understood are the POSIX (ustar, pax), GNU (long names, base-256 numbers, sparse files in all
//! four forms), star and old V7 formats; ustar, pax, GNU and V7 are written. Paths come out as the
//! archive has them; it is for the unpacker to decide where they may lead. This crate knows no
//! files.
//!
//! ```
//! use isopod_tar::{Limits, Reader, Writer};
//!
//! let mut writer = Writer::new(Vec::new());
//! writer.file("greeting", 0, b"hello")?;
//! let archive = writer.finish()?;
//! let mut reader = Reader::new(&archive[..], &Limits::default());
//! let entry = reader.next_entry()?.expect("an entry");
//! assert_eq!((entry.path.as_slice(), entry.size), (&b"greeting"[..], 5));
//! assert_eq!(reader.data()?, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod header;
mod pax;
mod reader;
mod sparse;
mod writer;

pub use error::Error;
pub use header::{Entry, Kind, Piece};
pub use reader::{Limits, Reader};
pub use writer::{Format, Writer};

/// Size of a tar block.
pub const BLOCK: usize = 512;
