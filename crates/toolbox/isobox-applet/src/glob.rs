//! Patterns of names: `*`, `?`, `[a-z]`, as the shell and `find` match them.

/// How to match.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flags {
    /// Letters match in either case.
    pub ignore_case: bool,
    /// `*` and `?` do not match a slash.
    pub path: bool,
    /// A dot in front is matched by a dot only.
    pub period: bool,
    /// A backslash is a character like any other.
    pub no_escape: bool,
}

/// Whether a whole text matches. Takes time proportional to the product of the lengths at most.
#[must_use]
pub fn matches(pattern: &[u8], text: &[u8], flags: Flags) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far its text reaches.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == b'*' {
            if flags.period && at_start(text, t, flags) && text.get(t) == Some(&b'.') {
                return false;
            }
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        if t == text.len() {
            if p == pattern.len() {
                return true;
            }
        } else if let Some(next) = one(pattern, p, text, t, flags) {
            p = next;
            t += 1;
            continue;
        }
        // The last star takes one more.
        match star {
            Some((after, reach)) if reach < text.len() && !(flags.path && text[reach] == b'/') => {
                star = Some((after, reach + 1));
                p = after;
                t = reach + 1;
            }
            _ => return false,
        }
    }
}

fn at_start(text: &[u8], t: usize, flags: Flags) -> bool {
    t == 0 || flags.path && text[t - 1] == b'/'
}

/// Whether the element of the pattern at `p` matches the byte at `t`; where the next one is.
fn one(pattern: &[u8], p: usize, text: &[u8], t: usize, flags: Flags) -> Option<usize> {
    let byte = text[t];
    let fold = |byte: u8| if flags.ignore_case { byte.to_ascii_lowercase() } else { byte };
    let dot = flags.period && byte == b'.' && at_start(text, t, flags);
    let slash = flags.path && byte == b'/';
    match *pattern.get(p)? {
        b'?' => {
            // One character of UTF-8 is one, but its bytes are matched one by one elsewhere.
            (!dot && !slash).then_some(p + 1)
        }
        b'[' => match bracket(pattern, p, byte, flags) {
            Some((found, next)) => (found && !dot && !slash).then_some(next),
            None => (byte == b'[').then_some(p + 1),
        },
        b'\\' if !flags.no_escape && p + 1 < pattern.len() => {
            (fold(pattern[p + 1]) == fold(byte)).then_some(p + 2)
        }
        literal => (fold(literal) == fold(byte)).then_some(p + 1),
    }
}

/// Whether a bracket expression matches, and where it ends; nothing if it has no end.
fn bracket(pattern: &[u8], p: usize, byte: u8, flags: Flags) -> Option<(bool, usize)> {
    let mut at = p + 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    at += usize::from(negated);
    let first = at;
    let mut found = false;
    let either = |test: &dyn Fn(u8) -> bool| {
        test(byte)
            || flags.ignore_case
                && (test(byte.to_ascii_lowercase()) || test(byte.to_ascii_uppercase()))
    };
    loop {
        let mut low = *pattern.get(at)?;
        if low == b']' && at > first {
            return Some((found != negated, at + 1));
        }
        if low == b'[' && pattern.get(at + 1) == Some(&b':') {
            let rest = &pattern[at + 2..];
            if let Some(end) = rest.windows(2).position(|pair| pair == b":]") {
                if let Some(test) = class_test(&rest[..end]) {
                    found |= either(&|byte| test(&byte));
                }
                at += end + 4;
                continue;
            }
        }
        if low == b'\\' && !flags.no_escape {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|&next| next != b']') {
            high = pattern[at + 1];
            at += 2;
            if high == b'\\' && !flags.no_escape {
                high = *pattern.get(at)?;
                at += 1;
            }
        }
        found |= either(&|byte| (low..=high).contains(&byte));
    }
}

/// The test of a class of characters by its name, such as `alpha`.
#[must_use]
pub fn class_test(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alpha" => u8::is_ascii_alphabetic,
        b"digit" => u8::is_ascii_digit,
        b"alnum" => u8::is_ascii_alphanumeric,
        b"upper" => u8::is_ascii_uppercase,
        b"lower" => u8::is_ascii_lowercase,
        b"space" => |byte| matches!(byte, b'\t'..=b'\r' | b' '),
        b"blank" => |byte| matches!(byte, b'\t' | b' '),
        b"punct" => u8::is_ascii_punctuation,
        b"cntrl" => u8::is_ascii_control,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"graph" => u8::is_ascii_graphic,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_shell_matches() {
        let plain = Flags::default();
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("?b", "ab", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[", "[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[[:digit:]]*", "7z", true),
            ("*a*b*c*", "xxaxxbxxc", true),
            ("**", "abc", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes(), plain),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(!matches(b"*", b"a/b", Flags { path: true, ..plain }));
        assert!(!matches(b"*", b".a", Flags { period: true, ..plain }));
        assert!(matches(b"A[B-C]", b"ab", Flags { ignore_case: true, ..plain }));
    }
}
