//! Signals on command lines.

use std::ffi::OsString;

use isobox_applet::{Context, Error, Result};

/// `SIGTERM`
pub(crate) const TERM: i32 = 15;

/// A signal by name or number; 0 only asks whether a process is there.
pub(crate) fn parse(text: &str) -> Result<i32> {
    let number = text.parse().ok().filter(|number| (0..=64).contains(number));
    number
        .or_else(|| isopod_base::signals::number(text))
        .or_else(|| text.eq_ignore_ascii_case("exit").then_some(0))
        .ok_or_else(|| Error::message(format!("bad signal name '{text}'")))
}

/// An option such as `-TERM`, `-9` or `-SIGTERM` in front of all operands is taken out.
pub(crate) fn take_option(words: &mut Vec<OsString>) -> Result<Option<i32>> {
    for index in 0..words.len() {
        let Some(name) = words[index].to_str().and_then(|word| word.strip_prefix('-')) else {
            break;
        };
        let is_signal = name.starts_with(|first: char| first.is_ascii_digit())
            || name.len() > 1 && isopod_base::signals::number(name).is_some();
        if is_signal {
            let signal = parse(name)?;
            words.remove(index);
            return Ok(Some(signal));
        }
    }
    Ok(None)
}

/// Prints the list: ` 1) HUP`.
pub(crate) fn list(cx: &mut Context<'_>) -> Result<()> {
    for (number, name) in isopod_base::signals::all() {
        writeln!(cx.stdout, "{number:>2}) {name}")?;
    }
    Ok(())
}
