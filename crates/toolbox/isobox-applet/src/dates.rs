//! Dates as command lines write them: those of BusyBox, of ISO 8601 and mail, and the relative
//! ones of GNU (`yesterday`, `2 days ago`).

use crate::time::{Civil, DAYS, MONTHS};

/// A point in time: seconds since 1970, and nanoseconds.
pub type Moment = (i64, u32);

/// `[[CC]YY]MMDDhhmm[.ss]`, as `touch -t` takes it, in local time.
#[must_use]
pub fn stamp(text: &str) -> Option<i64> {
    let (digits, seconds) = match text.split_once('.') {
        Some((digits, seconds)) if seconds.len() == 2 => (digits, seconds.parse().ok()?),
        Some(_) => return None,
        None => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u32>().ok();
    let (year, rest) = match digits.len() {
        8 => (Civil::local(crate::time::now().0, 0).year, 0),
        10 => (century(number(0, 2)?), 2),
        12 => (i64::from(number(0, 4)?), 4),
        _ => return None,
    };
    let civil = Civil {
        year,
        month: number(rest, rest + 2)?,
        day: number(rest + 2, rest + 4)?,
        hour: number(rest + 4, rest + 6)?,
        minute: number(rest + 6, rest + 8)?,
        second: seconds,
        ..Civil::utc(0, 0)
    };
    is_valid(&civil).then(|| civil.local_seconds())
}

/// `MMDDhhmm[[CC]YY][.ss]`, as `date` takes it to set the clock.
#[must_use]
pub fn clock_setting(text: &str, utc: bool) -> Option<i64> {
    let (digits, seconds) = match text.split_once('.') {
        Some((digits, seconds)) if seconds.len() == 2 => (digits, seconds.parse().ok()?),
        Some(_) => return None,
        None => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u32>().ok();
    let year = match digits.len() {
        8 => Civil::local(crate::time::now().0, 0).year,
        10 => century(number(8, 10)?),
        12 => i64::from(number(8, 12)?),
        _ => return None,
    };
    let civil = Civil {
        year,
        month: number(0, 2)?,
        day: number(2, 4)?,
        hour: number(4, 6)?,
        minute: number(6, 8)?,
        second: seconds,
        ..Civil::utc(0, 0)
    };
    is_valid(&civil).then(|| if utc { civil.seconds() } else { civil.local_seconds() })
}

fn century(year: u32) -> i64 {
    i64::from(year) + if year < 69 { 2000 } else { 1900 }
}

fn is_valid(civil: &Civil) -> bool {
    let round = Civil::utc(Civil { offset: 0, ..civil.clone() }.seconds(), 0);
    (1..=12).contains(&civil.month)
        && civil.hour < 24
        && civil.minute < 60
        && civil.second <= 60
        && (round.month, round.day) == (civil.month, civil.day)
        || (1..=12).contains(&civil.month)
            && civil.second == 60
            && civil.day <= 31
            && civil.hour < 24
            && civil.minute < 60
}

/// Any date that is understood, seen from `now`.
#[must_use]
pub fn parse(text: &str, now: Moment, utc: bool) -> Option<Moment> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        let nanosecond = if fraction.is_empty() { 0 } else { digits.parse().ok()? };
        return Some((whole.parse().ok()?, nanosecond));
    }
    if let Some(found) = of_busybox(text, now, utc) {
        return Some((found, 0));
    }
    Reader { now, utc, state: State::default() }.read(text)
}

/// `[YYYY.]MM.DD-hh:mm[:ss]` and `[[[[[YY]YY]MM]DD]hh]mm[.ss]`.
fn of_busybox(text: &str, now: Moment, utc: bool) -> Option<i64> {
    let today = if utc { Civil::utc(now.0, 0) } else { Civil::local(now.0, 0) };
    let finish = |civil: Civil| {
        is_valid(&civil).then(|| if utc { civil.seconds() } else { civil.local_seconds() })
    };
    if let Some((date, time)) = text.split_once('-')
        && date.contains('.')
    {
        let parts: Vec<u32> =
            date.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let (year, month, day) = match parts[..] {
            [month, day] => (today.year, month, day),
            [year, month, day] => (year.into(), month, day),
            _ => return None,
        };
        let (hour, minute, second) = clock(time)?;
        return finish(Civil { year, month, day, hour, minute, second, offset: 0, ..today });
    }
    let (digits, second) = match text.split_once('.') {
        Some((digits, second)) if second.len() == 2 => (digits, second.parse().ok()?),
        Some(_) => return None,
        None => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 10 | 12) {
        return None;
    }
    let number = |from: usize| digits.get(from..from + 2)?.parse::<u32>().ok();
    let (year, at) = if digits.len() == 12 {
        (i64::from(digits.get(..4)?.parse::<u32>().ok()?), 4)
    } else {
        (century(number(0)?), 2)
    };
    finish(Civil {
        year,
        month: number(at)?,
        day: number(at + 2)?,
        hour: number(at + 4)?,
        minute: number(at + 6)?,
        second,
        offset: 0,
        ..today
    })
}

fn clock(text: &str) -> Option<(u32, u32, u32)> {
    let parts: Vec<u32> = text
        .split(':')
        .map(|part| if part.len() <= 2 { part.parse().ok() } else { None })
        .collect::<Option<_>>()?;
    match parts[..] {
        [hour, minute] => Some((hour, minute, 0)),
        [hour, minute, second] => Some((hour, minute, second)),
        _ => None,
    }
}

#[derive(Default)]
struct State {
    date: Option<(i64, u32, u32)>,
    time: Option<(u32, u32, u32, u32)>,
    offset: Option<i32>,
    weekday: Option<usize>,
    months: i64,
    days: i64,
    seconds: i64,
}

struct Reader {
    now: Moment,
    utc: bool,
    state: State,
}

impl Reader {
    fn read(mut self, text: &str) -> Option<Moment> {
        let text = text.replace(',', " ");
        let mut words: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            // `2024-01-02T03:04:05Z` is a date and a time.
            match word.split_once(['T', 't']) {
                Some((date, time))
                    if date.len() == 10 && date.starts_with(|c: char| c.is_ascii_digit()) =>
                {
                    words.push(date.into());
                    words.push(time.into());
                }
                _ => words.push(word.to_owned()),
            }
        }
        let mut at = 0;
        while at < words.len() {
            at += self.word(
                &words[at],
                words.get(at + 1).map(String::as_str),
                words.get(at + 2).map(String::as_str),
            )?;
        }
        self.finish()
    }

    /// Understands a word and those after it that belong to it; returns how many they are.
    fn word(&mut self, word: &str, next: Option<&str>, after: Option<&str>) -> Option<usize> {
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "now" | "today" => {
                return Some(1);
            }
            "yesterday" => {
                self.state.days -= 1;
                return Some(1);
            }
            "tomorrow" => {
                self.state.days += 1;
                return Some(1);
            }
            "midnight" => {
                self.state.time = Some((0, 0, 0, 0));
                return Some(1);
            }
            "noon" => {
                self.state.time = Some((12, 0, 0, 0));
                return Some(1);
            }
            "utc" | "gmt" | "z" => {
                self.state.offset = Some(0);
                return Some(1);
            }
            "ago" | "at" | "on" | "of" => return Some(1),
            "am" | "pm" => {
                let (hour, minute, second, nano) = self.state.time?;
                let hour = hour % 12 + if lower == "pm" { 12 } else { 0 };
                self.state.time = Some((hour, minute, second, nano));
                return Some(1);
            }
            _ => {}
        }
        if let Some(count) = match lower.as_str() {
            "next" => Some(1),
            "last" => Some(-1),
            "this" => Some(0),
            _ => None,
        } {
            self.relative(count, next?)?;
            return Some(2);
        }
        let month = |name: &str| {
            let lower = name.to_ascii_lowercase();
            let lower = lower.trim_end_matches('.');
            (lower.len() >= 3)
                .then(|| {
                    MONTHS
                        .iter()
                        .zip(1..)
                        .find(|(month, _)| month.to_ascii_lowercase().starts_with(lower))
                })
                .flatten()
                .map(|(_, number)| number)
        };
        if let Some(month) = month(word) {
            // `Jan 2 [2024]`
            let day: u32 = next?.parse().ok()?;
            let year = after.filter(|year| year.len() == 4).and_then(|year| year.parse().ok());
            self.state.date = Some((year.unwrap_or_else(|| self.today().year), month, day));
            return Some(if year.is_some() { 3 } else { 2 });
        }
        if let Some(day) = (lower.len() >= 3)
            .then(|| DAYS.iter().position(|day| day.to_ascii_lowercase().starts_with(&lower)))
            .flatten()
        {
            self.state.weekday = Some(day);
            return Some(1);
        }
        if word.contains(':') {
            self.time(&lower)?;
            return Some(1);
        }
        if let Some(date) = date(word) {
            let (year, month, day) = date;
            self.state.date = Some((year.unwrap_or_else(|| self.today().year), month, day));
            return Some(1);
        }
        if self.state.time.is_some()
            && (word.starts_with('+') || word.starts_with('-'))
            && word.len() == 5
        {
            self.state.offset = Some(offset(word)?);
            return Some(1);
        }
        let number: i64 = word.parse().ok()?;
        let unit = next?;
        if let Some(month) = month(unit) {
            // `2 Jan 2024`
            let year = after.filter(|year| year.len() == 4).and_then(|year| year.parse().ok());
            self.state.date = Some((
                year.unwrap_or_else(|| self.today().year),
                month,
                u32::try_from(number).ok()?,
            ));
            return Some(if year.is_some() { 3 } else { 2 });
        }
        if matches!(unit.to_ascii_lowercase().as_str(), "am" | "pm") {
            self.state.time = Some((u32::try_from(number).ok()?, 0, 0, 0));
            return Some(1);
        }
        let ago = after.is_some_and(|word| word.eq_ignore_ascii_case("ago"));
        self.relative(if ago { -number } else { number }, unit)?;
        Some(if ago { 3 } else { 2 })
    }

    fn relative(&mut self, count: i64, unit: &str) -> Option<()> {
        let lower = unit.to_ascii_lowercase();
        let unit = lower.strip_suffix('s').unwrap_or(&lower);
        let add = |value: &mut i64, factor: i64| {
            *value = value.checked_add(count.checked_mul(factor)?)?;
            Some(())
        };
        match unit {
            "sec" | "second" | "" => add(&mut self.state.seconds, 1),
            "min" | "minute" => add(&mut self.state.seconds, 60),
            "hour" => add(&mut self.state.seconds, 3600),
            "day" => add(&mut self.state.days, 1),
            "week" => add(&mut self.state.days, 7),
            "fortnight" => add(&mut self.state.days, 14),
            "month" => add(&mut self.state.months, 1),
            "year" => add(&mut self.state.months, 12),
            _ => {
                let day = DAYS.iter().position(|day| {
                    lower.len() >= 3 && day.to_ascii_lowercase().starts_with(&lower)
                })?;
                self.state.weekday = Some(day);
                if count != 0 {
                    self.state.days += 7 * (count - i64::from(count > 0));
                }
                Some(())
            }
        }
    }

    fn time(&mut self, word: &str) -> Option<()> {
        let (word, afternoon) = if let Some(word) = word.strip_suffix("pm") {
            (word, Some(true))
        } else if let Some(word) = word.strip_suffix("am") {
            (word, Some(false))
        } else {
            (word, None)
        };
        let mut rest = word;
        if let Some(stripped) = rest.strip_suffix('z') {
            self.state.offset = Some(0);
            rest = stripped;
        } else if let Some(at) = rest.rfind(['+', '-']) {
            self.state.offset = Some(offset(&rest[at..])?);
            rest = &rest[..at];
        }
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
        let (hour, minute, second) = clock(whole)?;
        let nano: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        if hour > 23
            || minute > 59
            || second > 60
            || !nano.bytes().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let hour = match afternoon {
            Some(_) if hour == 0 || hour > 12 => return None,
            Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
            None => hour,
        };
        self.state.time = Some((hour, minute, second, nano.parse().ok()?));
        Some(())
    }

    fn today(&self) -> Civil {
        if self.utc {
            Civil::utc(self.now.0, self.now.1)
        } else {
            Civil::local(self.now.0, self.now.1)
        }
    }

    fn finish(self) -> Option<Moment> {
        let state = &self.state;
        let mut civil = self.today();
        if let Some((year, month, day)) = state.date {
            (civil.year, civil.month, civil.day) = (year, month, day);
            if !is_valid(&civil) {
                return None;
            }
        }
        match state.time {
            Some((hour, minute, second, nano)) => {
                (civil.hour, civil.minute, civil.second, civil.nanosecond) =
                    (hour, minute, second, nano);
            }
            None if state.date.is_some() || state.weekday.is_some() => {
                (civil.hour, civil.minute, civil.second, civil.nanosecond) = (0, 0, 0, 0);
            }
            None => {}
        }
        let mut days = state.days;
        if let Some(weekday) = state.weekday {
            let ahead = (weekday + 7 - civil.weekday()) % 7;
            days = days.checked_add(i64::try_from(ahead).ok()?)?;
        }
        let months = i64::from(civil.month).checked_add(state.months)?;
        if months.unsigned_abs() > 1 << 40 || days.unsigned_abs() > 1 << 40 {
            return None;
        }
        let day_number =
            crate::time::days_from_civil(civil.year, months, i64::from(civil.day)) + days;
        let shifted = Civil::utc(day_number * 86_400, 0);
        (civil.year, civil.month, civil.day) = (shifted.year, shifted.month, shifted.day);
        let seconds = match state.offset {
            Some(offset) => Civil { offset, ..civil.clone() }.seconds(),
            None if self.utc => Civil { offset: 0, ..civil.clone() }.seconds(),
            None => civil.local_seconds(),
        };
        Some((seconds.checked_add(state.seconds)?, civil.nanosecond))
    }
}

/// `2024-01-02`, `2024/01/02`, `01/02/2024`, `01/02`, `20240102`.
fn date(word: &str) -> Option<(Option<i64>, u32, u32)> {
    let separator = if word.contains('/') { '/' } else { '-' };
    let parts: Vec<&str> = word.split(separator).collect();
    let number = |text: &str| text.parse::<u32>().ok();
    match parts[..] {
        [year, month, day] if year.len() == 4 => {
            Some((year.parse().ok(), number(month)?, number(day)?))
        }
        [month, day, year] if separator == '/' => {
            let year_number = number(year)?;
            let year = if year.len() <= 2 { century(year_number) } else { year_number.into() };
            Some((Some(year), number(month)?, number(day)?))
        }
        [month, day] if separator == '/' => Some((None, number(month)?, number(day)?)),
        [digits] if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((digits[..4].parse().ok(), number(&digits[4..6])?, number(&digits[6..])?))
        }
        _ => None,
    }
}

/// `+01:00`, `+0100`, `+01`
fn offset(text: &str) -> Option<i32> {
    let negative = text.starts_with('-');
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = match digits.len() {
        1 | 2 => digits.parse::<i32>().ok()? * 3600,
        4 => digits[..2].parse::<i32>().ok()? * 3600 + digits[2..].parse::<i32>().ok()? * 60,
        _ => return None,
    };
    Some(if negative { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_understood() {
        // 2024-02-29 12:34:56 UTC, a Thursday.
        let now = (1_709_210_096, 5);
        for (text, expected) in [
            ("@5", "1970-01-01 00:00:05"),
            ("2024-01-02", "2024-01-02 00:00:00"),
            ("2024-01-02 03:04", "2024-01-02 03:04:00"),
            ("2024-01-02T03:04:05Z", "2024-01-02 03:04:05"),
            ("2024-01-02T03:04:05+01:00", "2024-01-02 02:04:05"),
            ("2 Jan 2024 3:04pm", "2024-01-02 15:04:00"),
            ("Tue, 02 Jan 2024 03:04:05 +0000", "2024-01-02 03:04:05"),
            ("Jan 2 2024", "2024-01-02 00:00:00"),
            ("yesterday", "2024-02-28 12:34:56"),
            ("2 days ago", "2024-02-27 12:34:56"),
            ("next month", "2024-03-29 12:34:56"),
            ("1 hour", "2024-02-29 13:34:56"),
            ("friday", "2024-03-01 00:00:00"),
            ("next monday", "2024-03-04 00:00:00"),
            ("12:00", "2024-02-29 12:00:00"),
            ("01/02/2024", "2024-01-02 00:00:00"),
            ("20240102", "2024-01-02 00:00:00"),
            ("202401020304.05", "2024-01-02 03:04:05"),
            ("2024.01.02-03:04", "2024-01-02 03:04:00"),
            ("01.02-03:04:05", "2024-01-02 03:04:05"),
        ] {
            let found =
                parse(text, now, true).map(|(seconds, _)| Civil::utc(seconds, 0).format("%F %T"));
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
        for bad in ["", "x", "2024-13-01", "2024-02-30", "25:00", "12:60", "@x", "5 parsecs"] {
            assert!(bad.is_empty() || parse(bad, now, true).is_none(), "{bad}");
        }
    }
}
