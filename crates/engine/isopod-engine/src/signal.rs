//! Signals by name and number.

use crate::error::{Error, Result};

const NAMES: [(&str, i32); 31] = [
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
];

const RT_MIN: i32 = 34;
const RT_MAX: i32 = 64;

/// The number of a signal: `9`, `KILL`, `SIGKILL`, `rtmin+3`.
pub(crate) fn parse(text: &str) -> Result<i32> {
    let unknown = || Error::invalid(format_args!("invalid signal: {text}"));
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=RT_MAX).contains(&number) { Ok(number) } else { Err(unknown()) };
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let alias = match name {
        "CLD" => "CHLD",
        "IOT" => "ABRT",
        "POLL" => "IO",
        other => other,
    };
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == alias) {
        return Ok(*number);
    }
    let real_time = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => Some(RT_MIN),
        (_, Some("")) => Some(RT_MAX),
        (Some(rest), _) => rest
            .strip_prefix('+')
            .and_then(|n| n.parse().ok())
            .map(|n: i32| RT_MIN.saturating_add(n)),
        (_, Some(rest)) => rest
            .strip_prefix('-')
            .and_then(|n| n.parse().ok())
            .map(|n: i32| RT_MAX.saturating_sub(n)),
        _ => None,
    };
    real_time.filter(|number| (RT_MIN..=RT_MAX).contains(number)).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn signals_are_found_by_any_of_their_names() {
        for (text, number) in [
            ("9", 9),
            ("KILL", 9),
            ("SIGKILL", 9),
            ("sigterm", 15),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX-1", 63),
            ("CLD", 17),
            ("64", 64),
        ] {
            assert_eq!(parse(text).expect(text), number, "{text}");
        }
        for text in ["", "0", "65", "FOO", "RTMIN+31", "RTMAX-40", "-1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
