//! The toolbox's shell: POSIX `sh` with the additions of BusyBox's `ash`.
//!
//! ```
//! use std::ffi::OsString;
//! let status = isobox_shell::main(
//!     isobox_applet::Registry::EMPTY,
//!     b"sh",
//!     &["-c".into(), "x=6; exit $((x * 7))".into()] as &[OsString],
//! );
//! assert_eq!(status, 42);
//! ```
//!
//! A script is parsed one command at a time into a tree that is executed
//! directly. Subshells and command substitutions run in this process where their effects can be
//! undone; redirections change a table of numbers instead of descriptors; programs are started
//! without copying the shell. Text is bytes throughout. The crate has no thread.

mod applets;
mod arith;
mod ast;
mod builtins;
mod command;
mod echo;
mod edit;
mod escape;
mod exec;
mod expand;
mod files;
mod glob;
mod hash;
mod jobs;
mod names;
mod options;
mod parse;
mod pattern;
mod pipeline;
mod printf;
mod quote;
mod redirect;
mod run;
mod shell;
mod signal;
mod start;
mod subshell;
mod test;
mod traps;
mod vars;

pub use applets::APPLETS;
pub use parse::SyntaxError;
pub use start::main;

/// Whether a script can be read, without running any of it.
///
/// # Errors
/// What is wrong with it, and on which line.
pub fn check(script: &[u8]) -> Result<(), SyntaxError> {
    let mut text = script.to_vec();
    let mut names = names::Names::default();
    let aliases = parse::Aliases::default();
    match parse::Parser::new(&mut text, 0, &mut names, &aliases).all() {
        Ok(_) => Ok(()),
        Err(parse::Stop::Syntax(error)) => Err(error),
        Err(parse::Stop::Incomplete) => unreachable!("all of the text is there"),
    }
}
