//! Log files: from the beginning or the end, across rotation, compressed or not.

use crate::{LogLine, StreamKind};
use bytes::Bytes;
use isopod_base::times::Timestamp;
use isopod_supervisor::local_log::{self, MESSAGE_LIMIT_BYTES};
use isopod_supervisor::{LogFormat, compressed, identity, identity_of_compressed, numbered};
use rustix::fs::{Mode, OFlags};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Most bytes of one record; longer ones are damage.
const RECORD_LIMIT_BYTES: u64 = 1 << 20;

/// More files than a log can have.
const FILES: u32 = 1001;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    #[serde(default)]
    attrs: BTreeMap<String, String>,
}

/// Where reading is: an open file, and how far.
pub(super) struct Reader {
    path: PathBuf,
    format: LogFormat,
    file: BufReader<File>,
    /// The file's, or the one that it had before it was compressed.
    identity: String,
    pub(super) position: u64,
    record: Vec<u8>,
}

/// A file of a log as it can be read, and its identity.
type Opened = (File, String);

impl Reader {
    fn new(path: &Path, format: LogFormat, (file, identity): Opened) -> Self {
        Self {
            path: path.to_path_buf(),
            format,
            file: BufReader::with_capacity(64 << 10, file),
            identity,
            position: 0,
            record: Vec::new(),
        }
    }

    /// Opens the log at its beginning, or so that `tail` lines are left; `None` while there is
    /// none.
    pub(super) fn open_at(
        path: &Path,
        format: LogFormat,
        tail: Option<usize>,
    ) -> io::Result<Option<Self>> {
        let Some(mut left) = tail else {
            let last = (1..FILES).take_while(|number| exists(path, *number)).last().unwrap_or(0);
            return Ok(open_file(path, last)?.map(|opened| Self::new(path, format, opened)));
        };
        let mut oldest: Option<(Opened, u64)> = None;
        for number in 0..FILES {
            let Some(opened) = open_file(path, number)? else { break };
            let again = |((_, other), _): &(Opened, u64)| *other == opened.1;
            if oldest.as_ref().is_some_and(again) {
                // The log was rotated meanwhile.
                continue;
            }
            let (position, found) = match format {
                LogFormat::Json => last_lines(&opened.0, left)?,
                LogFormat::Local => last_entries(&opened.0, left)?,
            };
            left -= found;
            oldest = Some((opened, position));
            if left == 0 {
                break;
            }
        }
        let Some((opened, position)) = oldest else { return Ok(None) };
        let mut reader = Self::new(path, format, opened);
        reader.seek(position)?;
        Ok(Some(reader))
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.position = position;
        self.file.seek(SeekFrom::Start(position)).map(drop)
    }

    /// Whether this is the file that is being written to.
    pub(super) fn is_present(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.identity)
    }

    /// The next line that is whole, across files.
    pub(super) fn next(&mut self) -> io::Result<Option<LogLine>> {
        loop {
            let read = match self.format {
                LogFormat::Json => self.next_record()?,
                LogFormat::Local => self.next_message()?,
            };
            match read {
                // What is damaged (a power cut may leave such) is passed over.
                true => match self.parse() {
                    Some(line) => return Ok(Some(line)),
                    None => continue,
                },
                false if self.advance()? => {}
                false => return Ok(None),
            }
        }
    }

    fn parse(&self) -> Option<LogLine> {
        match self.format {
            LogFormat::Json => parse_record(&self.record),
            LogFormat::Local => parse_message(&self.record),
        }
    }

    fn next_record(&mut self) -> io::Result<bool> {
        self.record.clear();
        let limited = self.file.by_ref().take(RECORD_LIMIT_BYTES);
        let read = { limited }.read_until(b'\n', &mut self.record)? as u64;
        if self.record.last() == Some(&b'\n') || read == RECORD_LIMIT_BYTES {
            self.position += read;
            return Ok(true);
        }
        // It is still being written: the next time it will be whole.
        self.seek(self.position)?;
        Ok(false)
    }

    fn next_message(&mut self) -> io::Result<bool> {
        let mut length = [0; 4];
        if !fill(&mut self.file, &mut length)? {
            self.seek(self.position)?;
            return Ok(false);
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > MESSAGE_LIMIT_BYTES {
            // Nothing tells where the next record begins: the rest of the file is lost.
            let end = self.file.get_ref().metadata()?.len();
            self.seek(end)?;
            return Ok(false);
        }
        self.record.resize(length + 4, 0);
        if !fill(&mut self.file, &mut self.record)? {
            self.seek(self.position)?;
            return Ok(false);
        }
        self.record.truncate(length);
        self.position += length as u64 + 8;
        Ok(true)
    }

    /// Goes on with the file that came after this one, if the log was rotated.
    fn advance(&mut self) -> io::Result<bool> {
        let Ok(present) = std::fs::metadata(&self.path) else {
            return Ok(false);
        };
        if identity(&present) == self.identity {
            if present.len() < self.position {
                // Cut to nothing: the only file of its log.
                self.seek(0)?;
                return Ok(true);
            }
            return Ok(false);
        }
        let path = self.path.clone();
        let next = newer_than(&path, &self.identity)?;
        *self = Self::new(&path, self.format, next);
        Ok(true)
    }
}

/// Opens the file that came after one that was rotated out; if that is gone, the oldest.
///
/// The log may be rotated meanwhile, which moves files to the next number, the oldest first. So
/// one number may be missing, and what was found is looked at again after it was opened.
fn newer_than(path: &Path, own: &str) -> io::Result<Opened> {
    loop {
        let mut next = 0;
        let mut missing = 0;
        let mut found = false;
        for number in 1..FILES {
            match identity_at(path, number)? {
                Some(identity) if identity == own => {
                    found = true;
                    break;
                }
                Some(_) => (next, missing) = (number, 0),
                None if missing == 1 => break,
                None => missing += 1,
            }
        }
        let Some(opened) = open_file(path, next)? else { continue };
        let older = identity_at(path, next + 1)?;
        let holds = if found { older.is_some_and(|older| older == own) } else { older.is_none() };
        if holds {
            return Ok(opened);
        }
    }
}

/// Opens a file of a log by its number; a compressed one is unpacked into one without a name.
fn open_file(path: &Path, number: u32) -> io::Result<Option<Opened>> {
    let name = if number == 0 { path.to_path_buf() } else { numbered(path, number) };
    match File::open(&name) {
        Ok(file) => {
            let identity = identity(&file.metadata()?);
            return Ok(Some((file, identity)));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) if number == 0 => return Ok(None),
        Err(_) => {}
    }
    let packed = compressed(path, number);
    let file = match File::open(&packed) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let identity = identity_of_compressed(&packed)?;
    let directory = path.parent().unwrap_or(path);
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut plain = File::from(rustix::fs::open(directory, flags, Mode::from_raw_mode(0o600))?);
    io::copy(&mut flate2::read::GzDecoder::new(BufReader::new(file)), &mut plain)?;
    plain.seek(SeekFrom::Start(0))?;
    Ok(Some((plain, identity)))
}

fn exists(path: &Path, number: u32) -> bool {
    numbered(path, number).exists() || compressed(path, number).exists()
}

fn identity_at(path: &Path, number: u32) -> io::Result<Option<String>> {
    if let Ok(metadata) = std::fs::metadata(numbered(path, number)) {
        return Ok(Some(identity(&metadata)));
    }
    match identity_of_compressed(&compressed(path, number)) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Fills a buffer; `false` at the end of the file.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn stream(name: &str) -> StreamKind {
    if name == "stderr" { StreamKind::Stderr } else { StreamKind::Stdout }
}

fn parse_record(line: &[u8]) -> Option<LogLine> {
    let record: Record<'_> = serde_json::from_slice(line).ok()?;
    Some(LogLine {
        stream: stream(&record.stream),
        time: Timestamp::parse(&record.time).ok()?,
        data: Bytes::copy_from_slice(record.log.as_bytes()),
        attributes: record.attrs.into_iter().collect(),
    })
}

fn parse_message(message: &[u8]) -> Option<LogLine> {
    let entry = local_log::decode(message)?;
    Some(LogLine {
        stream: stream(&entry.source),
        time: Timestamp::from_nanos(entry.time_ns.into()),
        data: entry.line.into(),
        attributes: entry.attributes,
    })
}

/// Where the last `wanted` lines of a file begin, and how many there are.
fn last_lines(file: &File, wanted: usize) -> io::Result<(u64, usize)> {
    let length = file.metadata()?.len();
    if wanted == 0 {
        return Ok((length, 0));
    }
    let mut chunk = vec![0; 64 << 10];
    let mut end = length;
    // Line feeds seen; the one at the very end belongs to the last line.
    let mut seen = 0;
    while end > 0 {
        let size = chunk.len().min(usize::try_from(end).unwrap_or(usize::MAX));
        let start = end - size as u64;
        file.read_exact_at(&mut chunk[..size], start)?;
        for at in (0..size).rev() {
            if chunk[at] == b'\n' {
                if seen == wanted {
                    return Ok((start + at as u64 + 1, wanted));
                }
                seen += 1;
            }
        }
        end = start;
    }
    Ok((0, seen))
}

/// Likewise for records with their length on both sides.
fn last_entries(file: &File, wanted: usize) -> io::Result<(u64, usize)> {
    let mut end = file.metadata()?.len();
    let mut found = 0;
    while found < wanted && end >= 8 {
        let mut length = [0; 4];
        file.read_exact_at(&mut length, end - 4)?;
        let whole = u64::from(u32::from_be_bytes(length)) + 8;
        let Some(start) = end.checked_sub(whole) else { break };
        let mut first = [0; 4];
        file.read_exact_at(&mut first, start)?;
        if first != length {
            // A record that is being written, or damage: what is before it can be read forwards.
            return Ok((0, found));
        }
        end = start;
        found += 1;
    }
    Ok((end, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, numbers: std::ops::Range<u32>) {
        let lines: String = numbers
            .map(|n| format!("{{\"log\":\"{n}\\n\",\"stream\":\"stdout\",\"time\":\"2024-01-01T00:00:00Z\"}}\n"))
            .collect();
        std::fs::write(path, lines).expect("writes");
    }

    fn read_all(reader: &mut Reader) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = reader.next().expect("reads") {
            lines.push(String::from_utf8_lossy(&line.data).trim().to_owned());
        }
        lines
    }

    fn open(path: &Path, tail: Option<usize>) -> Reader {
        Reader::open_at(path, LogFormat::Json, tail).expect("opens").expect("there")
    }

    #[test]
    fn the_last_lines_are_found_across_files() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        write(&numbered(&path, 2), 0..10);
        write(&numbered(&path, 1), 10..20);
        write(&path, 20..25);
        let tail = |n| read_all(&mut open(&path, n));
        assert_eq!(tail(Some(2)), ["23", "24"]);
        assert_eq!(tail(Some(5)).len(), 5);
        assert_eq!(tail(Some(7))[0], "18");
        assert_eq!(tail(Some(100))[0], "0");
        assert_eq!(tail(None).len(), 25);
        assert_eq!(tail(Some(0)), Vec::<String>::new());
    }

    #[test]
    fn reading_goes_on_after_a_rotation() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        write(&path, 0..3);
        let mut reader = open(&path, None);
        assert_eq!(read_all(&mut reader).len(), 3);
        std::fs::rename(&path, numbered(&path, 1)).expect("renames");
        write(&path, 3..5);
        assert_eq!(read_all(&mut reader), ["3", "4"]);
    }

    #[test]
    fn damage_in_a_local_file_ends_it_and_no_more() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        std::fs::write(&path, b"\xff\xff\xff\xffrubbish").expect("writes");
        for tail in [None, Some(3)] {
            let reader = Reader::open_at(&path, LogFormat::Local, tail).expect("opens");
            assert_eq!(read_all(&mut reader.expect("there")), Vec::<String>::new());
        }
    }
}
