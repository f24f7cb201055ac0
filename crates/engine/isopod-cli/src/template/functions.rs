//! Functions of templates: those of Go and those that docker adds.

use std::cmp::Ordering;
use std::fmt::Write;

use super::{Mode, Value};

const NAMES: &[&str] = &[
    "and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js",
    "urlquery", "eq", "ne", "lt", "le", "gt", "ge", "json", "split", "join", "title", "lower",
    "upper", "pad", "truncate",
];

/// Longest padding, so that a template cannot ask for gigabytes.
const PAD_MAX: i64 = 10_000;

/// Whether there is such a function.
pub(super) fn exists(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a function.
pub(super) fn call(name: &str, arguments: &[Value], mode: Mode) -> Result<Value, String> {
    if mode == Mode::Titles
        && matches!(
            name,
            "json" | "title" | "lower" | "upper" | "truncate" | "pad" | "split" | "join"
        )
    {
        return Ok(arguments.first().cloned().unwrap_or(Value::Null));
    }
    let wrong = |expected: usize| {
        format!("wrong number of args for {name}: want {expected} got {}", arguments.len())
    };
    match (name, arguments) {
        ("and" | "or", [.., last]) => Ok(last.clone()),
        ("not", [value]) => Ok(Value::Bool(!value.is_true())),
        ("len", [value]) => length(value),
        ("index", [value, keys @ ..]) => {
            keys.iter().try_fold(value.clone(), |value, key| index(&value, key))
        }
        ("slice", [value, bounds @ ..]) => slice(value, bounds),
        ("print", values) => Ok(Value::Text(print(values))),
        ("println", values) => {
            let words: Vec<String> = values.iter().map(Value::to_string).collect();
            Ok(Value::Text(words.join(" ") + "\n"))
        }
        ("printf", [Value::Text(format), values @ ..]) => Ok(Value::Text(printf(format, values))),
        ("html", values) => Ok(Value::Text(html(&print(values)))),
        ("js", values) => Ok(Value::Text(js(&print(values)))),
        ("urlquery", values) => Ok(Value::Text(url_query(&print(values)))),
        ("eq", [first, others @ ..]) if !others.is_empty() => {
            for other in others {
                if compare(first, other)? == Some(Ordering::Equal) {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        ("eq", _) => Err("missing argument for comparison".to_owned()),
        ("ne" | "lt" | "le" | "gt" | "ge", [a, b]) => {
            let order = compare(a, b)?;
            Ok(Value::Bool(match name {
                "ne" => order != Some(Ordering::Equal),
                "lt" => order == Some(Ordering::Less),
                "le" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                "gt" => order == Some(Ordering::Greater),
                _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }))
        }
        ("json", [value]) => {
            serde_json::to_string(value).map(Value::Text).map_err(|error| error.to_string())
        }
        ("split", [Value::Text(text), Value::Text(separator)]) => {
            Ok(Value::List(text.split(separator.as_str()).map(Value::text).collect()))
        }
        ("join", [Value::List(items), Value::Text(separator)]) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            Ok(Value::Text(items.join(separator)))
        }
        ("join", [Value::Null, Value::Text(_)]) => Ok(Value::text("")),
        ("title", [Value::Text(text)]) => Ok(Value::Text(title(text))),
        ("lower", [Value::Text(text)]) => Ok(Value::Text(text.to_lowercase())),
        ("upper", [Value::Text(text)]) => Ok(Value::Text(text.to_uppercase())),
        ("pad", [value, Value::Int(before), Value::Int(after)]) => {
            let text = value.to_string();
            if text.is_empty() {
                return Ok(Value::Text(text));
            }
            let blanks = |count: &i64| " ".repeat((*count).clamp(0, PAD_MAX) as usize);
            Ok(Value::Text(format!("{}{text}{}", blanks(before), blanks(after))))
        }
        ("truncate", [Value::Text(text), Value::Int(length)]) => {
            Ok(Value::Text(text.chars().take((*length).max(0) as usize).collect()))
        }
        ("split" | "join" | "truncate", values) if values.len() != 2 => Err(wrong(2)),
        ("pad", values) if values.len() != 3 => Err(wrong(3)),
        ("title" | "lower" | "upper" | "json" | "len" | "not", values) if values.len() != 1 => {
            Err(wrong(1))
        }
        (_, []) => Err(format!("wrong number of args for {name}: want at least 1 got 0")),
        (_, values) => {
            let kinds: Vec<&str> = values.iter().map(Value::type_name).collect();
            Err(format!("wrong type for value; {name} does not take {}", kinds.join(", ")))
        }
    }
}

fn length(value: &Value) -> Result<Value, String> {
    Ok(Value::Int(match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(members) => members.len(),
        Value::Null => 0,
        other => return Err(format!("len of type {}", other.type_name())),
    } as i64))
}

fn index(value: &Value, key: &Value) -> Result<Value, String> {
    match (value, key) {
        (Value::Map(members), Value::Text(key)) => {
            // What a map of texts does not have is the empty text.
            let texts = members.iter().all(|(_, value)| matches!(value, Value::Text(_)));
            let found =
                members.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            Ok(found.unwrap_or(if texts { Value::text("") } else { Value::Null }))
        }
        // A map of labels or options that is not there.
        (Value::Null, Value::Text(_)) => Ok(Value::text("")),
        (Value::List(items), Value::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| items.get(at).cloned())
            .ok_or_else(|| format!("index out of range: {at}")),
        (Value::Text(text), Value::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| text.as_bytes().get(at))
            .map(|byte| Value::Int(i64::from(*byte)))
            .ok_or_else(|| format!("index out of range: {at}")),
        (Value::Null, _) => Err("index of untyped nil".to_owned()),
        (value, key) => Err(format!("cannot index {} with {}", value.type_name(), key.type_name())),
    }
}

fn slice(value: &Value, bounds: &[Value]) -> Result<Value, String> {
    let size = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let bound = |at: usize, default: usize| match bounds.get(at) {
        None => Ok(default),
        Some(Value::Int(bound)) => usize::try_from(*bound)
            .ok()
            .filter(|bound| *bound <= size)
            .ok_or_else(|| format!("index out of range: {bound}")),
        Some(other) => Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    let (start, end) = (bound(0, 0)?, bound(1, size)?);
    if start > end || bounds.len() > 2 {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    match value {
        Value::List(items) => Ok(Value::List(items[start..end].to_vec())),
        Value::Text(text) => {
            Ok(Value::Text(String::from_utf8_lossy(&text.as_bytes()[start..end]).into_owned()))
        }
        _ => Ok(Value::Null),
    }
}

/// Blanks go between operands when neither is a text.
fn print(values: &[Value]) -> String {
    let mut out = String::new();
    for (at, value) in values.iter().enumerate() {
        let texts = |value: &Value| matches!(value, Value::Text(_));
        if at > 0 && !texts(value) && !texts(&values[at - 1]) {
            out.push(' ');
        }
        let _ = write!(out, "{value}");
    }
    out
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn compare(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    Ok(match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) | (_, Value::Null) => None,
        (a, b) => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => return Err("incompatible types for comparison".to_owned()),
        },
    })
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        match start {
            true => out.extend(c.to_uppercase()),
            false => out.push(c),
        }
        start = !(c.is_alphanumeric() || c == '_' || c == '\'');
    }
    out
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => {
                out.push('\\');
                out.push(c);
            }
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

fn url_query(text: &str) -> String {
    isopod_client::segment(text).replace("%20", "+")
}

/// Go's `Printf` for the verbs that make sense here: `%s %v %d %q %x %X %f %t %c %%`, with the
/// flags `-`, `0`, `+`, a width and a precision.
fn printf(format: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut values_left = values.iter();
    let mut characters = format.chars().peekable();
    while let Some(c) = characters.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let (mut left, mut zero, mut plus) = (false, false, false);
        while let Some(flag) = characters.next_if(|c| matches!(c, '-' | '0' | '+' | ' ' | '#')) {
            left |= flag == '-';
            zero |= flag == '0';
            plus |= flag == '+';
        }
        let digits = |characters: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            let mut text = String::new();
            while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                text.push(digit);
            }
            text.parse::<usize>().ok().map(|number| number.min(PAD_MAX as usize))
        };
        let width = digits(&mut characters);
        let precision = characters.next_if_eq(&'.').map(|_| digits(&mut characters).unwrap_or(0));
        let Some(verb) = characters.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = values_left.next() else {
            let _ = write!(out, "%!{verb}(MISSING)");
            continue;
        };
        let mut text = verb_text(verb, value, precision);
        if plus && number(value).is_some_and(|number| number >= 0.0) {
            text.insert(0, '+');
        }
        let missing = width.unwrap_or(0).saturating_sub(text.chars().count());
        match (left, zero && number(value).is_some()) {
            (true, _) => text.push_str(&" ".repeat(missing)),
            (false, true) => {
                text.insert_str(usize::from(text.starts_with(['-', '+'])), &"0".repeat(missing))
            }
            (false, false) => text.insert_str(0, &" ".repeat(missing)),
        }
        out.push_str(&text);
    }
    out
}

fn verb_text(verb: char, value: &Value, precision: Option<usize>) -> String {
    let cut = |text: String| match precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text,
    };
    match (verb, value) {
        ('s', Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Bool(_))
        | ('d', Value::Text(_) | Value::Bool(_) | Value::Float(_)) => {
            format!("%!{verb}({}={value})", value.type_name())
        }
        ('v', Value::Float(number)) if precision.is_some() => {
            format!("{number:.*}", precision.unwrap_or_default())
        }
        ('s' | 'v', value) => cut(value.to_string()),
        ('q', Value::Text(text)) => format!("{text:?}"),
        ('x' | 'X', Value::Int(number)) if verb == 'x' => format!("{number:x}"),
        ('X', Value::Int(number)) => format!("{number:X}"),
        ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('o', Value::Int(number)) => format!("{number:o}"),
        ('c', Value::Int(number)) => {
            u32::try_from(*number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}').to_string()
        }
        ('f', value) => match number(value) {
            Some(number) => format!("{number:.*}", precision.unwrap_or(6)),
            None => format!("%!f({}={value})", value.type_name()),
        },
        ('d' | 't' | 'q' | 'T', value) => match verb {
            'T' => value.type_name().to_owned(),
            _ => value.to_string(),
        },
        (verb, value) => format!("%!{verb}({}={value})", value.type_name()),
    }
}
