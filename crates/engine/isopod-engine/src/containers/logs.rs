//! Reading the logs of containers: across rotated files, from the end, and along as they grow.

use super::Container;
use crate::error::{Error, Result};
use crate::{Engine, LogLine, LogStream, ReadLogs, StreamKind};
use bytes::Bytes;
use isopod_base::times::Timestamp;
use isopod_supervisor::numbered;
use rustix::fs::inotify;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

/// Most bytes of one record; longer ones are damage.
const RECORD_LIMIT_BYTES: u64 = 1 << 20;

/// How much of the present file to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Portion {
    All,
    /// Only its first bytes.
    First(u64),
}

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

impl Engine {
    /// The log of a container.
    pub async fn container_logs(&self, name: &str, options: ReadLogs) -> Result<LogStream> {
        let container = self.containers.find(name)?;
        if !options.stdout && !options.stderr {
            return Err(Error::invalid("Bad parameters: you must choose at least one stream"));
        }
        let driver = container.record().host.log.driver;
        if driver == "none" {
            return Err(Error::new(
                crate::ErrorKind::NotImplemented,
                "configured logging driver does not support reading",
            ));
        }
        self.read_log(&container, options, Portion::All)
    }

    pub(crate) fn read_log(
        &self,
        container: &Arc<Container>,
        options: ReadLogs,
        portion: Portion,
    ) -> Result<LogStream> {
        let record = container.record();
        let path = self.log_path(&record);
        let (sender, lines) = mpsc::channel(256);
        let container = Arc::clone(container);
        tokio::spawn(async move {
            if path.as_os_str().is_empty() {
                return;
            }
            let outcome = follow(&path, &container, &options, portion, &sender).await;
            if let Err(error) = outcome {
                let error =
                    Error::internal(format_args!("read log {}", path.display())).because(error);
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(LogStream { tty: record.config.tty, lines })
    }
}

/// Where reading is: an open file, and how far.
struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    inode: u64,
    position: u64,
    line: Vec<u8>,
}

impl Reader {
    fn open(path: &Path, file: File) -> io::Result<Self> {
        let inode = file.metadata()?.ino();
        Ok(Self {
            path: path.to_path_buf(),
            file: BufReader::with_capacity(64 << 10, file),
            inode,
            position: 0,
            line: Vec::new(),
        })
    }

    /// The next whole line.
    fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        use io::Read as _;
        let read =
            self.file.by_ref().take(RECORD_LIMIT_BYTES).read_until(b'\n', &mut self.line)? as u64;
        if self.line.last() == Some(&b'\n') || read == RECORD_LIMIT_BYTES {
            self.position += read;
            return Ok(Some(&self.line));
        }
        // It is still being written: the next time it will be whole.
        self.file.seek(SeekFrom::Start(self.position))?;
        Ok(None)
    }

    /// Goes on with the file that came after this one, if the log was rotated.
    fn advance(&mut self) -> io::Result<bool> {
        let Ok(present) = std::fs::metadata(&self.path) else {
            return Ok(false);
        };
        if present.ino() == self.inode {
            if present.len() < self.position {
                // Cut to nothing: the only file of its log.
                self.position = 0;
                self.file.seek(SeekFrom::Start(0))?;
                return Ok(true);
            }
            return Ok(false);
        }
        // It was renamed: the one after it is the number before its own.
        let mut newer = self.path.clone();
        for number in 1..1000 {
            let older = numbered(&self.path, number);
            match std::fs::metadata(&older) {
                Ok(metadata) if metadata.ino() == self.inode => break,
                Ok(_) => newer = older,
                // It is gone; the oldest that there is comes next.
                Err(_) => break,
            }
        }
        let path = self.path.clone();
        let file = File::open(&newer)?;
        *self = Self::open(&path, file)?;
        Ok(true)
    }
}

async fn follow(
    path: &Path,
    container: &Container,
    options: &ReadLogs,
    portion: Portion,
    sender: &mpsc::Sender<Result<LogLine>>,
) -> io::Result<()> {
    // Watched before the first look, so that nothing falls between.
    let watch = if options.follow { Some(watch(path)?) } else { None };
    let mut life = container.life.subscribe();
    let mut reader = open_at(path, options.tail)?;
    loop {
        let alive = life.borrow_and_update().alive;
        if let Some(open) = &mut reader {
            if !send_lines(open, options, portion, sender).await? {
                return Ok(());
            }
        } else if let Ok(file) = File::open(path) {
            reader = Some(Reader::open(path, file)?);
            continue;
        }
        let Some(watch) = &watch else {
            return Ok(());
        };
        if !alive {
            return Ok(());
        }
        tokio::select! {
            ready = watch.readable() => {
                let mut ready = ready?;
                drain(watch);
                ready.clear_ready();
            }
            changed = life.changed() => if changed.is_err() { return Ok(()) },
            () = sender.closed() => return Ok(()),
        }
    }
}

/// Sends what there is; `false` when no more is wanted.
async fn send_lines(
    reader: &mut Reader,
    options: &ReadLogs,
    portion: Portion,
    sender: &mpsc::Sender<Result<LogLine>>,
) -> io::Result<bool> {
    loop {
        let position = reader.position;
        let is_present =
            matches!(std::fs::metadata(&reader.path), Ok(m) if m.ino() == reader.inode);
        if let Portion::First(limit) = portion
            && is_present
            && position >= limit
        {
            return Ok(false);
        }
        let Some(line) = reader.next_line()? else {
            if reader.advance()? {
                continue;
            }
            return Ok(true);
        };
        let Some(line) = parse(line) else {
            continue;
        };
        if options.until.is_some_and(|until| line.time > until) {
            return Ok(false);
        }
        let wanted = match line.stream {
            StreamKind::Stdout => options.stdout,
            StreamKind::Stderr => options.stderr,
        };
        if wanted
            && options.since.is_none_or(|since| line.time >= since)
            && sender.send(Ok(line)).await.is_err()
        {
            return Ok(false);
        }
    }
}

/// A line of the file; what is none (a power cut may leave such) is passed over.
fn parse(line: &[u8]) -> Option<LogLine> {
    let record: Record<'_> = serde_json::from_slice(line).ok()?;
    Some(LogLine {
        stream: if record.stream == "stderr" { StreamKind::Stderr } else { StreamKind::Stdout },
        time: Timestamp::parse(&record.time).ok()?,
        data: Bytes::copy_from_slice(record.log.as_bytes()),
        attributes: record.attrs.into_iter().collect(),
    })
}

/// Opens the log at its beginning, or so that `tail` lines are left.
fn open_at(path: &Path, tail: Option<usize>) -> io::Result<Option<Reader>> {
    let mut files = Vec::new();
    let mut number = 0;
    loop {
        let name = if number == 0 { path.to_path_buf() } else { numbered(path, number) };
        match File::open(&name) {
            Ok(file) => files.push(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
        number += 1;
    }
    let Some(mut left) = tail else {
        return files.pop().map(|file| Reader::open(path, file)).transpose();
    };
    let count = files.len();
    for (index, file) in files.into_iter().enumerate() {
        let (position, found) = position_before(&file, left)?;
        left -= found;
        if left == 0 || index + 1 == count {
            let mut reader = Reader::open(path, file)?;
            reader.position = position;
            reader.file.seek(SeekFrom::Start(position))?;
            return Ok(Some(reader));
        }
    }
    Ok(None)
}

/// Where the last `wanted` lines of a file begin, and how many there are.
fn position_before(file: &File, wanted: usize) -> io::Result<(u64, usize)> {
    use std::os::unix::fs::FileExt;
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

fn watch(path: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let fd = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
    let directory = path.parent().unwrap_or(path);
    let flags =
        inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&fd, directory, flags)?;
    crate::readiness::register(fd)
}

fn drain(watch: &AsyncFd<OwnedFd>) {
    let mut buffer = [0u8; 4096];
    while rustix::io::read(watch.get_ref(), &mut buffer).is_ok_and(|read| read > 0) {}
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
        loop {
            match reader.next_line().expect("reads").map(|line| parse(line).expect("record")) {
                Some(line) => lines.push(String::from_utf8_lossy(&line.data).trim().to_owned()),
                None if reader.advance().expect("advances") => {}
                None => return lines,
            }
        }
    }

    #[test]
    fn the_last_lines_are_found_across_files() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("log");
        write(&numbered(&path, 2), 0..10);
        write(&numbered(&path, 1), 10..20);
        write(&path, 20..25);
        let tail = |n| read_all(&mut open_at(&path, n).expect("opens").expect("there"));
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
        let mut reader = open_at(&path, None).expect("opens").expect("there");
        assert_eq!(read_all(&mut reader).len(), 3);
        std::fs::rename(&path, numbered(&path, 1)).expect("renames");
        write(&path, 3..5);
        assert_eq!(read_all(&mut reader), ["3", "4"]);
    }
}
