//! Names and numbers of signals.

const NAMES: &[&str] = &[
    "EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
    "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
    "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS",
];

const DESCRIPTIONS: &[&str] = &[
    "",
    "Hangup",
    "Interrupt",
    "Quit",
    "Illegal instruction",
    "Trace/breakpoint trap",
    "Aborted",
    "Bus error",
    "Floating point exception",
    "Killed",
    "User defined signal 1",
    "Segmentation fault",
    "User defined signal 2",
    "Broken pipe",
    "Alarm clock",
    "Terminated",
    "Stack fault",
    "Child exited",
    "Continued",
    "Stopped (signal)",
    "Stopped",
    "Stopped (tty input)",
    "Stopped (tty output)",
    "Urgent I/O condition",
    "CPU time limit exceeded",
    "File size limit exceeded",
    "Virtual timer expired",
    "Profiling timer expired",
    "Window changed",
    "I/O possible",
    "Power failure",
    "Bad system call",
];

pub(crate) const INT: i32 = 2;
pub(crate) const QUIT: i32 = 3;
pub(crate) const PIPE: i32 = 13;
pub(crate) const TERM: i32 = 15;
pub(crate) const CHLD: i32 = 17;
pub(crate) const CONT: i32 = 18;
pub(crate) const TSTP: i32 = 20;
pub(crate) const TTIN: i32 = 21;
pub(crate) const TTOU: i32 = 22;
/// The highest signal.
pub(crate) const LAST: i32 = 64;
/// The lowest real-time signal that programs may use.
const REAL_TIME: i32 = 34;

/// A signal's number, by number or name, with or without `SIG`; 0 is EXIT.
#[must_use]
pub(crate) fn number(text: &[u8]) -> Option<i32> {
    let text = std::str::from_utf8(text).ok()?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|number| (0..=LAST).contains(number));
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let aliases = [("IOT", 6), ("CLD", 17), ("IO", 29), ("UNUSED", 31)];
    if let Some(index) = NAMES.iter().position(|known| *known == name) {
        return i32::try_from(index).ok();
    }
    if let Some((_, number)) = aliases.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    match name {
        "RTMIN" => return Some(REAL_TIME),
        "RTMAX" => return Some(LAST),
        _ => {}
    }
    let offset = |text: &str| {
        text.parse::<i32>().ok().filter(|offset| (0..=LAST - REAL_TIME).contains(offset))
    };
    if let Some(rest) = name.strip_prefix("RTMIN+") {
        return offset(rest).map(|offset| REAL_TIME + offset);
    }
    name.strip_prefix("RTMAX-").and_then(offset).map(|offset| LAST - offset)
}

/// A signal's name without `SIG`.
#[must_use]
pub(crate) fn name(number: i32) -> String {
    match usize::try_from(number).ok().and_then(|index| NAMES.get(index)) {
        Some(name) => (*name).to_string(),
        None if number == REAL_TIME => "RTMIN".into(),
        None if number == LAST => "RTMAX".into(),
        None if (REAL_TIME..LAST).contains(&number) => format!("RTMIN+{}", number - REAL_TIME),
        None => number.to_string(),
    }
}

/// What is said of a process that the signal ended or stopped.
#[must_use]
pub(crate) fn description(number: i32) -> String {
    match usize::try_from(number).ok().and_then(|index| DESCRIPTIONS.get(index)) {
        Some(text) => (*text).to_string(),
        None => format!("Real-time signal {}", number - REAL_TIME),
    }
}

/// The names that `kill -l` lists.
pub(crate) fn listed() -> impl Iterator<Item = (usize, &'static str)> {
    NAMES.iter().copied().enumerate().skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(number(b"term"), Some(15));
        assert_eq!(number(b"SIGTERM"), Some(15));
        assert_eq!(number(b"9"), Some(9));
        assert_eq!(number(b"RTMIN+2"), Some(36));
        assert_eq!(number(b"65"), None);
        assert_eq!(number(b"nonsense"), None);
        assert_eq!(name(36), "RTMIN+2");
        for signal in (1..=31).chain(34..=64) {
            assert_eq!(number(name(signal).as_bytes()), Some(signal));
        }
    }
}
