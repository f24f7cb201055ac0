//! `xxd`: bytes in hexadecimal, and back.

use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Output, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const XXD: Applet = Applet::new(
    "xxd",
    xxd,
    "[-pribeu] [-g N] [-c N] [-l LEN] [-s OFFSET] [-o OFFSET] [FILE [TARGET]]\n\n\
     Print FILE in hexadecimal, or the reverse\n\n\
     \t-g N\tBytes of a group (2)\n\
     \t-c N\tBytes of a line (16)\n\
     \t-p\tHexadecimal digits only\n\
     \t-i\tAs an array of C\n\
     \t-b\tIn binary\n\
     \t-e\tGroups with the lowest byte first\n\
     \t-u\tCapital letters\n\
     \t-l N\tAt most N bytes\n\
     \t-s N\tPass over N bytes (-N: before the end)\n\
     \t-o N\tAdd N to offsets\n\
     \t-r\tBack to bytes (with -p, without offsets)",
);

const OPTIONS: Spec = Spec::new(
    "pribeug:c:l:s:o:",
    &[
        ("plain", 'p'),
        ("postscript", 'p'),
        ("revert", 'r'),
        ("include", 'i'),
        ("bits", 'b'),
        ("groupsize=", 'g'),
        ("cols=", 'c'),
        ("len=", 'l'),
        ("seek=", 's'),
        ("uppercase", 'u'),
    ],
);

#[derive(Default)]
struct Style {
    plain: bool,
    include: bool,
    binary: bool,
    little: bool,
    upper: bool,
    group: Option<usize>,
    columns: Option<usize>,
    length: Option<u64>,
    skip: i64,
    add: u64,
}

fn integer(text: &str) -> Result<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(&digits[1..], 8),
        None => digits.parse(),
    };
    value
        .map(|value| if negative { -value } else { value })
        .map_err(|_| number::invalid(text.as_ref()))
}

fn xxd(cx: &mut Context<'_>) -> Result<Status> {
    let (mut style, mut reverse) = (Style::default(), false);
    let mut arguments = cx.parse(&OPTIONS);
    let count = |text: &str| {
        integer(text)
            .and_then(|value| usize::try_from(value).map_err(|_| number::invalid(text.as_ref())))
    };
    while let Some(option) = arguments.next()? {
        match option {
            'p' => style.plain = true,
            'r' => reverse = true,
            'i' => style.include = true,
            'b' => style.binary = true,
            'e' => style.little = true,
            'u' => style.upper = true,
            'g' => style.group = Some(count(&arguments.text()?)?),
            'c' => style.columns = Some(count(&arguments.text()?)?.min(1 << 16)),
            'l' => {
                style.length = Some(u64::try_from(integer(&arguments.text()?)?).unwrap_or(u64::MAX))
            }
            's' => style.skip = integer(&arguments.text()?)?,
            _ => style.add = u64::try_from(integer(&arguments.text()?)?).unwrap_or(0),
        }
    }
    let operands = arguments.operands_between(0, 2)?;
    let stdin = std::ffi::OsString::from("-");
    let name = operands.first().unwrap_or(&stdin);
    let mut input = cx.open(name)?;
    let file = match operands.get(1) {
        Some(target) if target != "-" => Some(cx.create(target)?),
        _ => None,
    };
    let run = |output: &mut Output<'_>, input: &mut Input<'_>| -> Result<()> {
        if reverse {
            return revert(output, input, style.plain);
        }
        let offset = pass_over(input, style.skip)?;
        if style.include {
            include(output, input, name, &style)
        } else {
            dump(output, input, &style, offset)
        }
    };
    match &file {
        Some(file) => {
            let mut output = Output::new(file.as_fd());
            run(&mut output, &mut input).map_err(|error| error.on(name))?;
            output.flush()?;
        }
        None => run(&mut cx.stdout, &mut input).map_err(|error| error.on(name))?,
    }
    Ok(cx.status())
}

fn pass_over(input: &mut Input<'_>, skip: i64) -> Result<u64> {
    if skip < 0 {
        return rustix::fs::seek(input.as_fd(), rustix::fs::SeekFrom::End(skip))
            .map_err(|errno| Error::Read(errno.into()));
    }
    let skip = skip.cast_unsigned();
    super::tail::skip_bytes(input, skip)?;
    Ok(skip)
}

fn dump(output: &mut Output<'_>, input: &mut Input<'_>, style: &Style, offset: u64) -> Result<()> {
    let columns = match style.columns {
        Some(0) | None if style.plain => 30,
        Some(0) | None if style.binary => 6,
        Some(0) | None => 16,
        Some(columns) => columns,
    };
    let group = style.group.unwrap_or(if style.binary {
        1
    } else if style.little {
        4
    } else {
        2
    });
    let group = if group == 0 { columns } else { group };
    let (mut block, mut left, mut at) =
        (vec![0; columns], style.length.unwrap_or(u64::MAX), offset);
    let cell = if style.binary { 8 } else { 2 };
    loop {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(columns);
        let count = input.read_full(&mut block[..want]).map_err(Error::Read)?;
        if count == 0 {
            return Ok(());
        }
        let mut text = String::new();
        let byte = |text: &mut String, value: u8| {
            text.push_str(&match (style.binary, style.upper) {
                (true, _) => format!("{value:08b}"),
                (false, true) => format!("{value:02X}"),
                (false, false) => format!("{value:02x}"),
            });
        };
        if style.plain {
            block[..count].iter().for_each(|&value| byte(&mut text, value));
            text.push('\n');
        } else {
            text.push_str(&format!("{:08x}: ", at + style.add));
            let start = text.len();
            for part in block[..count].chunks(group) {
                if style.little {
                    text.push_str(&" ".repeat((group - part.len()) * cell));
                    part.iter().rev().for_each(|&value| byte(&mut text, value));
                } else {
                    part.iter().for_each(|&value| byte(&mut text, value));
                }
                text.push(' ');
            }
            let width = columns * cell + columns.div_ceil(group) + 1;
            let missing = width.saturating_sub(text.len() - start);
            text.push_str(&" ".repeat(missing));
            text.extend(
                block[..count].iter().map(|&value| {
                    if matches!(value, b' '..=b'~') { char::from(value) } else { '.' }
                }),
            );
            text.push('\n');
        }
        output.put(text.as_bytes())?;
        at += count as u64;
        left -= count as u64;
    }
}

fn include(
    output: &mut Output<'_>,
    input: &mut Input<'_>,
    name: &std::ffi::OsStr,
    style: &Style,
) -> Result<()> {
    let columns = style.columns.filter(|&columns| columns > 0).unwrap_or(12);
    let mut identifier: String = name
        .as_bytes()
        .iter()
        .map(|&byte| if byte.is_ascii_alphanumeric() { char::from(byte) } else { '_' })
        .collect();
    if identifier.starts_with(|c: char| c.is_ascii_digit()) {
        identifier.insert_str(0, "__");
    }
    let named = name != "-";
    if named {
        writeln!(output, "unsigned char {identifier}[] = {{")?;
    }
    let (mut block, mut total, mut left) =
        (vec![0; columns], 0_u64, style.length.unwrap_or(u64::MAX));
    loop {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(columns);
        let count = input.read_full(&mut block[..want]).map_err(Error::Read)?;
        if count == 0 {
            break;
        }
        if total > 0 {
            output.put(b",\n")?;
        }
        let cells: Vec<String> =
            block[..count].iter().map(|value| format!("0x{value:02x}")).collect();
        write!(output, "  {}", cells.join(", "))?;
        total += count as u64;
        left -= count as u64;
    }
    if total > 0 {
        output.put(b"\n")?;
    }
    if named {
        write!(output, "}};\nunsigned int {identifier}_len = {total};\n")?;
    }
    Ok(())
}

fn revert(output: &mut Output<'_>, input: &mut Input<'_>, plain: bool) -> Result<()> {
    let mut position = 0_u64;
    while let Some(line) = input.line(b'\n').map_err(Error::Read)? {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut rest = line;
        if !plain {
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let digits = std::str::from_utf8(line[..colon].trim_ascii()).ok();
            let Some(offset) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok())
            else {
                continue;
            };
            rest = &line[colon + 1..];
            if offset > position {
                // What is not given is zero.
                let gap = offset - position;
                if gap > 1 << 32 {
                    return Err(Error::message(format!(
                        "offset {offset:x} leaves a gap of more than 4 GiB"
                    )));
                }
                let zeros = vec![0; 64 * 1024];
                let mut left = usize::try_from(gap).unwrap_or(0);
                while left > 0 {
                    let count = left.min(zeros.len());
                    output.put(&zeros[..count])?;
                    left -= count;
                }
                position = offset;
            }
        }
        let (mut bytes, mut half, mut blanks) = (Vec::new(), None, 0);
        for &byte in rest {
            match char::from(byte).to_digit(16) {
                Some(digit) => {
                    blanks = 0;
                    let digit = u8::try_from(digit).unwrap_or(0);
                    half = match half.take() {
                        None => Some(digit),
                        Some(high) => {
                            bytes.push(high << 4 | digit);
                            None
                        }
                    };
                }
                None => {
                    blanks += 1;
                    // Two blanks stand before the characters.
                    if !plain && (blanks == 2 && !bytes.is_empty() || byte != b' ') {
                        break;
                    }
                }
            }
        }
        output.put(&bytes)?;
        position += bytes.len() as u64;
    }
    Ok(())
}
