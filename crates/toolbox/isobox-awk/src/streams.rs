//! The files and commands that a program has open.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus, Stdio};

use isobox_applet::{Context, Error, Input, Result, program, write_all};
use rustix::fs::{Mode, OFlags};

use crate::ast::Redirection;

/// Bytes that are kept before they are written.
const CAPACITY: usize = 64 * 1024;

/// What is open, by name.
#[derive(Debug, Default)]
pub(crate) struct Streams<'a> {
    outputs: HashMap<Vec<u8>, Out>,
    inputs: HashMap<Vec<u8>, In<'a>>,
    opened: u64,
}

#[derive(Debug)]
struct Out {
    to: To,
    buffer: Vec<u8>,
    /// On a terminal, or standard error: nothing is kept.
    unbuffered: bool,
    /// They are closed in the order in which they were opened.
    order: u64,
}

#[derive(Debug)]
enum To {
    Stdout,
    File(OwnedFd),
    Pipe(OwnedFd, Child),
}

#[derive(Debug)]
struct In<'a> {
    input: Input<'a>,
    child: Option<Child>,
}

impl Out {
    fn flush(&mut self, name: &[u8]) -> Result<()> {
        let (To::File(fd) | To::Pipe(fd, _)) = &self.to else { return Ok(()) };
        let outcome = write_all(fd.as_fd(), &self.buffer);
        self.buffer.clear();
        outcome.map_err(|error| Error::path(OsStr::from_bytes(name), error))
    }

    fn close(mut self, name: &[u8]) -> Result<f64> {
        let flushed = self.flush(name);
        let status = match self.to {
            To::Stdout | To::File(_) => 0.0,
            To::Pipe(fd, child) => {
                drop(fd);
                wait(child, name)?
            }
        };
        flushed.map(|()| status)
    }
}

fn wait(mut child: Child, name: &[u8]) -> Result<f64> {
    let status = child.wait().map_err(|error| Error::path(OsStr::from_bytes(name), error))?;
    Ok(code(status))
}

/// An exit status, or 256 and the signal.
fn code(status: ExitStatus) -> f64 {
    match (status.code(), status.signal()) {
        (Some(code), _) => f64::from(code),
        (None, signal) => f64::from(256 + signal.unwrap_or(0)),
    }
}

impl<'a> Streams<'a> {
    /// Writes to a file or command, which is opened by its first use.
    pub(crate) fn write(
        &mut self,
        cx: &mut Context<'a>,
        redirection: Redirection,
        name: &[u8],
        bytes: &[u8],
    ) -> Result<()> {
        if !self.outputs.contains_key(name) {
            let out = self.open_output(cx, redirection, name)?;
            self.outputs.insert(name.to_vec(), out);
        }
        let out = self.outputs.get_mut(name).expect("just opened");
        if matches!(out.to, To::Pipe(..)) != (redirection == Redirection::Pipe) {
            let text = String::from_utf8_lossy(name);
            return Err(Error::message(format!("'{text}' is used as a file and as a command")));
        }
        if matches!(out.to, To::Stdout) {
            return cx.stdout.put(bytes);
        }
        out.buffer.extend_from_slice(bytes);
        if out.unbuffered || out.buffer.len() >= CAPACITY { out.flush(name) } else { Ok(()) }
    }

    fn open_output(
        &mut self,
        cx: &mut Context<'a>,
        redirection: Redirection,
        name: &[u8],
    ) -> Result<Out> {
        self.opened += 1;
        let path = OsStr::from_bytes(name);
        let to = match (redirection, name) {
            (Redirection::Pipe, _) => {
                self.flush(cx)?;
                let mut child = start(cx, name, Some(Stdio::piped()), None)?;
                let stdin = child.stdin.take().expect("it is a pipe");
                To::Pipe(OwnedFd::from(stdin), child)
            }
            (_, b"/dev/stdout") => To::Stdout,
            (_, b"/dev/stderr") => {
                let copy = cx.stderr.try_clone_to_owned();
                To::File(copy.map_err(|error| Error::path(path, error))?)
            }
            (Redirection::Truncate, _) => To::File(cx.create(path)?),
            (Redirection::Append, _) => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
                To::File(cx.open_with(path, flags, Mode::from_raw_mode(0o666))?)
            }
        };
        let unbuffered =
            name == b"/dev/stderr" || matches!(&to, To::File(fd) if rustix::termios::isatty(fd));
        Ok(Out { to, buffer: Vec::new(), unbuffered, order: self.opened })
    }

    /// A file to read, opened by its first use.
    pub(crate) fn file(&mut self, cx: &Context<'a>, name: &[u8]) -> Result<&mut Input<'a>> {
        if !self.inputs.contains_key(name) {
            let input = match name {
                b"-" | b"/dev/stdin" => Input::from(cx.stdin),
                _ => cx.open_file(OsStr::from_bytes(name))?,
            };
            self.inputs.insert(name.to_vec(), In { input, child: None });
        }
        Ok(&mut self.inputs.get_mut(name).expect("just opened").input)
    }

    /// The output of a command, which is started by its first use.
    pub(crate) fn command(&mut self, cx: &mut Context<'a>, name: &[u8]) -> Result<&mut Input<'a>> {
        if !self.inputs.contains_key(name) {
            self.flush(cx)?;
            let mut child = start(cx, name, None, Some(Stdio::piped()))?;
            let stdout = child.stdout.take().expect("it is a pipe");
            let input = Input::from(OwnedFd::from(stdout));
            self.inputs.insert(name.to_vec(), In { input, child: Some(child) });
        }
        Ok(&mut self.inputs.get_mut(name).expect("just opened").input)
    }

    /// Runs a command to its end.
    pub(crate) fn system(&mut self, cx: &mut Context<'a>, text: &[u8]) -> Result<f64> {
        self.flush(cx)?;
        let child = start(cx, text, None, None)?;
        wait(child, text)
    }

    /// `close`: -1 if nothing of that name is open.
    pub(crate) fn close(&mut self, name: &[u8]) -> Result<f64> {
        let mut status = -1.0;
        if let Some(out) = self.outputs.remove(name) {
            status = out.close(name)?;
        }
        if let Some(In { input, child }) = self.inputs.remove(name) {
            drop(input);
            status = child.map_or(Ok(0.0), |child| wait(child, name))?;
        }
        Ok(status)
    }

    /// Hands everything to the kernel.
    pub(crate) fn flush(&mut self, cx: &mut Context<'a>) -> Result<()> {
        cx.stdout.flush()?;
        self.outputs.iter_mut().try_for_each(|(name, out)| out.flush(name))
    }

    /// `fflush(name)`: whether there is such an output.
    pub(crate) fn flush_one(&mut self, name: &[u8]) -> Result<bool> {
        match self.outputs.get_mut(name) {
            Some(out) => out.flush(name).map(|()| true),
            None => Ok(false),
        }
    }

    /// Closes everything and waits for the commands; the first error is returned.
    pub(crate) fn close_all(&mut self, cx: &mut Context<'a>) -> Result<()> {
        let mut outcome = cx.stdout.flush();
        let mut outputs: Vec<_> = self.outputs.drain().collect();
        outputs.sort_unstable_by_key(|(_, out)| out.order);
        for (name, out) in outputs {
            let closed = out.close(&name).map(|_| ());
            outcome = outcome.and(closed);
        }
        for (name, In { input, child }) in self.inputs.drain() {
            drop(input);
            if let Some(child) = child {
                let closed = wait(child, &name).map(|_| ());
                outcome = outcome.and(closed);
            }
        }
        outcome
    }
}

/// A shell command; it reads and writes what this program does unless it is told otherwise.
fn start(
    cx: &mut Context<'_>,
    text: &[u8],
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
) -> Result<Child> {
    let words = ["sh".into(), "-c".into(), OsString::from(OsStr::from_bytes(text))];
    let mut command = program::command(cx, &words, None);
    if let Some(stdin) = stdin {
        command.stdin(stdin);
    }
    if let Some(stdout) = stdout {
        command.stdout(stdout);
    }
    command.spawn().map_err(|error| Error::path("sh", error))
}
