//! Raw deflate.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::{corrupt, ended};

/// The state of decompressing deflate.
pub(super) struct Inflate(Decompress);

impl Inflate {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }

    pub(super) fn restart(&mut self) {
        self.0.reset(false);
    }

    /// Decompresses some bytes into `output`; tells how many, and whether that is the end.
    pub(super) fn step(
        &mut self,
        input: &mut impl BufRead,
        output: &mut [u8],
    ) -> io::Result<(usize, bool)> {
        loop {
            let bytes = input.fill_buf()?;
            let at_end = bytes.is_empty();
            let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
            let status = self
                .0
                .decompress(bytes, output, FlushDecompress::None)
                .map_err(|_| corrupt("corrupted data"))?;
            let taken = (self.0.total_in() - before_in) as usize;
            let produced = (self.0.total_out() - before_out) as usize;
            input.consume(taken);
            if status == Status::StreamEnd {
                return Ok((produced, true));
            }
            if produced > 0 || output.is_empty() {
                return Ok((produced, false));
            }
            if at_end {
                return Err(ended());
            }
        }
    }
}

/// Deflate without any frame around it, as within zip.
pub(crate) struct InflateReader<R> {
    input: R,
    inflate: Inflate,
    ended: bool,
}

impl<R: BufRead> InflateReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, inflate: Inflate::new(), ended: false }
    }
}

impl<R: BufRead> Read for InflateReader<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let (count, ended) = self.inflate.step(&mut self.input, output)?;
        self.ended = ended;
        Ok(count)
    }
}
