//! gzip (RFC 1952): deflate between a header and a checksum; any number of members.

use std::io::{self, BufRead, Read, Write};

use flate2::{Compress, Compression, FlushCompress, Status};

use super::inflate::Inflate;
use super::{Finish, byte, corrupt, ended};

const OUTPUT: usize = 128 << 10;

/// The longest name that is kept of a header.
const NAME_BYTES: usize = 4096;

const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

/// Reads all members.
pub(crate) struct GzipReader<R> {
    input: R,
    inflate: Inflate,
    state: State,
    crc: crc32fast::Hasher,
    length: u32,
    name: Option<Vec<u8>>,
    mtime: u32,
    garbage: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Body,
    Trailer,
    Next,
    End,
}

impl<R: BufRead> GzipReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            inflate: Inflate::new(),
            state: State::First,
            crc: crc32fast::Hasher::new(),
            length: 0,
            name: None,
            mtime: 0,
            garbage: false,
        }
    }

    /// Reads the first header, for what it says.
    pub(crate) fn header(&mut self) -> io::Result<(Option<&[u8]>, u32)> {
        if self.state == State::First {
            let first = *self.input.fill_buf()?.first().ok_or_else(ended)?;
            self.input.consume(1);
            self.member(first)?;
        }
        Ok((self.name.as_deref(), self.mtime))
    }

    /// Whether something follows the last member that is none, which is ignored.
    pub(crate) fn has_garbage(&self) -> bool {
        self.garbage
    }

    /// The header of a member, after its first byte.
    fn member(&mut self, first: u8) -> io::Result<()> {
        let input = &mut self.input;
        if first != 0x1f || byte(input)? != 0x8b {
            return Err(corrupt("not in gzip format"));
        }
        let method = byte(input)?;
        if method != 8 {
            return Err(corrupt(format!("unknown compression method {method}, expected 8")));
        }
        let flags = byte(input)?;
        if flags & 0xe0 != 0 {
            return Err(corrupt(format!("unknown flags {flags:#04x} in the header")));
        }
        let mut mtime = [0; 4];
        for place in &mut mtime {
            *place = byte(input)?;
        }
        let is_first = self.state == State::First;
        if is_first {
            self.mtime = u32::from_le_bytes(mtime);
        }
        // Level and system.
        byte(input)?;
        byte(input)?;
        if flags & HAS_EXTRA != 0 {
            let length = u16::from_le_bytes([byte(input)?, byte(input)?]);
            for _ in 0..length {
                byte(input)?;
            }
        }
        if flags & HAS_NAME != 0 {
            let name = text(input)?;
            if is_first {
                self.name = Some(name);
            }
        }
        if flags & HAS_COMMENT != 0 {
            text(input)?;
        }
        if flags & HAS_CHECKSUM != 0 {
            byte(input)?;
            byte(input)?;
        }
        self.inflate.restart();
        self.crc = crc32fast::Hasher::new();
        self.length = 0;
        self.state = State::Body;
        Ok(())
    }

    fn trailer(&mut self) -> io::Result<()> {
        let mut words = [0_u32; 2];
        for word in &mut words {
            let mut bytes = [0; 4];
            for place in &mut bytes {
                *place = byte(&mut self.input)?;
            }
            *word = u32::from_le_bytes(bytes);
        }
        let crc = std::mem::take(&mut self.crc).finalize();
        if words[0] != crc {
            return Err(corrupt("crc error: the data are damaged"));
        }
        if words[1] != self.length {
            return Err(corrupt("length error: the data are damaged"));
        }
        self.state = State::Next;
        Ok(())
    }

    /// Another member, zeros up to the end, or something else.
    fn next_member(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.input.fill_buf()?;
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            if bytes.is_empty() {
                self.state = State::End;
                return Ok(());
            }
            let other = bytes.get(zeros).copied();
            self.input.consume(zeros);
            match other {
                Some(0x1f) if zeros == 0 => {
                    self.input.consume(1);
                    return self.member(0x1f);
                }
                Some(_) => {
                    self.garbage = true;
                    self.state = State::End;
                    return Ok(());
                }
                None => {}
            }
        }
    }
}

fn text(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        match byte(input)? {
            0 => return Ok(text),
            byte if text.len() < NAME_BYTES => text.push(byte),
            _ => {}
        }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.state {
                State::First => {
                    self.header()?;
                }
                State::Body => {
                    let (count, ended) = self.inflate.step(&mut self.input, output)?;
                    self.crc.update(&output[..count]);
                    self.length = self.length.wrapping_add(count as u32);
                    if ended {
                        self.state = State::Trailer;
                    }
                    if count > 0 || output.is_empty() {
                        return Ok(count);
                    }
                }
                State::Trailer => self.trailer()?,
                State::Next => self.next_member()?,
                State::End => return Ok(0),
            }
        }
    }
}

/// Writes one member.
pub(crate) struct GzipWriter<W> {
    output: W,
    deflate: Compress,
    buffer: Vec<u8>,
    crc: crc32fast::Hasher,
    length: u32,
}

impl<W: Write> GzipWriter<W> {
    /// Begins a member that remembers a file's name and time.
    pub(crate) fn new(
        mut output: W,
        level: u32,
        name: Option<&[u8]>,
        mtime: u32,
    ) -> io::Result<Self> {
        let mut header = vec![0x1f, 0x8b, 8, if name.is_some() { HAS_NAME } else { 0 }];
        header.extend_from_slice(&mtime.to_le_bytes());
        let effort = match level {
            0..=1 => 4,
            9.. => 2,
            _ => 0,
        };
        header.extend_from_slice(&[effort, 3]);
        if let Some(name) = name {
            header.extend_from_slice(name);
            header.push(0);
        }
        output.write_all(&header)?;
        Ok(Self {
            output,
            deflate: Compress::new(Compression::new(level.min(9)), false),
            buffer: vec![0; OUTPUT],
            crc: crc32fast::Hasher::new(),
            length: 0,
        })
    }

    fn compress(&mut self, bytes: &[u8], flush: FlushCompress) -> io::Result<(usize, Status)> {
        let (before_in, before_out) = (self.deflate.total_in(), self.deflate.total_out());
        let status = self
            .deflate
            .compress(bytes, &mut self.buffer, flush)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let produced = (self.deflate.total_out() - before_out) as usize;
        self.output.write_all(&self.buffer[..produced])?;
        Ok(((self.deflate.total_in() - before_in) as usize, status))
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while taken < bytes.len() {
            taken += self.compress(&bytes[taken..], FlushCompress::None)?.0;
        }
        self.crc.update(bytes);
        self.length = self.length.wrapping_add(bytes.len() as u32);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Finish for GzipWriter<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        while self.compress(&[], FlushCompress::Finish)?.1 != Status::StreamEnd {}
        let crc = std::mem::take(&mut self.crc).finalize();
        self.output.write_all(&crc.to_le_bytes())?;
        self.output.write_all(&self.length.to_le_bytes())?;
        self.output.flush()
    }
}
