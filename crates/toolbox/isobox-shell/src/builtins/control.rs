//! Builtins that direct the script: `break`, `exit`, `eval`, `.`, `exec`, `set`, `shift`, `trap`.

use std::rc::Rc;

use super::{Args, Letters, count};
use crate::command::arguments;
use crate::hash::Found;
use crate::names;
use crate::shell::{Escape, Run, Shell};
use crate::signal;

pub(super) fn success(_: &mut Shell, _: Args<'_>) -> Run {
    Ok(0)
}

pub(super) fn failure(_: &mut Shell, _: Args<'_>) -> Run {
    Ok(1)
}

/// `break`, `continue`
pub(super) fn leave_loop(shell: &mut Shell, args: Args<'_>) -> Run {
    let levels = match args.at(1) {
        Some(text) => match count(shell, text)? {
            0 => return shell.fail([b"Illegal number: ", text].concat()),
            levels => levels,
        },
        None => 1,
    };
    let levels = u32::try_from(levels).unwrap_or(u32::MAX).min(shell.loops);
    if levels == 0 {
        return Ok(0);
    }
    Err(if args.get(0) == b"break" { Escape::Break(levels) } else { Escape::Continue(levels) })
}

fn status_argument(shell: &mut Shell, args: Args<'_>) -> Run {
    match args.at(1) {
        Some(text) => Ok(i32::try_from(count(shell, text)?).unwrap_or(i32::MAX)),
        None => Ok(shell.trap_status.map_or(shell.status, |(status, _)| status)),
    }
}

pub(super) fn return_from(shell: &mut Shell, args: Args<'_>) -> Run {
    let status = match args.at(1) {
        Some(_) => status_argument(shell, args)?,
        // In a trap, but in no function that the trap called, it is that before the trap.
        None => match shell.trap_status {
            Some((status, functions)) if functions == shell.functions_running => status,
            _ => shell.status,
        },
    };
    // Outside functions and sourced files it ends the script.
    if shell.functions_running == 0 && shell.sources_running == 0 {
        return Err(Escape::Exit(status & 0xff));
    }
    Err(Escape::Return(status))
}

pub(super) fn exit(shell: &mut Shell, args: Args<'_>) -> Run {
    let status = status_argument(shell, args)?;
    Err(Escape::Exit(status & 0xff))
}

pub(super) fn eval(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut text = Vec::new();
    for (index, word) in args.from(1).enumerate() {
        if index > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
    shell.eval(text)
}

/// `. file [arguments]`
pub(super) fn source(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut first = 1;
    if args.at(1) == Some(b"--") {
        first = 2;
    }
    let Some(name) = args.at(first) else { return Ok(0) };
    let path = if name.contains(&b'/') { Some(name.to_vec()) } else { find_source(shell, name) };
    let text = match &path {
        Some(path) => match shell.read_path(path) {
            Ok(text) => text,
            Err(error) => {
                let why = isobox_applet::errno_text(&error);
                return shell.fail([b"can't open '", name, b"': ", why.as_bytes()].concat());
            }
        },
        None => return shell.fail([name, b": not found"].concat()),
    };
    let positional = (args.len() > first + 1).then(|| {
        let new = args.from(first + 1).map(<[u8]>::to_vec).collect();
        std::mem::replace(&mut shell.positional, Rc::new(new))
    });
    let outer = shell.builtin_name.take();
    shell.sources_running += 1;
    let script = std::mem::replace(&mut shell.script_name, path);
    let outcome = shell.run_text(text, 1, false);
    shell.script_name = script;
    shell.sources_running -= 1;
    shell.builtin_name = outer;
    if let Some(old) = positional {
        shell.positional = old;
    }
    match outcome {
        Err(Escape::Return(status)) => Ok(status),
        outcome => outcome,
    }
}

fn find_source(shell: &mut Shell, name: &[u8]) -> Option<Vec<u8>> {
    let path = shell.variable(names::PATH).unwrap_or_default();
    for directory in path.split(|&byte| byte == b':') {
        let mut full = directory.to_vec();
        if !full.is_empty() {
            full.push(b'/');
        }
        full.extend_from_slice(name);
        if std::fs::metadata(crate::expand::path(&full)).is_ok_and(|status| status.is_file()) {
            return Some(full);
        }
    }
    std::fs::metadata(crate::expand::path(name))
        .is_ok_and(|status| status.is_file())
        .then(|| name.to_vec())
}

/// `exec [command]`; its redirections have been made for good already.
pub(super) fn exec(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "a:");
    let mut name = None;
    while let Some((_, value)) = letters.option(shell)? {
        name = Some(value);
    }
    let args = args.skip(letters.next);
    if args.is_empty() {
        return Ok(0);
    }
    let path = shell.variable(names::PATH).unwrap_or_default();
    let failure = match shell.hash.search(args.get(0), &path, shell.registry) {
        Found::Program(program) => {
            let mut strings = arguments(args);
            if let Some(name) = name {
                strings = isopod_sys::spawn::Strings::new();
                strings.push(&[name]);
                args.from(1).for_each(|arg| strings.push(&[arg]));
                strings.seal();
            }
            shell.set_job_control(false);
            let error = shell.become_program(&program, &strings);
            let status = shell.program_failed(args, &program, &error)?;
            return Err(Escape::Exit(status));
        }
        Found::Applet(applet) => {
            let words: Vec<Vec<u8>> = args.from(0).map(<[u8]>::to_vec).collect();
            shell.become_applet(applet, &words);
        }
        Found::Denied => ("Permission denied", 126),
        Found::Missing => ("not found", 127),
    };
    let message = [args.get(0), b": ", failure.0.as_bytes()].concat();
    shell.warn(&message);
    if shell.interactive { Ok(failure.1) } else { Err(Escape::Exit(failure.1)) }
}

pub(super) fn shift(shell: &mut Shell, args: Args<'_>) -> Run {
    let levels = match args.at(1) {
        Some(text) => usize::try_from(count(shell, text)?).unwrap_or(usize::MAX),
        None => 1,
    };
    if levels > shell.positional.len() {
        return Ok(1);
    }
    Rc::make_mut(&mut shell.positional).drain(..levels);
    shell.getopts_offset = 0;
    Ok(0)
}

pub(super) fn set(shell: &mut Shell, args: Args<'_>) -> Run {
    if args.len() == 1 {
        shell.print_variables();
        return Ok(0);
    }
    let mut index = 1;
    while let Some(word) = args.at(index) {
        let on = match word.first() {
            Some(b'-') => true,
            Some(b'+') => false,
            _ => break,
        };
        index += 1;
        if word == b"--" {
            shell.set_positional(args, index);
            return Ok(0);
        }
        if word == b"-" || word == b"+" {
            if on {
                shell.options.set_letter(b'x', false);
                shell.options.set_letter(b'v', false);
            }
            break;
        }
        for &letter in &word[1..] {
            if letter == b'o' {
                match args.at(index) {
                    Some(name) => {
                        index += 1;
                        if !shell.options.set_name(name, on) {
                            return shell.fail([b"illegal option -o ", name].concat());
                        }
                    }
                    None => shell.print_options(on),
                }
            } else if !shell.options.set_letter(letter, on) {
                let sign = if on { b"-" } else { b"+" };
                return shell.fail([b"illegal option ", &sign[..], &[letter]].concat());
            }
        }
        shell.options_changed();
    }
    if index < args.len() {
        shell.set_positional(args, index);
    }
    Ok(0)
}

impl Shell {
    fn set_positional(&mut self, args: Args<'_>, first: usize) {
        self.positional = Rc::new(args.from(first).map(<[u8]>::to_vec).collect());
        self.getopts_offset = 0;
    }

    fn print_options(&mut self, readable: bool) {
        let all: Vec<_> = self.options.all().filter(|(name, _)| *name != "hashall").collect();
        for (name, on) in all {
            let line = if readable {
                format!("{name:<16}{}\n", if on { "on" } else { "off" })
            } else {
                format!("set {}o {name}\n", if on { '-' } else { '+' })
            };
            self.put(line.as_bytes());
        }
    }

    /// What depends on options is brought up to date.
    pub(crate) fn options_changed(&mut self) {
        self.vars.export_all = self.options.allexport();
        if self.interactive {
            self.set_job_control(self.options.monitor());
        }
    }
}

pub(super) fn times(shell: &mut Shell, _: Args<'_>) -> Run {
    let times = isopod_sys::descriptor::processor_times();
    for pair in times.chunks(2) {
        let show = |micros: u64| {
            format!(
                "{}m{}.{:03}s",
                micros / 60_000_000,
                micros / 1_000_000 % 60,
                micros / 1000 % 1000
            )
        };
        let line = format!("{} {}\n", show(pair[0]), show(pair[1]));
        shell.put(line.as_bytes());
    }
    Ok(0)
}

pub(super) fn trap(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "p");
    let mut print = false;
    while letters.option(shell)?.is_some() {
        print = true;
    }
    let args = args.skip(letters.next);
    if args.is_empty() || print {
        let mut list = shell.traps.list(shell.substitution_depth > 0);
        if print && !args.is_empty() {
            let wanted: Vec<i32> = args.from(0).filter_map(signal::number).collect();
            list.retain(|(which, _)| wanted.contains(which));
        }
        for (which, text) in list {
            let mut line = b"trap -- ".to_vec();
            crate::quote::single(&text, &mut line);
            line.extend_from_slice(format!(" {}\n", signal::name(which)).as_bytes());
            shell.put(&line);
        }
        if let Some(text) = shell.traps.error_text().filter(|_| args.is_empty()) {
            let mut line = b"trap -- ".to_vec();
            crate::quote::single(&text, &mut line);
            line.extend_from_slice(b" ERR\n");
            shell.put(&line);
        }
        return Ok(0);
    }
    // A single argument, or a number first, takes traps away.
    let resets = args.len() == 1
        || args.get(0) == b"-"
        || args.get(0).iter().all(u8::is_ascii_digit) && !args.get(0).is_empty();
    let action = if resets { None } else { Some(args.get(0)) };
    let skip = usize::from(args.len() > 1 && (args.get(0) == b"-" || !resets));
    let mut status = 0;
    for name in args.from(skip) {
        if name == b"ERR" {
            shell.traps.set_error(action);
            continue;
        }
        match signal::number(name) {
            Some(which) => {
                let interactive = shell.interactive;
                shell.traps.set(which, action, interactive);
            }
            None => {
                shell.warn(&[name, b": invalid signal specification"].concat());
                status = 1;
            }
        }
    }
    Ok(status)
}
