//! Several files read as if they were one, as `od` and `hexdump` do.

use std::collections::VecDeque;
use std::ffi::OsString;

use isobox_applet::{Context, Error, Input, Result};

/// All files in turn, as one.
pub(crate) struct Source<'a> {
    files: VecDeque<OsString>,
    input: Option<(Input<'a>, OsString)>,
    left: u64,
    opened: bool,
}

impl<'a> Source<'a> {
    /// The files; without any, standard input.
    pub(crate) fn new(operands: Vec<OsString>) -> Self {
        let mut files = VecDeque::from(operands);
        if files.is_empty() {
            files.push_back("-".into());
        }
        Self { files, input: None, left: u64::MAX, opened: false }
    }

    /// Ends after so many bytes more.
    pub(crate) fn limit(&mut self, bytes: u64) {
        self.left = bytes;
    }

    /// Whether one of the files could be opened so far.
    pub(crate) fn opened(&self) -> bool {
        self.opened
    }

    /// Fills `target` as far as there is input; what cannot be read is reported and passed over.
    pub(crate) fn read(&mut self, cx: &mut Context<'a>, target: &mut [u8]) -> Result<usize> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(target.len());
        let mut filled = 0;
        while filled < limit {
            let Some((input, name)) = &mut self.input else {
                let Some(name) = self.files.pop_front() else { break };
                let opened = cx.open(&name);
                if let Some(input) = cx.attempt(opened)? {
                    self.opened = true;
                    self.input = Some((input, name));
                }
                continue;
            };
            match input.read_full(&mut target[filled..limit]) {
                Ok(0) => self.input = None,
                Ok(count) => filled += count,
                Err(error) => {
                    let error = Error::path(&*name, error);
                    cx.report(&error);
                    self.input = None;
                }
            }
        }
        self.left -= filled as u64;
        Ok(filled)
    }

    /// Passes over bytes; returns how many there were, `count` at the most.
    pub(crate) fn skip(&mut self, cx: &mut Context<'a>, count: u64) -> Result<u64> {
        let (mut buffer, mut skipped) = (vec![0; 32 * 1024], 0);
        while skipped < count {
            let length = usize::try_from(count - skipped).unwrap_or(usize::MAX).min(buffer.len());
            match self.read(cx, &mut buffer[..length])? {
                0 => break,
                got => skipped += got as u64,
            }
        }
        Ok(skipped)
    }
}
