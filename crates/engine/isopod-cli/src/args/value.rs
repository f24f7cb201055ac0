//! Values of flags: numbers, sizes and durations, with the wording of Go's parsers, which
//! docker's users see.

use isopod_base::units;

/// Go's booleans.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(number_error("ParseBool", text, "invalid syntax")),
    }
}

fn number_error(function: &str, text: &str, problem: &str) -> String {
    format!("strconv.{function}: parsing {text:?}: {problem}")
}

fn check_number<T: std::str::FromStr<Err = std::num::ParseIntError>>(
    function: &str,
    text: &str,
) -> Result<(), String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    match text.parse::<T>() {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), PosOverflow | NegOverflow) => {
            Err(number_error(function, text, "value out of range"))
        }
        Err(_) => Err(number_error(function, text, "invalid syntax")),
    }
}

pub(super) fn check_int(text: &str) -> Result<(), String> {
    check_number::<i64>("ParseInt", text)
}

pub(super) fn check_uint(text: &str) -> Result<(), String> {
    check_number::<u64>("ParseUint", text)
}

pub(super) fn check_uint16(text: &str) -> Result<(), String> {
    check_number::<u16>("ParseUint", text)
}

pub(super) fn check_duration(text: &str) -> Result<(), String> {
    duration_ns(text).map(|_| ())
}

/// A duration in nanoseconds, which may be negative.
pub(super) fn duration_ns(text: &str) -> Result<i64, String> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let duration = units::parse_duration(rest)
        .map_err(|_| units::InvalidDuration(text.to_owned()).to_string())?;
    let nanos = i64::try_from(duration.as_nanos())
        .map_err(|_| units::InvalidDuration(text.to_owned()).to_string())?;
    Ok(if negative { -nanos } else { nanos })
}

pub(super) fn check_bytes(text: &str) -> Result<(), String> {
    signed_bytes(text).map(|_| ())
}

/// A size in bytes, or -1 for "unlimited" where a flag allows it.
pub(crate) fn signed_bytes(text: &str) -> Result<i64, String> {
    if text == "-1" {
        return Ok(-1);
    }
    let bytes = units::parse_bytes(text).map_err(|error| error.to_string())?;
    i64::try_from(bytes).map_err(|_| units::InvalidSize(text.to_owned()).to_string())
}

pub(super) fn check_decimal(text: &str) -> Result<(), String> {
    nano_cpus(text).map(|_| ())
}

/// A number of CPUs in units of 10⁻⁹: `1.5` is 1,500,000,000.
pub(crate) fn nano_cpus(text: &str) -> Result<i64, String> {
    let failed = || format!("failed to parse {text} as a rational number");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(failed());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 9 {
        return Err("value is too precise".to_owned());
    }
    format!("{}{fraction:0<9}", if whole.is_empty() { "0" } else { whole })
        .parse()
        .map_err(|_| failed())
}

pub(super) fn check_filter(text: &str) -> Result<(), String> {
    if text.is_empty() || text.contains('=') {
        return Ok(());
    }
    Err("bad format of filter (expected name=value)".to_owned())
}

/// The fields of one line of comma-separated values with RFC 4180 quotes.
pub(crate) fn unquote(line: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![];
    let mut rest = line;
    loop {
        let field;
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut value = String::new();
            let mut after = quoted;
            loop {
                let Some(end) = after.find('"') else {
                    return Err(format!(
                        "parse error on line 1, column {}: extraneous or missing \" in quoted-field",
                        line.len() + 1
                    ));
                };
                value.push_str(&after[..end]);
                after = &after[end + 1..];
                match after.strip_prefix('"') {
                    Some(more) => {
                        value.push('"');
                        after = more;
                    }
                    None => break,
                }
            }
            if !(after.is_empty() || after.starts_with(',')) {
                return Err(format!(
                    "parse error on line 1, column {}: extraneous or missing \" in quoted-field",
                    line.len() - after.len()
                ));
            }
            (field, rest) = (value, after);
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            if let Some(quote) = rest[..end].find('"') {
                return Err(format!(
                    "parse error on line 1, column {}: bare \" in non-quoted field",
                    line.len() - rest.len() + quote + 1
                ));
            }
            (field, rest) = (rest[..end].to_owned(), &rest[end..]);
        }
        fields.push(field);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus() {
        for (text, nanos) in [
            ("1.5", Ok(1_500_000_000)),
            ("2", Ok(2_000_000_000)),
            (".25", Ok(250_000_000)),
            ("0.000000001", Ok(1)),
            ("0.0000000001", Err("value is too precise")),
            ("abc", Err("failed to parse abc as a rational number")),
            ("", Err("failed to parse  as a rational number")),
            ("-1", Err("failed to parse -1 as a rational number")),
        ] {
            assert_eq!(nano_cpus(text), nanos.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn numbers_are_refused_as_go_does() {
        assert_eq!(
            check_int("abc"),
            Err("strconv.ParseInt: parsing \"abc\": invalid syntax".to_owned())
        );
        assert_eq!(
            check_uint16("70000"),
            Err("strconv.ParseUint: parsing \"70000\": value out of range".to_owned())
        );
        assert_eq!(duration_ns("-2s"), Ok(-2_000_000_000));
    }

    #[test]
    fn fields_with_quotes() {
        let fields = |line| unquote(line).map_err(|error| error.split(": ").count());
        assert_eq!(fields("a,b"), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(fields("\"a,\"\"b\",c"), Ok(vec!["a,\"b".into(), "c".into()]));
        assert!(fields("\"a").is_err());
        assert!(fields("a\"b").is_err());
        assert!(fields("\"a\"b").is_err());
    }
}
