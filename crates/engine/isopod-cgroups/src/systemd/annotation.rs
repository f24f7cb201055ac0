//! Properties that a container's annotations ask for: `org.systemd.property.TimeoutStopUSec:
//! uint64 123456789`, in the text form of GVariant, as far as systemd has use for it.

use super::dbus::Value;
use super::{Error, Result};

/// Reads name and value of each property.
pub(crate) fn parse(annotations: &[(String, String)]) -> Result<Vec<(String, Value)>> {
    annotations.iter().map(|(name, text)| property(name, text)).collect()
}

fn property(name: &str, text: &str) -> Result<(String, Value)> {
    let invalid =
        |expected| Error::Annotation { name: name.to_owned(), value: text.to_owned(), expected };
    if !name.starts_with(|c: char| c.is_ascii_uppercase())
        || !name.chars().all(|c| c.is_ascii_alphanumeric())
        || name.len() < 3
    {
        return Err(invalid("a name of letters that begins with an upper case one"));
    }
    let value = value(text.trim())
        .ok_or_else(|| invalid("a string, boolean, number or list of them in GVariant text"))?;
    match name.strip_suffix("Sec").filter(|stem| !stem.ends_with("USec") && !stem.ends_with('U')) {
        // systemd's files know seconds, its bus microseconds.
        Some(stem) => {
            let seconds = match value {
                Value::I32(n) => u64::try_from(n).ok(),
                Value::U32(n) => Some(u64::from(n)),
                Value::I64(n) => u64::try_from(n).ok(),
                Value::U64(n) => Some(n),
                _ => None,
            };
            let seconds = seconds.ok_or_else(|| invalid("a number of seconds"))?;
            Ok((format!("{stem}USec"), Value::U64(seconds.saturating_mul(1_000_000))))
        }
        None => Ok((name.to_owned(), value)),
    }
}

fn value(text: &str) -> Option<Value> {
    match text {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ => {}
    }
    if let Some(string) = quoted(text) {
        return Some(Value::Str(string));
    }
    if let Some(list) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let parts: Vec<&str> =
            list.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        return match parts.iter().map(|part| quoted(part)).collect::<Option<Vec<String>>>() {
            Some(strings) => Some(Value::Strings(strings)),
            None => {
                let numbers =
                    parts.iter().map(|part| part.trim_start_matches("uint32 ").parse().ok());
                numbers.collect::<Option<Vec<u32>>>().map(Value::U32s)
            }
        };
    }
    let (kind, number) = text.rsplit_once(' ').unwrap_or(("int32", text));
    match kind.trim() {
        "int32" => number.parse().ok().map(Value::I32),
        "uint32" => number.parse().ok().map(Value::U32),
        "int64" => number.parse().ok().map(Value::I64),
        "uint64" => number.parse().ok().map(Value::U64),
        _ => None,
    }
}

/// A string in single or double quotes, without escapes: no property of systemd needs them.
fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains([quote, '\\'])).then(|| inner.to_owned())
}
