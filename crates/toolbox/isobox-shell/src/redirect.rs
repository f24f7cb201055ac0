//! Redirections.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

use crate::ast::{Redirection, RedirectionKind, Word};
use crate::expand::path;
use crate::files::{MAX_NUMBER, Slot, memory, number_of_path};
use crate::shell::{Run, Shell, errno_text};

impl Shell {
    /// Makes redirections, and adds to `saved` what is to be put back. False if one failed, which
    /// has been said.
    pub(crate) fn redirect(
        &mut self,
        redirections: &[Redirection],
        saved: &mut Vec<(usize, Slot)>,
    ) -> Run<bool> {
        for redirection in redirections {
            let number = usize::try_from(redirection.descriptor).unwrap_or(usize::MAX);
            if number > MAX_NUMBER {
                return self.fail(format!("{number}: bad file descriptor number"));
            }
            let Some(slot) = self.opened(&redirection.kind)? else { return Ok(false) };
            if matches!(redirection.kind, RedirectionKind::Both(..)) {
                saved.push((2, self.files.put(2, slot.clone())));
                self.files.hold(1);
            }
            saved.push((number, self.files.put(number, slot)));
            self.files.hold(1);
        }
        Ok(true)
    }

    /// Redirections of `exec` stay.
    pub(crate) fn keep_redirections(&mut self, saved: &mut Vec<(usize, Slot)>) {
        let olds = std::mem::take(saved);
        self.files.unhold(olds.len());
        for (number, slot) in &olds {
            self.files.release(*number, slot);
        }
        for (number, _) in &olds {
            self.files.settle(*number);
        }
    }

    fn opened(&mut self, kind: &RedirectionKind) -> Run<Option<Slot>> {
        let write = OFlags::WRONLY | OFlags::CREATE;
        match kind {
            RedirectionKind::Read(word) => self.open(word, OFlags::RDONLY, false),
            RedirectionKind::Write(word) if self.options.noclobber() => self.open_new(word),
            RedirectionKind::Write(word) | RedirectionKind::Clobber(word) => {
                self.open(word, write | OFlags::TRUNC, true)
            }
            RedirectionKind::Append(word) => self.open(word, write | OFlags::APPEND, true),
            RedirectionKind::ReadWrite(word) => {
                self.open(word, OFlags::RDWR | OFlags::CREATE, true)
            }
            RedirectionKind::Both(word, append) => {
                self.open(word, write | if *append { OFlags::APPEND } else { OFlags::TRUNC }, true)
            }
            RedirectionKind::Duplicate(word) => self.duplicate(word),
            RedirectionKind::Here(body) => {
                let text = match body.get() {
                    Some(word) => self.expand_text(word)?,
                    None => Vec::new(),
                };
                self.here(&text)
            }
            RedirectionKind::HereString(word) => {
                let mut text = self.expand_text(word)?;
                text.push(b'\n');
                self.here(&text)
            }
        }
    }

    fn here(&mut self, text: &[u8]) -> Run<Option<Slot>> {
        match memory(text) {
            Ok(file) => Ok(Some(owned(file))),
            Err(error) => {
                let why = isobox_applet::errno_text(&error);
                self.warn(format!("can't make a here-document: {why}").as_bytes());
                Ok(None)
            }
        }
    }

    fn open(&mut self, word: &Word, flags: OFlags, creates: bool) -> Run<Option<Slot>> {
        let name = self.expand_text(word)?;
        if let Some(number) = number_of_path(&name) {
            // The names of this shell's own descriptors mean those of its table.
            if let Some(slot) = self.files.copy(number) {
                return Ok(Some(slot));
            }
        }
        match self.open_path(&name, flags) {
            Ok(file) => Ok(Some(owned(file))),
            Err(error) => {
                self.cannot_open(&name, error, creates);
                Ok(None)
            }
        }
    }

    fn open_path(&mut self, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        loop {
            match openat(CWD, path(name), flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o666)) {
                Err(Errno::INTR) => {
                    // A signal with a trap ends the wait for a FIFO's other end only to begin it
                    // anew: its commands run when the redirection is made.
                }
                outcome => return outcome,
            }
        }
    }

    fn cannot_open(&mut self, name: &[u8], error: Errno, creates: bool) {
        let (verb, why) = if creates {
            let why = if error == Errno::NOENT {
                "nonexistent directory".into()
            } else {
                errno_text(error)
            };
            (&b"can't create "[..], why)
        } else {
            let why = if error == Errno::NOENT { "no such file".into() } else { errno_text(error) };
            (&b"can't open "[..], why)
        };
        self.warn(&[verb, name, b": ", why.as_bytes()].concat());
    }

    /// `>` under `set -C`: a regular file must not exist.
    fn open_new(&mut self, word: &Word) -> Run<Option<Slot>> {
        let name = self.expand_text(word)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let outcome = match self.open_path(&name, flags) {
            Err(Errno::EXIST) => match self.open_path(&name, OFlags::WRONLY) {
                Ok(file) => match fstat(&file) {
                    Ok(status)
                        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile =>
                    {
                        Ok(file)
                    }
                    Ok(_) => Err(Errno::EXIST),
                    Err(error) => Err(error),
                },
                Err(Errno::ISDIR | Errno::ACCESS) => Err(Errno::EXIST),
                Err(error) => Err(error),
            },
            outcome => outcome,
        };
        match outcome {
            Ok(file) => Ok(Some(owned(file))),
            Err(error) => {
                self.cannot_open(&name, error, true);
                Ok(None)
            }
        }
    }

    fn duplicate(&mut self, word: &Word) -> Run<Option<Slot>> {
        let text = self.expand_text(word)?;
        if text == b"-" {
            return Ok(Some(Slot::Closed));
        }
        let number = std::str::from_utf8(&text)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<usize>().ok());
        let Some(number) = number else {
            return self.fail("syntax error: bad fd number");
        };
        match self.files.copy(number) {
            Some(slot) => Ok(Some(slot)),
            None => {
                self.warn(format!("{number}: {}", errno_text(Errno::BADF)).as_bytes());
                Ok(None)
            }
        }
    }
}

fn owned(file: OwnedFd) -> Slot {
    Slot::Owned(Rc::new(file))
}
