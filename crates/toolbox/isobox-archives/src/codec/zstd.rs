//! zstd: any number of frames.

use std::io::{self, BufRead, Read, Write};

use super::{Finish, corrupt, ended};

/// The largest window that is decompressed: 128 MiB, as the specification recommends.
const WINDOW_LOG: u32 = 27;

/// Reads all frames.
pub(super) fn reader<'a>(input: impl BufRead + 'a) -> io::Result<impl Read + 'a> {
    let mut decoder = zstd::Decoder::with_buffer(input)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(Named(decoder))
}

/// Gives the library's errors our words.
struct Named<R>(R);

impl<R: Read> Read for Named<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        self.0.read(output).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ended(),
            // The library's own errors carry text only; those of the input a number.
            _ if error.raw_os_error().is_none() => corrupt(error.to_string()),
            _ => error,
        })
    }
}

/// Writes one frame with a checksum.
pub(crate) struct ZstdWriter<W: Write>(zstd::Encoder<'static, W>);

impl<W: Write> ZstdWriter<W> {
    pub(crate) fn new(output: W, level: i32) -> io::Result<Self> {
        let mut encoder = zstd::Encoder::new(output, level)?;
        encoder.include_checksum(true)?;
        Ok(Self(encoder))
    }
}

impl<W: Write> Write for ZstdWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Finish for ZstdWriter<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()?.flush()
    }
}
