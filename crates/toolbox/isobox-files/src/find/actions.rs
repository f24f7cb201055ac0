//! The actions of `find`.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::time::Civil;
use isobox_applet::{Error, Output, Result, mode, program, tree};
use rustix::fs::{AtFlags, FileType};

use super::{Expression, Found, Walk};
use crate::field::Field;

/// The most bytes of arguments of one program.
const ARGUMENTS: usize = 128 * 1024;

/// Where an action prints to: standard output, or a file of its own.
pub(super) struct Target {
    pub(super) name: OsString,
    pub(super) file: Option<OwnedFd>,
    pub(super) pending: Vec<u8>,
}

/// A program that takes many files at once.
pub(super) struct Batch {
    pub(super) words: Vec<OsString>,
    pub(super) in_directory: bool,
    pub(super) files: Vec<OsString>,
    pub(super) length: usize,
    pub(super) directory: Option<OwnedFd>,
}

impl Walk<'_, '_> {
    pub(super) fn act(&mut self, action: &Expression, found: &mut Found<'_>) -> Result<bool> {
        match action {
            Expression::Print { target, end } => {
                if self.targets[*target].file.is_none() {
                    self.cx.stdout.put(found.path.as_bytes())?;
                    self.cx.stdout.put_byte(*end)?;
                } else {
                    let text = [found.path.as_bytes(), &[*end]].concat();
                    self.put(*target, &text)?;
                }
                Ok(true)
            }
            Expression::PrintFormat { target, format } => {
                let text = self.formatted(format, found);
                self.put(*target, &text)?;
                Ok(true)
            }
            Expression::List { target } => {
                let text = self.listed(found);
                self.put(*target, &text)?;
                Ok(true)
            }
            Expression::Execute { words, ask, in_directory } => {
                self.execute(words, *ask, *in_directory, found)
            }
            Expression::ExecuteMany(index) => {
                self.collect(*index, found)?;
                Ok(true)
            }
            Expression::Delete => {
                if found.depth == 0 && found.path == "." {
                    return Ok(true);
                }
                let flags = if found.kind.is_dir() && !(found.follow && self.is_link(found)) {
                    AtFlags::REMOVEDIR
                } else {
                    AtFlags::empty()
                };
                match rustix::fs::unlinkat(found.dir, found.name, flags) {
                    Ok(()) => Ok(true),
                    Err(errno) => {
                        self.cx.report(&Error::path(found.path, errno));
                        Ok(false)
                    }
                }
            }
            _ => Ok(true),
        }
    }

    fn is_link(&self, found: &Found<'_>) -> bool {
        rustix::fs::statat(found.dir, found.name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_symlink())
    }

    fn put(&mut self, target: usize, text: &[u8]) -> Result<()> {
        let target = &mut self.targets[target];
        let Some(file) = &target.file else { return self.cx.stdout.put(text) };
        target.pending.extend_from_slice(text);
        if target.pending.len() > 32 * 1024 {
            let pending = std::mem::take(&mut target.pending);
            isobox_applet::write_all(file.as_fd(), &pending)
                .map_err(|error| Error::path(&target.name, error))?;
        }
        Ok(())
    }

    /// Runs what is collected and writes what is pending.
    pub(super) fn finish(&mut self) -> Result<()> {
        for index in 0..self.batches.len() {
            self.run_batch(index)?;
        }
        for target in &mut self.targets {
            if let Some(file) = &target.file {
                let mut output = Output::new(file.as_fd());
                output.put(&target.pending)?;
                output.flush().map_err(|error| match error {
                    Error::Output(source) => Error::path(&target.name, source),
                    other => other,
                })?;
            }
        }
        Ok(())
    }

    fn execute(
        &mut self,
        words: &[OsString],
        ask: bool,
        in_directory: bool,
        found: &Found<'_>,
    ) -> Result<bool> {
        let shown = if in_directory { inside(found) } else { found.path.to_owned() };
        let words: Vec<OsString> = words.iter().map(|word| replaced(word, &shown)).collect();
        if ask {
            let mut question = b"< ".to_vec();
            question.extend_from_slice(words[0].as_bytes());
            question.extend_from_slice(b" ... ");
            question.extend_from_slice(shown.as_bytes());
            question.extend_from_slice(b" > ? ");
            if !self.cx.ask(&question) {
                return Ok(false);
            }
        }
        let directory = if in_directory && found.depth > 0 { Some(found.dir) } else { None };
        self.run(&words, directory.map(|dir| dir.as_raw_fd()))
    }

    fn run(&mut self, words: &[OsString], directory: Option<i32>) -> Result<bool> {
        for target in 0..self.targets.len() {
            // What the program prints comes after what was printed before.
            let pending = std::mem::take(&mut self.targets[target].pending);
            if let Some(file) = &self.targets[target].file {
                isobox_applet::write_all(file.as_fd(), &pending)
                    .map_err(|error| Error::path(&self.targets[target].name, error))?;
            }
        }
        let mut command = program::command(self.cx, words, None);
        if let Some(directory) = directory {
            command.current_dir(format!("/proc/self/fd/{directory}"));
        }
        match command.status() {
            Ok(status) => Ok(status.success()),
            Err(error) => {
                self.cx.report(&Error::path(&words[0], error));
                Ok(false)
            }
        }
    }

    fn collect(&mut self, index: usize, found: &Found<'_>) -> Result<()> {
        let in_directory = self.batches[index].in_directory;
        let file = if in_directory { inside(found) } else { found.path.to_owned() };
        let length = file.len() + 9;
        if self.batches[index].length + length > ARGUMENTS
            || in_directory && !self.batches[index].files.is_empty()
        {
            self.run_batch(index)?;
        }
        let batch = &mut self.batches[index];
        if in_directory && found.depth > 0 {
            batch.directory = found.dir.try_clone_to_owned().ok();
        }
        batch.length += length;
        batch.files.push(file);
        Ok(())
    }

    fn run_batch(&mut self, index: usize) -> Result<()> {
        let batch = &mut self.batches[index];
        if batch.files.is_empty() {
            return Ok(());
        }
        let mut words = batch.words.clone();
        words.append(&mut batch.files);
        batch.length = batch.words.iter().map(|word| word.len() + 9).sum();
        let directory = batch.directory.take();
        // POSIX: the exit status tells of programs that failed only in this form.
        if !self.run(&words, directory.as_ref().map(|dir| dir.as_raw_fd()))? {
            self.cx.failed = true;
        }
        Ok(())
    }

    fn formatted(&mut self, format: &[u8], found: &mut Found<'_>) -> Vec<u8> {
        let (mut text, mut bytes) = (Vec::new(), format.iter().copied().peekable());
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' => match bytes.next() {
                    Some(b'n') => text.push(b'\n'),
                    Some(b't') => text.push(b'\t'),
                    Some(b'r') => text.push(b'\r'),
                    Some(b'a') => text.push(7),
                    Some(b'b') => text.push(8),
                    Some(b'f') => text.push(12),
                    Some(b'v') => text.push(11),
                    Some(b'c') => return text,
                    Some(digit @ b'0'..=b'7') => {
                        let mut value = u32::from(digit - b'0');
                        for _ in 0..2 {
                            if let Some(digit) =
                                bytes.next_if(|digit| (b'0'..=b'7').contains(digit))
                            {
                                value = value * 8 + u32::from(digit - b'0');
                            }
                        }
                        text.push(u8::try_from(value & 255).unwrap_or(0));
                    }
                    Some(other) => text.extend_from_slice(&[b'\\', other]),
                    None => text.push(b'\\'),
                },
                b'%' => {
                    let field = Field::parse(&mut bytes);
                    let Some(letter) = bytes.next() else {
                        text.push(b'%');
                        break;
                    };
                    let argument = if b"ABCT".contains(&letter) { bytes.next() } else { None };
                    let value = self.directive(letter, argument, found);
                    field.put(&mut text, value.unwrap_or_else(|| vec![b'%', letter]));
                }
                other => text.push(other),
            }
        }
        text
    }

    fn directive(
        &mut self,
        letter: u8,
        argument: Option<u8>,
        found: &mut Found<'_>,
    ) -> Option<Vec<u8>> {
        let path = found.path.as_bytes();
        match letter {
            b'%' => return Some(b"%".to_vec()),
            b'p' => return Some(path.to_vec()),
            b'f' => return Some(found.base().to_vec()),
            b'P' => {
                let rest = &path[found.start.min(path.len())..];
                return Some(rest.strip_prefix(b"/").unwrap_or(rest).to_vec());
            }
            b'H' => return Some(path[..found.start].to_vec()),
            b'h' => {
                let end = memchr::memrchr(b'/', path);
                return Some(end.map_or(b".".to_vec(), |end| path[..end].to_vec()));
            }
            b'd' => return Some(found.depth.to_string().into_bytes()),
            b'l' => {
                let link = rustix::fs::readlinkat(found.dir, found.name, Vec::new());
                return Some(link.map_or(Vec::new(), |link| link.into_bytes()));
            }
            b'y' | b'Y' => {
                let mut kind = found.kind;
                if letter == b'Y' && kind.is_symlink() {
                    match rustix::fs::statat(found.dir, found.name, AtFlags::empty()) {
                        Ok(stat) => kind = FileType::from_raw_mode(stat.st_mode),
                        Err(rustix::io::Errno::LOOP) => return Some(b"L".to_vec()),
                        Err(_) => return Some(b"N".to_vec()),
                    }
                }
                return Some(vec![type_letter(kind)]);
            }
            _ => {}
        }
        let stat = found.stat()?;
        let nano = |value: u64| u32::try_from(value).unwrap_or(0);
        let time = |seconds, nanoseconds: u64, argument: Option<u8>| {
            let civil = Civil::local(seconds, nano(nanoseconds));
            match argument {
                None => civil.format("%a %b %d %H:%M:%S.%N0 %Y"),
                Some(b'@') => format!("{seconds}.{nanoseconds:09}0"),
                Some(b'+') => civil.format("%Y-%m-%d+%H:%M:%S.%N0"),
                Some(b'S') => civil.format("%S.%N0"),
                Some(b'T') => civil.format("%H:%M:%S.%N0"),
                Some(letter) => civil.format(&format!("%{}", char::from(letter))),
            }
        };
        Some(
            match letter {
                b's' => stat.st_size.to_string(),
                b'm' => format!("{:o}", stat.st_mode & 0o7777),
                b'M' => mode::text(stat.st_mode),
                b'u' => self.names.user(stat.st_uid),
                b'U' => stat.st_uid.to_string(),
                b'g' => self.names.group(stat.st_gid),
                b'G' => stat.st_gid.to_string(),
                b'i' => stat.st_ino.to_string(),
                b'n' => stat.st_nlink.to_string(),
                b'b' => stat.st_blocks.to_string(),
                b'k' => (stat.st_blocks + 1).div_euclid(2).to_string(),
                b'D' => stat.st_dev.to_string(),
                b'S' => {
                    let share = if stat.st_size == 0 {
                        1.0
                    } else {
                        512.0 * stat.st_blocks as f64 / stat.st_size as f64
                    };
                    format!("{share:.6}").trim_end_matches('0').trim_end_matches('.').to_owned()
                }
                b'a' => time(stat.st_atime, stat.st_atime_nsec, None),
                b't' => time(stat.st_mtime, stat.st_mtime_nsec, None),
                b'c' => time(stat.st_ctime, stat.st_ctime_nsec, None),
                b'A' => time(stat.st_atime, stat.st_atime_nsec, argument),
                b'T' => time(stat.st_mtime, stat.st_mtime_nsec, argument),
                b'C' => time(stat.st_ctime, stat.st_ctime_nsec, argument),
                _ => return None,
            }
            .into_bytes(),
        )
    }

    fn listed(&mut self, found: &mut Found<'_>) -> Vec<u8> {
        let Some(stat) = found.stat() else { return Vec::new() };
        let size = if matches!(found.kind, FileType::BlockDevice | FileType::CharacterDevice) {
            format!("{}, {}", rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev))
        } else {
            stat.st_size.to_string()
        };
        let recent = self.now.0 - stat.st_mtime < 15_778_476 && stat.st_mtime <= self.now.0;
        let time =
            Civil::local(stat.st_mtime, 0).format(if recent { "%b %e %H:%M" } else { "%b %e  %Y" });
        let mut text = format!(
            "{:9} {:6} {} {:3} {:8} {:8} {size:>8} {time} ",
            stat.st_ino,
            (stat.st_blocks + 1).div_euclid(2),
            mode::text(stat.st_mode),
            stat.st_nlink,
            self.names.user(stat.st_uid),
            self.names.group(stat.st_gid),
        )
        .into_bytes();
        text.extend_from_slice(found.path.as_bytes());
        if found.kind.is_symlink()
            && let Ok(link) = rustix::fs::readlinkat(found.dir, found.name, Vec::new())
        {
            text.extend_from_slice(b" -> ");
            text.extend_from_slice(link.to_bytes());
        }
        text.push(b'\n');
        text
    }
}

pub(super) fn type_letter(kind: FileType) -> u8 {
    match kind {
        FileType::RegularFile => b'f',
        FileType::Directory => b'd',
        FileType::Symlink => b'l',
        FileType::BlockDevice => b'b',
        FileType::CharacterDevice => b'c',
        FileType::Fifo => b'p',
        FileType::Socket => b's',
        FileType::Unknown => b'U',
    }
}

/// A file as it is called within its directory.
fn inside(found: &Found<'_>) -> OsString {
    if found.depth == 0 {
        return found.path.to_owned();
    }
    tree::join(OsStr::new("."), OsStr::from_bytes(found.base()))
}

/// A word with every `{}` replaced.
fn replaced(word: &OsStr, path: &OsStr) -> OsString {
    let (mut text, mut rest) = (Vec::new(), word.as_bytes());
    while let Some(at) = memchr::memmem::find(rest, b"{}") {
        text.extend_from_slice(&rest[..at]);
        text.extend_from_slice(path.as_bytes());
        rest = &rest[at + 2..];
    }
    text.extend_from_slice(rest);
    OsStr::from_bytes(&text).to_owned()
}
