//! `${VARIABLE}` in values: every form of the compose specification.

use crate::error::{ComposeError, Result, Warning};
use crate::node::{Kind, Node};
use crate::yaml::plain;

/// How deep variables may stand in defaults of variables.
const NESTING_MAX: usize = 32;

/// Looks a variable up.
pub(crate) type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Replaces variables in all values below `node` (not in names). Unset ones are warned about.
pub(crate) fn node(
    node: &mut Node,
    field: &str,
    lookup: &Lookup<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    match &mut node.kind {
        Kind::Text(value) if value.contains('$') => {
            let mut unset = Vec::new();
            let filled = text(value, lookup, &mut unset).map_err(|reason| ComposeError::Field {
                place: node.place.clone(),
                field: field.to_owned(),
                reason,
            })?;
            for name in unset {
                let message =
                    format!("the {name:?} variable is not set: defaulting to a blank string");
                if !warnings.iter().any(|known| known.message == message) {
                    warnings.push(Warning { place: Some(node.place.clone()), message });
                }
            }
            // A value that is wholly a variable may mean a number or a switch.
            let whole = value.starts_with('$') && !filled.contains(char::is_whitespace);
            node.kind = match plain(&filled) {
                kind @ (Kind::Bool(_) | Kind::Int(_) | Kind::Float(_))
                    if whole && canonical(&kind, &filled) =>
                {
                    kind
                }
                _ => Kind::Text(filled),
            };
        }
        Kind::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                self::node(item, &format!("{field}[{index}]"), lookup, warnings)?;
            }
        }
        Kind::Map(entries) => {
            for (name, value) in entries {
                let below = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                self::node(value, &below, lookup, warnings)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether the value written out again is the text: `1.10` is a version, not a number.
fn canonical(kind: &Kind, text: &str) -> bool {
    match kind {
        Kind::Bool(value) => value.to_string() == text,
        Kind::Int(number) => number.to_string() == text,
        Kind::Float(number) => number.to_string() == text,
        _ => false,
    }
}

/// Replaces variables in a text. Names of unset ones without a default are noted.
pub(crate) fn text(
    text: &str,
    lookup: &Lookup<'_>,
    unset: &mut Vec<String>,
) -> std::result::Result<String, String> {
    fill(text, lookup, unset, 0)
}

fn fill(
    text: &str,
    lookup: &Lookup<'_>,
    unset: &mut Vec<String>,
    depth: usize,
) -> std::result::Result<String, String> {
    if depth > NESTING_MAX {
        return Err(format!("variables nested more than {NESTING_MAX} deep"));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(next) = after.strip_prefix('$') {
            out.push('$');
            rest = next;
        } else if let Some(inner) = after.strip_prefix('{') {
            let end = closing(inner).ok_or_else(|| invalid(text))?;
            out.push_str(&braced(&inner[..end], text, lookup, unset, depth)?);
            rest = &inner[end + 1..];
        } else {
            let length = name_length(after);
            if length == 0 {
                return Err(invalid(text));
            }
            let name = &after[..length];
            match lookup(name) {
                Some(value) => out.push_str(&value),
                None => unset.push(name.to_owned()),
            }
            rest = &after[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands between braces.
fn braced(
    inner: &str,
    whole: &str,
    lookup: &Lookup<'_>,
    unset: &mut Vec<String>,
    depth: usize,
) -> std::result::Result<String, String> {
    let length = name_length(inner);
    if length == 0 {
        return Err(invalid(whole));
    }
    let (name, rest) = inner.split_at(length);
    let value = lookup(name);
    if rest.is_empty() {
        return Ok(value.unwrap_or_else(|| {
            unset.push(name.to_owned());
            String::new()
        }));
    }
    let (empty_too, rest) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut operator = rest.chars();
    let (operator, argument) = (operator.next(), operator.as_str());
    let has = value.as_ref().is_some_and(|value| !empty_too || !value.is_empty());
    match operator {
        Some('-') if has => Ok(value.unwrap_or_default()),
        Some('-') => fill(argument, lookup, unset, depth + 1),
        Some('+') if has => fill(argument, lookup, unset, depth + 1),
        Some('+') => Ok(String::new()),
        Some('?') if has => Ok(value.unwrap_or_default()),
        Some('?') => {
            let words = fill(argument, lookup, unset, depth + 1)?;
            let words = if words.is_empty() { String::new() } else { format!(": {words}") };
            Err(format!("required variable {name} is missing a value{words}"))
        }
        _ => Err(invalid(whole)),
    }
}

/// Where the brace closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'$' if bytes.get(index + 1) == Some(&b'{') => {
                depth += 1;
                index += 1;
            }
            b'}' if depth == 0 => return Some(index),
            b'}' => depth -= 1,
            _ => {}
        }
        index += 1;
    }
    None
}

fn name_length(text: &str) -> usize {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if !first {
        return 0;
    }
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}

fn invalid(text: &str) -> String {
    format!(
        "invalid interpolation format in {:?}: expected $NAME, ${{NAME}}, ${{NAME:-default}}, \
         ${{NAME:?error}} or ${{NAME:+other}}; a dollar sign is written $$",
        text.chars().take(120).collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let lookup = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (template, expected) in [
            ("plain", Ok("plain")),
            ("$A-${A}", Ok("a-a")),
            ("$$A $${A}", Ok("$A ${A}")),
            ("${U}", Ok("")),
            ("${U:-d}${EMPTY:-d}${A:-d}", Ok("dda")),
            ("${U-d}${EMPTY-d}${A-d}", Ok("da")),
            ("${U:+r}${EMPTY:+r}${A:+r}", Ok("r")),
            ("${U+r}${EMPTY+r}${A+r}", Ok("rr")),
            ("${U:-${A}x}", Ok("ax")),
            ("${U:-${V:-${A}}}", Ok("a")),
            ("${U:-}", Ok("")),
            ("${A:?e}${EMPTY?e}", Ok("a")),
            ("${U:-a:b-c?d}", Ok("a:b-c?d")),
            ("${U:?say $A}", Err("required variable U is missing a value: say a")),
            ("${EMPTY:?}", Err("required variable EMPTY is missing a value")),
            ("${", Err("invalid interpolation")),
            ("${}", Err("invalid interpolation")),
            ("${A!x}", Err("invalid interpolation")),
            ("$", Err("invalid interpolation")),
            ("$1", Err("invalid interpolation")),
            ("${A", Err("invalid interpolation")),
        ] {
            let found = text(template, &lookup, &mut Vec::new());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{template}"),
                (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{found}"),
                (found, expected) => panic!("{template}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
