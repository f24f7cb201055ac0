//! Files and commands that are read and written.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use isobox_applet::{Error, program, write_all};
use rustix::fs::{Mode, OFlags};

use super::address::Range;
use super::{Editor, Outcome, wrong};

impl Editor<'_, '_> {
    /// `e`: starts with another text.
    pub(super) fn edit(&mut self, name: &[u8]) -> Outcome<()> {
        self.buffer.reset();
        let bytes = self.contents(name)?;
        self.take(0, &bytes)?;
        self.buffer.modified = false;
        Ok(())
    }

    /// `r`: inserts a file or the output of a command behind a line.
    pub(super) fn read(&mut self, name: &[u8], after: usize) -> Outcome<()> {
        let bytes = self.contents(name)?;
        if !bytes.is_empty() && !self.in_global {
            self.buffer.remember();
        }
        self.take(after, &bytes)
    }

    fn take(&mut self, after: usize, bytes: &[u8]) -> Outcome<()> {
        let mut lines: Vec<Vec<u8>> =
            bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let mut count = bytes.len();
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        } else if !bytes.is_empty() {
            self.cx.stdout.put(b"Newline appended\n")?;
            count += 1;
        }
        if !lines.is_empty() {
            self.buffer.insert(after, lines);
        }
        self.tell(count)
    }

    fn tell(&mut self, count: usize) -> Outcome<()> {
        if !self.quiet {
            writeln!(self.cx.stdout, "{count}")?;
        }
        Ok(())
    }

    fn contents(&mut self, name: &[u8]) -> Outcome<Vec<u8>> {
        if let Some(command) = name.strip_prefix(b"!") {
            let output = self.shell(command).stdout(Stdio::piped()).spawn()?.wait_with_output()?;
            return Ok(output.stdout);
        }
        let path = OsStr::from_bytes(name);
        let mut bytes = Vec::new();
        let outcome = self.cx.open_file(path).and_then(|mut file| {
            file.read_to_end(&mut bytes).map_err(|error| Error::path(path, error))
        });
        match outcome {
            Ok(()) => Ok(bytes),
            Err(error) => {
                self.say_error(&String::from_utf8_lossy(&error.text()))?;
                wrong("Cannot open input file")
            }
        }
    }

    /// `w` and `W`: writes lines to a file or to a command.
    pub(super) fn write(&mut self, name: &[u8], range: Range, append: bool) -> Outcome<()> {
        let mut bytes = Vec::new();
        for line in self.buffer.lines(range.first, range.last) {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        if let Some(command) = name.strip_prefix(b"!") {
            let mut child = self.shell(command).stdin(Stdio::piped()).spawn()?;
            let mut stdin = child.stdin.take().expect("it is a pipe");
            // Who reads no further has read enough.
            stdin.write_all(&bytes).ok();
            drop(stdin);
            child.wait()?;
        } else {
            self.write_file(name, &bytes, append)?;
            if range.last == self.buffer.len() && range.first <= 1 {
                self.buffer.modified = false;
            }
        }
        self.tell(bytes.len())
    }

    fn write_file(&mut self, name: &[u8], bytes: &[u8], append: bool) -> Outcome<()> {
        let path = OsStr::from_bytes(name);
        let outcome = if append {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
            self.cx.open_with(path, flags, Mode::from_raw_mode(0o666)).and_then(|file| {
                write_all(std::os::fd::AsFd::as_fd(&file), bytes)
                    .map_err(|error| Error::path(path, error))
            })
        } else {
            crate::save::save(self.cx, path, bytes)
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => {
                self.say_error(&String::from_utf8_lossy(&error.text()))?;
                wrong("Cannot open output file")
            }
        }
    }

    /// `!`: runs a command; `!` in front of it is the last one, and `%` the file's name.
    pub(super) fn shell_escape(&mut self, text: &[u8]) -> Outcome<()> {
        let mut command = Vec::new();
        let mut rest = text;
        let mut expanded = false;
        if let Some(more) = text.strip_prefix(b"!") {
            if self.shell_command.is_empty() {
                return wrong("No previous command");
            }
            command.extend_from_slice(&self.shell_command);
            rest = more;
            expanded = true;
        }
        let mut bytes = rest.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'\\' if bytes.as_slice().first() == Some(&b'%') => {
                    command.push(b'%');
                    bytes.next();
                }
                b'%' => match &self.name {
                    Some(name) => {
                        command.extend_from_slice(name);
                        expanded = true;
                    }
                    None => return wrong("No current filename"),
                },
                _ => command.push(byte),
            }
        }
        if expanded {
            self.cx.stdout.put(&command)?;
            self.cx.stdout.put(b"\n")?;
        }
        self.shell_command.clone_from(&command);
        self.shell(&command).status()?;
        if !self.quiet {
            self.cx.stdout.put(b"!\n")?;
        }
        Ok(())
    }

    fn shell(&mut self, text: &[u8]) -> Command {
        let words = ["sh".into(), "-c".into(), OsString::from(OsStr::from_bytes(text))];
        program::command(self.cx, &words, None)
    }
}
