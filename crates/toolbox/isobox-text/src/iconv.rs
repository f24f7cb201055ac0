//! `iconv`: text from one encoding to another: UTF-8, UTF-16, UTF-32, Latin-1, ASCII.

use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// See the usage text.
pub(crate) const ICONV: Applet = Applet::new(
    "iconv",
    iconv,
    "[-cs] [-f FROM] [-t TO] [-o FILE] [FILE]...\n\n\
     Convert text from one encoding to another\n\n\
     \t-f ENC\tThe input's (UTF-8)\n\
     \t-t ENC\tThe output's (UTF-8); with //TRANSLIT or //IGNORE after it\n\
     \t-c\tLeave out what cannot be converted\n\
     \t-o F\tWrite to F\n\
     \t-l\tList the encodings\n\
     \t-s\tWithout warnings (there are none)",
);

const OPTIONS: Spec = Spec::new(
    "f:t:clso:",
    &[("from-code=", 'f'), ("to-code=", 't'), ("list", 'l'), ("silent", 's'), ("output=", 'o')],
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Ascii,
    Latin1,
    Latin9,
    Windows1252,
    Utf8,
    /// With a mark in front that tells the order; big if there is none.
    Utf16,
    Utf16Le,
    Utf16Be,
    Utf32,
    Utf32Le,
    Utf32Be,
}

const NAMES: &[(&str, Encoding)] = &[
    ("ASCII", Encoding::Ascii),
    ("US-ASCII", Encoding::Ascii),
    ("ANSI_X3.4-1968", Encoding::Ascii),
    ("ISO-8859-1", Encoding::Latin1),
    ("ISO8859-1", Encoding::Latin1),
    ("ISO_8859-1", Encoding::Latin1),
    ("LATIN1", Encoding::Latin1),
    ("L1", Encoding::Latin1),
    ("ISO-8859-15", Encoding::Latin9),
    ("ISO8859-15", Encoding::Latin9),
    ("LATIN-9", Encoding::Latin9),
    ("CP1252", Encoding::Windows1252),
    ("WINDOWS-1252", Encoding::Windows1252),
    ("UTF-8", Encoding::Utf8),
    ("UTF8", Encoding::Utf8),
    ("UTF-16", Encoding::Utf16),
    ("UTF16", Encoding::Utf16),
    ("UCS-2", Encoding::Utf16),
    ("UTF-16LE", Encoding::Utf16Le),
    ("UTF16LE", Encoding::Utf16Le),
    ("UCS-2LE", Encoding::Utf16Le),
    ("UTF-16BE", Encoding::Utf16Be),
    ("UTF16BE", Encoding::Utf16Be),
    ("UCS-2BE", Encoding::Utf16Be),
    ("UTF-32", Encoding::Utf32),
    ("UTF32", Encoding::Utf32),
    ("UTF-32LE", Encoding::Utf32Le),
    ("UTF-32BE", Encoding::Utf32Be),
];

/// 0x80 to 0x9f of Windows-1252.
const WINDOWS: [u16; 32] = [
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
];

/// Where ISO-8859-15 differs from Latin-1.
const LATIN9: [(u8, char); 8] = [
    (0xa4, '€'),
    (0xa6, 'Š'),
    (0xa8, 'š'),
    (0xb4, 'Ž'),
    (0xb8, 'ž'),
    (0xbc, 'Œ'),
    (0xbd, 'œ'),
    (0xbe, 'Ÿ'),
];

fn find(name: &str) -> Result<(Encoding, bool, bool)> {
    let mut parts = name.split("//");
    let base = parts.next().unwrap_or_default();
    let base = if base.is_empty() { "UTF-8" } else { base };
    let (mut transliterate, mut ignore) = (false, false);
    for part in parts {
        match part.to_ascii_uppercase().as_str() {
            "TRANSLIT" => transliterate = true,
            "IGNORE" => ignore = true,
            "" => {}
            _ => return Err(Error::message(format!("unknown suffix //{part}"))),
        }
    }
    let encoding = NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(base))
        .map(|(_, encoding)| *encoding)
        .ok_or_else(|| {
            Error::message(format!("unknown encoding '{base}': iconv -l lists those there are"))
        })?;
    Ok((encoding, transliterate, ignore))
}

fn iconv(cx: &mut Context<'_>) -> Result<Status> {
    let (mut from, mut to, mut target) = (Encoding::Utf8, Encoding::Utf8, None);
    let (mut skip, mut transliterate) = (false, false);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'f' => from = find(&arguments.text()?)?.0,
            't' => {
                let (encoding, replace, ignore) = find(&arguments.text()?)?;
                to = encoding;
                transliterate = replace;
                skip |= ignore;
            }
            'c' => skip = true,
            'o' => target = Some(arguments.value()),
            'l' => {
                for (name, _) in NAMES {
                    writeln!(cx.stdout, "{name}")?;
                }
                return Ok(Status::SUCCESS);
            }
            _ => {}
        }
    }
    let operands = arguments.operands();
    let mut converted = Vec::new();
    match to {
        Encoding::Utf16 => converted.extend_from_slice(&[0xff, 0xfe]),
        Encoding::Utf32 => converted.extend_from_slice(&[0xff, 0xfe, 0, 0]),
        _ => {}
    }
    let marks = converted.len();
    let mut failure = None;
    cx.each_input(&operands, |_, input, name| {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes).map_err(|error| Error::path(name, error))?;
        if failure.is_none() {
            failure = convert(&bytes, from, to, skip, transliterate, &mut converted).err();
        }
        Ok(())
    })?;
    let bytes = if converted.len() == marks { &[][..] } else { &converted[..] };
    match target {
        Some(target) => {
            let file = cx.create(&target)?;
            isobox_applet::write_all(std::os::fd::AsFd::as_fd(&file), bytes)
                .map_err(|error| Error::path(&target, error))?;
        }
        None => cx.stdout.put(bytes)?,
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(cx.status()),
    }
}

fn convert(
    mut bytes: &[u8],
    from: Encoding,
    to: Encoding,
    skip: bool,
    transliterate: bool,
    converted: &mut Vec<u8>,
) -> Result<()> {
    let whole = bytes.len();
    let mut from = from;
    match (from, bytes) {
        (Encoding::Utf32, [0xff, 0xfe, 0, 0, rest @ ..]) => {
            (from, bytes) = (Encoding::Utf32Le, rest)
        }
        (Encoding::Utf32, [0, 0, 0xfe, 0xff, rest @ ..]) => {
            (from, bytes) = (Encoding::Utf32Be, rest)
        }
        (Encoding::Utf16, [0xff, 0xfe, rest @ ..]) => (from, bytes) = (Encoding::Utf16Le, rest),
        (Encoding::Utf16, [0xfe, 0xff, rest @ ..]) => (from, bytes) = (Encoding::Utf16Be, rest),
        (Encoding::Utf16, _) => from = Encoding::Utf16Le,
        (Encoding::Utf32, _) => from = Encoding::Utf32Le,
        _ => {}
    }
    while !bytes.is_empty() {
        let (character, length) = decode(bytes, from);
        let Some(character) = character else {
            if !skip {
                return Err(Error::message(format!(
                    "cannot convert: illegal input at position {}",
                    whole - bytes.len()
                )));
            }
            bytes = &bytes[length..];
            continue;
        };
        if !encode(character, to, converted) {
            if transliterate {
                encode(plain(character), to, converted);
            } else if !skip {
                return Err(Error::message(format!(
                    "cannot convert: character U+{:04X} at position {} is not in the target's encoding",
                    u32::from(character),
                    whole - bytes.len()
                )));
            }
        }
        bytes = &bytes[length..];
    }
    Ok(())
}

/// The first character and how many bytes it takes.
fn decode(bytes: &[u8], from: Encoding) -> (Option<char>, usize) {
    let first = bytes[0];
    let wide = |little: bool| -> (Option<char>, usize) {
        let unit = |at: usize| {
            let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
            Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
        };
        let Some(high) = unit(0) else { return (None, bytes.len()) };
        if !(0xd800..0xe000).contains(&high) {
            return (char::from_u32(u32::from(high)), 2);
        }
        let pair = unit(2).map(|low| [high, low]);
        match pair.and_then(|pair| char::decode_utf16(pair).next()?.ok()) {
            Some(character) => (Some(character), 4),
            None => (None, 2),
        }
    };
    let widest = |little: bool| match bytes.first_chunk::<4>() {
        Some(word) => (
            char::from_u32(if little {
                u32::from_le_bytes(*word)
            } else {
                u32::from_be_bytes(*word)
            }),
            4,
        ),
        None => (None, bytes.len()),
    };
    match from {
        Encoding::Ascii => ((first < 0x80).then_some(char::from(first)), 1),
        Encoding::Latin1 => (Some(char::from(first)), 1),
        Encoding::Latin9 => {
            let other =
                LATIN9.iter().find(|(byte, _)| *byte == first).map(|(_, character)| *character);
            (other.or(Some(char::from(first))), 1)
        }
        Encoding::Windows1252 => {
            let character = match first {
                0x80..=0x9f => char::from_u32(u32::from(WINDOWS[usize::from(first - 0x80)])),
                _ => Some(char::from(first)),
            };
            (character.filter(|&character| character != '\u{fffd}'), 1)
        }
        Encoding::Utf8 => {
            let length = match first {
                0..0x80 => return (Some(char::from(first)), 1),
                0xc2..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0..0xf5 => 4,
                _ => return (None, 1),
            };
            let text = bytes.get(..length).and_then(|part| std::str::from_utf8(part).ok());
            match text.and_then(|text| text.chars().next()) {
                Some(character) => (Some(character), length),
                None => (None, 1),
            }
        }
        Encoding::Utf16 | Encoding::Utf16Le => wide(true),
        Encoding::Utf16Be => wide(false),
        Encoding::Utf32 | Encoding::Utf32Le => widest(true),
        Encoding::Utf32Be => widest(false),
    }
}

fn encode(character: char, to: Encoding, converted: &mut Vec<u8>) -> bool {
    let code = u32::from(character);
    let byte = |limit: u32| (code < limit).then(|| u8::try_from(code).ok()).flatten();
    let single = match to {
        Encoding::Ascii => byte(0x80),
        Encoding::Latin1 => byte(0x100),
        Encoding::Latin9 => match LATIN9
            .iter()
            .find(|(byte, other)| *other == character || u32::from(*byte) == code)
        {
            Some((byte, other)) => (*other == character).then_some(*byte),
            None => byte(0x100),
        },
        Encoding::Windows1252 => {
            match (0x80..).zip(WINDOWS).find(|(_, other)| u32::from(*other) == code) {
                Some((byte, _)) => Some(byte),
                None => byte(0x100).filter(|byte| !(0x80..0xa0).contains(byte)),
            }
        }
        Encoding::Utf8 => {
            converted.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return true;
        }
        Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let pair =
                    if to == Encoding::Utf16Be { unit.to_be_bytes() } else { unit.to_le_bytes() };
                converted.extend_from_slice(&pair);
            }
            return true;
        }
        Encoding::Utf32 | Encoding::Utf32Le => {
            converted.extend_from_slice(&code.to_le_bytes());
            return true;
        }
        Encoding::Utf32Be => {
            converted.extend_from_slice(&code.to_be_bytes());
            return true;
        }
    };
    converted.extend(single);
    single.is_some()
}

/// A character that comes near.
fn plain(character: char) -> char {
    match character {
        '‘' | '’' | '‚' | '´' => '\'',
        '“' | '”' | '„' => '"',
        '–' | '—' | '‐' | '−' => '-',
        '\u{a0}' => ' ',
        'À'..='Å' => 'A',
        'È'..='Ë' => 'E',
        'Ì'..='Ï' => 'I',
        'Ò'..='Ö' => 'O',
        'Ù'..='Ü' => 'U',
        'à'..='å' => 'a',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ç' => 'c',
        'Ç' => 'C',
        'ñ' => 'n',
        'Ñ' => 'N',
        _ => '?',
    }
}
