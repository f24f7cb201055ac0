//! `expr`: evaluates an expression.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStringExt;

use isobox_applet::{Applet, Context, Error, Result, Status};
use isobox_regex::{Options, Regex, Syntax};

/// See the usage text.
pub(crate) const EXPR: Applet = Applet::new(
    "expr",
    expr,
    "EXPRESSION\n\n\
     Print the value of EXPRESSION; operators, the weakest first:\n\n\
     \tA | B\tA if it is neither empty nor 0, else B\n\
     \tA & B\tA if neither is empty or 0, else 0\n\
     \tA < B\tand <= = == != >= >: 1 or 0; as numbers if both are\n\
     \tA + B\tand -\n\
     \tA * B\tand / %\n\
     \tS : RE\tThe group of the regular expression that S begins with, or the length\n\
     \tmatch S RE\n\
     \tsubstr S POS LEN\n\
     \tindex S CHARS\n\
     \tlength S\n\
     \tquote WORD\tWORD even if it is an operator\n\
     \t( EXPRESSION )\n\n\
     The exit status is 1 if the value is empty or 0, and 2 if the expression is wrong",
)
.in_process()
.fails_with(2);

/// How deep parentheses may be.
const DEPTH: usize = 500;

#[derive(Clone, Debug)]
struct Value(Vec<u8>);

impl Value {
    fn number(value: i128) -> Self {
        Self(value.to_string().into_bytes())
    }

    fn as_number(&self) -> Option<i128> {
        let text = std::str::from_utf8(&self.0).ok()?;
        if text.starts_with('+') {
            return None;
        }
        text.parse().ok()
    }

    fn is_true(&self) -> bool {
        let digits = self.0.strip_prefix(b"-").unwrap_or(&self.0);
        !(self.0.is_empty() || !digits.is_empty() && digits.iter().all(|&byte| byte == b'0'))
    }
}

fn expr(cx: &mut Context<'_>) -> Result<Status> {
    let mut words: Vec<Vec<u8>> =
        std::mem::take(&mut cx.args).into_iter().map(OsStringExt::into_vec).collect();
    if words.first().is_some_and(|word| word == b"--") {
        words.remove(0);
    }
    if words.is_empty() {
        return Err(Error::usage("expected an expression"));
    }
    let mut parser = Parser { words, at: 0, depth: 0 };
    let value = parser.either(true)?;
    if parser.at < parser.words.len() {
        return Err(syntax("unexpected", &parser.words[parser.at]));
    }
    cx.stdout.put(&value.0)?;
    cx.stdout.put(b"\n")?;
    Ok(Status::failed_if(!value.is_true()))
}

fn syntax(what: &str, word: &[u8]) -> Error {
    Error::message(format!("syntax error: {what} argument '{}'", String::from_utf8_lossy(word)))
}

struct Parser {
    words: Vec<Vec<u8>>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn take(&mut self, operators: &[&str]) -> Option<String> {
        let word = self.words.get(self.at)?;
        let found = operators.iter().find(|operator| operator.as_bytes() == word)?;
        self.at += 1;
        Some((*found).to_owned())
    }

    fn word(&mut self) -> Result<Vec<u8>> {
        let last = self.words.last().cloned().unwrap_or_default();
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word.ok_or_else(|| syntax("missing argument after", &last))
    }

    /// What is not `live` is read but not evaluated: the side that `|` or `&` does not need.
    fn either(&mut self, live: bool) -> Result<Value> {
        let mut left = self.both(live)?;
        while self.take(&["|"]).is_some() {
            let decided = left.is_true();
            let right = self.both(live && !decided)?;
            if !decided {
                left = if right.is_true() { right } else { Value::number(0) };
            }
        }
        Ok(left)
    }

    fn both(&mut self, live: bool) -> Result<Value> {
        let mut left = self.comparison(live)?;
        while self.take(&["&"]).is_some() {
            let right = self.comparison(live && left.is_true())?;
            if !left.is_true() || !right.is_true() {
                left = Value::number(0);
            }
        }
        Ok(left)
    }

    fn comparison(&mut self, live: bool) -> Result<Value> {
        let mut left = self.sum(live)?;
        while let Some(operator) = self.take(&["<", "<=", "=", "==", "!=", ">=", ">"]) {
            let right = self.sum(live)?;
            let order = match (left.as_number(), right.as_number()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => left.0.cmp(&right.0),
            };
            let holds = match operator.as_str() {
                "<" => order == Ordering::Less,
                "<=" => order != Ordering::Greater,
                ">=" => order != Ordering::Less,
                ">" => order == Ordering::Greater,
                "!=" => order != Ordering::Equal,
                _ => order == Ordering::Equal,
            };
            left = Value::number(holds.into());
        }
        Ok(left)
    }

    fn sum(&mut self, live: bool) -> Result<Value> {
        let mut left = self.product(live)?;
        while let Some(operator) = self.take(&["+", "-"]) {
            let right = self.product(live)?;
            left = arithmetic(&left, &operator, &right, live)?;
        }
        Ok(left)
    }

    fn product(&mut self, live: bool) -> Result<Value> {
        let mut left = self.matching(live)?;
        while let Some(operator) = self.take(&["*", "/", "%"]) {
            let right = self.matching(live)?;
            left = arithmetic(&left, &operator, &right, live)?;
        }
        Ok(left)
    }

    fn matching(&mut self, live: bool) -> Result<Value> {
        let mut left = self.primary(live)?;
        while self.take(&[":"]).is_some() {
            let right = self.primary(live)?;
            left = if live { matched(&left.0, &right.0)? } else { left };
        }
        Ok(left)
    }

    fn primary(&mut self, live: bool) -> Result<Value> {
        let alone = self.at + 1 >= self.words.len();
        let word = self.word()?;
        let keyword = if alone { &b""[..] } else { &word[..] };
        match keyword {
            b"(" => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(Error::message("parentheses are too deep"));
                }
                let value = self.either(live)?;
                self.depth -= 1;
                if self.take(&[")"]).is_none() {
                    return Err(Error::message("syntax error: expecting ')'"));
                }
                Ok(value)
            }
            b"quote" | b"+" => Ok(Value(self.word()?)),
            b"length" => {
                let text = self.primary(live)?;
                Ok(Value::number(characters(&text.0) as i128))
            }
            b"match" => {
                let (text, pattern) = (self.primary(live)?, self.primary(live)?);
                if live { matched(&text.0, &pattern.0) } else { Ok(text) }
            }
            b"index" => {
                let (text, set) = (self.primary(live)?, self.primary(live)?);
                let place =
                    text.0.iter().position(|byte| set.0.contains(byte)).map_or(0, |at| at + 1);
                Ok(Value::number(place as i128))
            }
            b"substr" => {
                let text = self.primary(live)?;
                let (start, length) = (self.primary(live)?, self.primary(live)?);
                Ok(Value(substring(&text.0, start.as_number(), length.as_number())))
            }
            _ if matches!(word.as_slice(), b")") => Err(syntax("unexpected", &word)),
            _ => Ok(Value(word)),
        }
    }
}

fn characters(text: &[u8]) -> usize {
    text.len()
}

fn substring(text: &[u8], start: Option<i128>, length: Option<i128>) -> Vec<u8> {
    let (Some(start @ 1..), Some(length @ 1..)) = (start, length) else { return Vec::new() };
    let skip = usize::try_from(start - 1).unwrap_or(usize::MAX);
    text.iter().copied().skip(skip).take(usize::try_from(length).unwrap_or(usize::MAX)).collect()
}

fn matched(text: &[u8], pattern: &[u8]) -> Result<Value> {
    let failed = |error: &dyn std::fmt::Display| Error::message(error.to_string());
    let regex =
        Regex::new(pattern, Syntax::Basic, Options::default()).map_err(|error| failed(&error))?;
    // The leftmost match begins at the start if any does.
    let groups = regex.groups_at(text, 0).map_err(|error| failed(&error))?;
    let groups = groups.filter(|groups| matches!(groups[0], Some((0, _))));
    if regex.groups() > 0 {
        let group = groups.and_then(|groups| groups[1]);
        return Ok(Value(group.map_or(Vec::new(), |(start, end)| text[start..end].to_vec())));
    }
    let length = groups.and_then(|groups| groups[0]).map_or(0, |(_, end)| end);
    Ok(Value::number(length as i128))
}

fn arithmetic(left: &Value, operator: &str, right: &Value, live: bool) -> Result<Value> {
    if !live {
        return Ok(Value::number(0));
    }
    let (Some(a), Some(b)) = (left.as_number(), right.as_number()) else {
        return Err(Error::message("non-integer argument"));
    };
    if b == 0 && matches!(operator, "/" | "%") {
        return Err(Error::message("division by zero"));
    }
    let result = match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result.map(Value::number).ok_or_else(|| Error::message("the result is too large"))
}
