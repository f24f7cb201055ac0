//! `base64`, `base32`, `basenc`: bytes as text and back.

use isobox_applet::{Applet, Context, Error, Input, Place, Result, Spec, Status, number};

/// See the usage text.
pub(crate) const BASE64: Applet = Applet::new(
    "base64",
    base64,
    "[-di] [-w COLUMNS] [FILE]\n\n\
     Write FILE or standard input in base64\n\n\
     \t-d\tDecode\n\
     \t-i\tWhen decoding, ignore what is not of the alphabet\n\
     \t-w N\tBreak lines after N characters (76; 0: never)",
)
.at(Place::Bin);

/// See the usage text.
pub(crate) const BASE32: Applet = Applet::new(
    "base32",
    base32,
    "[-di] [-w COLUMNS] [FILE]\n\n\
     Write FILE or standard input in base32\n\n\
     \t-d\tDecode\n\
     \t-i\tWhen decoding, ignore what is not of the alphabet\n\
     \t-w N\tBreak lines after N characters (76; 0: never)",
);

/// See the usage text.
pub(crate) const BASENC: Applet = Applet::new(
    "basenc",
    basenc,
    "--ENCODING [-di] [-w COLUMNS] [FILE]\n\n\
     Write FILE or standard input in an encoding\n\n\
     \t--base64, --base64url, --base32, --base32hex, --base16, --base2msbf, --base2lsbf\n\
     \t-d\tDecode\n\
     \t-i\tWhen decoding, ignore what is not of the alphabet\n\
     \t-w N\tBreak lines after N characters (76; 0: never)",
);

const OPTIONS: Spec =
    Spec::new("diw:", &[("decode", 'd'), ("ignore-garbage", 'i'), ("wrap=", 'w')]);

const ALL_OPTIONS: Spec = Spec::new(
    "diDw:",
    &[
        ("decode", 'd'),
        ("ignore-garbage", 'i'),
        ("wrap=", 'w'),
        ("base64", '\x01'),
        ("base64url", '\x02'),
        ("base32", '\x03'),
        ("base32hex", '\x04'),
        ("base16", '\x05'),
        ("base2msbf", '\x06'),
        ("base2lsbf", '\x07'),
    ],
);

/// A way to write bytes: letters of so many bits each.
struct Encoding {
    alphabet: &'static [u8],
    bits: u32,
    /// Bytes of input in a group, and letters of output.
    group: (usize, usize),
    padded: bool,
    /// The lowest bit first.
    reversed: bool,
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const fn encoding(
    alphabet: &'static [u8],
    bits: u32,
    group: (usize, usize),
    padded: bool,
) -> Encoding {
    Encoding { alphabet, bits, group, padded, reversed: false }
}

const ENCODINGS: [Encoding; 7] = [
    encoding(STANDARD, 6, (3, 4), true),
    encoding(FOR_URLS, 6, (3, 4), true),
    encoding(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, (5, 8), true),
    encoding(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", 5, (5, 8), true),
    encoding(b"0123456789ABCDEF", 4, (1, 2), false),
    encoding(b"01", 1, (1, 8), false),
    Encoding { reversed: true, ..encoding(b"01", 1, (1, 8), false) },
];

fn base64(cx: &mut Context<'_>) -> Result<Status> {
    run(cx, &OPTIONS, Some(0))
}

fn base32(cx: &mut Context<'_>) -> Result<Status> {
    run(cx, &OPTIONS, Some(2))
}

fn basenc(cx: &mut Context<'_>) -> Result<Status> {
    run(cx, &ALL_OPTIONS, None)
}

fn run(cx: &mut Context<'_>, options: &'static Spec, mut which: Option<usize>) -> Result<Status> {
    let (mut decoding, mut ignore, mut wrap) = (false, false, 76);
    let mut arguments = cx.parse(options);
    while let Some(option) = arguments.next()? {
        match option {
            'd' | 'D' => decoding = true,
            'i' => ignore = true,
            'w' => wrap = number::unsigned(&arguments.value())?,
            chosen => which = Some(chosen as usize - 1),
        }
    }
    let which = which.ok_or_else(|| Error::usage("expected an encoding, such as --base64"))?;
    let encoding = &ENCODINGS[which];
    let operands = arguments.operands_between(0, 1)?;
    cx.each_input(&operands, |cx, input, name| {
        if decoding {
            decode(cx, input, encoding, ignore).map_err(|error| error.on(name))
        } else {
            let wrap = usize::try_from(wrap).unwrap_or(usize::MAX);
            encode(cx, input, encoding, wrap).map_err(|error| error.on(name))
        }
    })?;
    Ok(cx.status())
}

fn encode(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    encoding: &Encoding,
    wrap: usize,
) -> Result<()> {
    // A multiple of every group.
    let mut block = vec![0; 60 * 1024];
    let (mut letters, mut column) = (Vec::new(), 0);
    loop {
        let count = input.read_full(&mut block).map_err(Error::Read)?;
        if count == 0 {
            break;
        }
        letters.clear();
        let groups = block[..count].chunks_exact(encoding.group.0);
        let rest = groups.remainder();
        if let (Ok(alphabet), 3) = (<&[u8; 64]>::try_from(encoding.alphabet), encoding.group.0) {
            // Whole groups of base64 without a loop within the loop.
            letters.resize(groups.len() * 4, 0);
            for (group, target) in groups.zip(letters.chunks_exact_mut(4)) {
                let letter = |value: u8| alphabet[usize::from(value & 63)];
                target[0] = letter(group[0] >> 2);
                target[1] = letter(group[0] << 4 | group[1] >> 4);
                target[2] = letter(group[1] << 2 | group[2] >> 6);
                target[3] = letter(group[2]);
            }
        } else {
            groups.for_each(|group| encoding.encode_group(group, &mut letters));
        }
        if !rest.is_empty() {
            encoding.encode_group(rest, &mut letters);
        }
        if wrap == 0 {
            cx.stdout.put(&letters)?;
            continue;
        }
        let mut rest = &letters[..];
        while !rest.is_empty() {
            let (part, others) = rest.split_at(rest.len().min(wrap - column));
            cx.stdout.put(part)?;
            column += part.len();
            rest = others;
            if column == wrap {
                cx.stdout.put(b"\n")?;
                column = 0;
            }
        }
    }
    if column > 0 { cx.stdout.put(b"\n") } else { Ok(()) }
}

impl Encoding {
    #[inline]
    fn encode_group(&self, group: &[u8], letters: &mut Vec<u8>) {
        let (bytes, wide) = self.group;
        if self.reversed {
            letters.extend((0..8).map(|bit| self.alphabet[usize::from(group[0] >> bit & 1)]));
            return;
        }
        let mut value = 0_u64;
        for index in 0..bytes {
            value = value << 8 | u64::from(group.get(index).copied().unwrap_or(0));
        }
        let mask = (1 << self.bits) - 1;
        let used = (u32::try_from(group.len()).unwrap_or(0) * 8).div_ceil(self.bits) as usize;
        for index in 0..wide {
            if index < used {
                let shift = self.bits * u32::try_from(wide - 1 - index).unwrap_or(0);
                letters.push(self.alphabet[usize::try_from(value >> shift & mask).unwrap_or(0)]);
            } else if self.padded {
                letters.push(b'=');
            }
        }
    }
}

fn decode(
    cx: &mut Context<'_>,
    input: &mut Input<'_>,
    encoding: &Encoding,
    ignore: bool,
) -> Result<()> {
    const OTHER: u8 = 255;
    let mut table = [OTHER; 256];
    for (value, &letter) in (0..).zip(encoding.alphabet) {
        table[usize::from(letter)] = value;
        if encoding.bits == 4 {
            table[usize::from(letter.to_ascii_lowercase())] = value;
        }
    }
    let invalid = || Error::message("invalid input");
    let (bytes, wide) = encoding.group;
    let (mut value, mut count, mut padding) = (0_u64, 0, 0);
    let mut decoded = Vec::new();
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            break;
        }
        decoded.clear();
        let mut bad = false;
        for &letter in chunk {
            let digit = table[usize::from(letter)];
            if digit == OTHER {
                match letter {
                    b'\n' | b'\r' => {}
                    b'=' if encoding.padded && (count > 0 || padding > 0) => {
                        if padding == 0 {
                            bad |= !tail(value, count, encoding, &mut decoded);
                            padding = wide - count;
                            (value, count) = (0, 0);
                        }
                        padding -= 1;
                        bad |= padding > wide;
                    }
                    _ => bad |= !ignore,
                }
            } else {
                bad |= padding > 0;
                if encoding.reversed {
                    value |= u64::from(digit) << count;
                } else {
                    value = value << encoding.bits | u64::from(digit);
                }
                count += 1;
                if count == wide {
                    let all = value.to_be_bytes();
                    decoded.extend_from_slice(&all[8 - bytes..]);
                    (value, count) = (0, 0);
                }
            }
            if bad {
                cx.stdout.put(&decoded)?;
                return Err(invalid());
            }
        }
        cx.stdout.put(&decoded)?;
        let length = chunk.len();
        input.consume(length);
    }
    if count > 0 {
        decoded.clear();
        // Padding that was left out is forgiven; bits that make no byte are not.
        let whole = tail(value, count, encoding, &mut decoded);
        cx.stdout.put(&decoded)?;
        if !whole {
            return Err(invalid());
        }
    }
    Ok(())
}

/// The bytes of a group that is not full.
fn tail(value: u64, count: usize, encoding: &Encoding, decoded: &mut Vec<u8>) -> bool {
    let bits = u32::try_from(count).unwrap_or(0) * encoding.bits;
    let bytes = bits / 8;
    if bits % 8 >= encoding.bits {
        return false;
    }
    let value = value >> (bits % 8);
    decoded.extend_from_slice(&value.to_be_bytes()[8 - bytes as usize..]);
    true
}
