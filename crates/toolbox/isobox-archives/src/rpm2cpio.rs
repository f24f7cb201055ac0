//! `rpm2cpio`: the archive within an RPM package, decompressed.

use std::ffi::OsString;
use std::io::{self, BufRead};

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

use crate::codec::{Codec, MAGIC_BYTES, corrupt};
use crate::stream::Stream;

/// `rpm2cpio`
pub(crate) const RPM2CPIO: Applet = Applet::new(
    "rpm2cpio",
    rpm2cpio,
    "[PACKAGE]\n\nWrite the cpio archive within an RPM package (or standard input) to standard output",
);

const SPEC: Spec = Spec::new("", &[]);

fn rpm2cpio(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&SPEC);
    while arguments.next()?.is_some() {}
    let operands = arguments.operands_between(0, 1)?;
    let name = operands.into_iter().next().unwrap_or_else(|| OsString::from("-"));
    let mut input = cx.open(&name)?;
    let fail = |error: io::Error| Error::path(&name, error);
    skip_headers(&mut Stream::new(&mut input)).map_err(fail)?;
    let codec = Codec::detect(input.peek(MAGIC_BYTES).map_err(fail)?)
        .ok_or_else(|| fail(corrupt("the archive's compression is not known")))?;
    let mut reader = codec.reader(input).map_err(fail)?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = reader.read(&mut buffer).map_err(fail)?;
        if count == 0 {
            return Ok(cx.status());
        }
        cx.stdout.put(&buffer[..count])?;
    }
}

/// Passes over the lead, the signature and the header.
fn skip_headers(stream: &mut Stream<impl BufRead>) -> io::Result<()> {
    let lead: [u8; 96] = stream.exact()?;
    if !lead.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        return Err(corrupt("not an RPM package"));
    }
    for what in ["signature", "header"] {
        let intro: [u8; 16] = stream.exact()?;
        if !intro.starts_with(&[0x8e, 0xad, 0xe8, 1]) {
            return Err(corrupt(format!("no {what} where it should be")));
        }
        let word = |at: usize| {
            u64::from(u32::from_be_bytes([intro[at], intro[at + 1], intro[at + 2], intro[at + 3]]))
        };
        stream.skip(word(8) * 16 + word(12))?;
        if what == "signature" {
            stream.align(8)?;
        }
    }
    Ok(())
}
