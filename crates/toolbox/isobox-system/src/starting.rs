//! `setsid`, `chroot`, `taskset`: programs in other surroundings.

use std::ffi::OsString;

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, program, users};
use isopod_sys::clone::exit_now;
use isopod_sys::spawn::{Fork, fork};
use rustix::process::{Gid, Pid, Uid, WaitOptions};
use rustix::thread::CpuSet;

/// `setsid`
pub(crate) const SETSID: Applet = Applet::new(
    "setsid",
    setsid,
    "[-cfw] PROGRAM [ARGUMENT]...\n\nRun a program in a session of its own\n\n\
    \t-c\tStandard input becomes its terminal\n\t-f\tAlways in another process\n\
    \t-w\tWait for that, and exit as it does",
)
.fails_with(125);

const SETSID_SPEC: Spec = Spec::new("+cfw", &[("ctty", 'c'), ("fork", 'f'), ("wait", 'w')]);

fn setsid(cx: &mut Context<'_>) -> Result<Status> {
    let (mut terminal, mut always, mut wait) = (false, false, false);
    let mut arguments = cx.parse(&SETSID_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'c' => terminal = true,
            'f' => always = true,
            _ => wait = true,
        }
    }
    let words = arguments.operands_between(1, usize::MAX)?;
    // Who leads a group cannot leave it for a new session.
    let leads = rustix::process::getpgrp() == rustix::process::getpid();
    if !always && !leads {
        return Err(in_session(cx, &words, terminal));
    }
    let failed = |error| Error::doing("can't make", "a process", error);
    match fork().map_err(failed)? {
        Fork::Parent(child) if wait => Ok(outcome(child)),
        Fork::Parent(_) => Ok(Status::SUCCESS),
        Fork::Child(_guard) => {
            let error = in_session(cx, &words, terminal);
            cx.warn(&error);
            exit_now(match error {
                Error::Status(_, status) => status.into(),
                _ => cx.applet.failure.into(),
            })
        }
    }
}

/// Makes a session and becomes the program; returns only if that fails.
fn in_session(cx: &mut Context<'_>, words: &[OsString], terminal: bool) -> Error {
    if let Err(errno) = rustix::process::setsid() {
        return Error::doing("can't make", "a session", errno);
    }
    if terminal && let Err(errno) = rustix::process::ioctl_tiocsctty(cx.stdin) {
        return Error::doing("can't take", "the terminal", errno);
    }
    program::execute(cx, words, None)
}

/// How a child ended, as a shell tells it.
fn outcome(child: i32) -> Status {
    let Some(pid) = Pid::from_raw(child) else { return Status::FAILURE };
    loop {
        match rustix::process::waitpid(Some(pid), WaitOptions::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(Some((_, status))) => {
                let code = status.exit_status();
                let signal = status.terminating_signal().map(|signal| signal + 128);
                let number = code.or(signal).unwrap_or(1);
                return Status(u8::try_from(number).unwrap_or(u8::MAX));
            }
            _ => return Status::FAILURE,
        }
    }
}

/// `chroot`
pub(crate) const CHROOT: Applet = Applet::new(
    "chroot",
    chroot,
    "[--userspec USER[:GROUP]] [--groups LIST] [--skip-chdir] DIR [PROGRAM [ARGUMENT]...]\n\n\
    Run a program (default: the shell) with another root directory",
)
.at(Place::UsrSbin)
.fails_with(125);

const CHROOT_SPEC: Spec =
    Spec::new("+", &[("userspec=", 'u'), ("groups=", 'g'), ("skip-chdir", 's')]);

fn chroot(cx: &mut Context<'_>) -> Result<Status> {
    let (mut owner, mut groups, mut stay) = (None, None, false);
    let mut arguments = cx.parse(&CHROOT_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'u' => owner = Some(arguments.text()?),
            'g' => groups = Some(arguments.text()?),
            _ => stay = true,
        }
    }
    let mut words = arguments.operands_between(1, usize::MAX)?;
    let root = words.remove(0);
    let fail = |errno| Error::doing("can't change root directory to", &root, errno);
    rustix::process::chroot(&root).map_err(fail)?;
    if !stay {
        rustix::process::chdir("/").map_err(fail)?;
    }
    // Names are those of the new root.
    let groups = groups.map(|list| group_list(&list)).transpose()?;
    let owner = owner.map(|text| users::owner(&text).map_err(Error::message)).transpose()?;
    if groups.is_some() || owner.is_some() {
        become_user(owner.unwrap_or((None, None)), groups)?;
    }
    if words.is_empty() {
        let shell = cx.variables.get("SHELL").unwrap_or_else(|| OsString::from("/bin/sh"));
        words = vec![shell, OsString::from("-i")];
    }
    Err(program::execute(cx, &words, None))
}

fn group_list(text: &str) -> Result<Vec<Gid>> {
    text.split(',')
        .map(|name| {
            let gid = users::gid_of(name);
            gid.map(Gid::from_raw).ok_or_else(|| Error::message(format!("unknown group {name}")))
        })
        .collect()
}

fn become_user(owner: (Option<u32>, Option<u32>), groups: Option<Vec<Gid>>) -> Result<()> {
    let fail = |errno| Error::doing("can't become", "that user", errno);
    let groups = groups.unwrap_or_default();
    rustix::thread::set_thread_groups(&groups).map_err(fail)?;
    if let Some(gid) = owner.1 {
        let gid = Gid::from_raw(gid);
        rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(fail)?;
    }
    if let Some(uid) = owner.0 {
        let uid = Uid::from_raw(uid);
        rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(fail)?;
    }
    Ok(())
}

/// `taskset`
pub(crate) const TASKSET: Applet = Applet::new(
    "taskset",
    taskset,
    "[-ap] [HEXMASK | -c LIST] {PID | PROGRAM [ARGUMENT]...}\n\n\
    Show or set on which processors a process runs, or run a program on them\n\n\
    \t-p\tA process that is there\n\t-a\tAll its threads\n\t-c\tA list such as 0,2-3, not a mask",
);

const TASKSET_SPEC: Spec =
    Spec::new("+apc", &[("pid", 'p'), ("all-tasks", 'a'), ("cpu-list", 'c')]);

fn taskset(cx: &mut Context<'_>) -> Result<Status> {
    let (mut running, mut all, mut list) = (false, false, false);
    let mut arguments = cx.parse(&TASKSET_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'p' => running = true,
            'a' => all = true,
            _ => list = true,
        }
    }
    let mut words = arguments.operands_between(1, usize::MAX)?;
    if !running {
        if words.len() < 2 {
            return Err(Error::usage("no program given"));
        }
        let set = parse_set(&words.remove(0).to_string_lossy(), list)?;
        rustix::thread::sched_setaffinity(None, &set)
            .map_err(|errno| Error::doing("can't set", "the affinity", errno))?;
        return Err(program::execute(cx, &words, None));
    }
    let pid = words.pop().unwrap_or_default();
    let bad = || isobox_applet::number::invalid(&pid);
    let number: i32 = pid.to_str().and_then(|pid| pid.parse().ok()).ok_or_else(bad)?;
    let set = words.first().map(|word| parse_set(&word.to_string_lossy(), list)).transpose()?;
    let tasks = if all {
        let process = crate::process::all().into_iter().find(|process| process.pid == number);
        let none = || Error::message(format!("no process {number}"));
        process.ok_or_else(none)?.tasks().into_iter().map(|task| task.pid).collect()
    } else {
        vec![number]
    };
    for task in tasks {
        affinity(cx, task, set.as_ref(), list)?;
    }
    Ok(cx.status())
}

fn affinity(cx: &mut Context<'_>, task: i32, set: Option<&CpuSet>, list: bool) -> Result<()> {
    let pid = Pid::from_raw(task);
    let fail = |errno| Error::doing("can't get or set the affinity of", task.to_string(), errno);
    let what = if list { "list" } else { "mask" };
    let shown = |cx: &mut Context<'_>, which: &str| {
        let now = rustix::thread::sched_getaffinity(pid).map_err(fail)?;
        let text = if list { list_text(&now) } else { mask_text(&now) };
        writeln!(cx.stdout, "pid {task}'s {which} affinity {what}: {text}")
    };
    shown(cx, "current")?;
    if let Some(set) = set {
        rustix::thread::sched_setaffinity(pid, set).map_err(fail)?;
        shown(cx, "new")?;
    }
    Ok(())
}

fn parse_set(text: &str, list: bool) -> Result<CpuSet> {
    let bad = || Error::message(format!("bad affinity '{text}'"));
    let mut set = CpuSet::new();
    let mut add = |processor: usize| {
        if processor < CpuSet::MAX_CPU {
            set.set(processor);
            Ok(())
        } else {
            Err(bad())
        }
    };
    if list {
        for part in text.split(',') {
            let (range, step) = part.split_once(':').unwrap_or((part, "1"));
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |text: &str| text.parse::<usize>().map_err(|_| bad());
            let (first, last, step) = (number(first)?, number(last)?, number(step)?);
            if last < first || step == 0 || last >= CpuSet::MAX_CPU {
                return Err(bad());
            }
            for processor in (first..=last).step_by(step) {
                add(processor)?;
            }
        }
    } else {
        let digits = text.trim_start_matches("0x").replace(',', "");
        for (place, digit) in digits.chars().rev().enumerate() {
            let digit = digit.to_digit(16).ok_or_else(bad)?;
            for bit in (0..4).filter(|bit| digit >> bit & 1 != 0) {
                add(place * 4 + bit)?;
            }
        }
    }
    if set.count() == 0 { Err(bad()) } else { Ok(set) }
}

fn mask_text(set: &CpuSet) -> String {
    let digit = |place: usize| {
        let bits = (0..4).filter(|bit| set.is_set(place * 4 + bit)).map(|bit| 1 << bit);
        char::from_digit(bits.sum(), 16).unwrap_or('0')
    };
    let places = (0..CpuSet::MAX_CPU / 4).rev();
    let text: String = places.map(digit).collect();
    let text = text.trim_start_matches('0');
    if text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

fn list_text(set: &CpuSet) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut processor = 0;
    while processor < CpuSet::MAX_CPU {
        if !set.is_set(processor) {
            processor += 1;
            continue;
        }
        let first = processor;
        while processor < CpuSet::MAX_CPU && set.is_set(processor) {
            processor += 1;
        }
        parts.push(if processor == first + 1 {
            first.to_string()
        } else {
            format!("{first}-{}", processor - 1)
        });
    }
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinities_are_masks_or_lists() {
        for (text, list, mask, shown) in [
            ("3", false, "3", "0-1"),
            ("0x11", false, "11", "0,4"),
            ("0,2-3", true, "d", "0,2-3"),
            ("0-6:2", true, "55", "0,2,4,6"),
        ] {
            let set = parse_set(text, list).unwrap();
            assert_eq!((mask_text(&set).as_str(), list_text(&set).as_str()), (mask, shown));
        }
        for (bad, list) in
            [("", false), ("0", false), ("x", false), ("3-1", true), ("9999999", true)]
        {
            assert!(parse_set(bad, list).is_err(), "{bad}");
        }
    }
}
