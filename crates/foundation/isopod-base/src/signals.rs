//! Names of signals, as people and protocols write them.

/// By number, with the other names of the same signal last.
const NAMES: [(&str, i32); 34] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("IOT", 6),
    ("CLD", 17),
    ("POLL", 29),
];

/// The real-time signals that the C library leaves to programs, `RTMIN` to `RTMAX`.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// The number of a signal of Linux by its name: `KILL`, `SIGKILL` or `sigkill`, `RTMIN+3`,
/// `RTMAX-1`.
///
/// ```
/// assert_eq!(isopod_base::signals::number("sigterm"), Some(15));
/// ```
#[must_use]
pub fn number(name: &str) -> Option<i32> {
    let upper = name.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let offset = |text: &str, sign: char| match text.strip_prefix(sign) {
        Some(offset) => offset.parse::<i32>().ok().filter(|offset| *offset >= 0),
        None => text.is_empty().then_some(0),
    };
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => REAL_TIME.start().checked_add(offset(rest, '+')?)?,
        (_, Some(rest)) => REAL_TIME.end().checked_sub(offset(rest, '-')?)?,
        _ => return None,
    };
    REAL_TIME.contains(&number).then_some(number)
}

/// The signals that are not real-time ones, by number, each by its usual name.
pub fn all() -> impl Iterator<Item = (i32, &'static str)> {
    NAMES.iter().take(31).map(|&(name, number)| (number, name))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn signals_are_found_by_any_of_their_names() {
        for (name, expected) in [
            ("KILL", 9),
            ("SIGKILL", 9),
            ("sigterm", 15),
            ("hup", 1),
            ("CLD", 17),
            ("CHLD", 17),
            ("iot", 6),
            ("POLL", 29),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("rtmin+30", 64),
            ("RTMAX-1", 63),
            ("rtmax", 64),
        ] {
            assert_eq!(number(name), Some(expected), "{name}");
        }
        for name in ["", "SIG", "FOO", "9", "RTMIN+31", "RTMIN-1", "RTMIN+x", "RTMAX-31", "RTMAX+1"]
        {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
