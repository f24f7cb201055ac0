//! `pgrep`, `pkill`, `pidof`, `killall`: processes by name.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{
    Applet, Context, Error, Place, Result, Spec, Status, errno_text, number, users,
};
use isobox_regex::{Options as RegexOptions, Regex, Syntax};
use isopod_sys::caught;

use crate::process::{self, Process, terminal_name};
use crate::signals;

/// `pgrep`
pub(crate) const PGREP: Applet = Applet::new(
    "pgrep",
    pgrep,
    "[-flaxivnoc] [-d DELIM] [-P PID] [-u USER] [-g PGID] [-s SID] [-t TTY] [PATTERN]\n\n\
    Show the numbers of processes whose name matches a regular expression\n\n\
    \t-l\tThe name as well\n\t-a\tThe command line as well\n\t-d DELIM\tBetween numbers\n\
    \t-f\tMatch the whole command line, not the name\n\
    \t-x\tMatch all of it\n\t-i\tUpper and lower case are the same\n\
    \t-v\tAll that do not match\n\t-n\tThe newest only\n\t-o\tThe oldest only\n\
    \t-P PID\tChildren of these\n\t-u USER\tOf these users\n\t-g PGID\tOf these groups\n\
    \t-s SID\tOf these sessions\n\t-t TTY\tOn these terminals\n\t-c\tCount them",
);
/// `pkill`
pub(crate) const PKILL: Applet = Applet::new(
    "pkill",
    pgrep,
    "[-SIGNAL] [-fxivnoce] [-P PID] [-u USER] [-g PGID] [-s SID] [-t TTY] [PATTERN]\n\n\
    Send a signal (default: TERM) to processes whose name matches a regular expression\n\n\
    \t-e\tSay which\n\
    \t-f\tMatch the whole command line, not the name\n\
    \t-x\tMatch all of it\n\t-i\tUpper and lower case are the same\n\
    \t-v\tAll that do not match\n\t-n\tThe newest only\n\t-o\tThe oldest only\n\
    \t-P PID\tChildren of these\n\t-u USER\tOf these users\n\t-g PGID\tOf these groups\n\
    \t-s SID\tOf these sessions\n\t-t TTY\tOn these terminals\n\t-c\tCount them",
);

const SPEC: Spec = Spec::new(
    "flaxivnoced:P:u:U:g:s:t:",
    &[
        ("full", 'f'),
        ("list-name", 'l'),
        ("list-full", 'a'),
        ("exact", 'x'),
        ("ignore-case", 'i'),
        ("inverse", 'v'),
        ("newest", 'n'),
        ("oldest", 'o'),
        ("count", 'c'),
        ("echo", 'e'),
        ("delimiter=", 'd'),
        ("parent=", 'P'),
        ("euid=", 'u'),
        ("uid=", 'U'),
        ("pgroup=", 'g'),
        ("session=", 's'),
        ("terminal=", 't'),
        ("signal=", 'S'),
    ],
);

#[derive(Default)]
struct Wanted {
    pattern: Option<Regex>,
    full: bool,
    inverse: bool,
    parents: Vec<i32>,
    users: Vec<u32>,
    groups: Vec<i32>,
    sessions: Vec<i32>,
    terminals: Vec<String>,
}

fn pgrep(cx: &mut Context<'_>) -> Result<Status> {
    let kills = cx.applet.name == "pkill";
    let mut signal = signals::TERM;
    if kills && let Some(given) = signals::take_option(&mut cx.args)? {
        signal = given;
    }
    let mut wanted = Wanted::default();
    let (mut name, mut line, mut exact, mut ignore_case) = (false, false, false, false);
    let (mut newest, mut oldest, mut count, mut echo) = (false, false, false, false);
    let mut delimiter = OsString::from("\n");
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'f' => wanted.full = true,
            'l' => name = true,
            'a' => line = true,
            'x' => exact = true,
            'i' => ignore_case = true,
            'v' => wanted.inverse = true,
            'n' => newest = true,
            'o' => oldest = true,
            'c' => count = true,
            'e' => echo = true,
            'd' => delimiter = arguments.value(),
            'P' => wanted.parents = numbers(&arguments.text()?)?,
            'u' | 'U' => wanted.users = user_list(&arguments.text()?)?,
            'g' => wanted.groups = numbers(&arguments.text()?)?,
            's' => wanted.sessions = numbers(&arguments.text()?)?,
            't' => wanted.terminals = arguments.text()?.split(',').map(str::to_owned).collect(),
            _ => signal = signals::parse(&arguments.text()?)?,
        }
    }
    let operands = arguments.operands_between(0, 1)?;
    let criteria = wanted.parents.len()
        + wanted.users.len()
        + wanted.groups.len()
        + wanted.sessions.len()
        + wanted.terminals.len();
    match operands.first() {
        Some(pattern) => {
            let options = RegexOptions { ignore_case, line: exact, ..RegexOptions::default() };
            let regex = Regex::new(pattern.as_bytes(), Syntax::Extended, options);
            wanted.pattern = Some(regex.map_err(|error| Error::message(error.to_string()))?);
        }
        None if criteria == 0 => return Err(Error::usage("no pattern given")),
        None => {}
    }
    let mut found = wanted.find()?;
    if newest {
        found = found
            .into_iter()
            .max_by_key(|process| (process.started, process.pid))
            .into_iter()
            .collect();
    } else if oldest {
        found = found
            .into_iter()
            .min_by_key(|process| (process.started, process.pid))
            .into_iter()
            .collect();
    }
    let any = !found.is_empty();
    if kills {
        for process in &found {
            kill_one(cx, process, signal, echo);
        }
    }
    if count {
        writeln!(cx.stdout, "{}", found.len())?;
    } else if !kills {
        for (index, process) in found.iter().enumerate() {
            if index > 0 {
                cx.stdout.put(delimiter.as_bytes())?;
            }
            write!(cx.stdout, "{}", process.pid)?;
            if line {
                cx.stdout.put(&[b" ", &process.command()[..]].concat())?;
            } else if name {
                cx.stdout.put(&[b" ", &process.name[..]].concat())?;
            }
        }
        if any {
            cx.stdout.put(b"\n")?;
        }
    }
    Ok(Status::failed_if(!any || cx.failed))
}

fn kill_one(cx: &mut Context<'_>, process: &Process, signal: i32, echo: bool) {
    match caught::kill(process.pid, signal) {
        Ok(()) if echo => {
            let name = String::from_utf8_lossy(&process.name);
            writeln!(cx.stdout, "{name} killed (pid {})", process.pid).ok();
        }
        Ok(()) => {}
        Err(error) => {
            let why = errno_text(&error);
            cx.report(&Error::message(format!("can't kill pid {}: {why}", process.pid)));
        }
    }
}

impl Wanted {
    /// All that match, but this process itself.
    fn find(&self) -> Result<Vec<Process>> {
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let mut found = Vec::new();
        for process in process::all() {
            if process.pid != own && self.matches(&process)? != self.inverse {
                found.push(process);
            }
        }
        Ok(found)
    }

    fn matches(&self, process: &Process) -> Result<bool> {
        fn among<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        let fits = among(&self.parents, &process.parent)
            && among(&self.users, &process.uid)
            && among(&self.groups, &process.group)
            && among(&self.sessions, &process.session)
            && (self.terminals.is_empty()
                || self.terminals.contains(&terminal_name(process.terminal)));
        let Some(pattern) = self.pattern.as_ref().filter(|_| fits) else { return Ok(fits) };
        let text = if self.full { process.command() } else { process.name.clone() };
        pattern.is_match(&text).map_err(|error| Error::message(error.to_string()))
    }
}

fn numbers(text: &str) -> Result<Vec<i32>> {
    let own = |value: i64| {
        if value == 0 { rustix::process::getpgrp().as_raw_nonzero().get().into() } else { value }
    };
    text.split(',')
        .map(|part| {
            let value = own(number::signed(part.as_ref())?);
            i32::try_from(value).map_err(|_| number::invalid(part.as_ref()))
        })
        .collect()
}

pub(crate) fn user_list(text: &str) -> Result<Vec<u32>> {
    text.split(',')
        .map(|name| {
            users::uid_of(name).ok_or_else(|| Error::message(format!("unknown user {name}")))
        })
        .collect()
}

/// `pidof`
pub(crate) const PIDOF: Applet = Applet::new(
    "pidof",
    pidof,
    "[-s] [-o PID]... NAME...\n\nShow the numbers of processes that have these names\n\n\
    \t-s\tOne only\n\t-o PID\tNot this one (%PPID: not the caller)",
)
.at(Place::Bin);

const PIDOF_SPEC: Spec = Spec::new("so:", &[("single-shot", 's'), ("omit-pid=", 'o')]);

fn pidof(cx: &mut Context<'_>) -> Result<Status> {
    let (mut single, mut omitted) = (false, vec![rustix::process::getpid().as_raw_nonzero().get()]);
    let mut arguments = cx.parse(&PIDOF_SPEC);
    while let Some(option) = arguments.next()? {
        if option == 's' {
            single = true;
            continue;
        }
        for part in arguments.text()?.split(',') {
            let parent = || rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
            let pid = if part == "%PPID" { Ok(parent()) } else { part.parse() };
            omitted.push(pid.map_err(|_| number::invalid(part.as_ref()))?);
        }
    }
    let names = arguments.operands();
    let mut pids = Vec::new();
    for name in &names {
        let found = named(name).into_iter().map(|process| process.pid);
        pids.extend(found.filter(|pid| !omitted.contains(pid)).rev());
    }
    pids.truncate(if single { 1 } else { usize::MAX });
    let text: Vec<String> = pids.iter().map(i32::to_string).collect();
    if !pids.is_empty() {
        writeln!(cx.stdout, "{}", text.join(" "))?;
    }
    Ok(Status::failed_if(pids.is_empty()))
}

/// Processes with this name: the kernel's, or that by which they were started.
fn named(name: &OsString) -> Vec<Process> {
    let wanted = name.as_bytes();
    let fits = |process: &Process| {
        if process.name == wanted {
            return true;
        }
        let arguments = process.arguments();
        let base = |word: &OsString| {
            let bytes = word.as_bytes();
            bytes == wanted || bytes.rsplit(|&byte| byte == b'/').next() == Some(wanted)
        };
        // A script is known by its own name, too, which follows the interpreter's.
        arguments.first().is_some_and(base)
            || process.name == wanted[..wanted.len().min(15)] && arguments.iter().take(2).any(base)
    };
    process::all().into_iter().filter(fits).collect()
}

/// `killall`
pub(crate) const KILLALL: Applet = Applet::new(
    "killall",
    killall,
    "[-lq] [-SIGNAL|-s SIGNAL] NAME...\n\nSend a signal (default: TERM) to processes by name\n\n\
    \t-l\tList names of signals\n\t-q\tDo not complain if there is no such process",
);

const KILLALL_SPEC: Spec = Spec::new("lqs:", &[("list", 'l'), ("quiet", 'q'), ("signal=", 's')]);

fn killall(cx: &mut Context<'_>) -> Result<Status> {
    let mut signal = signals::take_option(&mut cx.args)?.unwrap_or(signals::TERM);
    let mut quiet = false;
    let mut arguments = cx.parse(&KILLALL_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'l' => {
                signals::list(cx)?;
                return Ok(Status::SUCCESS);
            }
            'q' => quiet = true,
            _ => signal = signals::parse(&arguments.text()?)?,
        }
    }
    let names = arguments.operands_between(1, usize::MAX)?;
    let own = rustix::process::getpid().as_raw_nonzero().get();
    for name in names {
        let found: Vec<Process> =
            named(&name).into_iter().filter(|process| process.pid != own).collect();
        if found.is_empty() {
            cx.failed = true;
            if !quiet {
                cx.warn(&Error::Bytes([name.as_bytes(), b": no process killed"].concat()));
            }
        }
        for process in &found {
            kill_one(cx, process, signal, false);
        }
    }
    Ok(cx.status())
}
