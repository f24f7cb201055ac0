//! `date` and `cal`.

use isobox_applet::time::{Civil, MONTHS, days_from_civil, now};
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, dates, number};
use rustix::fs::AtFlags;

/// See the usage text.
pub(crate) const DATE: Applet = Applet::new(
    "date",
    date,
    "[-uR] [-I[SPEC]] [-d DATE | -r FILE | -f FILE] [+FORMAT] [[-s] TIME]\n\n\
     Print or set the date\n\n\
     \t-d DATE\tDATE, not now\n\
     \t-r FILE\tThe time FILE was changed\n\
     \t-f FILE\tEach line of FILE as with -d\n\
     \t-s TIME\tSet the clock\n\
     \t-u\tUTC\n\
     \t-R\tAs in mail\n\
     \t-I[SPEC]\tISO 8601: date, hours, minutes, seconds or ns\n\
     \t--rfc-3339 SPEC\tdate, seconds or ns\n\
     \t-D FORMAT\tDATE and TIME have this format of strptime\n\n\
     TIME and DATE: @SECONDS, YYYY-MM-DD hh:mm[:ss], hh:mm, [YYYY.]MM.DD-hh:mm, MMDDhhmm[[YY]YY][.ss]\n\
     (to set), 2 days ago, next monday...",
)
.at(Place::Bin);

/// See the usage text.
pub(crate) const CAL: Applet = Applet::new(
    "cal",
    cal,
    "[-jmy] [[MONTH] YEAR]\n\n\
     Print a calendar\n\n\
     \t-j\tDays of the year\n\
     \t-m\tWeeks begin on Monday\n\
     \t-y\tThe whole year",
);

const OPTIONS: Spec = Spec::new(
    "uRI::d:r:f:s:D:k",
    &[
        ("utc", 'u'),
        ("universal", 'u'),
        ("rfc-2822", 'R'),
        ("rfc-email", 'R'),
        ("iso-8601=?", 'I'),
        ("rfc-3339=", '3'),
        ("date=", 'd'),
        ("reference=", 'r'),
        ("file=", 'f'),
        ("set=", 's'),
    ],
);
const CAL_OPTIONS: Spec = Spec::new("jmy", &[]);

fn date(cx: &mut Context<'_>) -> Result<Status> {
    let (mut utc, mut format, mut moment) = (false, None, None);
    let (mut text, mut reference, mut list, mut set, mut pattern) = (None, None, None, None, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'u' => utc = true,
            'R' => format = Some("%a, %d %b %Y %H:%M:%S %z".to_owned()),
            'I' => {
                let spec = arguments.optional_value().unwrap_or_default();
                format = Some(iso(&spec.to_string_lossy(), "T", "%:z")?);
            }
            '3' => format = Some(iso(&arguments.text()?, " ", "%:z")?),
            'd' => text = Some(arguments.text()?),
            'r' => reference = Some(arguments.value()),
            'f' => list = Some(arguments.value()),
            's' => set = Some(arguments.text()?),
            'D' => pattern = Some(arguments.text()?),
            _ => {}
        }
    }
    let mut setting = false;
    for operand in arguments.operands() {
        let operand = operand.to_string_lossy().into_owned();
        match operand.strip_prefix('+') {
            Some(chosen) => format = Some(chosen.to_owned()),
            None if set.is_none() => (set, setting) = (Some(operand), true),
            None => return Err(Error::usage("expected one date")),
        }
    }
    let utc = utc || cx.variables.get("TZ").is_some_and(|zone| zone == "UTC0" || zone == "UTC");
    let understand = |text: &str, first: bool| -> Result<(i64, u32)> {
        let found = match &pattern {
            Some(pattern) => by_pattern(text, pattern, utc).map(|seconds| (seconds, 0)),
            None if first => dates::clock_setting(text, utc)
                .map(|seconds| (seconds, 0))
                .or_else(|| dates::parse(text, now(), utc)),
            None => dates::parse(text, now(), utc),
        };
        found.ok_or_else(|| Error::message(format!("invalid date '{text}'")))
    };
    let show = |cx: &mut Context<'_>, (seconds, nano): (i64, u32)| {
        let civil = if utc { Civil::utc(seconds, nano) } else { Civil::local(seconds, nano) };
        let text = civil.format(format.as_deref().unwrap_or("%a %b %e %H:%M:%S %Z %Y"));
        cx.stdout.put(text.as_bytes())?;
        cx.stdout.put(b"\n")
    };
    if let Some(list) = list {
        let mut input = cx.open(&list)?;
        while let Some(line) = input.line(b'\n').map_err(|error| Error::path(&list, error))? {
            let line = String::from_utf8_lossy(line).trim().to_owned();
            match understand(&line, false) {
                Ok(moment) => show(cx, moment)?,
                Err(error) => cx.report(&error),
            }
        }
        return Ok(cx.status());
    }
    if let Some(name) = reference {
        let status = rustix::fs::statat(cx.dir, &name, AtFlags::empty())
            .map_err(|errno| Error::path(&name, errno))?;
        moment = Some((status.st_mtime, u32::try_from(status.st_mtime_nsec).unwrap_or(0)));
    }
    if let Some(text) = text {
        moment = Some(understand(&text, false)?);
    }
    if let Some(text) = set {
        let new = understand(&text, setting)?;
        let time = rustix::time::Timespec { tv_sec: new.0, tv_nsec: new.1.into() };
        if let Err(errno) = rustix::time::clock_settime(rustix::time::ClockId::Realtime, time) {
            cx.report(&Error::message(format!(
                "can't set date: {}",
                isobox_applet::errno_text(&errno.into())
            )));
        }
        moment = Some(new);
    }
    show(cx, moment.unwrap_or_else(now))?;
    Ok(cx.status())
}

fn iso(spec: &str, between: &str, zone: &str) -> Result<String> {
    Ok(match spec {
        "" | "date" => "%Y-%m-%d".to_owned(),
        "hours" | "hour" => format!("%Y-%m-%d{between}%H{zone}"),
        "minutes" | "minute" => format!("%Y-%m-%d{between}%H:%M{zone}"),
        "seconds" | "second" => format!("%Y-%m-%d{between}%H:%M:%S{zone}"),
        "ns" => {
            format!("%Y-%m-%d{between}%H:%M:%S{}%N{zone}", if between == "T" { "," } else { "." })
        }
        _ => {
            return Err(Error::message(format!(
                "unknown precision '{spec}': expected date, hours, minutes, seconds or ns"
            )));
        }
    })
}

/// What `strptime` understands of a text: numbers, names of months and days, text.
fn by_pattern(text: &str, pattern: &str, utc: bool) -> Option<i64> {
    let today = if utc { Civil::utc(now().0, 0) } else { Civil::local(now().0, 0) };
    let mut civil = Civil { hour: 0, minute: 0, second: 0, offset: 0, ..today };
    let mut seconds = None;
    let (mut rest, mut letters) = (text, pattern.chars());
    let expanded;
    if pattern.contains("%T")
        || pattern.contains("%F")
        || pattern.contains("%D")
        || pattern.contains("%R")
    {
        expanded = pattern
            .replace("%T", "%H:%M:%S")
            .replace("%F", "%Y-%m-%d")
            .replace("%D", "%m/%d/%y")
            .replace("%R", "%H:%M");
        letters = expanded.chars();
    }
    while let Some(letter) = letters.next() {
        if letter.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if letter != '%' {
            rest = rest.strip_prefix(letter)?;
            continue;
        }
        let conversion = letters.next()?;
        let mut digits = |most: usize| -> Option<i64> {
            rest = rest.trim_start();
            let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let (number, others) = rest.split_at(count);
            rest = others;
            number.parse().ok()
        };
        match conversion {
            'Y' => civil.year = digits(4)?,
            'y' => {
                let year = digits(2)?;
                civil.year = year + if year < 69 { 2000 } else { 1900 };
            }
            'm' => civil.month = u32::try_from(digits(2)?).ok()?,
            'd' | 'e' => civil.day = u32::try_from(digits(2)?).ok()?,
            'H' | 'k' => civil.hour = u32::try_from(digits(2)?).ok()?,
            'M' => civil.minute = u32::try_from(digits(2)?).ok()?,
            'S' => civil.second = u32::try_from(digits(2)?).ok()?,
            's' => seconds = Some(digits(20)?),
            'b' | 'B' | 'h' => {
                let lower = rest.trim_start().to_ascii_lowercase();
                let (month, name) = (1..)
                    .zip(MONTHS)
                    .find(|(_, name)| lower.starts_with(&name.to_ascii_lowercase()[..3]))?;
                let whole = lower.starts_with(&name.to_ascii_lowercase());
                civil.month = month;
                rest = &rest.trim_start()[if whole { name.len() } else { 3 }..];
            }
            'a' | 'A' => {
                rest = rest.trim_start().trim_start_matches(|c: char| c.is_ascii_alphabetic())
            }
            'Z' => rest = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
            '%' => rest = rest.strip_prefix('%')?,
            _ => return None,
        }
    }
    if !rest.trim().is_empty()
        || !(1..=12).contains(&civil.month)
        || civil.hour > 23
        || civil.minute > 59
    {
        return None;
    }
    Some(seconds.unwrap_or_else(|| if utc { civil.seconds() } else { civil.local_seconds() }))
}

fn cal(cx: &mut Context<'_>) -> Result<Status> {
    let (mut julian, mut monday, mut year_wanted) = (false, false, false);
    let mut arguments = cx.parse(&CAL_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'j' => julian = true,
            'm' => monday = true,
            _ => year_wanted = true,
        }
    }
    let operands = arguments.operands_between(0, 2)?;
    let today = Civil::local(now().0, 0);
    let in_range = |text: &std::ffi::OsStr, most: u64| match number::unsigned(text) {
        Ok(value) if (1..=most).contains(&value) => Ok(value),
        _ => {
            Err(Error::message(format!("'{}': expected a number from 1 to {most}", text.display())))
        }
    };
    let (month, year) = match &operands[..] {
        [] => (Some(today.month), today.year),
        [year] => (None, i64::try_from(in_range(year, 9999)?).unwrap_or(1)),
        [month, year, ..] => (
            Some(u32::try_from(in_range(month, 12)?).unwrap_or(1)),
            i64::try_from(in_range(year, 9999)?).unwrap_or(1),
        ),
    };
    let month = if year_wanted { None } else { month };
    let width = if julian { 27 } else { 20 };
    let centre = |text: &str, width: usize| {
        let left = (width.saturating_sub(text.len())) / 2;
        format!("{}{text}", " ".repeat(left))
    };
    if let Some(month) = month {
        let title = format!("{} {year}", MONTHS[month as usize - 1]);
        writeln!(cx.stdout, "{}", centre(&title, width).trim_end())?;
        let blank = if julian { 28 } else { 21 };
        for line in grid(month, year, julian, monday) {
            // As BusyBox prints weeks that are not there.
            let line = if line.is_empty() { " ".repeat(blank) } else { line };
            writeln!(cx.stdout, "{line}")?;
        }
        return Ok(cx.status());
    }
    let columns: usize = if julian { 2 } else { 3 };
    let gap = "  ";
    let total = width * columns + gap.len() * (columns - 1);
    writeln!(cx.stdout, "{:total$}\n", centre(&year.to_string(), total))?;
    for first in (1..=12_u32).step_by(columns) {
        let months: Vec<u32> = (first..first + u32::try_from(columns).unwrap_or(1)).collect();
        let titles: Vec<String> = months
            .iter()
            .map(|&month| format!("{:width$}", centre(MONTHS[month as usize - 1], width)))
            .collect();
        writeln!(cx.stdout, "{}", titles.join(gap))?;
        let grids: Vec<Vec<String>> =
            months.iter().map(|&month| grid(month, year, julian, monday)).collect();
        for row in 0..7 {
            let line: Vec<String> =
                grids.iter().map(|grid| format!("{:width$}", grid[row])).collect();
            writeln!(cx.stdout, "{}", line.join(gap).trim_end())?;
        }
    }
    Ok(cx.status())
}

/// The head of the week and six weeks. In September 1752 Britain left out eleven days.
fn grid(month: u32, year: i64, julian: bool, monday: bool) -> Vec<String> {
    let (cell, names) =
        if julian { (3, " Su  Mo  Tu  We  Th  Fr  Sa") } else { (2, "Su Mo Tu We Th Fr Sa") };
    let mut names: Vec<&str> = names.split_whitespace().collect();
    if monday {
        names.rotate_left(1);
    }
    let old = (year, month) < (1752, 9);
    let leap =
        if old { year % 4 == 0 } else { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) };
    let length = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let month_number = i64::from(month);
    let first_day = if old || (year, month) == (1752, 9) {
        // The calendar of Julius Caesar, by its distance to the other.
        let before = if month < 3 { year - 1 } else { year };
        days_from_civil(year, month_number, 1) + before / 100 - before / 400 - 2
    } else {
        days_from_civil(year, month_number, 1)
    };
    let first_of_year = (1..month).fold(0, |sum, month| {
        sum + match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    });
    let mut column =
        usize::try_from((first_day + 4 - i64::from(monday)).rem_euclid(7)).unwrap_or(0);
    let names: Vec<String> = names.iter().map(|name| format!("{name:>cell$}")).collect();
    let mut lines = vec![names.join(" ")];
    let mut line = " ".repeat(column * (cell + 1));
    for day in 1..=length {
        if (year, month) == (1752, 9) && (3..=13).contains(&day) {
            continue;
        }
        let shown = if julian {
            day + first_of_year - if year == 1752 && (month, day) > (9, 13) { 11 } else { 0 }
        } else {
            day
        };
        line.push_str(&format!("{shown:cell$} "));
        column += 1;
        if column == 7 {
            lines.push(line.trim_end().to_owned());
            line = String::new();
            column = 0;
        }
    }
    lines.push(line.trim_end().to_owned());
    lines.resize(7, String::new());
    lines
}
