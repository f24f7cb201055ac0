//! `cksum`, `crc32`, `sum`: checksums that guard against accidents, not against people.

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status};
use std::os::unix::ffi::OsStrExt;

/// See the usage text.
pub(crate) const CKSUM: Applet = Applet::new(
    "cksum",
    cksum,
    "[FILE]...\n\n\
     Print the CRC checksum of POSIX and the size of FILEs",
);

/// See the usage text.
pub(crate) const CRC32: Applet = Applet::new(
    "crc32",
    crc32,
    "[FILE]...\n\n\
     Print the CRC-32 checksum, that of zip and gzip, of FILEs",
);

/// See the usage text.
pub(crate) const SUM: Applet = Applet::new(
    "sum",
    sum,
    "[-rs] [FILE]...\n\n\
     Print a checksum and the number of blocks of FILEs\n\n\
     \t-r\tThe algorithm of BSD, blocks of 1024 bytes (default)\n\
     \t-s\tThe algorithm of System V, blocks of 512 bytes",
);

const NONE: Spec = Spec::new("", &[]);
const OPTIONS: Spec = Spec::new("rs", &[("sysv", 's')]);

/// The tables for eight bytes at a time of the polynomial 0x04C11DB7, the highest bit first.
static TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0_u32; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut value = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            value = if value >> 31 == 1 { value << 1 ^ 0x04c1_1db7 } else { value << 1 };
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = before << 8 ^ tables[0][(before >> 24) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
};

fn posix_update(mut crc: u32, bytes: &[u8]) -> u32 {
    let mut groups = bytes.chunks_exact(8);
    for group in &mut groups {
        let head = crc ^ u32::from_be_bytes([group[0], group[1], group[2], group[3]]);
        crc = TABLES[7][(head >> 24) as usize]
            ^ TABLES[6][(head >> 16 & 255) as usize]
            ^ TABLES[5][(head >> 8 & 255) as usize]
            ^ TABLES[4][(head & 255) as usize]
            ^ TABLES[3][usize::from(group[4])]
            ^ TABLES[2][usize::from(group[5])]
            ^ TABLES[1][usize::from(group[6])]
            ^ TABLES[0][usize::from(group[7])];
    }
    groups
        .remainder()
        .iter()
        .fold(crc, |crc, byte| crc << 8 ^ TABLES[0][((crc >> 24) as u8 ^ byte) as usize])
}

/// Feeds a file to `update` and returns its size.
fn feed(input: &mut Input<'_>, mut update: impl FnMut(&[u8])) -> Result<u64> {
    let mut size = 0;
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            return Ok(size);
        }
        update(chunk);
        let length = chunk.len();
        size += length as u64;
        input.consume(length);
    }
}

fn cksum(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    let operands = arguments.operands();
    let unnamed = operands.is_empty();
    cx.each_input(&operands, |cx, input, name| {
        let mut crc = 0;
        let size =
            feed(input, |bytes| crc = posix_update(crc, bytes)).map_err(|error| error.on(name))?;
        // The size belongs to what is summed, its lowest byte first.
        let mut rest = size;
        while rest > 0 {
            crc = posix_update(crc, &rest.to_le_bytes()[..1]);
            rest >>= 8;
        }
        write!(cx.stdout, "{} {size}", !crc)?;
        finish(cx, name, unnamed)
    })?;
    Ok(cx.status())
}

fn finish(cx: &mut Context<'_>, name: &std::ffi::OsStr, unnamed: bool) -> Result<()> {
    if !unnamed {
        cx.stdout.put(b" ")?;
        cx.stdout.put(name.as_bytes())?;
    }
    cx.stdout.put(b"\n")
}

fn crc32(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    let operands = arguments.operands();
    let unnamed = operands.is_empty();
    cx.each_input(&operands, |cx, input, name| {
        let mut hasher = crc32fast::Hasher::new();
        feed(input, |bytes| hasher.update(bytes)).map_err(|error| error.on(name))?;
        write!(cx.stdout, "{:08x}", hasher.finalize())?;
        finish(cx, name, unnamed)
    })?;
    Ok(cx.status())
}

fn sum(cx: &mut Context<'_>) -> Result<Status> {
    let mut system_v = false;
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        system_v = option == 's';
    }
    let operands = arguments.operands();
    let unnamed = operands.is_empty();
    cx.each_input(&operands, |cx, input, name| {
        if system_v {
            let mut total = 0_u32;
            let size = feed(input, |bytes| {
                total =
                    bytes.iter().fold(total, |total, &byte| total.wrapping_add(u32::from(byte)));
            })
            .map_err(|error| error.on(name))?;
            let folded = (total & 0xffff) + (total >> 16);
            let folded = (folded & 0xffff) + (folded >> 16);
            write!(cx.stdout, "{folded} {}", size.div_ceil(512))?;
            return finish(cx, name, unnamed);
        }
        let mut sum = 0_u16;
        let size = feed(input, |bytes| {
            sum = bytes
                .iter()
                .fold(sum, |sum, &byte| sum.rotate_right(1).wrapping_add(u16::from(byte)));
        })
        .map_err(|error| error.on(name))?;
        write!(cx.stdout, "{sum:05} {:5}", size.div_ceil(1024))?;
        finish(cx, name, unnamed)
    })?;
    Ok(cx.status())
}
