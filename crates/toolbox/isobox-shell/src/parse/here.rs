//! The bodies of here-documents, which are read at the newline after their operators.

use std::cell::OnceCell;
use std::rc::Rc;

use super::words::Mode;
use super::{Parser, Pending, Result};
use crate::ast::{Part, Word};

impl Parser<'_> {
    /// Reads the delimiter after `<<`; the body follows at the next newline.
    pub(super) fn here_document(&mut self, strip_tabs: bool) -> Result<Rc<OnceCell<Word>>> {
        while matches!(self.peek()?, Some(b' ' | b'\t')) {
            self.position += 1;
        }
        let start = self.position;
        let parts = self.word_parts(Mode::Delimiter)?;
        if parts.is_empty() {
            let token = self.token()?;
            return self.unexpected(&token, None);
        }
        let quoted =
            self.text[start..self.position].iter().any(|byte| matches!(byte, b'\'' | b'"' | b'\\'));
        let mut delimiter = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) | Part::Quoted(text) => delimiter.extend_from_slice(&text),
                _ => return self.error("bad here-document delimiter"),
            }
        }
        let body = Rc::new(OnceCell::new());
        self.pending.push(Pending { delimiter, quoted, strip_tabs, body: Rc::clone(&body) });
        Ok(body)
    }

    /// Reads the bodies of all here-documents of the line that has just ended.
    pub(super) fn read_here_documents(&mut self) -> Result<()> {
        for pending in std::mem::take(&mut self.pending) {
            let first_line = self.line;
            let body = self.here_body(&pending)?;
            let word = if pending.quoted {
                Word::new(vec![Part::Quoted(body.into())])
            } else {
                let mut body = body;
                let mut inner = Parser::new(&mut body, 0, self.names, self.aliases);
                inner.line = first_line;
                inner.depth = self.depth;
                Word::new(inner.word_parts(Mode::Here)?)
            };
            // Each cell is in the list once.
            pending.body.set(word).ok();
        }
        Ok(())
    }

    fn here_body(&mut self, pending: &Pending) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let Some(_) = self.raw() else {
                // A body that the file's end cuts off is taken as it is.
                return if self.more { self.unterminated("here-document") } else { Ok(body) };
            };
            if pending.strip_tabs {
                while self.raw() == Some(b'\t') {
                    self.position += 1;
                }
            }
            let line_start = body.len();
            let mut at = self.position;
            loop {
                let rest = &self.text[at..];
                let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                let line = &rest[..length];
                let backslashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
                let ended = length < rest.len();
                if !ended && self.more {
                    return self.unterminated("here-document");
                }
                at += length + usize::from(ended);
                self.line += u32::from(ended);
                if ended && !pending.quoted && backslashes % 2 == 1 {
                    // A continued line is one line, also for the delimiter.
                    body.extend_from_slice(&line[..length - 1]);
                    continue;
                }
                body.extend_from_slice(line);
                self.position = at;
                if body[line_start..] == pending.delimiter[..] {
                    body.truncate(line_start);
                    return Ok(body);
                }
                if ended {
                    body.push(b'\n');
                }
                break;
            }
        }
    }
}
