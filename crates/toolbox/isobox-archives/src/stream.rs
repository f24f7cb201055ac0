//! The bytes of an archive, one after the other, counted.

use std::io::{self, BufRead};

use crate::codec::{corrupt, ended};
use crate::unpack::Source;

/// An archive that is read from its beginning to its end.
pub(crate) struct Stream<R> {
    input: R,
    /// Where the next byte stands.
    pub(crate) offset: u64,
    /// What is left of the present member's data.
    remaining: u64,
    /// What [`Source::chunk`] handed out and is not taken yet.
    lent: usize,
}

impl<R: BufRead> Stream<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, offset: 0, remaining: 0, lent: 0 }
    }

    /// The next bytes, all of which have to be there.
    pub(crate) fn exact<const COUNT: usize>(&mut self) -> io::Result<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// So many bytes, of which an archive may ask no more than `limit`.
    pub(crate) fn bytes(&mut self, count: u64, limit: usize, what: &str) -> io::Result<Vec<u8>> {
        if count > limit as u64 {
            return Err(corrupt(format!("{what} of {count} bytes, more than {limit}")));
        }
        let mut bytes = vec![0; count as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, target: &mut [u8]) -> io::Result<()> {
        self.take_lent();
        self.input.read_exact(target).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ended(),
            _ => error,
        })?;
        self.offset += target.len() as u64;
        Ok(())
    }

    /// Passes over bytes, which have to be there.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<()> {
        self.begin_data(count);
        self.end_data()
    }

    /// Passes over what fills up to a multiple of `unit`; the last padding may be missing.
    pub(crate) fn align(&mut self, unit: u64) -> io::Result<()> {
        match self.skip(self.offset.next_multiple_of(unit) - self.offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            other => other,
        }
    }

    /// Whether there is nothing more.
    pub(crate) fn is_at_end(&mut self) -> io::Result<bool> {
        self.take_lent();
        Ok(self.input.fill_buf()?.is_empty())
    }

    /// The next `count` bytes are a member's data, which are handed out as a [`Source`].
    pub(crate) fn begin_data(&mut self, count: u64) {
        self.take_lent();
        self.remaining = count;
    }

    /// Passes over what nobody took of them.
    pub(crate) fn end_data(&mut self) -> io::Result<()> {
        while !self.chunk(u64::MAX)?.is_empty() {}
        Ok(())
    }

    fn take_lent(&mut self) {
        self.input.consume(self.lent);
        self.offset += self.lent as u64;
        self.remaining -= self.lent as u64;
        self.lent = 0;
    }
}

impl<R: BufRead> Source for Stream<R> {
    fn chunk(&mut self, limit: u64) -> io::Result<&[u8]> {
        self.take_lent();
        let most = usize::try_from(self.remaining.min(limit)).unwrap_or(usize::MAX);
        if most == 0 {
            return Ok(&[]);
        }
        let bytes = self.input.fill_buf()?;
        if bytes.is_empty() {
            return Err(ended());
        }
        self.lent = bytes.len().min(most);
        Ok(&bytes[..self.lent])
    }
}

/// A member's data, up to its end, as a reader.
pub(crate) struct DataReader<'a, R>(pub(crate) &'a mut Stream<R>);

impl<R: BufRead> io::Read for DataReader<'_, R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let chunk = self.0.chunk(target.len() as u64)?;
        target[..chunk.len()].copy_from_slice(chunk);
        Ok(chunk.len())
    }
}
