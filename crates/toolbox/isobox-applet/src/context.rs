//! What an applet sees of the world: arguments, streams, environment, directory.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};

use crate::arguments::{Arguments, Spec};
use crate::{Applet, Error, Input, Output, Registry, Result, Status};

/// Environment variables, wherever they are kept.
pub trait Variables {
    /// The value of one.
    fn get(&self, name: &str) -> Option<OsString>;
    /// All that a program would be started with.
    fn all(&self) -> Vec<(OsString, OsString)>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessVariables;

impl Variables for ProcessVariables {
    fn get(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn all(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }
}

/// Variables in a list.
pub(crate) struct Fixed(pub(crate) Vec<(OsString, OsString)>);

impl Variables for Fixed {
    fn get(&self, name: &str) -> Option<OsString> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn all(&self) -> Vec<(OsString, OsString)> {
        self.0.clone()
    }
}

/// One run of an applet.
pub struct Context<'a> {
    /// The applet that runs.
    pub applet: &'static Applet,
    /// The arguments, without the applet's name.
    pub args: Vec<OsString>,
    /// Standard input.
    pub stdin: BorrowedFd<'a>,
    /// Standard output.
    pub stdout: Output<'a>,
    /// Standard error, written without a buffer.
    pub stderr: BorrowedFd<'a>,
    /// The environment.
    pub variables: &'a dyn Variables,
    /// The directory that relative names start from.
    pub dir: BorrowedFd<'a>,
    /// The applets of this binary, for those that start others.
    pub registry: Registry,
    /// Whether something was reported and the exit status should say so.
    pub failed: bool,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("applet", &self.applet.name)
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}

impl<'a> Context<'a> {
    /// Reads the arguments, which are taken out of the context.
    pub fn parse(&mut self, spec: &'static Spec) -> Arguments {
        let posixly_correct = self.variables.get("POSIXLY_CORRECT").is_some();
        Arguments::new(spec, std::mem::take(&mut self.args), posixly_correct)
    }

    /// Says `applet: message` on standard error, after what was written to standard output.
    pub fn warn(&mut self, error: &Error) {
        self.stdout.flush().ok();
        let mut line = self.applet.name.as_bytes().to_vec();
        line.extend_from_slice(b": ");
        line.extend_from_slice(&error.text());
        line.push(b'\n');
        // A message that nobody can read has nowhere else to go.
        crate::output::write_all(self.stderr, &line).ok();
    }

    /// Says it, and the exit status will be that of failure.
    pub fn report(&mut self, error: &Error) {
        self.warn(error);
        self.failed = true;
    }

    /// Whether it went well; an error is reported. A failure to write standard output ends the
    /// applet instead.
    pub fn attempt<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error @ (Error::Output(_) | Error::Usage(_) | Error::Silent(_))) => Err(error),
            Err(error) => {
                self.report(&error);
                Ok(None)
            }
        }
    }

    /// Success, or failure if something was reported.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.failed { Status(self.applet.failure) } else { Status::SUCCESS }
    }

    /// Opens a file for reading; `-` is standard input.
    pub fn open(&self, path: &OsStr) -> Result<Input<'a>> {
        if path == "-" {
            return Ok(Input::from(self.stdin));
        }
        self.open_file(path)
    }

    /// Opens a file for reading; `-` is a name like any other.
    pub fn open_file(&self, path: &OsStr) -> Result<Input<'a>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(Input::from(self.open_with(path, flags, Mode::empty())?))
    }

    /// Opens a file relative to the context's directory.
    pub fn open_with(&self, path: &OsStr, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        loop {
            match rustix::fs::openat(self.dir, path, flags | OFlags::CLOEXEC, mode) {
                Err(rustix::io::Errno::INTR) => {}
                outcome => return outcome.map_err(|errno| Error::path(path, errno)),
            }
        }
    }

    /// Makes or empties a file for writing.
    pub fn create(&self, path: &OsStr) -> Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        self.open_with(path, flags, Mode::from_raw_mode(0o666))
    }

    /// Calls `each` with every operand, opened, or with standard input if there is none. What
    /// cannot be opened or read is reported and passed over.
    pub fn each_input(
        &mut self,
        operands: &[OsString],
        mut each: impl FnMut(&mut Self, &mut Input<'a>, &OsStr) -> Result<()>,
    ) -> Result<()> {
        let stdin = [OsString::from("-")];
        let operands = if operands.is_empty() { &stdin[..] } else { operands };
        for operand in operands {
            let outcome = match self.open(operand) {
                Ok(mut input) => each(self, &mut input, operand),
                Err(error) => Err(error),
            };
            self.attempt(outcome)?;
        }
        Ok(())
    }

    /// Asks on standard error and reads a line of standard input, byte by byte: what follows is for
    /// others. Only an answer that begins with `y` is a yes.
    pub fn ask(&mut self, question: &[u8]) -> bool {
        self.stdout.flush().ok();
        crate::output::write_all(self.stderr, question).ok();
        let (mut first, mut byte) = (None, [0]);
        while matches!(crate::read(self.stdin, &mut byte), Ok(1)) && byte[0] != b'\n' {
            first.get_or_insert(byte[0]);
        }
        matches!(first, Some(b'y' | b'Y'))
    }

    /// Whether text is UTF-8, by the locale's name; otherwise characters are bytes.
    #[must_use]
    pub fn utf8(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .filter_map(|name| self.variables.get(name))
            .find(|value| !value.is_empty());
        locale.is_some_and(|locale| {
            let locale = locale.to_string_lossy().to_ascii_lowercase();
            locale.ends_with("utf-8") || locale.ends_with("utf8")
        })
    }

    /// Whether standard input is a terminal.
    #[must_use]
    pub fn stdin_is_terminal(&self) -> bool {
        rustix::termios::isatty(self.stdin.as_fd())
    }
}
