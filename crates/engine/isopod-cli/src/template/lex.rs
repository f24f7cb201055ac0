//! Cuts a template into text and tokens of actions.

use super::TemplateError;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// Text outside of actions.
    Text(String),
    /// `{{`, with the offset of what follows it.
    Open,
    /// `}}`.
    Close,
    /// A word: keyword, function, `true`, `nil`.
    Word(String),
    /// `.Name`.
    Field(String),
    /// `.` alone.
    Dot,
    /// `$` or `$name`.
    Variable(String),
    /// A text in quotes.
    Text2(String),
    /// A whole number or a character.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// `|`, `(`, `)`, `,`, `=`.
    Symbol(char),
    /// `:=`.
    Declare,
    /// Blanks within an action.
    Blank,
}

/// A token and where it stands in the source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    /// The token.
    pub(super) token: Token,
    /// Offset of its first byte.
    pub(super) at: usize,
}

/// Line of `at`, for errors.
pub(super) fn line(source: &str, at: usize) -> usize {
    source[..at.min(source.len())].matches('\n').count() + 1
}

fn error(source: &str, at: usize, problem: &str) -> TemplateError {
    TemplateError(format!("{}: {problem}", line(source, at)))
}

/// Cuts `source`.
pub(super) fn lex(source: &str) -> Result<Vec<Placed>, TemplateError> {
    let mut tokens = vec![];
    let mut at = 0;
    let mut trim_next = false;
    while at < source.len() {
        let end = source[at..].find("{{").map_or(source.len(), |found| at + found);
        let mut text = &source[at..end];
        if trim_next {
            text = text.trim_start_matches(is_blank);
        }
        if end == source.len() {
            push_text(&mut tokens, text, at);
            break;
        }
        let mut inside = end + 2;
        let after = &source[inside..];
        if after.starts_with('-') && after[1..].starts_with(is_blank) {
            text = text.trim_end_matches(is_blank);
            inside += 2;
        }
        push_text(&mut tokens, text, at);
        let rest = source[inside..].trim_start_matches(is_blank);
        if let Some(comment) = rest.strip_prefix("/*") {
            let Some(length) = comment.find("*/") else {
                return Err(error(source, inside, "unclosed comment"));
            };
            let mut tail = &comment[length + 2..];
            trim_next = false;
            let trimmed = tail.trim_start_matches(is_blank);
            if trimmed.len() < tail.len() && trimmed.starts_with("-}}") {
                trim_next = true;
                tail = &trimmed[1..];
            }
            if !tail.starts_with("}}") {
                return Err(error(source, inside, "comment ends before closing delimiter"));
            }
            at = source.len() - tail.len() + 2;
            continue;
        }
        tokens.push(Placed { token: Token::Open, at: end });
        (at, trim_next) = action(source, inside, &mut tokens)?;
    }
    Ok(tokens)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn push_text(tokens: &mut Vec<Placed>, text: &str, at: usize) {
    if !text.is_empty() {
        tokens.push(Placed { token: Token::Text(text.to_owned()), at });
    }
}

/// Cuts one action from `at` on; gives the offset after it and whether to trim what follows.
fn action(
    source: &str,
    mut at: usize,
    tokens: &mut Vec<Placed>,
) -> Result<(usize, bool), TemplateError> {
    loop {
        let rest = &source[at..];
        let blank = rest.len() - rest.trim_start_matches(is_blank).len();
        if blank > 0 && rest[blank..].starts_with("-}}") {
            tokens.push(Placed { token: Token::Close, at });
            return Ok((at + blank + 3, true));
        }
        if rest.starts_with("}}") {
            tokens.push(Placed { token: Token::Close, at });
            return Ok((at + 2, false));
        }
        if blank > 0 {
            tokens.push(Placed { token: Token::Blank, at });
            at += blank;
            continue;
        }
        let (token, length) = token(source, at)?;
        tokens.push(Placed { token, at });
        at += length;
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())
}

fn token(source: &str, at: usize) -> Result<(Token, usize), TemplateError> {
    let rest = &source[at..];
    let Some(first) = rest.chars().next() else {
        return Err(error(source, at, "unclosed action"));
    };
    match first {
        '"' => quoted(source, at),
        '`' => match rest[1..].find('`') {
            Some(end) => Ok((Token::Text2(rest[1..=end].to_owned()), end + 2)),
            None => Err(error(source, at, "unterminated raw quoted string")),
        },
        '\'' => match rest[1..].chars().next() {
            Some(c) if rest[1 + c.len_utf8()..].starts_with('\'') => {
                Ok((Token::Int(i64::from(u32::from(c))), 2 + c.len_utf8()))
            }
            _ => Err(error(source, at, "unterminated character constant")),
        },
        '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            match name_length(&rest[1..]) {
                0 => Ok((Token::Dot, 1)),
                length => Ok((Token::Field(rest[1..=length].to_owned()), length + 1)),
            }
        }
        '$' => {
            let length = 1 + name_length(&rest[1..]);
            Ok((Token::Variable(rest[..length].to_owned()), length))
        }
        '|' | '(' | ')' | ',' | '=' => Ok((Token::Symbol(first), 1)),
        ':' if rest.starts_with(":=") => Ok((Token::Declare, 2)),
        '0'..='9' | '.' | '+' | '-' => number(source, at),
        c if c == '_' || c.is_alphabetic() => {
            let length = name_length(rest);
            Ok((Token::Word(rest[..length].to_owned()), length))
        }
        c => Err(error(source, at, &format!("unexpected {c:?} in command"))),
    }
}

fn number(source: &str, at: usize) -> Result<(Token, usize), TemplateError> {
    let rest = &source[at..];
    let body = 1 + rest[1..]
        .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_'))
        .unwrap_or(rest.len() - 1);
    let text = rest[..body].replace('_', "");
    let whole = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    match (whole, text.parse()) {
        (Some(whole), _) => Ok((Token::Int(whole), body)),
        (None, Ok(float)) => Ok((Token::Float(float), body)),
        _ => Err(error(source, at, &format!("bad number syntax: {:?}", &rest[..body]))),
    }
}

fn quoted(source: &str, at: usize) -> Result<(Token, usize), TemplateError> {
    let mut text = String::new();
    let mut characters = source[at + 1..].char_indices();
    while let Some((offset, c)) = characters.next() {
        match c {
            '"' => return Ok((Token::Text2(text), offset + 2)),
            '\n' => break,
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, c @ ('"' | '\\' | '\''))) => text.push(c),
                Some((_, 'u')) => {
                    let hex: String = characters.by_ref().take(4).map(|(_, c)| c).collect();
                    match u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32) {
                        Some(c) if hex.len() == 4 => text.push(c),
                        _ => return Err(error(source, at, "invalid syntax in quoted string")),
                    }
                }
                Some((_, 'x')) => {
                    let hex: String = characters.by_ref().take(2).map(|(_, c)| c).collect();
                    match u8::from_str_radix(&hex, 16) {
                        Ok(byte) if hex.len() == 2 => text.push(char::from(byte)),
                        _ => return Err(error(source, at, "invalid syntax in quoted string")),
                    }
                }
                _ => return Err(error(source, at, "invalid syntax in quoted string")),
            },
            c => text.push(c),
        }
    }
    Err(error(source, at, "unterminated quoted string"))
}
