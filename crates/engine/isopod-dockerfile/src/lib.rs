//! The Dockerfile language: from text to instructions, each with its place in the file.
//!
//! Pure: no files are read, no variables of the process are looked at. Words that variables are
//! expanded in come out as they were written; [`Lex`] expands them once somebody knows their
//! values. `.dockerignore` is here too, since it has the same author and the same patterns.
//!
//! ```
//! use isopod_dockerfile::{Dockerfile, Kind};
//!
//! let file = Dockerfile::parse("Dockerfile", "FROM debian AS base\nRUN echo hi\n")?;
//! assert_eq!(file.stages[0].name.as_deref(), Some("base"));
//! assert!(matches!(file.stages[0].instructions[0].kind, Kind::Run(_)));
//! # Ok::<(), isopod_dockerfile::ParseError>(())
//! ```

mod directive;
mod error;
mod file;
mod flags;
mod ignore;
mod instruction;
mod lex;
mod mount;
mod parse;
mod pattern;
mod source;
mod values;

pub use error::{ParseError, Place};
pub use file::{Dockerfile, Limits, Stage};
pub use ignore::{IgnoreError, IgnoreList};
pub use instruction::{
    Arg, Command, Copy, CopySource, From, Health, Heredoc, Instruction, KeyValue, Kind, Network,
    Run, Security,
};
pub use lex::{Lex, LexError};
pub use mount::{Mount, MountKind, Sharing, parse_mount};
pub use parse::parse_instruction;
pub use pattern::{Pattern, PatternError};
pub use source::Warning;
