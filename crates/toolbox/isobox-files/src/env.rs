//! `env`, `printenv`, `nohup`, `nice`, `renice`, `ionice`: programs in other circumstances.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, number, program, users};
use rustix::fs::{Mode, OFlags};

/// See the usage text.
pub(crate) const ENV: Applet = Applet::new(
    "env",
    env,
    "[-i0v] [-u NAME]... [-C DIR] [-S STRING] [-] [NAME=VALUE]... [PROGRAM [ARGUMENT]...]\n\n\
     Print the environment, or run a program in a changed one\n\n\
     \t-, -i\tBegin with an empty one\n\
     \t-u NAME\tWithout NAME\n\
     \t-C DIR\tIn directory DIR\n\
     \t-S STR\tSplit STR into words\n\
     \t-0\tEnd lines with NUL",
)
.fails_with(125);

/// See the usage text.
pub(crate) const PRINTENV: Applet = Applet::new(
    "printenv",
    printenv,
    "[-0] [NAME]...\n\nPrint variables of the environment\n\n\t-0\tEnd lines with NUL",
)
.at(Place::Bin)
.in_process();

/// See the usage text.
pub(crate) const NOHUP: Applet = Applet::new(
    "nohup",
    nohup,
    "PROGRAM [ARGUMENT]...\n\n\
     Run a program that goes on when the terminal goes away; output goes to nohup.out",
)
.fails_with(125);

/// See the usage text.
pub(crate) const NICE: Applet = Applet::new(
    "nice",
    nice,
    "[-n ADJUST] [PROGRAM [ARGUMENT]...]\n\n\
     Run a program with lower priority, or print the priority\n\n\
     \t-n N\tLower by N (10)",
)
.at(Place::Bin)
.fails_with(125);

/// See the usage text.
pub(crate) const RENICE: Applet = Applet::new(
    "renice",
    renice,
    "[-n] PRIORITY [[-p|-g|-u] ID...]...\n\n\
     Change priorities\n\n\
     \t-n\tAdd PRIORITY to what it is\n\
     \t-p, -g, -u\tThe IDs that follow are processes, groups, users",
);

const ENV_OPTIONS: Spec = Spec::new(
    "+i0vu:C:S:",
    &[
        ("ignore-environment", 'i'),
        ("null", '0'),
        ("debug", 'v'),
        ("unset=", 'u'),
        ("chdir=", 'C'),
        ("split-string=", 'S'),
    ],
);
const PRINTENV_OPTIONS: Spec = Spec::new("0", &[("null", '0')]);
const NICE_OPTIONS: Spec = Spec::new("+n:", &[("adjustment=", 'n')]);

fn env(cx: &mut Context<'_>) -> Result<Status> {
    let mut variables = cx.variables.all();
    let (mut end, mut directory) = (b'\n', None);
    split_strings(&mut cx.args)?;
    let mut arguments = cx.parse(&ENV_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'i' => variables.clear(),
            '0' => end = 0,
            'u' => {
                let name = arguments.value();
                if name.is_empty() || name.as_bytes().contains(&b'=') {
                    return Err(Error::about("cannot unset", name));
                }
                variables.retain(|(key, _)| *key != name);
            }
            'C' => directory = Some(arguments.value()),
            _ => {}
        }
    }
    let mut operands = arguments.operands();
    if operands.first().is_some_and(|word| word == "-") {
        operands.remove(0);
        variables.clear();
    }
    while let Some(at) = operands.first().and_then(|word| memchr::memchr(b'=', word.as_bytes())) {
        let word = operands.remove(0);
        let (name, value) = (
            OsStr::from_bytes(&word.as_bytes()[..at]),
            OsStr::from_bytes(&word.as_bytes()[at + 1..]),
        );
        match variables.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => variables.push((name.to_owned(), value.to_owned())),
        }
    }
    if operands.is_empty() {
        if directory.is_some() {
            return Err(Error::usage("-C needs a program"));
        }
        for (name, value) in variables {
            cx.stdout.put(&[name.as_bytes(), b"=", value.as_bytes(), &[end]].concat())?;
        }
        return Ok(cx.status());
    }
    if end == 0 {
        return Err(Error::usage("-0 cannot be used with a program"));
    }
    if let Some(directory) = directory {
        let entered = isobox_applet::tree::open(cx.dir, &directory, true)
            .map_err(|errno| Error::doing("cannot change directory to", &directory, errno))?;
        let inner = cx.dir;
        let _ = inner;
        rustix::process::fchdir(&entered).map_err(|errno| Error::path(&directory, errno))?;
    }
    Err(program::execute(cx, &operands, Some(variables)))
}

/// `-S STRING`, as in `#!/usr/bin/env -S prog -x`, becomes words of its own.
fn split_strings(words: &mut Vec<OsString>) -> Result<()> {
    let Some(first) = words.first() else { return Ok(()) };
    let bytes = first.as_bytes();
    let (text, used) = if let Some(rest) = bytes.strip_prefix(b"--split-string=") {
        (rest.to_vec(), 1)
    } else if bytes == b"-S" || bytes == b"--split-string" {
        (
            words
                .get(1)
                .ok_or_else(|| Error::usage("option requires an argument -- 'S'"))?
                .as_bytes()
                .to_vec(),
            2,
        )
    } else if let Some(rest) = bytes.strip_prefix(b"-S") {
        (rest.to_vec(), 1)
    } else {
        return Ok(());
    };
    let (mut parts, mut word, mut any, mut quote) = (Vec::new(), Vec::new(), false, None);
    let mut letters = text.into_iter();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (b'\\', None | Some(b'"')) => {
                any = true;
                match letters.next() {
                    Some(b'n') => word.push(b'\n'),
                    Some(b't') => word.push(b'\t'),
                    Some(b'_') => word.push(b' '),
                    Some(other) => word.push(other),
                    None => return Err(Error::message("-S: the string ends in a backslash")),
                }
            }
            (b'"' | b'\'', None) => (any, quote) = (true, Some(letter)),
            (letter, Some(open)) if letter == open => quote = None,
            (b' ' | b'\t' | b'\n', None) => {
                if std::mem::take(&mut any) {
                    parts.push(OsStr::from_bytes(&std::mem::take(&mut word)).to_owned());
                }
            }
            _ => {
                any = true;
                word.push(letter);
            }
        }
    }
    if quote.is_some() {
        return Err(Error::message("-S: no closing quote"));
    }
    if any {
        parts.push(OsStr::from_bytes(&word).to_owned());
    }
    words.splice(..used, parts);
    Ok(())
}

fn printenv(cx: &mut Context<'_>) -> Result<Status> {
    let mut end = b'\n';
    let mut arguments = cx.parse(&PRINTENV_OPTIONS);
    while arguments.next()?.is_some() {
        end = 0;
    }
    let operands = arguments.operands();
    if operands.is_empty() {
        for (name, value) in cx.variables.all() {
            cx.stdout.put(&[name.as_bytes(), b"=", value.as_bytes(), &[end]].concat())?;
        }
    }
    for name in &operands {
        match name.to_str().and_then(|name| cx.variables.get(name)) {
            Some(value) => cx.stdout.put(&[value.as_bytes(), &[end]].concat())?,
            None => cx.failed = true,
        }
    }
    Ok(cx.status())
}

fn nohup(cx: &mut Context<'_>) -> Result<Status> {
    let mut words = std::mem::take(&mut cx.args);
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    if words.is_empty() {
        return Err(Error::usage("missing operand"));
    }
    let terminal = |fd| rustix::termios::isatty(fd);
    let fail = |errno: rustix::io::Errno| {
        Error::Status(format!("can't redirect: {}", isobox_applet::errno_text(&errno.into())), 125)
    };
    if terminal(cx.stdin) {
        let null = cx.open_with(OsStr::new("/dev/null"), OFlags::WRONLY, Mode::empty())?;
        rustix::stdio::dup2_stdin(&null).map_err(fail)?;
    }
    if terminal(cx.stdout.fd()) {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
        let mode = Mode::RUSR | Mode::WUSR;
        let (file, name) = match cx.open_with(OsStr::new("nohup.out"), flags, mode) {
            Ok(file) => (file, OsString::from("nohup.out")),
            Err(_) => {
                let mut name = cx.variables.get("HOME").unwrap_or_default();
                name.push("/nohup.out");
                (cx.open_with(&name, flags, mode)?, name)
            }
        };
        cx.warn(&Error::about("appending output to", &name));
        rustix::stdio::dup2_stdout(&file).map_err(fail)?;
    }
    if terminal(cx.stderr) {
        rustix::stdio::dup2_stderr(rustix::stdio::stdout()).map_err(fail)?;
    }
    isopod_sys::signals::ignore(isopod_sys::signals::HANG_UP);
    Err(program::execute(cx, &words, None))
}

fn nice(cx: &mut Context<'_>) -> Result<Status> {
    let mut adjustment = None;
    // `-5` and `--5` are old ways to say `-n 5` and `-n -5`.
    if let Some(first) = cx.args.first().map(|word| word.to_string_lossy().into_owned())
        && let Some(digits) = first.strip_prefix('-')
        && digits.parse::<i32>().is_ok()
    {
        adjustment = digits.parse().ok();
        cx.args.remove(0);
    }
    let mut arguments = cx.parse(&NICE_OPTIONS);
    while arguments.next()?.is_some() {
        let value = number::signed(&arguments.value())?;
        adjustment = Some(i32::try_from(value.clamp(-40, 40)).unwrap_or(0));
    }
    let words = arguments.operands();
    if words.is_empty() {
        if adjustment.is_some() {
            return Err(Error::usage("a priority needs a program"));
        }
        let now = rustix::process::getpriority_process(None)
            .map_err(|errno| Error::message(isobox_applet::errno_text(&errno.into())))?;
        writeln!(cx.stdout, "{now}")?;
        return Ok(cx.status());
    }
    if let Err(errno) = rustix::process::nice(adjustment.unwrap_or(10)) {
        cx.warn(&Error::message(format!(
            "can't set priority: {}",
            isobox_applet::errno_text(&errno.into())
        )));
    }
    Err(program::execute(cx, &words, None))
}

fn renice(cx: &mut Context<'_>) -> Result<Status> {
    use rustix::process::{
        Pid, Uid, getpriority_pgrp, getpriority_process, getpriority_user, setpriority_pgrp,
        setpriority_process, setpriority_user,
    };
    let mut words = std::mem::take(&mut cx.args).into_iter();
    let (mut relative, mut priority) = (false, None);
    let (mut kind, mut any) = ('p', false);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("-n" | "--priority") if priority.is_none() => {
                relative = true;
                let value = words
                    .next()
                    .ok_or_else(|| Error::usage("option requires an argument -- 'n'"))?;
                priority = Some(number::signed(&value)?);
            }
            Some("-p" | "--pid") => kind = 'p',
            Some("-g" | "--pgrp") => kind = 'g',
            Some("-u" | "--user") => kind = 'u',
            _ if priority.is_none() => priority = Some(number::signed(&word)?),
            _ => {
                any = true;
                let text = word.to_string_lossy();
                let id = if kind == 'u' { users::uid_of(&text) } else { text.parse().ok() };
                let id =
                    id.and_then(|id| i32::try_from(id).ok()).filter(|&id| id > 0 || kind == 'u');
                let Some(id) = id else {
                    cx.report(&number::invalid(&word));
                    continue;
                };
                let wanted = i32::try_from(priority.unwrap_or(0).clamp(-40, 40)).unwrap_or(0);
                let pid = Pid::from_raw(id);
                let uid = Uid::from_raw(id.cast_unsigned());
                let now = if relative {
                    match kind {
                        'p' => getpriority_process(pid),
                        'g' => getpriority_pgrp(pid),
                        _ => getpriority_user(uid),
                    }
                } else {
                    Ok(0)
                };
                let outcome = now.and_then(|now| {
                    let new = (now + wanted).clamp(-20, 19);
                    match kind {
                        'p' => setpriority_process(pid, new),
                        'g' => setpriority_pgrp(pid, new),
                        _ => setpriority_user(uid, new),
                    }
                });
                if let Err(errno) = outcome {
                    cx.report(&Error::path(&word, errno));
                }
            }
        }
    }
    if priority.is_none() || !any {
        return Err(Error::usage("expected a priority and ids"));
    }
    Ok(cx.status())
}
