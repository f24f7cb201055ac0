//! `tr`: translate, squeeze or delete characters, by a table of all bytes.

use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status};

/// See the usage text.
pub(crate) const TR: Applet = Applet::new(
    "tr",
    tr,
    "[-cCdst] SET1 [SET2]\n\n\
     Translate, squeeze or delete characters from standard input\n\n\
     \t-c, -C\tUse the characters that are not in SET1\n\
     \t-d\tDelete characters of SET1\n\
     \t-s\tWrite repeats of a character of the last SET once\n\
     \t-t\tUse no more of SET1 than SET2 is long\n\n\
     A SET holds characters, a-z, [:alpha:], [=e=], [x*N], \\n, \\012",
);

const OPTIONS: Spec = Spec::new(
    "+cCdst",
    &[("complement", 'c'), ("delete", 'd'), ("squeeze-repeats", 's'), ("truncate-set1", 't')],
);

fn tr(cx: &mut Context<'_>) -> Result<Status> {
    let (mut complement, mut delete, mut squeeze, mut truncate) = (false, false, false, false);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'd' => delete = true,
            's' => squeeze = true,
            't' => truncate = true,
            _ => complement = true,
        }
    }
    let sets = arguments.operands_between(1, 2)?;
    let mut first = expand(sets[0].as_bytes(), 0)?;
    if complement {
        let mut among = [false; 256];
        first.iter().for_each(|&byte| among[usize::from(byte)] = true);
        first = (0..=255).filter(|&byte| !among[usize::from(byte)]).collect();
    }
    let second = sets.get(1).map(|set| expand(set.as_bytes(), first.len())).transpose()?;
    match (&second, delete, squeeze) {
        (None, false, false) => return Err(Error::usage("two sets are needed to translate")),
        (None, true, true) => return Err(Error::usage("two sets are needed with -ds")),
        (Some(_), true, false) => return Err(Error::usage("-d takes one set without -s")),
        _ => {}
    }
    let mut plan = Plan::new();
    if delete {
        first.iter().for_each(|&byte| plan.keep[usize::from(byte)] = false);
    } else if let Some(second) = &second {
        let Some(&last) = second.last() else {
            return Err(Error::message("the second set is empty"));
        };
        if truncate {
            first.truncate(second.len());
        }
        for (index, &byte) in first.iter().enumerate() {
            plan.map[usize::from(byte)] = *second.get(index).unwrap_or(&last);
        }
    }
    if squeeze {
        let set = second.as_ref().unwrap_or(&first);
        set.iter().for_each(|&byte| plan.squeeze[usize::from(byte)] = true);
    }
    let mut input = Input::from(cx.stdin);
    let mut buffer = Vec::new();
    let mut last = None;
    loop {
        let chunk = input.chunk().map_err(Error::Read)?;
        if chunk.is_empty() {
            return Ok(cx.status());
        }
        let length = chunk.len();
        if !delete && !squeeze {
            buffer.clear();
            buffer.extend(chunk.iter().map(|&byte| plan.map[usize::from(byte)]));
        } else {
            plan.filter(chunk, &mut buffer, squeeze, &mut last);
        }
        cx.stdout.put(&buffer)?;
        input.consume(length);
    }
}

struct Plan {
    map: [u8; 256],
    keep: [bool; 256],
    squeeze: [bool; 256],
}

impl Plan {
    fn new() -> Self {
        let mut map = [0; 256];
        (0..=255).for_each(|byte: u8| map[usize::from(byte)] = byte);
        Self { map, keep: [true; 256], squeeze: [false; 256] }
    }

    /// Without branches: each byte is written, and the position moves on if it stays.
    fn filter(&self, chunk: &[u8], buffer: &mut Vec<u8>, squeeze: bool, last: &mut Option<u8>) {
        buffer.resize(chunk.len().max(buffer.len()), 0);
        let mut end = 0;
        if !squeeze {
            for &byte in chunk {
                buffer[end] = byte;
                end += usize::from(self.keep[usize::from(byte)]);
            }
        } else {
            let mut before = last.map_or(u16::MAX, u16::from);
            for &byte in chunk {
                let mapped = self.map[usize::from(byte)];
                let kept = self.keep[usize::from(byte)];
                let repeats = before == u16::from(mapped) && self.squeeze[usize::from(mapped)];
                buffer[end] = mapped;
                end += usize::from(kept && !repeats);
                before = if kept { u16::from(mapped) } else { before };
            }
            *last = u8::try_from(before).ok();
        }
        buffer.truncate(end);
    }
}

/// All characters of a set; `[x*]` fills it up to `length`.
fn expand(text: &[u8], length: usize) -> Result<Vec<u8>> {
    let mut set = Vec::new();
    let mut fill = None;
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'[' {
            if let Some((bytes, next)) = class(text, at)? {
                set.extend(bytes);
                at = next;
                continue;
            }
            if let Some((byte, count, next)) = repeat(text, at)? {
                match count {
                    Some(count) => set.resize(set.len() + count, byte),
                    None => fill = Some((set.len(), byte)),
                }
                at = next;
                continue;
            }
        }
        let (start, next) = character(text, at);
        at = next;
        if text.get(at) == Some(&b'-') && at + 1 < text.len() {
            let (end, next) = character(text, at + 1);
            if start > end {
                return Err(Error::message(format!(
                    "the range {}-{} runs backwards",
                    char::from(start),
                    char::from(end)
                )));
            }
            set.extend(start..=end);
            at = next;
        } else {
            set.push(start);
        }
    }
    if let Some((place, byte)) = fill {
        let missing = length.saturating_sub(set.len());
        set.splice(place..place, std::iter::repeat_n(byte, missing));
    }
    Ok(set)
}

/// `[:alpha:]` or `[=e=]` at a position, and where it ends.
fn class(text: &[u8], at: usize) -> Result<Option<(Vec<u8>, usize)>> {
    let Some(&kind @ (b':' | b'=')) = text.get(at + 1) else { return Ok(None) };
    let Some(length) = text[at + 2..].windows(2).position(|pair| pair == [kind, b']']) else {
        return Ok(None);
    };
    let name = &text[at + 2..at + 2 + length];
    let next = at + length + 4;
    if kind == b'=' {
        return match name {
            [byte] => Ok(Some((vec![*byte], next))),
            // `[=\n=]` and the like.
            _ => Ok(Some((vec![character(name, 0).0], next))),
        };
    }
    let test = isobox_applet::glob::class_test(name).ok_or_else(|| {
        Error::about("unknown class of characters", std::ffi::OsStr::from_bytes(name))
    })?;
    Ok(Some(((0..=255).filter(test).collect(), next)))
}

/// `[x*N]` or `[x*]` at a position: the byte, how often, where it ends.
fn repeat(text: &[u8], at: usize) -> Result<Option<(u8, Option<usize>, usize)>> {
    if at + 1 >= text.len() {
        return Ok(None);
    }
    let (byte, star) = character(text, at + 1);
    if text.get(star) != Some(&b'*') {
        return Ok(None);
    }
    let Some(length) = text[star + 1..].iter().position(|&byte| byte == b']') else {
        return Ok(None);
    };
    let digits = &text[star + 1..star + 1 + length];
    if !digits.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    let radix = if digits.starts_with('0') { 8 } else { 10 };
    let count = match digits {
        "" => 0,
        digits => usize::from_str_radix(digits, radix)
            .ok()
            .filter(|&count| count <= 1 << 24)
            .ok_or_else(|| Error::message(format!("invalid repeat count '{digits}'")))?,
    };
    Ok(Some((byte, (count > 0).then_some(count), star + length + 2)))
}

/// A character or an escape at a position, and where it ends.
fn character(text: &[u8], at: usize) -> (u8, usize) {
    if text[at] != b'\\' || at + 1 == text.len() {
        return (text[at], at + 1);
    }
    let simple = |byte| (byte, at + 2);
    match text[at + 1] {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'0'..=b'7' => {
            let (mut value, mut next) = (0_u32, at + 1);
            while next < text.len() && next < at + 4 && matches!(text[next], b'0'..=b'7') {
                let longer = value * 8 + u32::from(text[next] - b'0');
                if longer > 255 {
                    break;
                }
                value = longer;
                next += 1;
            }
            (u8::try_from(value).unwrap_or(u8::MAX), next)
        }
        other => simple(other),
    }
}
