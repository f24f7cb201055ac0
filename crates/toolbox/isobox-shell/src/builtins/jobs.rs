//! Builtins about processes: `jobs`, `fg`, `bg`, `wait`, `kill`.

use isopod_sys::caught;

use super::{Args, Letters};
use crate::jobs::State;
use crate::shell::{Run, Shell};
use crate::signal;

/// `jobs [-lp] [job]…`
pub(super) fn list(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "lp");
    let (mut pids, mut only) = (false, false);
    while let Some((letter, _)) = letters.option(shell)? {
        pids |= letter == b'l';
        only |= letter == b'p';
    }
    shell.jobs.reap();
    let mut wanted = Vec::new();
    for text in args.from(letters.next) {
        wanted.push(shell.job(text)?);
    }
    let mut over = Vec::new();
    let mut lines = Vec::new();
    for job in &shell.jobs.list {
        if !wanted.is_empty() && !wanted.contains(&job.number) {
            continue;
        }
        lines.push(if only {
            format!("{}\n", job.group()).into_bytes()
        } else {
            shell.jobs.line(job, pids)
        });
        if job.state().is_over() && !only {
            over.push(job.number);
        }
    }
    for line in lines {
        shell.put(&line);
    }
    over.into_iter().for_each(|number| shell.jobs.remove(number));
    Ok(0)
}

impl Shell {
    /// The job that a text means; there being none is an error.
    fn job(&mut self, text: &[u8]) -> Run<usize> {
        match self.jobs.find(text) {
            Ok(number) => Ok(number),
            Err(why) => self.fail([text, b": ", why.as_bytes()].concat()),
        }
    }

    fn controlled_job(&mut self, text: Option<&[u8]>) -> Run<usize> {
        let number = self.job(text.unwrap_or(b"%%"))?;
        if self.jobs.get(number).is_some_and(|job| job.grouped) {
            return Ok(number);
        }
        self.fail(format!("job {number} not created under job control"))
    }
}

pub(super) fn foreground(shell: &mut Shell, args: Args<'_>) -> Run {
    let number = shell.controlled_job(args.at(1))?;
    let text = shell.jobs.get(number).map(|job| job.text.to_vec()).unwrap_or_default();
    shell.put(&[&text[..], b"\n"].concat());
    shell.flush().ok();
    shell.resume(number, true)
}

pub(super) fn background(shell: &mut Shell, args: Args<'_>) -> Run {
    let words: Vec<Option<&[u8]>> =
        if args.len() > 1 { args.from(1).map(Some).collect() } else { vec![None] };
    for text in words {
        let number = shell.controlled_job(text)?;
        let text = shell.jobs.get(number).map(|job| job.text.to_vec()).unwrap_or_default();
        shell.put(&[format!("[{number}] ").as_bytes(), &text[..], b"\n"].concat());
        shell.jobs.make_current(number);
        shell.resume(number, false)?;
    }
    Ok(0)
}

/// `wait [-n] [job or process]…`
pub(super) fn wait(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut letters = Letters::new(args, "n");
    let mut any = false;
    while let Some((letter, _)) = letters.option(shell)? {
        any |= letter == b'n';
    }
    let mut wanted = Vec::new();
    let mut status = 0;
    for text in args.from(letters.next) {
        if text.first() != Some(&b'%') && !text.iter().all(u8::is_ascii_digit) {
            return shell.fail([b"Illegal number: ", text].concat());
        }
        let number = match shell.jobs.find(text) {
            Ok(number) => number,
            // A process that is not a child of this shell.
            Err(_) if text.first() != Some(&b'%') => {
                status = 127;
                continue;
            }
            Err(why) => return shell.fail([text, b": ", why.as_bytes()].concat()),
        };
        if any {
            wanted.push(number);
            continue;
        }
        status = wait_for_job(shell, number);
        if status > 128 && !shell.traps.is_due() && !shell.interactive {
            shell.tell_killed(status - 128)?;
        }
        if status > 128 && shell.traps.is_due() {
            return Ok(status);
        }
    }
    if any {
        return Ok(wait_for_any(shell, &wanted));
    }
    if args.len() > letters.next {
        return Ok(status);
    }
    // All of them; what they ended with is not asked for.
    Ok(shell.wait_until(|jobs| {
        if jobs.list.iter().any(|job| job.state() == State::Running) {
            return None;
        }
        jobs.list.retain(|job| !job.state().is_over());
        Some(0)
    }))
}

fn wait_for_job(shell: &mut Shell, number: usize) -> i32 {
    shell.wait_until(|jobs| {
        let Some(state) = jobs.get(number).map(|job| job.state()) else { return Some(127) };
        match state {
            State::Running => None,
            State::Stopped(_) => Some(state.status()),
            _ => {
                jobs.remove(number);
                Some(state.status())
            }
        }
    })
}

fn wait_for_any(shell: &mut Shell, wanted: &[usize]) -> i32 {
    shell.wait_until(|jobs| {
        let mut running = false;
        let mut ended = None;
        for job in &jobs.list {
            if !wanted.is_empty() && !wanted.contains(&job.number) {
                continue;
            }
            if job.state().is_over() {
                ended = Some((job.number, job.state().status()));
                break;
            }
            running |= job.state() == State::Running;
        }
        match ended {
            Some((number, status)) => {
                jobs.remove(number);
                Some(status)
            }
            None if running => None,
            None => Some(0),
        }
    })
}

/// `kill [-s signal | -signal | -l] target…`
pub(super) fn kill(shell: &mut Shell, args: Args<'_>) -> Run {
    let mut which = signal::TERM;
    let mut index = 1;
    match args.at(1) {
        Some(b"-l" | b"-L") => return Ok(list_signals(shell, args)),
        Some(b"-s" | b"-n") => {
            let Some(name) = args.at(2) else { return usage(shell) };
            match signal::number(name) {
                Some(number) => which = number,
                None => return bad_signal(shell, name),
            }
            index = 3;
        }
        Some(b"--") => index = 2,
        Some([b'-', name @ ..]) if !name.is_empty() => {
            match signal::number(name) {
                Some(number) => which = number,
                None => return bad_signal(shell, name),
            }
            index = 2;
        }
        _ => {}
    }
    if args.at(index) == Some(b"--") {
        index += 1;
    }
    if index >= args.len() {
        return usage(shell);
    }
    // Children that are over are not there any more.
    shell.jobs.reap();
    let mut failed = false;
    for text in args.from(index) {
        let target = if text.first() == Some(&b'%') {
            let number = shell.job(text)?;
            shell.jobs.get(number).map(|job| if job.grouped { -job.group() } else { job.group() })
        } else {
            std::str::from_utf8(text).ok().and_then(|text| text.parse::<i32>().ok())
        };
        let Some(target) = target else {
            shell.warn_plain(&[b"invalid number '", text, b"'"].concat());
            failed = true;
            continue;
        };
        if let Err(error) = caught::kill(target, which) {
            let why = isobox_applet::errno_text(&error);
            shell.warn_plain(&[b"can't kill pid ", text, b": ", why.as_bytes()].concat());
            failed = true;
        } else if which != 0 && text.first() == Some(&b'%') {
            // A stopped job must go on to notice.
            if which == signal::TERM || which == 1 {
                caught::kill(target, signal::CONT).ok();
            }
        }
    }
    Ok(i32::from(failed))
}

fn usage(shell: &mut Shell) -> Run {
    shell.warn_plain(b"you need to specify whom to kill");
    Ok(1)
}

fn bad_signal(shell: &mut Shell, name: &[u8]) -> Run {
    shell.warn_plain(&[b"bad signal name '", name, b"'"].concat());
    Ok(1)
}

fn list_signals(shell: &mut Shell, args: Args<'_>) -> i32 {
    if args.len() == 2 {
        for (number, name) in signal::listed() {
            shell.put(format!("{number:2}) {name}\n").as_bytes());
        }
        return 0;
    }
    let mut status = 0;
    for text in args.from(2) {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i32>().ok());
        match number {
            // An exit status stands for the signal within it.
            Some(number) => {
                let name = signal::name(number & 0x7f);
                shell.put(format!("{name}\n").as_bytes());
            }
            None => match signal::number(text) {
                Some(number) => shell.put(format!("{number}\n").as_bytes()),
                None => {
                    shell.warn_plain(&[b"unknown signal '", text, b"'"].concat());
                    status = 1;
                }
            },
        }
    }
    status
}
