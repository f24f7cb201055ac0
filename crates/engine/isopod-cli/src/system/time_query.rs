//! Times on the command line: `2013-01-02T13:23:37Z`, `2013-01-02`, `42m` (ago), seconds since
//! 1970.

use anyhow::{Result, bail};
use isopod_base::times::Timestamp;
use isopod_base::units::parse_duration;

/// A time as the API's queries take it, seconds with a fraction; empty if none was given.
pub(crate) fn timestamp_query(text: Option<&str>, flag: &str) -> Result<String> {
    match text {
        None | Some("") => Ok(String::new()),
        Some(text) => match at(text, Timestamp::now()) {
            Some(time) => {
                let nanos = time.nanos();
                Ok(format!(
                    "{}.{:09}",
                    nanos.div_euclid(1_000_000_000),
                    nanos.rem_euclid(1_000_000_000)
                ))
            }
            None => bail!(
                "invalid value for \"{flag}\": failed to parse value as time or duration: {text:?}"
            ),
        },
    }
}

fn at(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (negative, bare) = text.strip_prefix('-').map_or((false, text), |bare| (true, bare));
    if let Some(time) = seconds(text) {
        return Some(time);
    }
    if let Ok(age) = parse_duration(bare) {
        let nanos = i128::try_from(age.as_nanos()).ok()?;
        return Some(Timestamp::from_nanos(now.nanos() - if negative { -nanos } else { nanos }));
    }
    // Shortened forms of RFC 3339, in UTC unless they say otherwise.
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let zone = time.find(['Z', '+', '-']).map_or("", |start| &time[start..]);
    let clock = &time[..time.len() - zone.len()];
    let zone = if zone.is_empty() { "Z" } else { zone };
    let full = match clock.matches(':').count() {
        _ if clock.is_empty() => format!("{date}T00:00:00{zone}"),
        0 => format!("{date}T{clock}:00:00{zone}"),
        1 => format!("{date}T{clock}:00{zone}"),
        _ => format!("{date}T{clock}{zone}"),
    };
    Timestamp::parse(&full).ok()
}

/// `1136073600.000000001`.
fn seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 9 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let whole: i128 = whole.parse().ok().filter(|_| digits)?;
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some(Timestamp::from_nanos(whole.checked_mul(1_000_000_000)?.checked_add(nanos)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let now = Timestamp::from_nanos(1_000_000_000_000);
        for (text, nanos) in [
            ("10m", Some(400_000_000_000)),
            ("0s", Some(1_000_000_000_000)),
            ("12", Some(12_000_000_000)),
            ("12.5", Some(12_500_000_000)),
            ("1970-01-01T00:00:07Z", Some(7_000_000_000)),
            ("1970-01-01T00:01", Some(60_000_000_000)),
            ("1970-01-02", Some(86_400_000_000_000)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("yesterday", None),
            ("1970-13-01", None),
        ] {
            assert_eq!(at(text, now).map(Timestamp::nanos), nanos, "{text}");
        }
    }
}
