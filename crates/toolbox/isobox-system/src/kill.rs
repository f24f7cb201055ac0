//! `kill`: sends signals by number of the process.

use std::ffi::OsString;

use isobox_applet::{Applet, Context, Error, Place, Result, Status, errno_text};
use isopod_sys::caught;

use crate::signals;

/// `kill`
pub(crate) const KILL: Applet = Applet::new(
    "kill",
    kill,
    "[-l [NUMBER|NAME]...] [-s SIGNAL|-SIGNAL] PID...\n\n\
    Send a signal (default: TERM) to processes; -PID: to a group\n\n\
    \t-l\tList names of signals, or say what NUMBER or NAME is",
)
.at(Place::Bin);

fn kill(cx: &mut Context<'_>) -> Result<Status> {
    let mut words: Vec<OsString> = std::mem::take(&mut cx.args);
    let first = words.first().and_then(|word| word.to_str()).unwrap_or("").to_owned();
    if matches!(first.as_str(), "-l" | "-L" | "--list") {
        return list(cx, &words[1..]);
    }
    let mut signal = signals::TERM;
    if matches!(first.as_str(), "-s" | "-n" | "--signal") {
        let name = words.get(1).ok_or_else(|| Error::usage("no signal given"))?;
        signal = signals::parse(&name.to_string_lossy())?;
        words.drain(..2);
    } else if let Some(name) =
        first.strip_prefix('-').filter(|name| !name.is_empty() && *name != "-")
    {
        signal = signals::parse(name)?;
        words.remove(0);
    }
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    if words.is_empty() {
        return Err(Error::usage("you need to specify whom to kill"));
    }
    for word in words {
        let text = word.to_string_lossy();
        let Ok(target) = text.parse::<i32>() else {
            cx.report(&Error::about("invalid number", &word));
            continue;
        };
        if let Err(error) = caught::kill(target, signal) {
            let why = errno_text(&error);
            cx.report(&Error::message(format!("can't kill pid {target}: {why}")));
        }
    }
    Ok(cx.status())
}

/// All names, or the other half of each that is given. An exit status of a shell counts as well.
fn list(cx: &mut Context<'_>, words: &[OsString]) -> Result<Status> {
    if words.is_empty() {
        signals::list(cx)?;
    }
    for word in words {
        let text = word.to_string_lossy();
        let name_of = |number: i32| {
            isopod_base::signals::all().find(|(known, _)| *known == number).map(|(_, name)| name)
        };
        match text.parse::<i32>() {
            Ok(number) => match name_of(if number > 128 { number - 128 } else { number }) {
                Some(name) => writeln!(cx.stdout, "{name}")?,
                None => cx.report(&Error::message(format!("bad signal name '{text}'"))),
            },
            Err(_) => {
                let number = signals::parse(&text)?;
                writeln!(cx.stdout, "{number}")?;
            }
        }
    }
    Ok(cx.status())
}
