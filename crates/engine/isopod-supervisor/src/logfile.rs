//! The container's log file: appends, rotation by size and age, compression.
//!
//! A file that is rotated out gets the number 1, those before it the next ones. With compression
//! number 1 becomes `.1.gz` at once; the comment in its header tells which file it was
//! ([`identity`]), so that a reader who was in the middle of it finds the one that comes next.

use crate::config::{LogConfig, LogFormat};
use crate::local_log;
use crate::outlet::Outlet;
use crate::record::{RecordWriter, next_record};
use flate2::{Compression, GzBuilder, read::GzDecoder};
use isopod_base::times::Timestamp;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A log: a file, an outlet to a daemon for logs, both, or neither.
#[derive(Debug)]
pub(crate) struct Log {
    target: Option<Target>,
    outlet: Option<Outlet>,
    composed: Vec<u8>,
    /// Lengths of the lines that were composed.
    pieces: Vec<usize>,
}

#[derive(Debug)]
struct Target {
    config: LogConfig,
    writer: Writer,
    file: File,
    length: u64,
    /// When the file was begun.
    begun: SystemTime,
}

#[derive(Debug)]
enum Writer {
    Json(RecordWriter),
    Local { attributes: Vec<u8> },
}

impl Writer {
    fn new(config: &LogConfig) -> Self {
        match config.format {
            LogFormat::Json => Self::Json(RecordWriter::new(&config.attributes)),
            LogFormat::Local => {
                Self::Local { attributes: local_log::attributes(&config.attributes) }
            }
        }
    }

    fn write(&self, line: &[u8], stream: &str, now: (&str, i64), out: &mut Vec<u8>) {
        match self {
            Self::Json(writer) => writer.write(line, stream, now.0, out),
            Self::Local { attributes } => local_log::encode(line, stream, now.1, attributes, out),
        }
    }
}

impl Log {
    /// Opens the file for appending, making it when absent.
    pub(crate) fn open(config: Option<&LogConfig>) -> io::Result<Self> {
        let mut log = Self { target: None, outlet: None, composed: Vec::new(), pieces: Vec::new() };
        if let Some(config) = config {
            log.outlet = config.outlet.clone().map(Outlet::new);
            if !config.path.as_os_str().is_empty() {
                log.target = Some(Target::open(config)?);
            }
        }
        Ok(log)
    }

    /// Bytes in the present file.
    pub(crate) fn length(&self) -> u64 {
        self.target.as_ref().map_or(0, |target| target.length)
    }

    /// Makes records of the whole lines at the start of `bytes`, with `all` of every byte, for
    /// [`Log::write_composed`]: as many as one file takes. Tells how many bytes they are made of.
    pub(crate) fn compose(&mut self, bytes: &[u8], stream: &str, all: bool) -> usize {
        self.composed.clear();
        self.pieces.clear();
        let room = self.target.as_ref().map_or(u64::MAX, Target::room);
        let now = Timestamp::now();
        let text = now.rfc3339_nanos();
        let nanos = i64::try_from(now.nanos()).unwrap_or(i64::MAX);
        let mut taken = 0;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            let length = match next_record(rest) {
                Some(length) => length,
                None if all => rest.len(),
                None => break,
            };
            let before = self.composed.len();
            if let Some(target) = &self.target {
                target.writer.write(&rest[..length], stream, (&text, nanos), &mut self.composed);
            }
            if before > 0 && self.composed.len() as u64 > room {
                self.composed.truncate(before);
                break;
            }
            self.pieces.push(length);
            taken += length;
            if self.composed.len() as u64 > room {
                // It goes into a file of its own, or begins the next one.
                break;
            }
        }
        taken
    }

    /// Writes what was composed of `bytes`.
    pub(crate) fn write_composed(&mut self, bytes: &[u8], stream: &str) -> io::Result<()> {
        let written = match &mut self.target {
            Some(target) => target.write(&self.composed),
            None => Ok(()),
        };
        let mut sent = Ok(());
        if let Some(outlet) = &mut self.outlet {
            let mut at = 0;
            for &length in &self.pieces {
                let line = &bytes[at..at + length];
                at += length;
                sent = sent.and(outlet.send(line, stream));
            }
        }
        written.and(sent)
    }

    /// Cuts the file to `length`, if it is longer.
    pub(crate) fn cut(&mut self, length: u64) -> io::Result<()> {
        if let Some(target) = &mut self.target
            && length < target.length
        {
            target.file.set_len(length)?;
            target.length = length;
        }
        Ok(())
    }

    /// Begins a new file when what was composed would make this one too long or too old.
    pub(crate) fn rotate_if_full(&mut self) -> io::Result<()> {
        let added = self.composed.len() as u64;
        match &mut self.target {
            Some(target) if target.length > 0 && target.is_full(added) => target.rotate(),
            _ => Ok(()),
        }
    }
}

impl Target {
    fn open(config: &LogConfig) -> io::Result<Self> {
        let (file, length, begun) = open_file(&config.path)?;
        remove_old(&config.path, config);
        Ok(Self { writer: Writer::new(config), config: config.clone(), file, length, begun })
    }

    /// Bytes that the present file still takes, or the next one when this one takes nothing.
    fn room(&self) -> u64 {
        match self.config.max_size_bytes {
            0 => u64::MAX,
            limit if self.length >= limit => limit,
            limit => limit - self.length,
        }
    }

    fn is_full(&self, added: u64) -> bool {
        let limit = self.config.max_size_bytes;
        if limit > 0 && self.length + added > limit {
            return true;
        }
        // Each file holds its share of the time, so that what is too old goes a file at a time.
        let share = self.config.max_age_s / u64::from(self.config.max_files.max(1));
        self.config.max_age_s > 0
            && self.begun.elapsed().is_ok_and(|age| age > Duration::from_secs(share.max(1)))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Half a record would spoil the one after it.
                let _ = self.file.set_len(self.length);
                Err(error)
            }
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let path = &self.config.path;
        if self.config.max_files <= 1 {
            self.file.set_len(0)?;
            self.length = 0;
            self.begun = SystemTime::now();
            return Ok(());
        }
        let last = self.config.max_files - 1;
        for name in [numbered(path, last), compressed(path, last)] {
            rename(None, &name)?;
        }
        for number in (1..last).rev() {
            rename(Some(&numbered(path, number)), &numbered(path, number + 1))?;
            rename(Some(&compressed(path, number)), &compressed(path, number + 1))?;
        }
        let newest = numbered(path, 1);
        rename(Some(path), &newest)?;
        if self.config.compress {
            compress(&newest, &compressed(path, 1))?;
        }
        remove_old(path, &self.config);
        (self.file, self.length, self.begun) = open_file(path)?;
        Ok(())
    }
}

/// Renames what may be there; without a new name it is removed.
fn rename(from: Option<&Path>, to: &Path) -> io::Result<()> {
    let outcome = match from {
        Some(from) => fs::rename(from, to),
        None => fs::remove_file(to),
    };
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Compresses a file that nobody writes to any more. The plain one goes last, so that a crash
/// leaves at least one of them.
fn compress(plain: &Path, packed: &Path) -> io::Result<()> {
    let mut from = File::open(plain)?;
    let mut temporary = packed.as_os_str().to_owned();
    temporary.push(".tmp");
    let to =
        File::options().write(true).create(true).truncate(true).mode(0o640).open(&temporary)?;
    let comment = identity(&from.metadata()?);
    let mut encoder = GzBuilder::new().comment(comment).write(to, Compression::fast());
    io::copy(&mut from, &mut encoder)?;
    encoder.finish()?;
    fs::rename(&temporary, packed)?;
    fs::remove_file(plain)
}

/// Removes files of the log that are older than it keeps anything.
fn remove_old(path: &Path, config: &LogConfig) {
    if config.max_age_s == 0 {
        return;
    }
    let limit = Duration::from_secs(config.max_age_s);
    for number in 1..config.max_files {
        for name in [numbered(path, number), compressed(path, number)] {
            let modified = fs::metadata(&name).and_then(|metadata| metadata.modified());
            if modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > limit)) {
                let _ = fs::remove_file(&name);
            }
        }
    }
}

/// The name of an older file of the log at `path`.
#[must_use]
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Its name when it is compressed.
#[must_use]
pub fn compressed(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}.gz"));
    name.into()
}

/// What tells a file of a log from every other: its inode, and when that was made, since numbers
/// of inodes are used again.
#[must_use]
pub fn identity(metadata: &fs::Metadata) -> String {
    let made = metadata.created().ok();
    let since = made.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("inode {} of {}", metadata.ino(), since.unwrap_or_default().as_nanos())
}

/// The identity that a compressed file of a log had before; empty when it does not say.
pub fn identity_of_compressed(packed: &Path) -> io::Result<String> {
    let decoder = GzDecoder::new(File::open(packed)?);
    let comment = decoder.header().and_then(|header| header.comment()).unwrap_or_default();
    Ok(String::from_utf8_lossy(comment).into_owned())
}

fn open_file(path: &Path) -> io::Result<(File, u64, SystemTime)> {
    let file =
        File::options().append(true).create(true).mode(0o640).open(path).map_err(|error| {
            io::Error::new(error.kind(), format!("open log {}: {error}", path.display()))
        })?;
    let metadata = file.metadata()?;
    let begun = metadata.created().or_else(|_| metadata.modified());
    Ok((file, metadata.len(), begun.unwrap_or_else(|_| SystemTime::now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(log: &mut Log, text: &str) {
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            let taken = log.compose(bytes, "stdout", false);
            assert!(taken > 0);
            log.rotate_if_full().expect("rotates");
            log.write_composed(bytes, "stdout").expect("writes");
            bytes = &bytes[taken..];
        }
    }

    fn lines(range: std::ops::Range<u32>) -> String {
        range.map(|number| format!("line {number}\n")).collect()
    }

    #[test]
    fn full_files_are_rotated() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        let config = LogConfig {
            path: path.clone(),
            max_size_bytes: 200,
            max_files: 3,
            ..LogConfig::default()
        };
        let mut log = Log::open(Some(&config)).expect("opens");
        // At once: a burst is spread over the files as well.
        print(&mut log, &lines(0..20));
        let read = |path: &Path| fs::read_to_string(path).expect("reads");
        assert!(read(&path).contains("line 19"));
        assert!(read(&numbered(&path, 1)).contains("line 17"));
        assert!(read(&numbered(&path, 2)).contains("line 15"));
        assert!(!numbered(&path, 3).exists());
        assert!(read(&path).len() <= 200);
    }

    #[test]
    fn rotated_files_are_compressed_and_say_what_they_were() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        let config = LogConfig {
            path: path.clone(),
            format: LogFormat::Local,
            max_size_bytes: 300,
            max_files: 3,
            compress: true,
            ..LogConfig::default()
        };
        let mut log = Log::open(Some(&config)).expect("opens");
        print(&mut log, "begin\n");
        let first = identity(&fs::metadata(&path).expect("there"));
        let mut number = 0;
        while !compressed(&path, 1).exists() {
            print(&mut log, &lines(number..number + 1));
            number += 1;
        }
        assert!(!numbered(&path, 1).exists());
        assert_eq!(identity_of_compressed(&compressed(&path, 1)).expect("reads"), first);
        print(&mut log, &lines(0..100));
        assert!(compressed(&path, 2).exists() && !compressed(&path, 3).exists());
    }

    #[test]
    fn what_is_too_old_goes() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        let config =
            LogConfig { path: path.clone(), max_files: 4, max_age_s: 60, ..LogConfig::default() };
        fs::write(numbered(&path, 1), "old").expect("writes");
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        File::options()
            .write(true)
            .open(numbered(&path, 1))
            .and_then(|file| file.set_modified(long_ago))
            .expect("sets the time");
        Log::open(Some(&config)).expect("opens");
        assert!(!numbered(&path, 1).exists());
    }
}
