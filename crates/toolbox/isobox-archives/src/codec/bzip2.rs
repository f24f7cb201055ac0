//! bzip2: any number of streams.

use std::io::{self, BufRead, Read, Write};

use bzip2::{Action, Compress, Compression, Decompress, Status};

use super::{Finish, corrupt, ended};

const OUTPUT: usize = 128 << 10;

/// Reads all streams.
pub(crate) struct Bzip2Reader<R> {
    input: R,
    machine: Decompress,
    state: State,
    garbage: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Body,
    Next,
    End,
}

impl<R: BufRead> Bzip2Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, machine: Decompress::new(false), state: State::Body, garbage: false }
    }

    /// Whether something follows the last stream that is none, which is ignored.
    pub(crate) fn has_garbage(&self) -> bool {
        self.garbage
    }

    fn next_stream(&mut self) -> io::Result<()> {
        self.state = match self.input.fill_buf()?.first() {
            None => State::End,
            Some(b'B') => {
                self.machine = Decompress::new(false);
                State::Body
            }
            Some(_) => {
                self.garbage = true;
                State::End
            }
        };
        Ok(())
    }
}

impl<R: BufRead> Read for Bzip2Reader<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if output.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::End => return Ok(0),
                State::Next => self.next_stream()?,
                State::Body => {
                    let bytes = self.input.fill_buf()?;
                    let at_end = bytes.is_empty();
                    let machine = &mut self.machine;
                    let (before_in, before_out) = (machine.total_in(), machine.total_out());
                    let status =
                        machine.decompress(bytes, output).map_err(|error| match error {
                            bzip2::Error::DataMagic => corrupt("not in bzip2 format"),
                            _ => corrupt("corrupted data"),
                        })?;
                    let produced = (machine.total_out() - before_out) as usize;
                    let taken = (machine.total_in() - before_in) as usize;
                    self.input.consume(taken);
                    match status {
                        Status::StreamEnd => self.state = State::Next,
                        Status::MemNeeded => {
                            return Err(io::Error::other("not enough memory to decompress"));
                        }
                        _ if at_end && produced == 0 => return Err(ended()),
                        _ => {}
                    }
                    if produced > 0 {
                        return Ok(produced);
                    }
                }
            }
        }
    }
}

/// Writes one stream.
pub(crate) struct Bzip2Writer<W> {
    output: W,
    machine: Compress,
    buffer: Vec<u8>,
}

impl<W: Write> Bzip2Writer<W> {
    /// Begins a stream with blocks of `level` times 100,000 bytes.
    pub(crate) fn new(output: W, level: u32) -> Self {
        let machine = Compress::new(Compression::new(level.clamp(1, 9)), 0);
        Self { output, machine, buffer: vec![0; OUTPUT] }
    }

    fn compress(&mut self, bytes: &[u8], action: Action) -> io::Result<(usize, Status)> {
        let (before_in, before_out) = (self.machine.total_in(), self.machine.total_out());
        let status = self
            .machine
            .compress(bytes, &mut self.buffer, action)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let produced = (self.machine.total_out() - before_out) as usize;
        self.output.write_all(&self.buffer[..produced])?;
        Ok(((self.machine.total_in() - before_in) as usize, status))
    }
}

impl<W: Write> Write for Bzip2Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.compress(&bytes[taken..], Action::Run)?.0;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Finish for Bzip2Writer<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        while self.compress(&[], Action::Finish)?.1 != Status::StreamEnd {}
        self.output.flush()
    }
}
