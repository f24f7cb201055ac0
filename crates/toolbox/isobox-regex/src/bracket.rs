//! Bracket expressions, which all dialects share but for the backslash.

use crate::class::{Set, named};
use crate::error::Error;

/// How brackets are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) utf8: bool,
    pub(crate) fold: bool,
    /// Whether `[^a]` leaves a newline out, as it does where lines are matched one by one.
    pub(crate) newline: bool,
}

/// Reads characters off an expression.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) at: usize,
    pub(crate) utf8: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8], utf8: bool) -> Self {
        Self { text, at: 0, utf8 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    pub(crate) fn eat(&mut self, expected: &[u8]) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// The next character: its code, or in UTF-8 mode a byte that is part of none.
    pub(crate) fn character(&mut self) -> Option<Result<u32, u8>> {
        let first = self.peek()?;
        if first < 0x80 || !self.utf8 {
            self.at += 1;
            return Some(Ok(first.into()));
        }
        match decode(self.rest()) {
            Some((character, length)) => {
                self.at += length;
                Some(Ok(character))
            }
            None => {
                self.at += 1;
                Some(Err(first))
            }
        }
    }

    /// A decimal number, as far as there are digits.
    pub(crate) fn number(&mut self) -> Option<u32> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let number = self.rest()[..digits].iter().fold(0u32, |number, digit| {
            number.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
        });
        self.at += digits;
        Some(number)
    }
}

/// The first character of UTF-8 text and its length, unless the bytes are no UTF-8.
pub(crate) fn decode(text: &[u8]) -> Option<(u32, usize)> {
    let length = match text.first()? {
        0..=0x7f => return Some((text[0].into(), 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let character = std::str::from_utf8(text.get(..length)?).ok()?.chars().next()?;
    Some((character.into(), length))
}

/// Reads what follows a backslash in brackets; the flag says whether the text is UTF-8.
pub(crate) type Escape = fn(&mut Cursor<'_>, bool) -> Result<Escaped, Error>;

/// What one place in a bracket expression stands for.
enum Member {
    Character(u32),
    Class(Set),
}

/// Reads a bracket expression whose `[` has been read. `escape` reads what follows a backslash
/// in dialects where it is special.
pub(crate) fn parse(
    cursor: &mut Cursor<'_>,
    style: Style,
    escape: Option<Escape>,
) -> Result<Set, Error> {
    let start = cursor.at;
    let unmatched = || Error::new(start, "Unmatched [, [^, [:, [., or [=");
    let negated = cursor.eat(b"^");
    let mut set = Set::default();
    let mut first = true;
    loop {
        let member_at = cursor.at;
        match cursor.peek().ok_or_else(unmatched)? {
            b']' if !first => {
                cursor.at += 1;
                break;
            }
            _ => first = false,
        }
        let low = match member(cursor, style.utf8, escape, &unmatched)? {
            Member::Class(class) => {
                set.add_all(&class);
                continue;
            }
            Member::Character(low) => low,
        };
        let ranged = cursor.peek() == Some(b'-')
            && !matches!(cursor.text.get(cursor.at + 1), None | Some(b']'));
        if !ranged {
            set.add(low, low);
            continue;
        }
        cursor.at += 1;
        match member(cursor, style.utf8, escape, &unmatched)? {
            Member::Character(high) if low <= high => set.add(low, high),
            Member::Character(_) => return Err(Error::new(member_at, "Invalid range end")),
            // `[a-\d]` in Perl: the dash is a dash.
            Member::Class(class) if escape.is_some() => {
                set.add(low, low);
                set.add(b'-'.into(), b'-'.into());
                set.add_all(&class);
            }
            Member::Class(_) => return Err(Error::new(member_at, "Invalid range end")),
        }
    }
    set.normalise();
    if style.fold {
        set.fold(style.utf8);
    }
    if negated {
        if style.newline {
            set.add(b'\n'.into(), b'\n'.into());
            set.normalise();
        }
        set = set.inverted(last_character(style.utf8));
    }
    Ok(set)
}

/// What a backslash in brackets stands for.
pub(crate) enum Escaped {
    Character(u32),
    Class(Set),
}

fn member(
    cursor: &mut Cursor<'_>,
    utf8: bool,
    escape: Option<Escape>,
    unmatched: &impl Fn() -> Error,
) -> Result<Member, Error> {
    for (open, close) in [(b"[:", b":]"), (b"[.", b".]"), (b"[=", b"=]")] {
        if !cursor.rest().starts_with(open) {
            continue;
        }
        let inside = &cursor.rest()[2..];
        let end = inside.windows(2).position(|pair| pair == close);
        let Some(end) = end else {
            // `[[:]` in Perl is a set of two characters; POSIX calls it unfinished.
            if escape.is_some() {
                break;
            }
            return Err(unmatched());
        };
        let name = &inside[..end];
        let at = cursor.at;
        cursor.at += end + 4;
        if open == b"[:" {
            let (name, negated) = match name.strip_prefix(b"^") {
                Some(name) if escape.is_some() => (name, true),
                _ => (name, false),
            };
            let class = std::str::from_utf8(name).ok().and_then(|name| named(name, utf8));
            let class = class.ok_or_else(|| Error::new(at, "Invalid character class name"))?;
            return Ok(Member::Class(if negated {
                class.inverted(last_character(utf8))
            } else {
                class
            }));
        }
        let mut inner = Cursor::new(name, utf8);
        return match (inner.character(), inner.peek()) {
            (Some(Ok(character)), None) => Ok(Member::Character(character)),
            _ => Err(Error::new(at, "Invalid collation character")),
        };
    }
    if let Some(escape) = escape
        && cursor.eat(b"\\")
    {
        return Ok(match escape(cursor, utf8)? {
            Escaped::Character(character) => Member::Character(character),
            Escaped::Class(class) => Member::Class(class),
        });
    }
    match cursor.character() {
        Some(Ok(character)) => Ok(Member::Character(character)),
        Some(Err(byte)) => Err(Error::new(cursor.at, format!("byte {byte:#04x} is not UTF-8"))),
        None => Err(unmatched()),
    }
}

/// The last character that there is.
pub(crate) fn last_character(utf8: bool) -> u32 {
    if utf8 { char::MAX.into() } else { 0xff }
}
