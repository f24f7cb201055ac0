//! Words and numbers in tables.

use isopod_base::times::Timestamp;
use isopod_base::units::human_duration;
use isopod_sys::local_time::{Zone, zone_at};

/// `3 minutes ago`.
pub(crate) fn ago(then: Timestamp) -> String {
    format!("{} ago", human_duration(then.elapsed_at(Timestamp::now())))
}

/// Cuts a text to `width` columns, the last of them an ellipsis.
pub(crate) fn ellipsis(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The first twelve digits of an id, without `sha256:`.
pub(crate) fn short_id(id: &str) -> String {
    let id = id.split_once(':').map_or(id, |(_, id)| id);
    id.chars().take(12).collect()
}

/// A text in quotes, as Go's `strconv.Quote` writes it.
pub(crate) fn go_quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Text from an image or container without what could steer the terminal.
pub(crate) fn sanitize(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '?' } else { c }).collect()
}

/// `2026-11-24 13:12:53 +0100 CET`: a time in the user's zone, as Go prints one.
pub(crate) fn local_time(seconds: i64) -> String {
    in_zone(seconds, &zone_at(seconds))
}

fn in_zone(seconds: i64, zone: &Zone) -> String {
    let shifted = i128::from(seconds) + i128::from(zone.offset_seconds);
    let text = Timestamp::from_nanos(shifted * 1_000_000_000).rfc3339();
    let sign = if zone.offset_seconds < 0 { '-' } else { '+' };
    let minutes = zone.offset_seconds.unsigned_abs() / 60;
    match text.strip_suffix('Z').and_then(|text| text.split_once('T')) {
        Some((date, time)) => {
            format!("{date} {time} {sign}{:02}{:02} {}", minutes / 60, minutes % 60, zone.name)
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(ellipsis("sh -c 'while :; do echo'", 20), "sh -c 'while :; do …");
        assert_eq!(ellipsis("sleep", 20), "sleep");
        assert_eq!(short_id("sha256:0691ccd3b91d431d"), "0691ccd3b91d");
        assert_eq!(go_quote("a \"b\"\n\x1b"), r#""a \"b\"\n\x1b""#);
        let zone = |offset_seconds, name: &str| Zone { offset_seconds, name: name.to_owned() };
        assert_eq!(in_zone(0, &zone(0, "UTC")), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(in_zone(0, &zone(-12_600, "NST")), "1969-12-31 20:30:00 -0330 NST");
        assert_eq!(sanitize("a\x1b[2J"), "a?[2J");
    }
}
