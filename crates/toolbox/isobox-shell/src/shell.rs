//! The shell's state, and how what went wrong is said and carried.

use std::borrow::Cow;
use std::rc::Rc;

use isobox_applet::Registry;

use crate::ast::Function;
use crate::expand::Fields;
use crate::files::{Files, Target};
use crate::hash::Hash;
use crate::jobs::Jobs;
use crate::names::{self, Name, Names};
use crate::options::Options;
use crate::parse::Aliases;
use crate::traps::Traps;
use crate::vars::{Positional, ReadOnly, Vars};

/// Why commands end before their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// Out of this many loops.
    Break(u32),
    /// To the next turn of the loop this many levels out.
    Continue(u32),
    /// Out of the function or sourced file, with this status.
    Return(i32),
    /// Out of the shell or subshell, with this status.
    Exit(i32),
    /// An error, already reported: ends a shell that reads a script, and the command of one that
    /// reads from a person.
    Abort(i32),
}

/// An exit status, or why there is none.
pub(crate) type Run<T = i32> = Result<T, Escape>;

/// A shell.
#[derive(Debug)]
pub(crate) struct Shell {
    pub names: Names,
    pub vars: Vars,
    pub(crate) functions: Vec<Option<Rc<Function>>>,
    pub(crate) aliases: Aliases,
    pub(crate) options: Options,
    pub(crate) positional: Positional,
    /// `$0`
    pub(crate) arg0: Vec<u8>,
    /// The name by which the shell was called, without directories.
    pub(crate) applet: Vec<u8>,
    /// The script that is read, if it has a name.
    pub(crate) script_name: Option<Vec<u8>>,
    /// The builtin that runs, which messages name.
    pub(crate) builtin_name: Option<&'static str>,
    /// `$?`
    pub(crate) status: i32,
    /// The status of the last command substitution of the present command.
    pub(crate) substitution_status: Option<i32>,
    /// `$!`
    pub(crate) last_background: Option<i32>,
    /// `$$`
    pub(crate) pid: i32,
    pub(crate) jobs: Jobs,
    pub(crate) traps: Traps,
    pub(crate) files: Files,
    pub(crate) registry: Registry,
    pub(crate) hash: Hash,
    /// What a builtin has written so far.
    pub(crate) out: Vec<u8>,
    pub(crate) loops: u32,
    pub(crate) functions_running: u32,
    pub(crate) sources_running: u32,
    /// In a copy of the shell that was made for a part of the script.
    pub(crate) subshell: bool,
    /// How many command substitutions are being waited for.
    pub(crate) substitution_depth: u32,
    /// In a subshell that runs in the same process, how many deep.
    pub(crate) contained: u32,
    /// The directory to come back to after such a subshell.
    pub(crate) directory: Option<std::os::fd::OwnedFd>,
    /// `PWD` as far as the shell believes it.
    pub(crate) pwd: Vec<u8>,
    /// How far `getopts` got within an argument.
    pub(crate) getopts_offset: usize,
    /// Whether errors end the shell: not where a person types.
    pub(crate) interactive: bool,
    /// `set -e` does not apply: within a condition.
    pub(crate) tested: u32,
    /// Where the stack began, to notice that it ends.
    pub(crate) stack_start: usize,
    pub(crate) stack_limit: usize,
    pub(crate) history: crate::edit::History,
    /// Numbers of the present command's process substitutions, to close after it.
    pub(crate) process_substitutions: Vec<usize>,
    /// Ends of pipes that a copy of the shell must not keep open.
    pub(crate) close_in_copy: Vec<std::os::fd::RawFd>,
    /// Lists of fields to use again.
    pub(crate) spare_fields: Vec<Fields>,
    /// The text of the command that was read last, for lists of jobs.
    pub(crate) text: Rc<[u8]>,
    pub(crate) arithmetic_stack: Vec<Name>,
    /// The status that `exit` without arguments takes within a trap, and how many functions ran
    /// when the trap began.
    pub(crate) trap_status: Option<(i32, u32)>,
}

impl Shell {
    /// A shell that knows nothing yet.
    #[must_use]
    pub(crate) fn new(registry: Registry, arg0: &[u8]) -> Self {
        let here = 0u8;
        Self {
            names: Names::default(),
            vars: Vars::new(),
            functions: Vec::new(),
            aliases: Aliases::default(),
            options: Options::default(),
            positional: Rc::new(Vec::new()),
            arg0: arg0.to_vec(),
            applet: arg0
                .rsplit(|&byte| byte == b'/')
                .next()
                .map(|name| name.strip_prefix(b"-").unwrap_or(name))
                .unwrap_or_default()
                .to_vec(),
            script_name: None,
            builtin_name: None,
            status: 0,
            substitution_status: None,
            last_background: None,
            pid: std::process::id().cast_signed(),
            jobs: Jobs::default(),
            traps: Traps::default(),
            files: Files::new(),
            registry,
            hash: Hash::default(),
            out: Vec::new(),
            loops: 0,
            functions_running: 0,
            sources_running: 0,
            subshell: false,
            substitution_depth: 0,
            contained: 0,
            directory: None,
            pwd: Vec::new(),
            getopts_offset: 0,
            interactive: false,
            tested: 0,
            stack_start: std::ptr::from_ref(&here).addr(),
            stack_limit: stack_limit(),
            history: crate::edit::History::default(),
            process_substitutions: Vec::new(),
            close_in_copy: Vec::new(),
            spare_fields: Vec::new(),
            text: Rc::from(&b""[..]),
            arithmetic_stack: Vec::new(),
            trap_status: None,
        }
    }

    /// Says `name: message` on standard error, as ash does.
    pub(crate) fn warn(&mut self, message: &[u8]) {
        self.flush_quietly();
        let mut line = self.arg0.clone();
        line.extend_from_slice(b": ");
        let command = self.builtin_name.map(str::as_bytes).or(self.script_name.as_deref());
        if let Some(command) = command {
            if command != self.arg0 {
                line.extend_from_slice(command);
                line.extend_from_slice(b": ");
            }
            if !self.interactive {
                line.extend_from_slice(format!("line {}: ", self.vars.line).as_bytes());
            }
        }
        line.extend_from_slice(message);
        line.push(b'\n');
        self.write_error(&line);
    }

    /// Says it in the way of an applet: without a line.
    pub(crate) fn warn_plain(&mut self, message: &[u8]) {
        self.flush_quietly();
        let line = [&self.applet[..], b": ", message, b"\n"].concat();
        self.write_error(&line);
    }

    /// Writes to standard error.
    pub(crate) fn write_error(&mut self, bytes: &[u8]) {
        match self.files.target(2) {
            // A message that nobody can read has nowhere else to go.
            Target::Descriptor(_) => {
                if let Some(fd) = self.files.descriptor(2) {
                    crate::files::write_all(fd, bytes).ok();
                }
            }
            Target::Capture(index) => self.files.captures[index].extend_from_slice(bytes),
            Target::Closed => {}
        }
    }

    /// Reports an error that ends the script.
    pub(crate) fn fail<T>(&mut self, message: impl AsRef<[u8]>) -> Run<T> {
        self.warn(message.as_ref());
        self.status = 2;
        Err(Escape::Abort(2))
    }

    pub(crate) fn read_only<T>(&mut self, error: &ReadOnly) -> Run<T> {
        let text = [&self.names.text(error.0)[..], b": is read only"].concat();
        self.fail(text)
    }

    /// Sets a variable; that it is read only ends the script.
    pub(crate) fn assign(&mut self, name: Name, value: &[u8]) -> Run<()> {
        match self.vars.set(name, value) {
            Ok(()) => {
                self.assigned(name);
                Ok(())
            }
            Err(error) => self.read_only(&error),
        }
    }

    /// What depends on certain variables is brought up to date.
    #[inline]
    pub(crate) fn assigned(&mut self, name: Name) {
        match name {
            names::PATH => self.hash.clear(),
            names::OPTIND => self.getopts_offset = 0,
            _ => {}
        }
    }

    /// A variable's value.
    pub(crate) fn variable(&mut self, name: Name) -> Option<Vec<u8>> {
        self.vars.value(name).map(<[u8]>::to_vec)
    }

    /// Writes to the standard output of the running builtin.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        if self.out.len() > OUT_BYTES {
            self.flush_quietly();
        }
    }

    fn flush_quietly(&mut self) {
        self.flush().ok();
    }

    /// Hands on what the builtin has written.
    pub(crate) fn flush(&mut self) -> Result<(), rustix::io::Errno> {
        if self.out.is_empty() {
            return Ok(());
        }
        let outcome = match self.files.target(1) {
            Target::Capture(index) => {
                self.files.captures[index].extend_from_slice(&self.out);
                Ok(())
            }
            Target::Closed => Err(rustix::io::Errno::BADF),
            Target::Descriptor(_) => match self.files.descriptor(1) {
                Some(fd) => crate::files::write_all(fd, &self.out),
                None => Err(rustix::io::Errno::BADF),
            },
        };
        self.out.clear();
        outcome
    }

    pub(crate) fn function(&self, name: Name) -> Option<Rc<Function>> {
        self.functions.get(name.index()).and_then(Clone::clone)
    }

    /// Whether the stack is nearly used up.
    pub(crate) fn stack_is_short(&self) -> bool {
        let here = 0u8;
        self.stack_start.abs_diff(std::ptr::from_ref(&here).addr()) > self.stack_limit
    }

    /// The value of a special or positional parameter.
    pub(crate) fn special(&self, which: u8) -> Option<Cow<'_, [u8]>> {
        Some(match which {
            b'?' => number(i64::from(self.status)),
            b'#' => number(self.positional.len() as i64),
            b'$' => number(i64::from(self.pid)),
            b'!' => match self.last_background {
                Some(pid) => number(i64::from(pid)),
                None => return None,
            },
            b'-' => Cow::Owned(self.options.letters()),
            b'0' => Cow::Borrowed(&self.arg0),
            _ => return None,
        })
    }
}

const OUT_BYTES: usize = 64 * 1024;

fn number(value: i64) -> Cow<'static, [u8]> {
    Cow::Owned(crate::vars::decimal(value, &mut [0; 20]).to_vec())
}

/// How much of the stack may be used: three quarters of what the kernel gives.
fn stack_limit() -> usize {
    const DEFAULT_BYTES: u64 = 8 << 20;
    const MOST_BYTES: u64 = 64 << 20;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    usize::try_from(limit.unwrap_or(DEFAULT_BYTES).min(MOST_BYTES) / 4 * 3).unwrap_or(1 << 20)
}

/// The C library's words for an error.
pub(crate) fn errno_text(error: rustix::io::Errno) -> String {
    isobox_applet::errno_text(&std::io::Error::from(error))
}
