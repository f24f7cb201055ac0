//! `hexdump`: bytes in the format of one's choice.

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number};

use crate::source::Source;

/// See the usage text.
pub(crate) const HEXDUMP: Applet = Applet::new(
    "hexdump",
    hexdump,
    "[-bcCdovx] [-e FORMAT] [-f FILE] [-n LEN] [-s OFFSET] [FILE]...\n\n\
     Print FILEs, or standard input, in a format\n\n\
     \t-b, -c\tBytes in octal, as characters\n\
     \t-d, -o, -x\tPairs of bytes in decimal, octal, hexadecimal (default)\n\
     \t-C\tBytes in hexadecimal, and the characters\n\
     \t-e F\tFormats such as '8/1 \"%02x \" \"\\n\"'\n\
     \t-f FILE\tFormats from FILE\n\
     \t-n N\tAt most N bytes\n\
     \t-s N\tPass over N bytes\n\
     \t-v\tLines that repeat too",
);

const OPTIONS: Spec = Spec::new(
    "bcCdovxe:f:n:s:",
    &[
        ("canonical", 'C'),
        ("format=", 'e'),
        ("format-file=", 'f'),
        ("length=", 'n'),
        ("skip=", 's'),
        ("no-squeezing", 'v'),
    ],
);

/// A conversion with the text around it, applied to so many bytes.
#[derive(Clone)]
enum Piece {
    Text(String),
    Offset {
        letter: char,
        flags: String,
    },
    /// The offset after the last byte, once at the end.
    End {
        letter: char,
        flags: String,
    },
    Value {
        flags: String,
        letter: char,
        size: usize,
        characters: bool,
        named: bool,
    },
}

#[derive(Clone)]
struct Unit {
    repeat: usize,
    pieces: Vec<Piece>,
    fixed: bool,
}

struct Line(Vec<Unit>);

fn hexdump(cx: &mut Context<'_>) -> Result<Status> {
    let (mut formats, mut most, mut skip, mut all) = (Vec::new(), u64::MAX, 0, false);
    let mut arguments = cx.parse(&OPTIONS);
    let head = "\"%07.7_Ax\\n\"\n\"%07.7_ax \" ";
    while let Some(option) = arguments.next()? {
        match option {
            'b' => add(&mut formats, &format!("{head}16/1 \"%03o \" \"\\n\""))?,
            'c' => add(&mut formats, &format!("{head}16/1 \"%3_c \" \"\\n\""))?,
            'd' => add(&mut formats, &format!("{head}8/2 \"  %05u \" \"\\n\""))?,
            'o' => add(&mut formats, &format!("{head}8/2 \" %06o \" \"\\n\""))?,
            'x' => add(&mut formats, &format!("{head}8/2 \"   %04x \" \"\\n\""))?,
            'C' => add(
                &mut formats,
                "\"%08.8_Ax\\n\"\n\"%08.8_ax  \" 8/1 \"%02x \" \"  \" 8/1 \"%02x \" \"  |\"\n\"%_p\" \"|\\n\"",
            )?,
            'e' => add(&mut formats, &arguments.text()?)?,
            'f' => {
                let name = arguments.value();
                let mut bytes = Vec::new();
                cx.open(&name)?
                    .read_to_end(&mut bytes)
                    .map_err(|error| Error::path(&name, error))?;
                add(&mut formats, &String::from_utf8_lossy(&bytes))?;
            }
            'n' => most = number::size(&arguments.value())?,
            's' => {
                let text = arguments.text()?;
                skip = match text.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16)
                        .map_err(|_| number::invalid(text.as_ref()))?,
                    None => number::size(text.as_ref())?,
                };
            }
            _ => all = true,
        }
    }
    if formats.is_empty() {
        add(&mut formats, "\"%07.7_Ax\\n\"\n\"%07.7_ax \" 8/2 \"%04x \" \"\\n\"")?;
    }
    let mut source = Source::new(arguments.operands());
    source.skip(cx, skip)?;
    source.limit(most);
    print(cx, &mut source, &formats, skip, all)?;
    Ok(cx.status())
}

/// Takes in the formats of some lines.
fn add(formats: &mut Vec<Line>, text: &str) -> Result<()> {
    for line in
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    {
        formats.push(parse(line)?);
    }
    Ok(())
}

fn parse(line: &str) -> Result<Line> {
    let bad = || {
        Error::message(format!("bad format {{{line}}}: expected [REPEAT][/BYTES] \"FORMAT\"..."))
    };
    let (mut units, mut rest) = (Vec::new(), line.trim());
    while !rest.is_empty() {
        let (mut repeat, mut size, mut fixed) = (1, None, false);
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            repeat = rest[..digits].parse().map_err(|_| bad())?;
            fixed = true;
            rest = rest[digits..].trim_start();
        }
        if let Some(after) = rest.strip_prefix('/') {
            let after = after.trim_start();
            let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            size = Some(after[..digits].parse::<usize>().map_err(|_| bad())?);
            rest = after[digits..].trim_start();
        }
        let text = rest.strip_prefix('"').ok_or_else(bad)?;
        let mut end = None;
        let mut escaped = false;
        for (at, letter) in text.char_indices() {
            match letter {
                '"' if !escaped => {
                    end = Some(at);
                    break;
                }
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        let end = end.ok_or_else(bad)?;
        units.push(Unit {
            repeat: repeat.clamp(1, 4096),
            pieces: pieces(&text[..end], size).ok_or_else(bad)?,
            fixed,
        });
        rest = text[end + 1..].trim_start();
    }
    Ok(Line(units))
}

fn pieces(text: &str, size: Option<usize>) -> Option<Vec<Piece>> {
    let (mut pieces, mut plain, mut letters) = (Vec::new(), String::new(), text.chars().peekable());
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            plain.push(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\x07',
                'b' => '\x08',
                'f' => '\x0c',
                'v' => '\x0b',
                '0' => '\0',
                other => other,
            });
            continue;
        }
        if letter != '%' {
            plain.push(letter);
            continue;
        }
        if letters.next_if_eq(&'%').is_some() {
            plain.push('%');
            continue;
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let mut flags = String::new();
        while let Some(flag) = letters.next_if(|flag| "-+ #0123456789.".contains(*flag)) {
            flags.push(flag);
        }
        pieces.push(match letters.next()? {
            '_' => match letters.next()? {
                'a' => Piece::Offset { letter: letters.next()?, flags },
                'A' => Piece::End { letter: letters.next()?, flags },
                'c' => Piece::Value { flags, letter: 'c', size: 1, characters: true, named: false },
                'p' => Piece::Value { flags, letter: 'p', size: 1, characters: true, named: false },
                'u' => Piece::Value { flags, letter: 'u', size: 1, characters: true, named: true },
                _ => return None,
            },
            'c' => Piece::Value { flags, letter: 'r', size: 1, characters: true, named: false },
            's' => {
                let wide = flags.split_once('.').and_then(|(_, digits)| digits.parse().ok());
                Piece::Value {
                    flags,
                    letter: 's',
                    size: size.or(wide)?,
                    characters: true,
                    named: false,
                }
            }
            letter @ ('d' | 'i' | 'o' | 'u' | 'x' | 'X') => {
                let size = size.unwrap_or(4);
                if !matches!(size, 1 | 2 | 4 | 8) {
                    return None;
                }
                Piece::Value { flags, letter, size, characters: false, named: false }
            }
            letter @ ('e' | 'E' | 'f' | 'g' | 'G') => {
                let size = size.unwrap_or(8);
                if !matches!(size, 4 | 8) {
                    return None;
                }
                Piece::Value { flags, letter, size, characters: false, named: false }
            }
            _ => return None,
        });
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Some(pieces)
}

impl Unit {
    fn bytes(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| if let Piece::Value { size, .. } = piece { *size } else { 0 })
            .sum()
    }
}

fn print<'a>(
    cx: &mut Context<'a>,
    source: &mut Source<'a>,
    formats: &[Line],
    start: u64,
    all: bool,
) -> Result<()> {
    // The block of a line is what the longest format takes.
    let fixed = |line: &Line| line.0.iter().map(|unit| unit.repeat * unit.bytes()).sum::<usize>();
    let block = formats.iter().map(fixed).max().unwrap_or(0).max(1);
    let mut line = vec![0; block];
    let (mut before, mut starred, mut offset): (Vec<u8>, bool, u64) = (Vec::new(), false, start);
    loop {
        line.fill(0);
        let count = source.read(cx, &mut line)?;
        if count == 0 {
            break;
        }
        if !all && count == block && before == line {
            if !std::mem::replace(&mut starred, true) {
                cx.stdout.put(b"*\n")?;
            }
            offset += count as u64;
            continue;
        }
        starred = false;
        for format in formats {
            let text = format.text(&line, count, offset, block);
            cx.stdout.put(&text)?;
        }
        before.clear();
        before.extend_from_slice(&line[..count]);
        offset += count as u64;
    }
    if offset == start && start == 0 {
        return Ok(());
    }
    for unit in formats.iter().flat_map(|format| &format.0) {
        if unit.pieces.iter().any(|piece| matches!(piece, Piece::End { .. })) {
            for piece in &unit.pieces {
                match piece {
                    Piece::End { letter, flags } => {
                        cx.stdout.put(shown_offset(offset, *letter, flags).as_bytes())?
                    }
                    Piece::Text(text) => cx.stdout.put(text.as_bytes())?,
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

fn width_of(flags: &str) -> (usize, Option<usize>, bool, bool) {
    let digits = flags.trim_start_matches(['-', '+', ' ', '#', '0']);
    let zeros = flags.trim_start_matches(['-', '+', ' ', '#']).starts_with('0');
    let (width, precision) = match digits.split_once('.') {
        Some((width, precision)) => (width, precision.parse().ok()),
        None => (digits, None),
    };
    (width.parse().unwrap_or(0).min(4096), precision, zeros, flags.starts_with('-'))
}

fn padded(text: &str, flags: &str) -> String {
    let (width, precision, zeros, left) = width_of(flags);
    let width = width.max(precision.unwrap_or(0));
    if left {
        format!("{text:<width$}")
    } else if zeros || precision.is_some() {
        format!("{text:0>width$}")
    } else {
        format!("{text:>width$}")
    }
}

fn shown_offset(offset: u64, letter: char, flags: &str) -> String {
    let text = match letter {
        'd' => offset.to_string(),
        'o' => format!("{offset:o}"),
        _ => format!("{offset:x}"),
    };
    padded(&text, flags)
}

impl Line {
    fn text(&self, line: &[u8], count: usize, offset: u64, block: usize) -> Vec<u8> {
        let (mut text, mut at) = (Vec::new(), 0);
        for (index, unit) in self.0.iter().enumerate() {
            let bytes = unit.bytes();
            // The last unit without a number takes what is left.
            let later: usize =
                self.0[index + 1..].iter().map(|unit| unit.repeat * unit.bytes()).sum();
            let repeat = if bytes > 0 && !unit.fixed {
                (block - at).saturating_sub(later) / bytes
            } else {
                unit.repeat
            };
            for round in 0..repeat.max(1) {
                let last = round + 1 == repeat.max(1);
                for (number, piece) in unit.pieces.iter().enumerate() {
                    match piece {
                        Piece::End { .. } => break,
                        Piece::Text(plain)
                            if last
                                && repeat > 1
                                && bytes > 0
                                && number + 1 == unit.pieces.len()
                                && !plain.contains('\n') =>
                        {
                            // The blanks after the last value are not printed.
                            text.extend_from_slice(plain.trim_end_matches([' ', '\t']).as_bytes());
                        }
                        Piece::Text(plain) => text.extend_from_slice(plain.as_bytes()),
                        Piece::Offset { letter, flags } => {
                            text.extend_from_slice(
                                shown_offset(offset + at as u64, *letter, flags).as_bytes(),
                            );
                        }
                        Piece::Value { flags, letter, size, characters, named } => {
                            let value = &line[at.min(line.len())..(at + size).min(line.len())];
                            let there = at < count;
                            let shown = if *characters {
                                character(value, *letter, *named)
                            } else {
                                converted(value, *letter, flags)
                            };
                            let shown =
                                if *characters { padded_text(&shown, flags) } else { shown };
                            if there {
                                text.extend_from_slice(shown.as_bytes());
                            } else if *letter != 'p' {
                                text.extend(std::iter::repeat_n(b' ', shown.chars().count()));
                            }
                            at += size;
                        }
                    }
                }
                if unit.pieces.iter().any(|piece| matches!(piece, Piece::End { .. })) {
                    break;
                }
            }
        }
        text
    }
}

fn padded_text(text: &str, flags: &str) -> String {
    let (width, _, _, left) = width_of(flags);
    if left { format!("{text:<width$}") } else { format!("{text:>width$}") }
}

fn character(value: &[u8], letter: char, named: bool) -> String {
    const NAMES: [&str; 32] = [
        "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "lf", "vt", "ff", "cr",
        "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub",
        "esc", "fs", "gs", "rs", "us",
    ];
    let Some(&byte) = value.first() else { return String::new() };
    match (letter, byte) {
        ('s', _) => String::from_utf8_lossy(value).into_owned(),
        (_, b' '..=b'~') => char::from(byte).to_string(),
        ('p', _) => ".".into(),
        ('r', _) => char::from(byte).to_string(),
        (_, 0..=31) if named => NAMES[usize::from(byte)].into(),
        (_, 127) if named => "del".into(),
        (_, _) if named => format!("{byte:02x}"),
        (_, 0) => "\\0".into(),
        (_, 7) => "\\a".into(),
        (_, 8) => "\\b".into(),
        (_, 9) => "\\t".into(),
        (_, 10) => "\\n".into(),
        (_, 11) => "\\v".into(),
        (_, 12) => "\\f".into(),
        (_, 13) => "\\r".into(),
        (_, byte) => format!("{byte:03o}"),
    }
}

fn converted(value: &[u8], letter: char, flags: &str) -> String {
    let mut bytes = [0; 8];
    bytes[..value.len()].copy_from_slice(value);
    let unsigned = u64::from_le_bytes(bytes);
    let text = match letter {
        'd' | 'i' => {
            let shift = 64 - 8 * value.len().clamp(1, 8);
            (unsigned.cast_signed() << shift >> shift).to_string()
        }
        'o' => format!("{unsigned:o}"),
        'u' => unsigned.to_string(),
        'x' => format!("{unsigned:x}"),
        'X' => format!("{unsigned:X}"),
        _ => {
            let number = if value.len() == 4 {
                f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into()
            } else {
                f64::from_le_bytes(bytes)
            };
            return isobox_applet::float::format_one(&format!("%{flags}{letter}"), number)
                .unwrap_or_default();
        }
    };
    padded(&text, flags)
}
