//! `systime`, `mktime` and `strftime`.

use isobox_applet::time::{self, Civil};

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    time::now().0 as f64
}

/// `YYYY MM DD HH MM SS`, in local time; each may be out of its range. -1 for anything else.
pub(super) fn mktime(text: &str) -> f64 {
    let parts: Option<Vec<i64>> =
        text.split_ascii_whitespace().map(|part| part.parse().ok()).collect();
    let Some(&[year, month, day, hour, minute, second, ..]) = parts.as_deref() else {
        return -1.0;
    };
    const FAR: i64 = 1 << 32;
    if [year, month, day, hour, minute, second].iter().any(|part| part.abs() > FAR) {
        return -1.0;
    }
    let days = time::days_from_civil(year, month, day);
    let wall = days * 86_400 + hour * 3_600 + minute * 60 + second;
    Civil::utc(wall, 0).local_seconds() as f64
}

/// A time as `strftime` writes it.
pub(super) fn format(format: &str, time: f64, utc: bool) -> String {
    let seconds = time.clamp(-1e15, 1e15).floor() as i64;
    let civil = if utc { Civil::utc(seconds, 0) } else { Civil::local(seconds, 0) };
    civil.format(format)
}
