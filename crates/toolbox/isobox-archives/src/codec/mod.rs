//! The compressions, each as a reader that decompresses and a writer that compresses.
//!
//! What is wrong with compressed data is an error of the kind `InvalidData` or `UnexpectedEof`
//! with words for people; other errors are those of the stream below.

mod bzip2;
mod gzip;
mod inflate;
mod xz;
mod zstd;

use std::io::{self, BufRead, Read, Write};

pub(crate) use self::bzip2::{Bzip2Reader, Bzip2Writer};
pub(crate) use self::gzip::{GzipReader, GzipWriter};
pub(crate) use self::inflate::InflateReader;
pub(crate) use self::xz::{LzmaWriter, XzWriter};
pub(crate) use self::zstd::ZstdWriter;

/// A compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Bzip2,
    Xz,
    Lzma,
    Zstd,
}

/// Names of compressed archives, and what they are compressed by.
const ENDINGS: &[(&str, Codec)] = &[
    (".gz", Codec::Gzip),
    (".tgz", Codec::Gzip),
    (".taz", Codec::Gzip),
    (".bz2", Codec::Bzip2),
    (".tbz", Codec::Bzip2),
    (".tbz2", Codec::Bzip2),
    (".tz2", Codec::Bzip2),
    (".xz", Codec::Xz),
    (".txz", Codec::Xz),
    (".lzma", Codec::Lzma),
    (".tlz", Codec::Lzma),
    (".zst", Codec::Zstd),
    (".tzst", Codec::Zstd),
];

/// Bytes that [`Codec::detect`] has to see.
pub(crate) const MAGIC_BYTES: usize = 6;

impl Codec {
    /// By the first bytes.
    pub(crate) fn detect(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            // No magic number: the usual properties, and a size of the dictionary that is a
            // multiple of 64 KiB.
            [0x5d, 0, 0, ..] => Some(Self::Lzma),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// By the end of a file's name.
    pub(crate) fn of_name(name: &[u8]) -> Option<Self> {
        let ends = |ending: &str| name.ends_with(ending.as_bytes());
        ENDINGS.iter().find(|(ending, _)| ends(ending)).map(|(_, codec)| *codec)
    }

    /// A reader of what `input` holds compressed: all members or frames, one after the other.
    pub(crate) fn reader<'a>(self, input: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Gzip => Box::new(GzipReader::new(input)),
            Self::Bzip2 => Box::new(Bzip2Reader::new(input)),
            Self::Xz => Box::new(xz::xz_reader(input)),
            Self::Lzma => Box::new(xz::lzma_reader(input)?),
            Self::Zstd => Box::new(zstd::reader(input)?),
        })
    }

    /// A writer that compresses to `output`, by its usual level unless one is given.
    pub(crate) fn writer<'a>(
        self,
        output: Box<dyn Write + 'a>,
        level: Option<i32>,
    ) -> io::Result<Box<dyn Finish + 'a>> {
        let small = |usual: u32| level.map_or(usual, |level| level.clamp(0, 9) as u32);
        Ok(match self {
            Self::Gzip => Box::new(GzipWriter::new(output, small(6), None, 0)?),
            Self::Bzip2 => Box::new(Bzip2Writer::new(output, small(9))),
            Self::Xz => Box::new(XzWriter::new(output, small(6))?),
            Self::Lzma => Box::new(LzmaWriter::new(output, small(6))?),
            Self::Zstd => Box::new(ZstdWriter::new(output, level.unwrap_or(3))?),
        })
    }
}

/// A writer that has something to write at the end.
pub(crate) trait Finish: Write {
    /// Ends the compressed data and flushes what is below.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// No compression.
pub(crate) struct Plain<W>(pub(crate) W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Finish for Plain<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}

pub(crate) fn corrupt(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

pub(crate) fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected end of file")
}

/// The next byte, which has to be there.
fn byte(input: &mut impl BufRead) -> io::Result<u8> {
    let byte = *input.fill_buf()?.first().ok_or_else(ended)?;
    input.consume(1);
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn packed(codec: Codec, plain: &[u8]) -> Vec<u8> {
        let output = Shared::default();
        let mut writer = codec.writer(Box::new(output.clone()), None).unwrap();
        writer.write_all(plain).unwrap();
        writer.finish().unwrap();
        output.0.take()
    }

    fn unpacked(codec: Codec, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        codec.reader(bytes)?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    const ALL: [Codec; 5] = [Codec::Gzip, Codec::Bzip2, Codec::Xz, Codec::Lzma, Codec::Zstd];

    #[test]
    fn what_is_compressed_decompresses_and_is_detected() {
        let plain: Vec<u8> =
            (0..400_000_u32).flat_map(|n| (n.wrapping_mul(n) >> 7).to_le_bytes()).collect();
        for codec in ALL {
            for plain in [&plain[..], b"", b"x"] {
                let bytes = packed(codec, plain);
                assert_eq!(Codec::detect(&bytes), Some(codec));
                assert_eq!(unpacked(codec, &bytes).unwrap(), plain, "{codec:?}");
                if codec != Codec::Lzma {
                    let twice = [&bytes[..], &bytes[..]].concat();
                    assert_eq!(unpacked(codec, &twice).unwrap(), plain.repeat(2), "{codec:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_an_error() {
        let plain: Vec<u8> =
            (0..50_000_u32).flat_map(|n| (n.wrapping_mul(n) >> 7).to_le_bytes()).collect();
        for codec in ALL {
            let bytes = packed(codec, &plain);
            for cut in [1, 5, bytes.len() / 2, bytes.len() - 1] {
                assert!(unpacked(codec, &bytes[..cut]).is_err(), "{codec:?} cut at {cut}");
            }
            let mut damaged = bytes;
            let middle = damaged.len() / 2;
            damaged[middle] ^= 0x55;
            damaged[middle + 1] ^= 0x55;
            let outcome = unpacked(codec, &damaged);
            // lzma alone has no checksum: it may only be another text.
            assert!(
                outcome.is_err() || codec == Codec::Lzma && outcome.unwrap() != plain,
                "{codec:?}"
            );
        }
    }
}
