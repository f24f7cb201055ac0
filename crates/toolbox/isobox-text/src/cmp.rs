//! `cmp`: the first difference of two files, or all.

use std::ffi::{OsStr, OsString};

use isobox_applet::{Applet, Context, Error, Input, Place, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const CMP: Applet = Applet::new(
    "cmp",
    cmp,
    "[-lsb] [-n NUM] [-i SKIP[:SKIP2]] FILE1 [FILE2 [SKIP1 [SKIP2]]]\n\n\
     Compare two files (or one with standard input) byte by byte\n\n\
     \t-l\tAll differences: position, and both bytes in octal\n\
     \t-b\tShow the bytes as characters too\n\
     \t-s\tSay nothing; the exit status tells\n\
     \t-n N\tCompare at most N bytes\n\
     \t-i N\tSkip N bytes first",
)
.at(Place::UsrBin)
.fails_with(2);

const OPTIONS: Spec = Spec::new(
    "lsbn:i:",
    &[
        ("verbose", 'l'),
        ("quiet", 's'),
        ("silent", 's'),
        ("print-bytes", 'b'),
        ("bytes=", 'n'),
        ("ignore-initial=", 'i'),
    ],
);

fn cmp(cx: &mut Context<'_>) -> Result<Status> {
    let (mut all, mut silent, mut show, mut most) = (false, false, false, u64::MAX);
    let mut skips = [0, 0];
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'l' => all = true,
            's' => silent = true,
            'b' => show = true,
            'n' => most = number::size(&arguments.value())?,
            _ => {
                let text = arguments.text()?;
                let (one, two) = text.split_once(':').unwrap_or((&text, &text));
                skips = [number::size(one.as_ref())?, number::size(two.as_ref())?];
            }
        }
    }
    let operands = arguments.operands_between(1, 4)?;
    let names = [operands[0].clone(), operands.get(1).cloned().unwrap_or_else(|| "-".into())];
    for (index, skip) in operands.iter().skip(2).enumerate() {
        skips[index] = number::size(skip)?;
    }
    let quiet = |error| if silent { Error::Silent(2) } else { error };
    let mut inputs = [cx.open(&names[0]).map_err(quiet)?, cx.open(&names[1]).map_err(quiet)?];
    for (input, skip) in inputs.iter_mut().zip(skips) {
        super::tail::skip_bytes(input, skip)?;
    }
    compare(cx, &names, &mut inputs, &Style { all, silent, show, most })
}

struct Style {
    all: bool,
    silent: bool,
    show: bool,
    most: u64,
}

fn compare(
    cx: &mut Context<'_>,
    names: &[OsString; 2],
    inputs: &mut [Input<'_>; 2],
    style: &Style,
) -> Result<Status> {
    let (mut offset, mut line, mut differs) = (0_u64, 1_u64, false);
    let [first, second] = inputs;
    loop {
        let a = first.chunk().map_err(|error| Error::path(&names[0], error))?;
        let b = second.chunk().map_err(|error| Error::path(&names[1], error))?;
        let left = usize::try_from(style.most - offset).unwrap_or(usize::MAX);
        if left == 0 || a.is_empty() && b.is_empty() {
            return Ok(Status::failed_if(differs));
        }
        let length = a.len().min(b.len()).min(left);
        if length == 0 {
            let shorter = &names[usize::from(!a.is_empty())];
            if !style.silent {
                end_of_file(cx, shorter, offset, line, style.all);
            }
            return Ok(Status(1));
        }
        let (a, b) = (&a[..length], &b[..length]);
        if a != b {
            for (index, (&x, &y)) in a.iter().zip(b).enumerate() {
                if x == y {
                    continue;
                }
                differs = true;
                let place = offset + index as u64 + 1;
                if style.silent {
                    return Ok(Status(1));
                }
                if !style.all {
                    line += memchr::memchr_iter(b'\n', &a[..index]).count() as u64;
                    cx.stdout.put(
                        &[names[0].as_encoded_bytes(), b" ", names[1].as_encoded_bytes()].concat(),
                    )?;
                    if style.show {
                        writeln!(
                            cx.stdout,
                            " differ: byte {place}, line {line} is {x:3o} {} {y:3o} {}",
                            visible(x),
                            visible(y)
                        )?;
                    } else {
                        writeln!(cx.stdout, " differ: char {place}, line {line}")?;
                    }
                    return Ok(Status(1));
                }
                if style.show {
                    writeln!(cx.stdout, "{place} {x:3o} {:<4} {y:3o} {}", visible(x), visible(y))?;
                } else {
                    writeln!(cx.stdout, "{place} {x:3o} {y:3o}")?;
                }
            }
        }
        if !style.all {
            line += memchr::memchr_iter(b'\n', a).count() as u64;
        }
        offset += length as u64;
        first.consume(length);
        second.consume(length);
    }
}

fn end_of_file(cx: &mut Context<'_>, name: &OsStr, offset: u64, line: u64, all: bool) {
    let mut text = b"EOF on ".to_vec();
    text.extend_from_slice(name.as_encoded_bytes());
    if offset == 0 {
        text.extend_from_slice(b" which is empty");
    } else if all {
        text.extend_from_slice(format!(" after byte {offset}").as_bytes());
    } else {
        text.extend_from_slice(format!(" after byte {offset}, line {line}").as_bytes());
    }
    cx.warn(&Error::Bytes(text));
}

fn visible(byte: u8) -> String {
    let high = if byte >= 0x80 { "M-" } else { "" };
    match byte & 0x7f {
        0x7f => format!("{high}^?"),
        low if low < 0x20 => format!("{high}^{}", char::from(low + 0x40)),
        low => format!("{high}{}", char::from(low)),
    }
}
