//! What `gzip`, `bzip2`, `xz` and `zstd` have in common: files that are replaced by compressed
//! ones and back, or filters.

mod file;
mod gzip;
mod options;
mod zstd;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, Read, Write};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status};

use crate::codec::{Bzip2Reader, Codec, Finish, GzipReader, GzipWriter, MAGIC_BYTES};
use options::{Job, Task, Tool};

pub(crate) use gzip::{GUNZIP, GZIP, ZCAT};
pub(crate) use zstd::{UNZSTD, ZSTD, ZSTDCAT};

/// Bytes moved at once.
const BUFFER: usize = 256 << 10;

const BZIP2_USAGE: &str = "[-cdfkqstvz1-9] [FILE]...\n\n\
    Compress FILEs (or standard input) with bzip2, or decompress them\n\n\
    \t-z\tCompress\n\t-d\tDecompress\n\t-t\tTest that FILEs are intact\n\
    \t-c\tWrite to standard output, keep FILEs\n\t-k\tKeep FILEs\n\
    \t-f\tOverwrite files; follow links; let data go to a terminal\n\
    \t-s\tUse less memory: blocks of 200,000 bytes when compressing\n\
    \t-1..-9\tSize of blocks in 100,000 bytes (default 9)\n\
    \t-v\tSay what was done\n\t-q\tNo warnings";
/// `bzip2`
pub(crate) const BZIP2: Applet = Applet::new("bzip2", bzip2, BZIP2_USAGE);
/// `bunzip2`
pub(crate) const BUNZIP2: Applet = Applet::new("bunzip2", bzip2, BZIP2_USAGE);
/// `bzcat`
pub(crate) const BZCAT: Applet = Applet::new("bzcat", bzip2, BZIP2_USAGE);

const BZIP2_TOOL: Tool = Tool {
    codec: Codec::Bzip2,
    suffix: ".bz2",
    known: &[(".bz2", ""), (".bz", ""), (".tbz2", ".tar"), (".tbz", ".tar")],
    spec: &Spec::new(
        "cdfkqstvz123456789",
        &[
            ("stdout", 'c'),
            ("decompress", 'd'),
            ("force", 'f'),
            ("keep", 'k'),
            ("quiet", 'q'),
            ("small", 's'),
            ("test", 't'),
            ("verbose", 'v'),
            ("compress", 'z'),
            ("fast", '1'),
            ("best", '9'),
        ],
    ),
};

fn bzip2(cx: &mut Context<'_>) -> Result<Status> {
    let task = match cx.applet.name {
        "bzip2" => Task::Compress,
        _ => Task::Decompress,
    };
    let job = Job { task, stdout: cx.applet.name == "bzcat", ..Job::default() };
    options::run(cx, &BZIP2_TOOL, job)
}

const XZ_USAGE: &str = "[-cdefkqtvz0-9] [-F xz|lzma|auto] [FILE]...\n\n\
    Compress FILEs (or standard input) with xz or lzma, or decompress them\n\n\
    \t-z\tCompress\n\t-d\tDecompress\n\t-t\tTest that FILEs are intact\n\
    \t-c\tWrite to standard output, keep FILEs\n\t-k\tKeep FILEs\n\
    \t-f\tOverwrite files; follow links; let data go to a terminal\n\
    \t-F FMT\tFormat of the compressed data\n\
    \t-0..-9\tEffort (default 6)\n\t-e\tMore of it: the next level\n\
    \t-T N\tThreads: one is used whatever N is\n\
    \t-v\tSay what was done\n\t-q\tNo warnings";
/// `xz`
pub(crate) const XZ: Applet = Applet::new("xz", xz, XZ_USAGE);
/// `unxz`
pub(crate) const UNXZ: Applet = Applet::new("unxz", xz, XZ_USAGE);
/// `xzcat`
pub(crate) const XZCAT: Applet = Applet::new("xzcat", xz, XZ_USAGE);
/// `lzma`
pub(crate) const LZMA: Applet = Applet::new("lzma", xz, XZ_USAGE);
/// `unlzma`
pub(crate) const UNLZMA: Applet = Applet::new("unlzma", xz, XZ_USAGE);
/// `lzcat`
pub(crate) const LZCAT: Applet = Applet::new("lzcat", xz, XZ_USAGE);

const XZ_SPEC: Spec = Spec::new(
    "cdefkqtvz0123456789F:T:",
    &[
        ("stdout", 'c'),
        ("to-stdout", 'c'),
        ("decompress", 'd'),
        ("uncompress", 'd'),
        ("extreme", 'e'),
        ("force", 'f'),
        ("keep", 'k'),
        ("quiet", 'q'),
        ("test", 't'),
        ("verbose", 'v'),
        ("compress", 'z'),
        ("format=", 'F'),
        ("threads=", 'T'),
        ("fast", '0'),
        ("best", '9'),
    ],
);
const XZ_TOOL: Tool = Tool {
    codec: Codec::Xz,
    suffix: ".xz",
    known: &[(".xz", ""), (".lzma", ""), (".txz", ".tar"), (".tlz", ".tar")],
    spec: &XZ_SPEC,
};
const LZMA_TOOL: Tool = Tool { codec: Codec::Lzma, suffix: ".lzma", ..XZ_TOOL };

fn xz(cx: &mut Context<'_>) -> Result<Status> {
    let name = cx.applet.name;
    let task = if matches!(name, "xz" | "lzma") { Task::Compress } else { Task::Decompress };
    let job = Job { task, stdout: name.ends_with("cat"), ..Job::default() };
    options::run(cx, if name.contains("lz") { &LZMA_TOOL } else { &XZ_TOOL }, job)
}

/// What became of one stream of data.
struct Moved {
    read: u64,
    written: u64,
    /// Something was not right, but the data are whole.
    warning: Option<&'static str>,
    /// The name and time that the compressed data remember.
    remembered: (Option<Vec<u8>>, u32),
}

/// Compresses `input` to `output`; `origin` is the name and time to remember.
fn compress(
    job: &Job,
    tool: &Tool,
    input: &mut Input<'_>,
    output: &mut dyn Write,
    origin: (Option<&[u8]>, u32),
) -> Result<Moved> {
    let mut counting = Counting { output, count: 0 };
    let target: Box<dyn Write + '_> = Box::new(&mut counting);
    let mut writer: Box<dyn Finish + '_> = match tool.codec {
        Codec::Gzip => {
            let level = job.level.map_or(6, |level| level.clamp(0, 9) as u32);
            Box::new(GzipWriter::new(target, level, origin.0, origin.1).map_err(Error::Output)?)
        }
        codec => codec.writer(target, job.level).map_err(Error::Output)?,
    };
    let mut read = 0;
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            break;
        }
        writer.write_all(chunk).map_err(Error::Output)?;
        let count = chunk.len();
        read += count as u64;
        input.consume(count);
    }
    writer.finish().map_err(Error::Output)?;
    Ok(Moved { read, written: counting.count, warning: None, remembered: (None, 0) })
}

/// Decompresses `input` to `output`, or nowhere if it is only tested. By force, what is not
/// compressed at all is copied.
fn decompress(
    job: &Job,
    tool: &Tool,
    input: &mut Input<'_>,
    output: &mut dyn Write,
) -> Result<Moved> {
    let codec = match Codec::detect(input.peek(MAGIC_BYTES).map_err(Error::Read)?) {
        Some(codec) if tool.reads(codec) || job.any_format => codec,
        _ if job.force && job.stdout && job.task == Task::Decompress => {
            let read = pump(input, output, job)?;
            return Ok(Moved { read, written: read, warning: None, remembered: (None, 0) });
        }
        _ => tool.codec,
    };
    let mut source = Measured { input, count: 0 };
    let mut warning = None;
    let mut remembered = (None, 0);
    let garbage = Some("decompression OK, trailing garbage ignored");
    let written = match codec {
        Codec::Gzip => {
            let mut reader = GzipReader::new(&mut source);
            let (name, mtime) = reader.header().map_err(Error::Read)?;
            remembered = (name.map(<[u8]>::to_vec), mtime);
            let written = pump(&mut reader, output, job)?;
            warning = garbage.filter(|_| reader.has_garbage());
            written
        }
        Codec::Bzip2 => {
            let mut reader = Bzip2Reader::new(&mut source);
            let written = pump(&mut reader, output, job)?;
            warning = garbage.filter(|_| reader.has_garbage());
            written
        }
        codec => pump(&mut codec.reader(&mut source).map_err(Error::Read)?, output, job)?,
    };
    Ok(Moved { read: source.count, written, warning, remembered })
}

fn pump(reader: &mut dyn Read, output: &mut dyn Write, job: &Job) -> Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        let count = reader.read(&mut buffer).map_err(Error::Read)?;
        if count == 0 {
            return Ok(total);
        }
        total += count as u64;
        if matches!(job.task, Task::Decompress | Task::Compress) {
            output.write_all(&buffer[..count]).map_err(Error::Output)?;
        }
    }
}

struct Counting<'a> {
    output: &'a mut dyn Write,
    count: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.output.write_all(bytes)?;
        self.count += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}

struct Measured<R> {
    input: R,
    count: u64,
}

impl<R: BufRead> Read for Measured<R> {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        let count = self.input.read(target)?;
        self.count += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Measured<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count += count as u64;
        self.input.consume(count);
    }
}

/// The name without a known suffix and what stands for that, or nothing.
fn decompressed_name(name: &OsStr, tool: &Tool, suffix: &str) -> Option<OsString> {
    let bytes = name.as_bytes();
    let base = bytes.rsplit(|&byte| byte == b'/').next().unwrap_or(bytes);
    let (suffix, instead) = std::iter::once((suffix, ""))
        .chain(tool.known.iter().copied())
        .find(|(suffix, _)| base.len() > suffix.len() && base.ends_with(suffix.as_bytes()))?;
    let mut name = OsStr::from_bytes(&bytes[..bytes.len() - suffix.len()]).to_owned();
    name.push(instead);
    Some(name)
}

/// The part of the input that compression saved, in percent.
fn saved(plain: u64, packed: u64) -> String {
    if plain == 0 {
        return "0.0%".to_owned();
    }
    let saved = (plain as f64 - packed as f64) * 100.0 / plain as f64;
    format!("{saved:.1}%")
}

impl Tool {
    /// Whether decompressing takes this format, too.
    fn reads(&self, codec: Codec) -> bool {
        codec == self.codec
            || matches!((self.codec, codec), (Codec::Xz | Codec::Lzma, Codec::Xz | Codec::Lzma))
    }
}
