//! xz, and the format before it, which has nothing but LZMA and a header.

use std::io::{self, BufRead, Read, Write};

use lzma_rust2::{LzmaOptions, LzmaReader, XzOptions, XzReader};

use super::{Finish, ended};

/// The most that decompressing may take: four times what the highest level asks for, so that a
/// header alone cannot exhaust a machine's memory.
const MEMORY_KIB: u32 = 256 << 10;

/// Reads all streams of xz.
pub(super) fn xz_reader<'a>(input: impl BufRead + 'a) -> impl Read + 'a {
    Named(XzReader::new_mem_limit(input, true, MEMORY_KIB))
}

/// Reads LZMA behind its header.
pub(super) fn lzma_reader<'a>(input: impl BufRead + 'a) -> io::Result<impl Read + 'a> {
    LzmaReader::new_mem_limit(input, MEMORY_KIB, None).map(Named).map_err(named)
}

/// Gives the library's errors our words.
struct Named<R>(R);

impl<R: Read> Read for Named<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        self.0.read(output).map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ended(),
        io::ErrorKind::OutOfMemory => io::Error::new(
            io::ErrorKind::InvalidData,
            format!("needs more memory than the limit of {} MiB", MEMORY_KIB >> 10),
        ),
        _ => error,
    }
}

/// Writes one stream of xz with a checksum of 64 bits.
pub(crate) struct XzWriter<W: Write>(lzma_rust2::XzWriter<W>);

impl<W: Write> XzWriter<W> {
    pub(crate) fn new(output: W, level: u32) -> io::Result<Self> {
        lzma_rust2::XzWriter::new(output, XzOptions::with_preset(level)).map(Self)
    }
}

impl<W: Write> Write for XzWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Finish for XzWriter<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()?.flush()
    }
}

/// Writes LZMA behind its header, with a mark at the end.
pub(crate) struct LzmaWriter<W: Write>(lzma_rust2::LzmaWriter<W>);

impl<W: Write> LzmaWriter<W> {
    pub(crate) fn new(output: W, level: u32) -> io::Result<Self> {
        let options = LzmaOptions::with_preset(level);
        lzma_rust2::LzmaWriter::new_use_header(output, &options, None).map(Self)
    }
}

impl<W: Write> Write for LzmaWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Finish for LzmaWriter<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()?.flush()
    }
}
