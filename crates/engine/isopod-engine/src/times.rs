//! Times as filters and options give them.

use crate::Filters;
use crate::error::{Error, Result};
use isopod_base::times::Timestamp;

/// A time: RFC 3339, seconds since 1970 with a fraction, or a duration before now.
pub fn parse(text: &str) -> Result<Timestamp> {
    if let Some(time) = unix(text) {
        return Ok(time);
    }
    if let Ok(time) = Timestamp::parse(text) {
        return Ok(time);
    }
    // A date alone, or one without its zone, is in UTC.
    for suffix in ["Z", ":00Z", "T00:00:00Z"] {
        if let Ok(time) = Timestamp::parse(&format!("{text}{suffix}")) {
            return Ok(time);
        }
    }
    match isopod_base::units::parse_duration(text) {
        Ok(ago) => {
            let ago = i128::try_from(ago.as_nanos()).unwrap_or(i128::MAX);
            Ok(Timestamp::from_nanos(Timestamp::now().nanos().saturating_sub(ago)))
        }
        Err(_) => {
            Err(Error::invalid(format_args!("failed to parse value as time or duration: {text:?}")))
        }
    }
}

/// Seconds since 1970 of a date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = day.parse().ok()?;
    let rfc3339 = format!("{year}-{month:02}-{day:02}T{time}Z");
    Timestamp::parse(&rfc3339).ok().map(Timestamp::seconds)
}

fn unix(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    Some(Timestamp::from_nanos(i128::from(seconds) * 1_000_000_000 + i128::from(nanos)))
}

/// The filter `until`, of which there may be one.
pub(crate) fn until(filters: &Filters) -> Result<Option<Timestamp>> {
    match filters.get("until").map(Vec::as_slice) {
        None | Some([]) => Ok(None),
        Some([one]) => parse(one).map(Some),
        Some(_) => Err(Error::invalid("more than one until filter specified")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_docker_s_forms() {
        for (text, seconds) in [
            ("1700000000", 1_700_000_000),
            ("1700000000.5", 1_700_000_000),
            ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2023-11-14T22:13:20", 1_700_000_000),
            ("2023-11-14", 1_699_920_000),
        ] {
            assert_eq!(parse(text).expect(text).seconds(), seconds, "{text}");
        }
        let hour = Timestamp::now().seconds() - parse("1h").expect("duration").seconds();
        assert!((3599..=3601).contains(&hour));
        assert!(parse("yesterday").is_err());
    }
}
