//! The container's log file: appends, rotation.

use crate::config::LogConfig;
use crate::record::{RecordWriter, next_record};
use isopod_base::times::Timestamp;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A log, or the absence of one.
#[derive(Debug)]
pub(crate) struct Log {
    target: Option<Target>,
    composed: Vec<u8>,
}

#[derive(Debug)]
struct Target {
    config: LogConfig,
    writer: RecordWriter,
    file: File,
    length: u64,
}

impl Log {
    /// Opens the file for appending, making it when absent.
    pub(crate) fn open(config: Option<&LogConfig>) -> io::Result<Self> {
        let target = match config {
            Some(config) => {
                let (file, length) = open_file(&config.path)?;
                Some(Target {
                    writer: RecordWriter::new(&config.attributes),
                    config: config.clone(),
                    file,
                    length,
                })
            }
            None => None,
        };
        Ok(Self { target, composed: Vec::new() })
    }

    /// Bytes in the present file.
    pub(crate) fn length(&self) -> u64 {
        self.target.as_ref().map_or(0, |target| target.length)
    }

    /// Makes records of the whole lines at the start of `bytes`, with `all` of every byte, for
    /// [`Log::write_composed`]; tells how many bytes they are made of.
    pub(crate) fn compose(&mut self, bytes: &[u8], stream: &str, all: bool) -> usize {
        self.composed.clear();
        let mut taken = 0;
        let mut time = None;
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            let length = match next_record(rest) {
                Some(length) => length,
                None if all => rest.len(),
                None => break,
            };
            if let Some(target) = &self.target {
                let time = time.get_or_insert_with(|| Timestamp::now().rfc3339_nanos());
                target.writer.write(&rest[..length], stream, time, &mut self.composed);
            }
            taken += length;
        }
        taken
    }

    /// Writes what was composed.
    pub(crate) fn write_composed(&mut self) -> io::Result<()> {
        let Some(target) = &mut self.target else {
            return Ok(());
        };
        let before = target.length;
        match target.file.write_all(&self.composed) {
            Ok(()) => {
                target.length += self.composed.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Half a record would spoil the one after it.
                let _ = target.file.set_len(before);
                Err(error)
            }
        }
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

    /// Begins a new file when what was composed would make this one too long.
    pub(crate) fn rotate_if_full(&mut self) -> io::Result<()> {
        let added = self.composed.len() as u64;
        match &mut self.target {
            Some(target)
                if target.config.max_size_bytes > 0
                    && target.length > 0
                    && target.length + added > target.config.max_size_bytes =>
            {
                target.rotate()
            }
            _ => Ok(()),
        }
    }
}

impl Target {
    fn rotate(&mut self) -> io::Result<()> {
        let path = &self.config.path;
        if self.config.max_files <= 1 {
            self.file.set_len(0)?;
            self.length = 0;
            return Ok(());
        }
        for number in (1..self.config.max_files).rev() {
            let from = if number == 1 { path.clone() } else { numbered(path, number - 1) };
            match fs::rename(&from, numbered(path, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        (self.file, self.length) = open_file(path)?;
        Ok(())
    }
}

/// The name of an older file of the log at `path`.
#[must_use]
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn open_file(path: &Path) -> io::Result<(File, u64)> {
    let file =
        File::options().append(true).create(true).mode(0o640).open(path).map_err(|error| {
            io::Error::new(error.kind(), format!("open log {}: {error}", path.display()))
        })?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for number in 0..20 {
            log.compose(format!("line {number}\n").as_bytes(), "stdout", false);
            log.rotate_if_full().expect("rotates");
            log.write_composed().expect("writes");
        }
        let read = |path: &Path| fs::read_to_string(path).expect("reads");
        assert!(read(&path).contains("line 19"));
        assert!(read(&numbered(&path, 1)).contains("line 17"));
        assert!(read(&numbered(&path, 2)).contains("line 15"));
        assert!(!numbered(&path, 3).exists());
        assert!(read(&path).len() <= 200);
    }
}
