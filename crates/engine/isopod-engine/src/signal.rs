//! Signals by name and number.

use crate::error::{Error, Result};

/// The highest number.
const LAST: i32 = 64;

/// The number of a signal: `9`, `KILL`, `SIGKILL`, `rtmin+3`.
pub(crate) fn parse(text: &str) -> Result<i32> {
    let unknown = || Error::invalid(format_args!("invalid signal: {text}"));
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=LAST).contains(&number) { Ok(number) } else { Err(unknown()) };
    }
    isopod_base::signals::number(text).ok_or_else(unknown)
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
