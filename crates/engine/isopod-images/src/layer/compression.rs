//! Which compression a layer has, told by its first bytes, and its decoder.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::LayerError;

/// Bytes read from the compressed input at once.
const BUFFER: usize = 128 << 10;

/// Compressions of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// zstd, with the skippable frames of zstd:chunked.
    Zstd,
}

impl Compression {
    /// Tells the compression by the first bytes of the content; six are enough.
    pub fn detect(bytes: &[u8]) -> Result<Self, LayerError> {
        let unsupported = |name| {
            Err(LayerError::Tar {
                offset: 0,
                reason: format!(
                    "the content is compressed by {name}, expected gzip, zstd or nothing"
                ),
            })
        };
        match bytes {
            [0x1f, 0x8b, ..] => Ok(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Self::Zstd),
            [b'B', b'Z', b'h', ..] => unsupported("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => unsupported("xz"),
            _ => Ok(Self::Plain),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Decompresses `input`, whatever its compression is.
///
/// Errors that the reader returns hold a [`LayerError`].
pub fn decompress<'a, R: Read + Send + 'a>(
    input: R,
) -> Result<(Compression, Box<dyn Read + Send + 'a>), LayerError> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut head = [0; 6];
    let mut filled = 0;
    // The first read may bring less than the magic number.
    let mut first = Vec::new();
    while filled < head.len() {
        match input.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unwrap(error)),
        }
    }
    first.extend_from_slice(&head[..filled]);
    let compression = Compression::detect(&first)?;
    let input = BufReader::with_capacity(BUFFER, Joined { first, at: 0, input });
    let reader: Box<dyn Read + Send + 'a> = match compression {
        Compression::Plain => Box::new(input),
        Compression::Gzip => Box::new(Named { compression, input: MultiGzDecoder::new(input) }),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(input)
                .map_err(|source| LayerError::Compression { compression: "zstd", source })?;
            // 128 MiB: the most that the specification asks decoders to take.
            decoder
                .window_log_max(27)
                .map_err(|source| LayerError::Compression { compression: "zstd", source })?;
            Box::new(Named { compression, input: decoder })
        }
    };
    Ok((compression, reader))
}

fn unwrap(error: io::Error) -> LayerError {
    match error.downcast::<LayerError>() {
        Ok(own) => own,
        Err(error) => LayerError::io("read the layer")(error),
    }
}

/// The bytes that were looked at, then the rest.
struct Joined<R> {
    first: Vec<u8>,
    at: usize,
    input: BufReader<R>,
}

impl<R: Read> Read for Joined<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at < self.first.len() {
            let count = buffer.len().min(self.first.len() - self.at);
            buffer[..count].copy_from_slice(&self.first[self.at..self.at + count]);
            self.at += count;
            return Ok(count);
        }
        // The outer buffer is as large: no second copy.
        if self.input.buffer().is_empty() {
            return self.input.get_mut().read(buffer);
        }
        let available = self.input.fill_buf()?;
        let count = buffer.len().min(available.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.input.consume(count);
        Ok(count)
    }
}

/// Tells errors of the decoder from those of what it reads.
struct Named<R> {
    compression: Compression,
    input: R,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer).map_err(|error| {
            let own = error.get_ref().is_some_and(|inner| inner.is::<LayerError>());
            if own || error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            io::Error::other(LayerError::Compression {
                compression: self.compression.name(),
                source: error,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn all(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let (_, mut reader) = decompress(io::Cursor::new(bytes)).map_err(io::Error::other)?;
        reader.read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("compresses");
        encoder.finish().expect("compresses")
    }

    #[test]
    fn each_compression_is_read() {
        let plain = b"some text ".repeat(1000);
        assert_eq!(all(plain.clone()).expect("plain"), plain);
        assert_eq!(all(gzip(&plain)).expect("gzip"), plain);
        let two = [gzip(&plain), gzip(&plain)].concat();
        assert_eq!(all(two).expect("two members"), plain.repeat(2));
        let zstd = zstd::encode_all(&plain[..], 3).expect("compresses");
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd].concat();
        assert_eq!(all(zstd).expect("zstd"), plain);
        assert_eq!(all(skippable).expect("zstd with a skippable frame"), plain);
        assert_eq!(all(Vec::new()).expect("nothing"), b"");
        assert!(all(b"BZh91AY".to_vec()).is_err());
    }

    #[test]
    fn a_truncated_member_is_named() {
        let mut bytes = gzip(&b"some text ".repeat(1000));
        bytes.truncate(bytes.len() - 9);
        let error = all(bytes).expect_err("truncated");
        assert!(error.to_string().contains("gzip"), "{error}");
    }
}
