//! Records from a file: what ends them.

use std::io;
use std::rc::Rc;

use isobox_applet::Input;
use isobox_regex::Regex;

/// What ends a record (RS).
#[derive(Debug, Clone)]
pub(crate) enum RecordEnd {
    Byte(u8),
    /// Empty lines.
    Paragraph,
    Regex(Rc<Regex>),
}

impl RecordEnd {
    /// Reads the next record into `record`; false at the end of the file.
    pub(crate) fn read(&self, input: &mut Input<'_>, record: &mut Vec<u8>) -> io::Result<bool> {
        record.clear();
        match self {
            Self::Byte(end) => {
                let Some(line) = input.line(*end)? else { return Ok(false) };
                record.extend_from_slice(line.strip_suffix(&[*end]).unwrap_or(line));
                Ok(true)
            }
            Self::Paragraph => paragraph(input, record),
            Self::Regex(regex) => up_to_match(input, regex, record),
        }
    }
}

fn paragraph(input: &mut Input<'_>, record: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let chunk = input.chunk()?;
        let newlines = chunk.iter().take_while(|byte| **byte == b'\n').count();
        let whole = newlines == chunk.len();
        if chunk.is_empty() {
            return Ok(false);
        }
        input.consume(newlines);
        if !whole {
            break;
        }
    }
    let mut searched = 0;
    loop {
        let unread = input.unread();
        if let Some(at) = memchr::memmem::find(&unread[searched..], b"\n\n") {
            record.extend_from_slice(&unread[..searched + at]);
            input.consume(searched + at + 2);
            return Ok(true);
        }
        searched = unread.len().saturating_sub(1);
        if !input.more()? {
            let unread = input.unread();
            record.extend_from_slice(unread.strip_suffix(b"\n").unwrap_or(unread));
            let length = unread.len();
            input.consume(length);
            return Ok(true);
        }
    }
}

/// The end is known once something follows the match: it could be longer otherwise.
fn up_to_match(input: &mut Input<'_>, regex: &Regex, record: &mut Vec<u8>) -> io::Result<bool> {
    if input.chunk()?.is_empty() {
        return Ok(false);
    }
    let mut ended = false;
    loop {
        let unread = input.unread();
        let found = regex.find_at(unread, 0).map_err(io::Error::other)?;
        if let Some((start, end)) = found.filter(|(start, end)| start < end)
            && (ended || end < unread.len())
        {
            record.extend_from_slice(&unread[..start]);
            input.consume(end);
            return Ok(true);
        }
        if ended {
            record.extend_from_slice(unread);
            let length = unread.len();
            input.consume(length);
            return Ok(true);
        }
        ended = !input.more()?;
    }
}
