//! Points in time as calendars and clocks show them, and `strftime`.

use std::fmt::Write;

/// A point in time, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
    /// Seconds east of UTC.
    pub offset: i32,
    /// The zone's short name.
    pub zone: String,
}

/// Names of the days, Sunday first.
pub const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Names of the months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Seconds since 1970 of now, and nanoseconds.
#[must_use]
pub fn now() -> (i64, u32) {
    let now = std::time::SystemTime::now();
    match now.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos()),
        Err(before) => (-i64::try_from(before.duration().as_secs()).unwrap_or(0), 0),
    }
}

/// Days since 1970 of a date of the Gregorian calendar; months may lie outside 1 to 12.
#[must_use]
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl Civil {
    /// In UTC.
    #[must_use]
    pub fn utc(seconds: i64, nanosecond: u32) -> Self {
        Self::at_offset(seconds, nanosecond, 0, "UTC".to_owned())
    }

    /// In the user's time zone.
    #[must_use]
    pub fn local(seconds: i64, nanosecond: u32) -> Self {
        let zone = isopod_sys::local_time::zone_at(seconds);
        Self::at_offset(seconds, nanosecond, zone.offset_seconds, zone.name)
    }

    fn at_offset(seconds: i64, nanosecond: u32, offset: i32, zone: String) -> Self {
        let local = seconds.saturating_add(i64::from(offset));
        let (days, rest) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let small = |value: i64| u32::try_from(value).unwrap_or(0);
        Self {
            year,
            month: small(month),
            day: small(of_year - (153 * shifted_month + 2) / 5 + 1),
            hour: small(rest / 3600),
            minute: small(rest / 60 % 60),
            second: small(rest % 60),
            nanosecond,
            offset,
            zone,
        }
    }

    /// Days since 1970, by the date alone.
    #[must_use]
    pub fn days(&self) -> i64 {
        days_from_civil(self.year, i64::from(self.month), i64::from(self.day))
    }

    /// Seconds since 1970, by the offset.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.wall_seconds() - i64::from(self.offset)
    }

    fn wall_seconds(&self) -> i64 {
        self.days() * 86_400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }

    /// Seconds since 1970 of this wall-clock time in the user's time zone, whatever the offset
    /// says.
    #[must_use]
    pub fn local_seconds(&self) -> i64 {
        let wall = self.wall_seconds();
        let offset = |at: i64| i64::from(isopod_sys::local_time::zone_at(at).offset_seconds);
        let guess = wall - offset(wall);
        let better = wall - offset(guess);
        // Within the hour that is skipped in spring both are wrong; the later offset decides.
        if better + offset(better) == wall { better } else { guess }
    }

    /// 0 for Sunday.
    #[must_use]
    pub fn weekday(&self) -> usize {
        usize::try_from((self.days() + 4).rem_euclid(7)).unwrap_or(0)
    }

    /// From 1.
    #[must_use]
    pub fn day_of_year(&self) -> i64 {
        self.days() - days_from_civil(self.year, 1, 1) + 1
    }

    /// Year and week of ISO 8601.
    #[must_use]
    pub fn iso_week(&self) -> (i64, i64) {
        // The year of the week's Thursday.
        let monday_first = i64::try_from((self.weekday() + 6) % 7).unwrap_or(0);
        let thursday = self.days() - monday_first + 3;
        let year = Self::utc(thursday * 86_400, 0).year;
        (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
    }

    /// The text of a format of `strftime`, with GNU's flags `-`, `_`, `0`, `^`, `#`, widths, and
    /// `%N`.
    #[must_use]
    pub fn format(&self, format: &str) -> String {
        let mut text = String::new();
        let mut letters = format.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                text.push(letter);
                continue;
            }
            let start = text.len();
            let (mut padding, mut upper, mut width) = (None, false, String::new());
            while let Some(flag) = letters.next_if(|flag| "-_0^#".contains(*flag)) {
                match flag {
                    '^' | '#' => upper = true,
                    other => padding = Some(other),
                }
            }
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                width.push(digit);
            }
            let mut colons = 0;
            while letters.next_if_eq(&':').is_some() {
                colons += 1;
            }
            while letters.next_if(|letter| matches!(letter, 'E' | 'O')).is_some() {}
            let Some(conversion) = letters.next() else {
                text.push('%');
                break;
            };
            let width = width.parse::<usize>().ok().map(|width| width.min(1024));
            self.convert(conversion, padding, width, colons, &mut text);
            if upper {
                text[start..].make_ascii_uppercase();
            }
            if let Some(width) = width {
                let missing = width.saturating_sub(text.len() - start);
                let fill = if matches!(padding, Some('0')) { "0" } else { " " };
                text.insert_str(start, &fill.repeat(missing));
            }
        }
        text
    }

    fn convert(
        &self,
        letter: char,
        padding: Option<char>,
        width: Option<usize>,
        colons: usize,
        text: &mut String,
    ) {
        let weekday = i64::try_from(self.weekday()).unwrap_or(0);
        let hour12 = if self.hour.is_multiple_of(12) { 12 } else { self.hour % 12 };
        let mut number = |value: i64, digits: usize, default: char| {
            let digits = width.unwrap_or(digits);
            // Formatting into a string cannot fail.
            let _ = match padding.unwrap_or(default) {
                '-' => write!(text, "{value}"),
                '_' => write!(text, "{value:digits$}"),
                _ => write!(text, "{value:0digits$}"),
            };
        };
        match letter {
            'Y' => number(self.year, 1, '0'),
            'C' => number(self.year.div_euclid(100), 2, '0'),
            'y' => number(self.year.rem_euclid(100), 2, '0'),
            'm' => number(self.month.into(), 2, '0'),
            'd' => number(self.day.into(), 2, '0'),
            'e' => number(self.day.into(), 2, '_'),
            'H' => number(self.hour.into(), 2, '0'),
            'k' => number(self.hour.into(), 2, '_'),
            'I' => number(hour12.into(), 2, '0'),
            'l' => number(hour12.into(), 2, '_'),
            'M' => number(self.minute.into(), 2, '0'),
            'S' => number(self.second.into(), 2, '0'),
            'j' => number(self.day_of_year(), 3, '0'),
            'u' => number(if weekday == 0 { 7 } else { weekday }, 1, '0'),
            'w' => number(weekday, 1, '0'),
            'U' => number((self.day_of_year() + 6 - weekday) / 7, 2, '0'),
            'W' => number((self.day_of_year() + 6 - (weekday + 6) % 7) / 7, 2, '0'),
            'V' => number(self.iso_week().1, 2, '0'),
            'G' => number(self.iso_week().0, 1, '0'),
            'g' => number(self.iso_week().0.rem_euclid(100), 2, '0'),
            's' => number(self.seconds(), 1, '0'),
            'q' => number(i64::from(self.month.div_ceil(3)), 1, '0'),
            'N' => {
                let digits = format!("{:09}", self.nanosecond);
                let kept = width.unwrap_or(9).min(9);
                let kept = &digits[..kept];
                text.push_str(if padding == Some('-') { kept.trim_end_matches('0') } else { kept });
            }
            'a' => text.push_str(&DAYS[self.weekday()][..3]),
            'A' => text.push_str(DAYS[self.weekday()]),
            'b' | 'h' => text.push_str(&self.month_name()[..3]),
            'B' => text.push_str(self.month_name()),
            'p' => text.push_str(if self.hour < 12 { "AM" } else { "PM" }),
            'P' => text.push_str(if self.hour < 12 { "am" } else { "pm" }),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            '%' => text.push('%'),
            'Z' => text.push_str(&self.zone),
            'z' => text.push_str(&self.offset_text(colons)),
            'D' | 'x' => text.push_str(&self.format("%m/%d/%y")),
            'F' => text.push_str(&self.format("%Y-%m-%d")),
            'T' | 'X' => text.push_str(&self.format("%H:%M:%S")),
            'R' => text.push_str(&self.format("%H:%M")),
            'r' => text.push_str(&self.format("%I:%M:%S %p")),
            'c' => text.push_str(&self.format("%a %b %e %H:%M:%S %Y")),
            '+' => text.push_str(&self.format("%a %b %e %H:%M:%S %Z %Y")),
            other => {
                text.push('%');
                text.push(other);
            }
        }
    }

    fn month_name(&self) -> &'static str {
        MONTHS.get(self.month as usize - 1).copied().unwrap_or("?")
    }

    /// `+0100`, `+01:00` or `+01:00:00`.
    #[must_use]
    pub fn offset_text(&self, colons: usize) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let offset = self.offset.unsigned_abs();
        let (hours, minutes, seconds) = (offset / 3600, offset / 60 % 60, offset % 60);
        match colons {
            0 => format!("{sign}{hours:02}{minutes:02}"),
            1 => format!("{sign}{hours:02}:{minutes:02}"),
            _ => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_formatted_as_strftime_does() {
        // 2024-02-29 12:34:56 UTC, a Thursday.
        let time = Civil::utc(1_709_210_096, 123_000_000);
        for (format, expected) in [
            ("%F %T", "2024-02-29 12:34:56"),
            ("%a %A %b %B", "Thu Thursday Feb February"),
            ("%j %U %W %V %G %u %w", "060 08 09 09 2024 4 4"),
            ("%-d %_m %I %p %l", "29  2 12 PM 12"),
            ("%s.%N %3N", "1709210096.123000000 123"),
            ("%z %:z %Z", "+0000 +00:00 UTC"),
            ("%^a %5d|%%|%Q", "THU 00029|%|%Q"),
            ("%c", "Thu Feb 29 12:34:56 2024"),
        ] {
            assert_eq!(time.format(format), expected, "{format}");
        }
        assert_eq!(Civil::utc(-1, 0).format("%F %T"), "1969-12-31 23:59:59");
        assert_eq!(Civil::utc(1_704_067_199, 0).format("%G-W%V"), "2023-W52");
    }

    #[test]
    fn every_day_of_four_centuries_is_found_again() {
        for day in -10_000..140_000 {
            let civil = Civil::utc(day * 86_400, 0);
            assert_eq!(civil.days(), day);
            assert_eq!(civil.seconds(), day * 86_400);
        }
    }
}
