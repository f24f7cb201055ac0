//! `od`: bytes in octal, and in many other ways.

use isobox_applet::float::Conversion;
use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number};

use crate::source::Source;

/// See the usage text.
pub(crate) const OD: Applet = Applet::new(
    "od",
    od,
    "[-abcdDeFfhHiIlLoOsvxX] [-A RADIX] [-j SKIP] [-N COUNT] [-S LEN] [-t TYPE] [-w[WIDTH]] [FILE]...\n\n\
     Print FILEs, or standard input, as numbers\n\n\
     \t-A R\tOffsets in base d, o or x, or n: none\n\
     \t-t TYPE\ta names, c characters, d o u x integers, f floating point; with a size C S I L or\n\
     \t\tbytes (F D for f), and z to show the characters as well\n\
     \t-j N\tPass over N bytes\n\
     \t-N N\tAt most N bytes\n\
     \t-S N\tOnly strings of at least N characters that end in NUL\n\
     \t-w N\tN bytes a line (16)\n\
     \t-v\tLines that repeat too\n\
     \t-a -b -c -d -f -h -i -l -o -s -x\tAs -t a o1 c u2 fF x2 dI dL o2 d2 x2",
);

const OPTIONS: Spec = Spec::new(
    "A:j:N:S:t:vw::abcdDeFfhHiIlLoOsxX",
    &[
        ("address-radix=", 'A'),
        ("skip-bytes=", 'j'),
        ("read-bytes=", 'N'),
        ("strings=?", 'S'),
        ("format=", 't'),
        ("output-duplicates", 'v'),
        ("width=?", 'w'),
        ("endian=", '\x01'),
    ],
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Named,
    Character,
    Signed,
    Unsigned,
    Octal,
    Hexadecimal,
    Float,
}

#[derive(Clone, Copy)]
struct Format {
    kind: Kind,
    size: usize,
    shown: bool,
}

impl Format {
    /// The columns that a value needs, the blank before it not counted.
    fn width(self) -> usize {
        match (self.kind, self.size) {
            (Kind::Named | Kind::Character, _) => 3,
            (Kind::Hexadecimal, size) => size * 2,
            (Kind::Octal, size) => [3, 6, 0, 11, 0, 0, 0, 22][size - 1],
            (Kind::Signed, size) => [4, 6, 0, 11, 0, 0, 0, 20][size - 1],
            (Kind::Unsigned, size) => [3, 5, 0, 10, 0, 0, 0, 20][size - 1],
            (Kind::Float, 4) => 15,
            (Kind::Float, _) => 24,
        }
    }
}

struct Style {
    radix: u8,
    formats: Vec<Format>,
    width: usize,
    all: bool,
    big: bool,
}

fn od(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style { radix: b'o', formats: Vec::new(), width: 0, all: false, big: false };
    let (mut skip, mut most, mut strings) = (0, u64::MAX, None);
    let mut arguments = cx.parse(&OPTIONS);
    let offset = |text: &std::ffi::OsStr| {
        offset(&text.to_string_lossy()).ok_or_else(|| number::invalid(text))
    };
    while let Some(option) = arguments.next()? {
        let simple = |kind, size| Format { kind, size, shown: false };
        match option {
            'A' => {
                style.radix = match arguments.text()?.as_str() {
                    "d" => b'd',
                    "o" => b'o',
                    "x" => b'x',
                    "n" => b'n',
                    other => {
                        return Err(Error::message(format!(
                            "bad radix '{other}': expected d, o, x or n"
                        )));
                    }
                }
            }
            'j' => skip = offset(&arguments.value())?,
            'N' => most = offset(&arguments.value())?,
            'S' => {
                strings = Some(arguments.optional_value().map_or(Ok(3), |value| offset(&value))?)
            }
            't' => style.formats.extend(parse_types(&arguments.text()?)?),
            'v' => style.all = true,
            'w' => {
                let width =
                    arguments.optional_value().map_or(Ok(32), |value| number::unsigned(&value))?;
                style.width = usize::try_from(width).unwrap_or(0);
                if style.width == 0 || style.width > 1 << 16 {
                    return Err(Error::message("the width must be 1 to 65536"));
                }
            }
            '\x01' => {
                style.big = match arguments.text()?.as_str() {
                    "big" => true,
                    "little" => false,
                    other => {
                        return Err(Error::message(format!(
                            "bad --endian={other}: expected big or little"
                        )));
                    }
                }
            }
            'a' => style.formats.push(simple(Kind::Named, 1)),
            'b' => style.formats.push(simple(Kind::Octal, 1)),
            'c' => style.formats.push(simple(Kind::Character, 1)),
            'd' => style.formats.push(simple(Kind::Unsigned, 2)),
            'D' => style.formats.push(simple(Kind::Unsigned, 4)),
            'f' => style.formats.push(simple(Kind::Float, 4)),
            'e' | 'F' => style.formats.push(simple(Kind::Float, 8)),
            'h' | 'x' => style.formats.push(simple(Kind::Hexadecimal, 2)),
            'H' | 'X' => style.formats.push(simple(Kind::Hexadecimal, 4)),
            'i' => style.formats.push(simple(Kind::Signed, 4)),
            'I' | 'l' | 'L' => style.formats.push(simple(Kind::Signed, 8)),
            'o' => style.formats.push(simple(Kind::Octal, 2)),
            'O' => style.formats.push(simple(Kind::Octal, 4)),
            _ => style.formats.push(simple(Kind::Signed, 2)),
        }
    }
    if style.formats.is_empty() {
        style.formats.push(Format { kind: Kind::Octal, size: 2, shown: false });
    }
    let largest = style.formats.iter().map(|format| format.size).max().unwrap_or(1);
    if style.width == 0 {
        style.width = 16;
    } else if !style.width.is_multiple_of(largest) {
        style.width = style.width.next_multiple_of(largest);
    }
    let mut source = Source::new(arguments.operands());
    if source.skip(cx, skip)? < skip {
        return Err(Error::message("cannot skip past the end of the input"));
    }
    source.limit(most);
    match strings {
        Some(least) => find_strings(cx, &mut source, &style, skip, least)?,
        None => dump(cx, &mut source, &style, skip)?,
    }
    Ok(cx.status())
}

/// `0x1f`, `017`, `10b`, `1k`.
fn offset(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    // In hexadecimal a `b` is a digit.
    let value = u64::from_str_radix(&digits[..end], radix).ok()?;
    let suffix = &digits[end..];
    let factor = if suffix.is_empty() {
        1
    } else {
        number::SIZE_SUFFIXES.iter().find(|(name, _)| *name == suffix)?.1
    };
    value.checked_mul(factor)
}

fn parse_types(text: &str) -> Result<Vec<Format>> {
    let bad = |what: &str| Error::message(format!("invalid type string '{text}': {what}"));
    let (mut formats, mut letters) = (Vec::new(), text.chars().peekable());
    while let Some(letter) = letters.next() {
        let kind = match letter {
            'a' => Kind::Named,
            'c' => Kind::Character,
            'd' => Kind::Signed,
            'u' => Kind::Unsigned,
            'o' => Kind::Octal,
            'x' => Kind::Hexadecimal,
            'f' => Kind::Float,
            other => return Err(bad(&format!("unknown type '{other}'"))),
        };
        let mut size = match kind {
            Kind::Named | Kind::Character => 1,
            Kind::Float => 8,
            _ => 4,
        };
        if !matches!(kind, Kind::Named | Kind::Character) {
            let float = kind == Kind::Float;
            if let Some(letter) = letters.next_if(|letter| {
                if float { "FDL".contains(*letter) } else { "CSIL".contains(*letter) }
            }) {
                size = match letter {
                    'C' => 1,
                    'S' => 2,
                    'I' | 'F' => 4,
                    _ => 8,
                };
            } else {
                let mut digits = String::new();
                while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                    digits.push(digit);
                }
                if !digits.is_empty() {
                    size = digits.parse().unwrap_or(0);
                    let known: &[usize] = if float { &[4, 8] } else { &[1, 2, 4, 8] };
                    if !known.contains(&size) {
                        return Err(bad(&format!("{digits}-byte values are not supported")));
                    }
                }
            }
        }
        let shown = letters.next_if_eq(&'z').is_some();
        formats.push(Format { kind, size, shown });
    }
    Ok(formats)
}

fn address(cx: &mut Context<'_>, style: &Style, offset: u64) -> Result<()> {
    match style.radix {
        b'd' => write!(cx.stdout, "{offset:07}"),
        b'x' => write!(cx.stdout, "{offset:06x}"),
        b'n' => Ok(()),
        _ => write!(cx.stdout, "{offset:07o}"),
    }
}

fn dump<'a>(
    cx: &mut Context<'a>,
    source: &mut Source<'a>,
    style: &Style,
    start: u64,
) -> Result<()> {
    let mut line = vec![0; style.width];
    let (mut before, mut starred) = (Vec::new(), false);
    let mut offset = start;
    // All formats of a line are aligned: a byte has as many columns in each.
    let cell = style
        .formats
        .iter()
        .map(|format| (format.width() + 1) as f64 / format.size as f64)
        .fold(0.0, f64::max);
    let mut text = String::new();
    loop {
        let count = source.read(cx, &mut line)?;
        if count == 0 {
            break;
        }
        if !style.all && count == style.width && before == line {
            if !std::mem::replace(&mut starred, true) {
                cx.stdout.put(b"*\n")?;
            }
            offset += count as u64;
            continue;
        }
        starred = false;
        for (index, format) in style.formats.iter().enumerate() {
            if index == 0 {
                address(cx, style, offset)?;
            } else if style.radix != b'n' {
                cx.stdout.put(if style.radix == b'x' { b"      " } else { b"       " })?;
            }
            text.clear();
            // The columns of a value are what its bytes have together.
            let width = (cell * format.size as f64).round() as usize;
            let values = count.div_ceil(format.size);
            for at in 0..values {
                let mut bytes = [0; 8];
                let part = &line[at * format.size..(at * format.size + format.size).min(count)];
                bytes[..part.len()].copy_from_slice(part);
                if style.big {
                    bytes[..format.size].reverse();
                }
                if matches!(format.kind, Kind::Octal | Kind::Hexadecimal) {
                    digits(*format, u64::from_le_bytes(bytes), width, &mut text);
                    continue;
                }
                let value = value(*format, &bytes);
                (value.len()..width).for_each(|_| text.push(' '));
                text.push_str(&value);
            }
            cx.stdout.put(text.as_bytes())?;
            if format.shown {
                let missing = (style.width.div_ceil(format.size) - values) * width;
                let shown: String = line[..count]
                    .iter()
                    .map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' })
                    .collect();
                write!(cx.stdout, "{:missing$}  >{shown}<", "")?;
            }
            cx.stdout.put(b"\n")?;
        }
        offset += count as u64;
        before.clear();
        before.extend_from_slice(&line[..count]);
    }
    if style.radix != b'n' && source.opened() {
        address(cx, style, offset)?;
        cx.stdout.put(b"\n")?;
    }
    Ok(())
}

/// A number in base 8 or 16 with zeros in front, right in `columns`.
fn digits(format: Format, mut value: u64, columns: usize, text: &mut String) {
    let (shift, wide) = (if format.kind == Kind::Octal { 3 } else { 4 }, format.width());
    let mut buffer = [b'0'; 22];
    for digit in buffer[..wide].iter_mut().rev() {
        *digit = b"0123456789abcdef"[usize::try_from(value & ((1 << shift) - 1)).unwrap_or(0)];
        value >>= shift;
    }
    (wide..columns).for_each(|_| text.push(' '));
    text.push_str(std::str::from_utf8(&buffer[..wide]).unwrap_or_default());
}

fn value(format: Format, bytes: &[u8; 8]) -> String {
    let unsigned = u64::from_le_bytes(*bytes);
    match format.kind {
        Kind::Named => {
            const NAMES: [&str; 33] = [
                "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt",
                "ff", "cr", "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb",
                "can", "em", "sub", "esc", "fs", "gs", "rs", "us", "sp",
            ];
            match bytes[0] & 0x7f {
                0x7f => "del".into(),
                low => NAMES
                    .get(usize::from(low))
                    .map_or_else(|| char::from(low).to_string(), |name| (*name).into()),
            }
        }
        Kind::Character => match bytes[0] {
            0 => "\\0".into(),
            7 => "\\a".into(),
            8 => "\\b".into(),
            9 => "\\t".into(),
            10 => "\\n".into(),
            11 => "\\v".into(),
            12 => "\\f".into(),
            13 => "\\r".into(),
            byte @ b' '..=b'~' => char::from(byte).to_string(),
            byte => format!("{byte:03o}"),
        },
        Kind::Signed => {
            let shift = 64 - 8 * format.size;
            (unsigned.cast_signed() << shift >> shift).to_string()
        }
        Kind::Unsigned => unsigned.to_string(),
        Kind::Octal => format!("{unsigned:0width$o}", width = format.width()),
        Kind::Hexadecimal => format!("{unsigned:0width$x}", width = format.width()),
        Kind::Float => {
            let general = |value: f64, precision| {
                Conversion { precision: Some(precision), letter: 'g', ..Conversion::default() }
                    .format(value)
            };
            // The fewest digits that lead back to the same value.
            if format.size == 4 {
                let value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                (6..=9)
                    .map(|precision| general(value.into(), precision))
                    .find(|text| {
                        text.parse::<f32>().is_ok_and(|back| back == value || value.is_nan())
                    })
                    .unwrap_or_else(|| general(value.into(), 9))
            } else {
                let value = f64::from_le_bytes(*bytes);
                (15..=17)
                    .map(|precision| general(value, precision))
                    .find(|text| {
                        text.parse::<f64>().is_ok_and(|back| back == value || value.is_nan())
                    })
                    .unwrap_or_else(|| general(value, 17))
            }
        }
    }
}

fn find_strings<'a>(
    cx: &mut Context<'a>,
    source: &mut Source<'a>,
    style: &Style,
    start: u64,
    least: u64,
) -> Result<()> {
    let (mut run, mut offset, mut buffer) = (Vec::new(), start, vec![0; 32 * 1024]);
    loop {
        let count = source.read(cx, &mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        for &byte in &buffer[..count] {
            if matches!(byte, b' '..=b'~' | b'\t'..=b'\r') {
                run.push(byte);
            } else {
                if byte == 0 && run.len() as u64 >= least {
                    address(cx, style, offset - run.len() as u64)?;
                    if style.radix != b'n' {
                        cx.stdout.put(b" ")?;
                    }
                    cx.stdout.put(&run)?;
                    cx.stdout.put(b"\n")?;
                }
                run.clear();
            }
            offset += 1;
        }
    }
}
