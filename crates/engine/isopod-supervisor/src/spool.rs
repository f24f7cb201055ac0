//! Output between the FIFO and the log, in memory that outlives its process.
//!
//! `read(2)` takes bytes out of the FIFO for good, so a supervisor that is killed between the
//! read and the write to the log would lose them. The buffers are therefore a shared mapping of
//! a file in the run-time directory, together with a note of what was about to happen; a
//! successor finishes it, and no byte is lost or logged twice.
//!
//! Layout of the file: two lanes (stdout or the terminal, stderr) of [`LANE_BYTES`], each a page
//! of notes (little-endian `u64`s, below) and [`BUFFER_BYTES`] of buffer.

use crate::logfile::Log;
use crate::record::RECORD_LIMIT_BYTES;
use isopod_sys::mapping::SharedMapping;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

const NOTES_BYTES: usize = 4096;
const BUFFER_BYTES: usize = 64 << 10;
const LANE_BYTES: usize = NOTES_BYTES + BUFFER_BYTES;

/// Where unlogged bytes are: head in the upper half, tail in the lower, so that one store moves
/// both.
const RANGE: usize = 0;
/// How many bytes a read in flight will bring; 0 when there is none.
const EXPECTED: usize = 8;
/// How many bytes are being logged; 0 when none are.
const LOGGING: usize = 16;
/// Value of the head while they are; a different head means that they were logged.
const LOGGING_HEAD: usize = 24;
/// Length of the log before that.
const LOG_BEFORE: usize = 32;
/// What the last bytes of a read in flight hold before it.
const NONCE: usize = 40;
const NONCE_BYTES: usize = 16;

/// Most bytes of one read.
const READ_BYTES: usize = RECORD_LIMIT_BYTES;

/// The two lanes.
#[derive(Debug)]
pub(crate) struct Spool {
    mapping: SharedMapping,
    _file: OwnedFd,
}

impl Spool {
    /// Opens the file, making it when absent, and finishes what a predecessor had begun.
    pub(crate) fn open(path: &Path, log: &mut Log) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::open(path, flags, Mode::from_raw_mode(0o600))?;
        rustix::fs::ftruncate(&file, 2 * LANE_BYTES as u64)?;
        let mapping = SharedMapping::new(file.as_fd(), 2 * LANE_BYTES)?;
        let mut spool = Self { mapping, _file: file };
        for lane in 0..2 {
            spool.recover(lane, log)?;
        }
        Ok(spool)
    }

    /// Reads once from `fd` and returns what came, `None` at its end; `WouldBlock` when there is
    /// nothing now. What was read is unlogged until [`Spool::log`].
    pub(crate) fn read(&mut self, lane: usize, fd: BorrowedFd<'_>) -> io::Result<Option<&[u8]>> {
        let tail = self.make_room(lane);
        // A terminal's master that was hung up fails here, and the read below says so.
        let waiting = rustix::io::ioctl_fionread(fd).unwrap_or(0);
        let expected = usize::try_from(waiting).unwrap_or(READ_BYTES).clamp(1, READ_BYTES);
        let nonce: [u8; NONCE_BYTES] = isopod_base::id::random_bytes();
        let nonce_length = expected.min(NONCE_BYTES);
        let note = notes(lane) + NONCE;
        self.mapping.bytes_mut()[note..note + NONCE_BYTES].copy_from_slice(&nonce);
        let end = buffer(lane) + tail + expected;
        self.mapping.bytes_mut()[end - nonce_length..end].copy_from_slice(&nonce[..nonce_length]);
        self.mapping.store(notes(lane) + EXPECTED, expected as u64);
        let target = &mut self.mapping.bytes_mut()[end - expected..end];
        let outcome = loop {
            match rustix::io::read(fd, &mut *target) {
                Err(Errno::INTR) => {}
                // The last slave of a terminal was closed.
                Err(Errno::IO) => break Ok(0),
                other => break other,
            }
        };
        let read = match outcome {
            Ok(read) => read,
            Err(error) => {
                self.mapping.store(notes(lane) + EXPECTED, 0);
                return Err(error.into());
            }
        };
        let (head, _) = self.range(lane);
        self.set_range(lane, head, tail + read);
        self.mapping.store(notes(lane) + EXPECTED, 0);
        if read == 0 {
            return Ok(None);
        }
        let start = end - expected;
        Ok(Some(&self.mapping.bytes()[start..start + read]))
    }

    /// Logs all whole lines of a lane, and with `all` the beginning of one as well.
    pub(crate) fn log(&mut self, lane: usize, log: &mut Log, all: bool) -> io::Result<()> {
        let mut outcome = Ok(());
        // As many steps as there are files to spread the lines over.
        loop {
            match self.log_some(lane, log, all) {
                Ok(false) => return outcome,
                Ok(true) => {}
                Err(error) => outcome = Err(error),
            }
        }
    }

    /// Logs what goes into one file; tells whether there was anything.
    fn log_some(&mut self, lane: usize, log: &mut Log, all: bool) -> io::Result<bool> {
        let (head, tail) = self.range(lane);
        let base = buffer(lane);
        let bytes = &self.mapping.bytes()[base + head..base + tail];
        let stream = if lane == 0 { "stdout" } else { "stderr" };
        let taken = log.compose(bytes, stream, all);
        if taken == 0 {
            return Ok(false);
        }
        // A log that cannot be rotated grows instead.
        let rotated = log.rotate_if_full();
        let at = notes(lane);
        self.mapping.store(at + LOG_BEFORE, log.length());
        self.mapping.store(at + LOGGING_HEAD, head as u64);
        self.mapping.store(at + LOGGING, taken as u64);
        let bytes = &self.mapping.bytes()[base + head..base + tail];
        let outcome = log.write_composed(bytes, stream);
        // Also when the disk is full: the container goes on, and the error is told once.
        self.set_range(lane, head + taken, tail);
        self.mapping.store(at + LOGGING, 0);
        rotated.and(outcome).map(|()| true)
    }

    /// Whether a lane holds the beginning of a line.
    #[cfg(test)]
    fn unlogged(&self, lane: usize) -> &[u8] {
        let (head, tail) = self.range(lane);
        &self.mapping.bytes()[buffer(lane) + head..buffer(lane) + tail]
    }

    fn recover(&mut self, lane: usize, log: &mut Log) -> io::Result<()> {
        let at = notes(lane);
        let (head, tail) = self.range(lane);
        if head > tail || tail > BUFFER_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the spool's notes are damaged: head {head}, tail {tail}"),
            ));
        }
        let expected = usize::try_from(self.mapping.load(at + EXPECTED)).unwrap_or(0);
        if expected != 0 && tail + expected <= BUFFER_BYTES {
            let length = expected.min(NONCE_BYTES);
            let end = buffer(lane) + tail + expected;
            let bytes = self.mapping.bytes();
            if bytes[end - length..end] != bytes[at + NONCE..at + NONCE + length] {
                self.set_range(lane, head, tail + expected);
            }
        }
        self.mapping.store(at + EXPECTED, 0);
        let logging = self.mapping.load(at + LOGGING);
        if logging != 0 {
            if self.mapping.load(at + LOGGING_HEAD) == head as u64 {
                log.cut(self.mapping.load(at + LOG_BEFORE))?;
            }
            self.mapping.store(at + LOGGING, 0);
        }
        self.log(lane, log, false)
    }

    /// Makes room for a read behind the tail, which it returns.
    fn make_room(&mut self, lane: usize) -> usize {
        let (head, tail) = self.range(lane);
        if tail + READ_BYTES <= BUFFER_BYTES {
            return tail;
        }
        // At most the beginning of a line is left, and it is shorter than what is in front of
        // it, so that the copy does not overlap and the old bytes hold until the range moves.
        let base = buffer(lane);
        let length = tail - head;
        assert!(length <= head, "whole lines are logged before more is read");
        self.mapping.bytes_mut().copy_within(base + head..base + tail, base);
        self.set_range(lane, 0, length);
        length
    }

    fn range(&self, lane: usize) -> (usize, usize) {
        let word = self.mapping.load(notes(lane) + RANGE);
        ((word >> 32) as usize, (word & 0xFFFF_FFFF) as usize)
    }

    fn set_range(&mut self, lane: usize, head: usize, tail: usize) {
        let word = (head as u64) << 32 | tail as u64;
        self.mapping.store(notes(lane) + RANGE, word);
    }
}

fn notes(lane: usize) -> usize {
    lane * LANE_BYTES
}

fn buffer(lane: usize) -> usize {
    lane * LANE_BYTES + NOTES_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogConfig;
    use std::fs;

    struct Bench {
        dir: tempfile::TempDir,
        reader: OwnedFd,
        writer: OwnedFd,
    }

    impl Bench {
        fn new() -> Self {
            let (reader, writer) = rustix::pipe::pipe().expect("pipe");
            rustix::io::ioctl_fionbio(&reader, true).expect("non-blocking");
            Self { dir: tempfile::tempdir().expect("directory"), reader, writer }
        }

        fn open(&self) -> (Spool, Log) {
            let config = LogConfig {
                path: self.dir.path().join("log"),
                max_files: 1,
                ..LogConfig::default()
            };
            let mut log = Log::open(Some(&config)).expect("log");
            let spool = Spool::open(&self.dir.path().join("spool"), &mut log).expect("spool");
            (spool, log)
        }

        fn print(&self, text: &str) {
            rustix::io::write(&self.writer, text.as_bytes()).expect("writes");
        }

        fn logged(&self) -> String {
            let text = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            text.lines()
                .map(|line| {
                    let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
                    value["log"].as_str().expect("text").to_owned()
                })
                .collect()
        }
    }

    #[test]
    fn lines_are_logged_and_beginnings_kept() {
        let bench = Bench::new();
        let (mut spool, mut log) = bench.open();
        bench.print("one\ntw");
        assert_eq!(spool.read(0, bench.reader.as_fd()).expect("reads"), Some(&b"one\ntw"[..]));
        spool.log(0, &mut log, false).expect("logs");
        assert_eq!(bench.logged(), "one\n");
        drop((spool, log));

        let (mut spool, mut log) = bench.open();
        assert_eq!(spool.unlogged(0), b"tw");
        bench.print("o\n");
        spool.read(0, bench.reader.as_fd()).expect("reads");
        spool.log(0, &mut log, false).expect("logs");
        assert_eq!(bench.logged(), "one\ntwo\n");
    }

    #[test]
    fn a_kill_after_the_read_loses_nothing() {
        let bench = Bench::new();
        let (mut spool, log) = bench.open();
        bench.print("precious\n");
        spool.read(0, bench.reader.as_fd()).expect("reads");
        // As if the process had died before it noted that the read came back.
        spool.set_range(0, 0, 0);
        spool.mapping.store(EXPECTED, 9);
        drop((spool, log));
        bench.open();
        assert_eq!(bench.logged(), "precious\n");
    }

    #[test]
    fn a_kill_before_the_read_invents_nothing() {
        let bench = Bench::new();
        let (mut spool, log) = bench.open();
        let nonce = *b"0123456789abcdef";
        spool.mapping.bytes_mut()[NONCE..NONCE + 16].copy_from_slice(&nonce);
        spool.mapping.bytes_mut()[NOTES_BYTES..NOTES_BYTES + 16].copy_from_slice(&nonce);
        spool.mapping.store(EXPECTED, 16);
        drop((spool, log));
        let (spool, _log) = bench.open();
        assert_eq!(spool.unlogged(0), b"");
        assert_eq!(bench.logged(), "");
    }

    #[test]
    fn a_kill_while_logging_logs_once() {
        for logged in [false, true] {
            let bench = Bench::new();
            let (mut spool, mut log) = bench.open();
            bench.print("first\n");
            spool.read(0, bench.reader.as_fd()).expect("reads");
            spool.log(0, &mut log, false).expect("logs");
            let before = log.length();
            bench.print("second\n");
            spool.read(0, bench.reader.as_fd()).expect("reads");
            let range = spool.range(0);
            spool.log(0, &mut log, false).expect("logs");
            // As if it had died before the range moved (half of the record written), or after.
            spool.mapping.store(LOG_BEFORE, before);
            spool.mapping.store(LOGGING_HEAD, range.0 as u64);
            spool.mapping.store(LOGGING, 7);
            if !logged {
                spool.set_range(0, range.0, range.1);
                log.cut(before + 5).expect("cuts");
            }
            drop((spool, log));
            bench.open();
            assert_eq!(bench.logged(), "first\nsecond\n", "logged: {logged}");
        }
    }

    #[test]
    fn a_long_stream_goes_round_the_buffer() {
        let bench = Bench::new();
        let (mut spool, mut log) = bench.open();
        let mut expected = String::new();
        for number in 0..20_000 {
            let line = format!("line {number} {}\n", "x".repeat(number % 97));
            bench.print(&line);
            expected.push_str(&line);
            if number % 7 == 0 {
                spool.read(0, bench.reader.as_fd()).expect("reads");
                spool.log(0, &mut log, false).expect("logs");
            }
        }
        while spool.read(0, bench.reader.as_fd()).is_ok_and(|b| b.is_some()) {
            spool.log(0, &mut log, false).expect("logs");
        }
        assert!(bench.logged() == expected);
    }
}
