//! Files to read: big buffers, lines without copies.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

const CAPACITY: usize = 128 * 1024;

/// An open file to read from, standard input or a file of its own, with a buffer.
///
/// Errors are those of the kernel; the caller knows the name.
#[derive(Debug)]
pub struct Input<'a> {
    source: Source<'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

#[derive(Debug)]
enum Source<'a> {
    Borrowed(BorrowedFd<'a>),
    Owned(OwnedFd),
}

impl<'a> From<BorrowedFd<'a>> for Input<'a> {
    fn from(fd: BorrowedFd<'a>) -> Self {
        Self::with(Source::Borrowed(fd))
    }
}

impl From<OwnedFd> for Input<'_> {
    fn from(fd: OwnedFd) -> Self {
        Self::with(Source::Owned(fd))
    }
}

impl AsFd for Input<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Borrowed(fd) => *fd,
            Source::Owned(fd) => fd.as_fd(),
        }
    }
}

impl<'a> Input<'a> {
    fn with(source: Source<'a>) -> Self {
        Self { source, buffer: Vec::new(), start: 0, end: 0, ended: false }
    }

    /// What is in the buffer; reads first if that is nothing. Empty at the end of the file.
    pub fn chunk(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end && !self.ended {
            self.start = 0;
            self.end = 0;
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The next `count` bytes, which are not taken; fewer at the end of the file.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count && !self.ended {
            self.make_room();
            self.fill()?;
        }
        let end = self.end.min(self.start + count);
        Ok(&self.buffer[self.start..end])
    }

    /// Passes over at most `count` bytes without reading them; tells how many there were: what is
    /// in the buffer, and in a regular file all up to its end.
    pub fn skip(&mut self, count: u64) -> io::Result<u64> {
        let buffered = (self.end - self.start) as u64;
        if count <= buffered {
            self.start += count as usize;
            return Ok(count);
        }
        self.start = self.end;
        let status = rustix::fs::fstat(self.as_fd())?;
        if !rustix::fs::FileType::from_raw_mode(status.st_mode).is_file() {
            return Ok(buffered);
        }
        let size = u64::try_from(status.st_size).unwrap_or(0);
        let at = rustix::fs::tell(self.as_fd())?;
        let forward = (count - buffered).min(size.saturating_sub(at));
        rustix::fs::seek(self.as_fd(), rustix::fs::SeekFrom::Start(at + forward))?;
        Ok(buffered + forward)
    }

    /// Takes `count` bytes of what [`Input::chunk`] showed.
    pub fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// The next line with its end `delimiter`, which the last line may lack; nothing at the end
    /// of the file. Lines may be as long as memory allows.
    #[inline]
    pub fn line(&mut self, delimiter: u8) -> io::Result<Option<&[u8]>> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(at) = memchr::memchr(delimiter, &unread[searched..]) {
                let from = self.start;
                self.start += searched + at + 1;
                return Ok(Some(&self.buffer[from..self.start]));
            }
            searched = unread.len();
            if self.ended {
                if searched == 0 {
                    return Ok(None);
                }
                let from = self.start;
                self.start = self.end;
                return Ok(Some(&self.buffer[from..self.end]));
            }
            self.make_room();
            self.fill()?;
        }
    }

    /// As many whole lines as are at hand, at least one; nothing at the end of the file, whose
    /// last line may lack its end.
    pub fn lines(&mut self, delimiter: u8) -> io::Result<Option<&[u8]>> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            let whole = match memchr::memrchr(delimiter, &unread[searched..]) {
                Some(at) => searched + at + 1,
                None if self.ended => unread.len(),
                None => 0,
            };
            if whole > 0 || self.ended {
                let from = self.start;
                self.start += whole;
                return Ok((whole > 0).then(|| &self.buffer[from..from + whole]));
            }
            searched = unread.len();
            self.make_room();
            self.fill()?;
        }
    }

    /// One byte; nothing at the end of the file.
    #[inline]
    pub fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.chunk()?.first().copied();
        self.start += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Fills as much of `target` as the file holds.
    pub fn read_full(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < target.len() {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                break;
            }
            let count = chunk.len().min(target.len() - filled);
            target[filled..filled + count].copy_from_slice(&chunk[..count]);
            self.consume(count);
            filled += count;
        }
        Ok(filled)
    }

    /// The rest of the file.
    pub fn read_to_end(&mut self, target: &mut Vec<u8>) -> io::Result<()> {
        target.extend_from_slice(&self.buffer[self.start..self.end]);
        self.start = self.end;
        if self.ended {
            return Ok(());
        }
        if let Ok(status) = rustix::fs::fstat(self.as_fd()) {
            target.reserve(usize::try_from(status.st_size).unwrap_or(0).min(1 << 30) + 1);
        }
        loop {
            if target.len() == target.capacity() {
                target.reserve(CAPACITY.max(target.len() / 2));
            }
            let source = match &self.source {
                Source::Borrowed(fd) => *fd,
                Source::Owned(fd) => fd.as_fd(),
            };
            match rustix::io::read(source, rustix::buffer::spare_capacity(target)) {
                Ok(0) => break,
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait_readable(source)?,
                Err(errno) => return Err(errno.into()),
            }
        }
        self.ended = true;
        Ok(())
    }

    /// Reads more behind what is unread, which stays; false at the end of the file.
    pub fn more(&mut self) -> io::Result<bool> {
        if !self.ended {
            self.make_room();
            self.fill()?;
        }
        Ok(!self.ended)
    }

    /// Bytes that were read from the kernel but not taken.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).max(CAPACITY), 0);
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.end == self.buffer.len() {
            self.make_room();
        }
        let source = match &self.source {
            Source::Borrowed(fd) => *fd,
            Source::Owned(fd) => fd.as_fd(),
        };
        let count = read(source, &mut self.buffer[self.end..])?;
        self.end += count;
        self.ended = count == 0;
        Ok(())
    }
}

impl io::Read for Input<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && !self.ended && target.len() >= CAPACITY {
            // No second copy of what is read in large pieces.
            let count = read(self.as_fd(), target)?;
            self.ended = count == 0;
            return Ok(count);
        }
        let chunk = self.chunk()?;
        let count = chunk.len().min(target.len());
        target[..count].copy_from_slice(&chunk[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl io::BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.chunk()
    }

    fn consume(&mut self, count: usize) {
        Input::consume(self, count);
    }
}

/// Reads once, over interruptions; waits for a stream that somebody made non-blocking.
pub fn read(fd: BorrowedFd<'_>, target: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(fd, &mut *target) {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_readable(fd)?,
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn wait_readable(fd: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn input(bytes: &[u8]) -> Input<'static> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        Input::from(OwnedFd::from(file))
    }

    #[test]
    fn lines_may_be_longer_than_the_buffer_and_the_last_may_lack_its_end() {
        let long = vec![b'x'; 3 * CAPACITY];
        let mut input = input(&[b"a\n", &long[..], b"\n\nz"].concat());
        let mut lengths = Vec::new();
        while let Some(line) = input.line(b'\n').unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [2, long.len() + 1, 1, 1]);
    }

    #[test]
    fn what_is_peeked_at_or_skipped_keeps_the_place() {
        let mut input = input(&[&b"abc"[..], &[b'x'; 3 * CAPACITY], b"yz"].concat());
        assert_eq!(input.peek(2).unwrap(), b"ab");
        assert_eq!(input.byte().unwrap(), Some(b'a'));
        assert_eq!(input.skip(2 + 3 * CAPACITY as u64).unwrap(), 2 + 3 * CAPACITY as u64);
        assert_eq!(input.peek(9).unwrap(), b"yz");
    }

    #[test]
    fn many_lines_come_at_once() {
        let long = vec![b'x'; 2 * CAPACITY];
        let mut input = input(&[b"a\nb\n", &long[..], b"\nz"].concat());
        let mut lengths = Vec::new();
        while let Some(lines) = input.lines(b'\n').unwrap() {
            lengths.push(lines.len());
        }
        assert_eq!(lengths, [4, long.len() + 1, 1]);
    }

    #[test]
    fn what_is_read_whole_follows_what_was_read_in_lines() {
        let mut input = input(b"a\nb\nc");
        input.line(b'\n').unwrap();
        let mut rest = Vec::new();
        input.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"b\nc");
    }
}
