//! Shell patterns: `*`, `?`, `[…]` on bytes, a backslash making the next one literal.
//!
//! `?` and brackets take a whole character where the text is UTF-8, and a byte where it is not.

/// Whether the whole text matches.
#[must_use]
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on after a mismatch: past the last star, one character later.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p == pattern.len() {
            if t == text.len() {
                return true;
            }
        } else if pattern[p] == b'*' {
            while pattern.get(p) == Some(&b'*') {
                p += 1;
            }
            if p == pattern.len() {
                return true;
            }
            star = Some((p, t));
            continue;
        } else if t < text.len()
            && let Some((pattern_length, text_length)) = one(&pattern[p..], &text[t..])
        {
            p += pattern_length;
            t += text_length;
            continue;
        }
        match star {
            Some((after, from)) if from < text.len() => {
                star = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
            _ => return false,
        }
    }
}

/// Matches one element of the pattern; returns how much of pattern and text it took.
fn one(pattern: &[u8], text: &[u8]) -> Option<(usize, usize)> {
    match pattern[0] {
        b'?' => Some((1, character(text).1)),
        b'\\' if pattern.len() > 1 => (pattern[1] == text[0]).then_some((2, 1)),
        b'[' => match bracket(pattern) {
            Some((body, length)) => {
                let (value, text_length) = character(text);
                in_bracket(body, value).then_some((length, text_length))
            }
            None => (text[0] == b'[').then_some((1, 1)),
        },
        byte => (byte == text[0]).then_some((1, 1)),
    }
}

/// The first character and its length; a byte that begins none stands above all characters.
fn character(text: &[u8]) -> (u32, usize) {
    let first = text[0];
    let length = match first {
        0..=0x7f => return (u32::from(first), 1),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    match text.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()) {
        Some(character) => (character.chars().next().map_or(0, u32::from), length),
        None => (0x11_0000 + u32::from(first), 1),
    }
}

/// Splits off a bracket expression: what is within, and its whole length.
fn bracket(pattern: &[u8]) -> Option<(&[u8], usize)> {
    let mut at = 1;
    if matches!(pattern.get(at), Some(b'!' | b'^')) {
        at += 1;
    }
    let first = at;
    loop {
        match pattern.get(at)? {
            b']' if at > first => return Some((&pattern[1..at], at + 1)),
            b'[' if matches!(pattern.get(at + 1), Some(b':' | b'.' | b'=')) => {
                let kind = pattern[at + 1];
                let end = pattern[at + 2..].windows(2).position(|pair| pair == [kind, b']']);
                at += end.map_or(1, |end| end + 4);
            }
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn in_bracket(mut body: &[u8], value: u32) -> bool {
    let negated = matches!(body.first(), Some(b'!' | b'^'));
    if negated {
        body = &body[1..];
    }
    let mut found = false;
    while !body.is_empty() {
        if body.len() > 3
            && body.starts_with(b"[:")
            && let Some(end) = body.windows(2).position(|pair| pair == b":]")
        {
            found |= in_class(&body[2..end], value);
            body = &body[end + 2..];
            continue;
        }
        let (low, length) = bracket_character(body);
        body = &body[length..];
        if body.len() > 1 && body[0] == b'-' {
            let (high, length) = bracket_character(&body[1..]);
            body = &body[1 + length..];
            found |= (low..=high).contains(&value);
        } else {
            found |= low == value;
        }
    }
    found != negated
}

fn bracket_character(body: &[u8]) -> (u32, usize) {
    if body.len() > 1 && body[0] == b'\\' {
        let (value, length) = character(&body[1..]);
        return (value, length + 1);
    }
    if body.len() > 4
        && body[0] == b'['
        && matches!(body[1], b'.' | b'=')
        && let Some(end) = body[2..].windows(2).position(|pair| pair == [body[1], b']'])
        && end > 0
    {
        return (character(&body[2..]).0, end + 4);
    }
    character(body)
}

fn in_class(name: &[u8], value: u32) -> bool {
    let Ok(byte) = u8::try_from(value) else {
        return char::from_u32(value).is_some_and(|character| match name {
            b"alpha" => character.is_alphabetic(),
            b"alnum" => character.is_alphanumeric(),
            b"lower" => character.is_lowercase(),
            b"upper" => character.is_uppercase(),
            b"space" => character.is_whitespace(),
            b"print" | b"graph" => !character.is_control() && !character.is_whitespace(),
            b"punct" => !character.is_alphanumeric() && !character.is_whitespace(),
            _ => false,
        });
    };
    match name {
        b"alpha" => byte.is_ascii_alphabetic(),
        b"digit" => byte.is_ascii_digit(),
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"upper" => byte.is_ascii_uppercase(),
        b"lower" => byte.is_ascii_lowercase(),
        b"space" => byte.is_ascii_whitespace() || byte == 11,
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"punct" => byte.is_ascii_punctuation(),
        b"cntrl" => byte.is_ascii_control(),
        b"graph" => byte.is_ascii_graphic(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => false,
    }
}

/// Whether text holds what makes it a pattern.
#[must_use]
pub(crate) fn is_active(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[')
}

/// Whether unquoted text may act as a pattern, or as part of one.
#[must_use]
pub(crate) fn may_be_active(text: &[u8]) -> bool {
    text.iter().any(|&byte| is_active(byte) || byte == b'\\')
}

/// The text that a pattern without active characters stands for; nothing if it has some.
#[must_use]
pub(crate) fn literal(pattern: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    if !pattern.iter().any(|&byte| is_active(byte) || byte == b'\\') {
        return Some(pattern.into());
    }
    let mut text = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => text.push(*bytes.next().unwrap_or(&b'\\')),
            byte if is_active(byte) => return None,
            byte => text.push(byte),
        }
    }
    Some(text.into())
}

/// How much of the beginning of `text` matches.
#[must_use]
pub(crate) fn prefix(pattern: &[u8], text: &[u8], longest: bool) -> Option<usize> {
    if let Some(literal) = literal(pattern) {
        return text.starts_with(&literal).then_some(literal.len());
    }
    if let Some(tail) = pattern.strip_prefix(b"*").and_then(literal) {
        let at = if longest {
            memchr::memmem::rfind(text, &tail)
        } else {
            memchr::memmem::find(text, &tail)
        };
        return at.map(|at| at + tail.len());
    }
    let fits = |&length: &usize| boundary(text, length) && matches(pattern, &text[..length]);
    if longest { (0..=text.len()).rev().find(fits) } else { (0..=text.len()).find(fits) }
}

/// Where the end of `text` that matches begins.
#[must_use]
pub(crate) fn suffix(pattern: &[u8], text: &[u8], longest: bool) -> Option<usize> {
    if let Some(literal) = literal(pattern) {
        return text.ends_with(&literal).then(|| text.len() - literal.len());
    }
    if let Some(head) = pattern.strip_suffix(b"*")
        && !head.ends_with(b"\\")
        && let Some(head) = literal(head)
    {
        return if longest {
            memchr::memmem::find(text, &head)
        } else {
            memchr::memmem::rfind(text, &head)
        };
    }
    let fits = |&start: &usize| boundary(text, start) && matches(pattern, &text[start..]);
    if longest { (0..=text.len()).find(fits) } else { (0..=text.len()).rev().find(fits) }
}

/// Whether a place is not within a character.
fn boundary(text: &[u8], place: usize) -> bool {
    if text.get(place).is_none_or(|byte| byte & 0xc0 != 0x80) {
        return true;
    }
    let from = place.saturating_sub(3);
    (from..place).all(|start| start + character(&text[start..]).1 <= place)
}

/// The first part of `text` from `from` on that matches: where it begins and ends, the longest
/// there.
#[must_use]
pub(crate) fn find(pattern: &[u8], text: &[u8], from: usize) -> Option<(usize, usize)> {
    if let Some(literal) = literal(pattern) {
        if literal.is_empty() {
            return None;
        }
        return memchr::memmem::find(&text[from..], &literal)
            .map(|at| (from + at, from + at + literal.len()));
    }
    (from..=text.len()).filter(|&start| boundary(text, start)).find_map(|start| {
        let length = prefix(pattern, &text[start..], true).filter(|&length| length > 0)?;
        Some((start, start + length))
    })
}

/// Appends text so that a pattern means it literally.
pub(crate) fn escape(text: &[u8], pattern: &mut Vec<u8>) {
    for &byte in text {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'-' | b'!' | b'^') {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let yes = |pattern: &str, text: &str| {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}")
        };
        let no = |pattern: &str, text: &str| {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}")
        };
        yes("", "");
        yes("*", "");
        yes("a*b*c", "aXbbYc");
        no("a*b*c", "aXbbY");
        yes("?", "é");
        no("?", "");
        yes("[a-c]x", "bx");
        no("[!a-c]x", "bx");
        yes("[]a]", "]");
        yes("[[:digit:][:upper:]]", "Q");
        no("[[:digit:]]", "q");
        yes("[é-ü]", "ö");
        yes(r"\*", "*");
        no(r"\*", "x");
        yes("[", "[");
        yes("[a", "[a");
        yes(r"[\]]", "]");
        yes("*.tar.*", "a.tar.gz.tar.xz");
        yes("a**b", "ab");
        assert!(matches(b"?", b"\xff"));
        no("*a*a*a*a*a*a*a*a*a*a*a*ab", &"a".repeat(2000));
    }

    #[test]
    fn ends() {
        assert_eq!(prefix(b"*/", b"a/b/c", false), Some(2));
        assert_eq!(prefix(b"*/", b"a/b/c", true), Some(4));
        assert_eq!(suffix(b"/*", b"a/b/c", false), Some(3));
        assert_eq!(suffix(b"/*", b"a/b/c", true), Some(1));
        assert_eq!(suffix(b".?", b"x.c", true), Some(1));
        assert_eq!(prefix(b"?", "éa".as_bytes(), false), Some(2));
        assert_eq!(find(b"b*", b"abcb", 0), Some((1, 4)));
        assert_eq!(find(b"", b"abc", 0), None);
    }
}
