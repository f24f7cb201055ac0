//! `awk` for the toolbox: the language of POSIX.1-2024, and what users of gawk lean on.
//!
//! ```
//! static AWK: isobox_applet::Applet = isobox_awk::APPLETS[0];
//!
//! let (output, status) = isobox_applet::capture(&AWK, &["{ s += $2 } END { print s }"], b"a 1\nb 2\n");
//! assert_eq!((output.as_slice(), status), (&b"3\n"[..], 0));
//! ```
//!
//! A program becomes a tree whose names are resolved to numbered places, and is run by walking the
//! tree. The crate knows no file but those that the program names.

mod applet;
mod array;
mod ast;
mod characters;
mod error;
mod lexer;
mod machine;
mod number;
mod parse;
mod pattern;
mod printf;
mod reader;
mod record;
mod source;
mod split;
mod streams;
mod value;

use isobox_applet::Applet;

pub use error::SyntaxError;
pub use source::Source;

/// The applets of this group.
pub const APPLETS: &[Applet] = &[applet::AWK];

/// Reads a program and says what is wrong with it, for those who only check it.
pub fn check(source: &Source) -> Result<(), SyntaxError> {
    parse::Parser::new(source, false).program().map(|_| ())
}
