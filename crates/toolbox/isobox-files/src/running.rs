//! `timeout`, `time`, `watch`, `flock`, `sleep`, `usleep`, `which`: programs and time.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, number, program};
use rustix::process::{Pid, Signal};

/// See the usage text.
pub(crate) const TIMEOUT: Applet = Applet::new(
    "timeout",
    timeout,
    "[-s SIGNAL] [-k SECONDS] [--preserve-status] [--foreground] SECONDS PROGRAM [ARGUMENT]...\n\n\
     Run a program, and end it after a time\n\n\
     \t-s SIG\tThe signal to send (TERM)\n\
     \t-k N\tSend KILL N seconds later\n\
     \t--preserve-status\tThe program's exit status even then, not 124\n\
     \t--foreground\tLet it read from the terminal\n\
     \t-v\tSay that a signal is sent",
)
.fails_with(125);

/// See the usage text.
pub(crate) const TIME: Applet = Applet::new(
    "time",
    time,
    "[-vpa] [-o FILE] [-f FORMAT] PROGRAM [ARGUMENT]...\n\n\
     Run a program and print how long it took\n\n\
     \t-p\tIn the format of POSIX\n\
     \t-v\tAll that is known\n\
     \t-f F\tFormat: %e %E real, %U user, %S system time, %P share, %M memory, %x status, %C command\n\
     \t-o FILE\tTo FILE\n\
     \t-a\tAppend to it",
)
.fails_with(125);

/// See the usage text.
pub(crate) const WATCH: Applet = Applet::new(
    "watch",
    watch,
    "[-te] [-n SECONDS] PROGRAM [ARGUMENT]...\n\n\
     Run a program again and again, on a cleared screen\n\n\
     \t-n N\tEvery N seconds (2)\n\
     \t-t\tNo header\n\
     \t-e\tEnd when it fails",
);

/// See the usage text.
pub(crate) const FLOCK: Applet = Applet::new(
    "flock",
    flock,
    "[-sxun] [-w SECONDS] [-E STATUS] FD | {FILE {-c COMMAND | PROGRAM [ARGUMENT]...}}\n\n\
     Lock a file while a program runs\n\n\
     \t-s\tShared\n\
     \t-x\tExclusive (default)\n\
     \t-u\tUnlock\n\
     \t-n\tFail if it is locked\n\
     \t-w N\tFail after N seconds\n\
     \t-E N\tFail with status N (1)",
);

/// See the usage text.
pub(crate) const SLEEP: Applet = Applet::new(
    "sleep",
    sleep,
    "NUMBER[smhd]...\n\nWait for the sum of these times; seconds have no suffix",
)
.at(Place::Bin);

/// See the usage text.
pub(crate) const USLEEP: Applet =
    Applet::new("usleep", usleep, "N\n\nWait for N microseconds").at(Place::Bin);

/// See the usage text.
pub(crate) const WHICH: Applet = Applet::new(
    "which",
    which,
    "[-as] COMMAND...\n\nPrint where commands are on PATH\n\n\t-a\tAll of them\n\t-s\tPrint nothing",
);

const TIMEOUT_OPTIONS: Spec = Spec::new(
    "+s:k:v",
    &[
        ("signal=", 's'),
        ("kill-after=", 'k'),
        ("preserve-status", 'p'),
        ("foreground", 'f'),
        ("verbose", 'v'),
    ],
);
const TIME_OPTIONS: Spec = Spec::new(
    "+vpao:f:",
    &[("verbose", 'v'), ("portability", 'p'), ("append", 'a'), ("output=", 'o'), ("format=", 'f')],
);
const WATCH_OPTIONS: Spec =
    Spec::new("+n:ted", &[("interval=", 'n'), ("no-title", 't'), ("errexit", 'e')]);
const FLOCK_OPTIONS: Spec = Spec::new(
    "+sxeunw:E:oc:",
    &[
        ("shared", 's'),
        ("exclusive", 'x'),
        ("unlock", 'u'),
        ("nonblock", 'n'),
        ("nb", 'n'),
        ("timeout=", 'w'),
        ("wait=", 'w'),
        ("conflict-exit-code=", 'E'),
        ("command=", 'c'),
    ],
);
const NO_OPTIONS: Spec = Spec::new("", &[]);
const WHICH_OPTIONS: Spec = Spec::new("as", &[("all", 'a')]);

/// A signal by name, with or without SIG, or number.
pub(crate) fn signal(text: &str) -> Result<Signal> {
    isopod_base::signals::number(text)
        .or_else(|| text.parse().ok())
        .and_then(Signal::from_named_raw)
        .ok_or_else(|| Error::message(format!("unknown signal '{text}'")))
}

fn timeout(cx: &mut Context<'_>) -> Result<Status> {
    let (mut which, mut kill_after, mut preserve, mut foreground, mut verbose) =
        (Signal::TERM, None, false, false, false);
    let mut arguments = cx.parse(&TIMEOUT_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            's' => which = signal(&arguments.text()?)?,
            'k' => kill_after = Some(number::seconds(&arguments.value())?),
            'p' => preserve = true,
            'f' => foreground = true,
            _ => verbose = true,
        }
    }
    let mut words = arguments.operands_between(2, usize::MAX)?;
    let limit = number::seconds(&words.remove(0))?;
    let mut command = program::command(cx, &words, None);
    if !foreground {
        // Signals go to the program and its children, which are one group with this process.
        rustix::process::setpgid(None, None).ok();
    }
    let mut child = command.spawn().map_err(|error| program::failed(&words[0], &error))?;
    let pid = Pid::from_child(&child);
    let started = Instant::now();
    let due = |limit: Duration| if limit.is_zero() { None } else { started.checked_add(limit) };
    if let Some(status) = wait_until(&mut child, due(limit))? {
        return Ok(exit_status(status));
    }
    let send = |cx: &mut Context<'_>, which: Signal| {
        if verbose {
            cx.warn(&Error::message(format!(
                "sending signal {} to command '{}'",
                which.as_raw(),
                words[0].display()
            )));
        }
        rustix::process::kill_process(pid, which).ok();
        if !foreground {
            // This process is in the group too, and outlives the signal.
            isopod_sys::signals::ignore(which.as_raw());
            rustix::process::kill_current_process_group(which).ok();
        }
        rustix::process::kill_process(pid, Signal::CONT).ok();
    };
    send(cx, which);
    let killed = match kill_after.filter(|after| !after.is_zero()) {
        None => None,
        Some(after) => {
            let status = wait_until(&mut child, Instant::now().checked_add(after))?;
            if status.is_none() {
                if verbose {
                    cx.warn(&Error::message(format!(
                        "sending signal 9 to command '{}'",
                        words[0].display()
                    )));
                }
                rustix::process::kill_process(pid, Signal::KILL).ok();
            }
            status
        }
    };
    let status = match killed {
        Some(status) => status,
        None => child.wait().map_err(|error| Error::path(&words[0], error))?,
    };
    if preserve || status.signal() == Some(9) {
        return Ok(exit_status(status));
    }
    Ok(Status(124))
}

/// Waits for a child's end or a point in time, by a descriptor for the process: no signal, no
/// polling.
fn wait_until(
    child: &mut std::process::Child,
    due: Option<Instant>,
) -> Result<Option<std::process::ExitStatus>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let fail = |error: std::io::Error| {
        Error::message(format!("can't wait: {}", isobox_applet::errno_text(&error)))
    };
    let descriptor =
        rustix::process::pidfd_open(Pid::from_child(child), rustix::process::PidfdFlags::empty());
    loop {
        if let Some(status) = child.try_wait().map_err(fail)? {
            return Ok(Some(status));
        }
        let Some(left) = due.map(|due| due.saturating_duration_since(Instant::now())) else {
            return child.wait().map(Some).map_err(fail);
        };
        if left.is_zero() {
            return Ok(None);
        }
        match &descriptor {
            Ok(descriptor) => {
                let wait = Timespec {
                    tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                    tv_nsec: left.subsec_nanos().into(),
                };
                poll(&mut [PollFd::new(descriptor, PollFlags::IN)], Some(&wait)).ok();
            }
            Err(_) => std::thread::sleep(left.min(Duration::from_millis(20))),
        }
    }
}

/// The exit status of a shell for a program that ended so.
pub(crate) fn exit_status(status: std::process::ExitStatus) -> Status {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Status(u8::try_from(code & 255).unwrap_or(1))
}

fn time(cx: &mut Context<'_>) -> Result<Status> {
    const POSIX: &str = "real %e\nuser %U\nsys %S";
    const USUAL: &str = "real\t%E\nuser\t%u\nsys\t%T";
    const ALL: &str = "\tCommand being timed: \"%C\"\n\tUser time (seconds): %U\n\tSystem time (seconds): %S\n\t\
        Percent of CPU this job got: %P\n\tElapsed (wall clock) time (h:mm:ss or m:ss): %E\n\t\
        Maximum resident set size (kbytes): %M\n\tMajor (requiring I/O) page faults: %F\n\t\
        Minor (reclaiming a frame) page faults: %R\n\tVoluntary context switches: %w\n\t\
        Involuntary context switches: %c\n\tFile system inputs: %I\n\tFile system outputs: %O\n\tExit status: %x";
    let (mut format, mut target, mut append) = (USUAL.to_owned(), None, false);
    let mut arguments = cx.parse(&TIME_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'v' => format = ALL.into(),
            'p' => format = POSIX.into(),
            'f' => format = arguments.text()?,
            'o' => target = Some(arguments.value()),
            _ => append = true,
        }
    }
    let words = arguments.operands_between(1, usize::MAX)?;
    let started = Instant::now();
    let mut command = program::command(cx, &words, None);
    let status = command.status().map_err(|error| program::failed(&words[0], &error))?;
    let elapsed = started.elapsed();
    let usage = isopod_sys::resources::of_children();
    let mut text = String::new();
    if let Some(number) = status.signal() {
        text.push_str(&format!("Command terminated by signal {number}\n"));
    }
    text.push_str(&describe(&format, &words, status, elapsed, &usage));
    text.push('\n');
    match target {
        Some(name) => {
            use rustix::fs::{Mode, OFlags};
            let flags = OFlags::WRONLY
                | OFlags::CREATE
                | if append { OFlags::APPEND } else { OFlags::TRUNC };
            let file = cx.open_with(&name, flags, Mode::from_raw_mode(0o666))?;
            isobox_applet::write_all(std::os::fd::AsFd::as_fd(&file), text.as_bytes())
                .map_err(|error| Error::path(&name, error))?;
        }
        None => drop(isobox_applet::write_all(cx.stderr, text.as_bytes())),
    }
    Ok(exit_status(status))
}

fn describe(
    format: &str,
    words: &[OsString],
    status: std::process::ExitStatus,
    elapsed: Duration,
    usage: &isopod_sys::resources::Usage,
) -> String {
    let clock = |time: Duration| {
        let (hours, minutes, seconds) =
            (time.as_secs() / 3600, time.as_secs() / 60 % 60, time.as_secs() % 60);
        if hours > 0 {
            format!("{hours}h {minutes:02}m {seconds:02}s")
        } else {
            format!("{minutes}m {seconds}.{:02}s", time.subsec_millis() / 10)
        }
    };
    let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
    let (mut text, mut letters) = (String::new(), format.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '%' => match letters.next() {
                Some('e') => text.push_str(&seconds(elapsed)),
                Some('E') => text.push_str(&clock(elapsed)),
                Some('U') => text.push_str(&seconds(usage.user)),
                Some('u') => text.push_str(&clock(usage.user)),
                Some('S') => text.push_str(&seconds(usage.system)),
                Some('T') => text.push_str(&clock(usage.system)),
                Some('P') => {
                    let share =
                        (usage.user + usage.system).as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
                    text.push_str(&format!("{}%", (share * 100.0).floor()));
                }
                Some('M') => text.push_str(&usage.largest_kib.to_string()),
                Some('F') => text.push_str(&usage.major_faults.to_string()),
                Some('R') => text.push_str(&usage.minor_faults.to_string()),
                Some('w') => text.push_str(&usage.voluntary_switches.to_string()),
                Some('c') => text.push_str(&usage.involuntary_switches.to_string()),
                Some('I') => text.push_str(&usage.blocks_in.to_string()),
                Some('O') => text.push_str(&usage.blocks_out.to_string()),
                Some('x') => text.push_str(&exit_status(status).0.to_string()),
                Some('C') => {
                    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
                    text.push_str(&words.join(" "));
                }
                Some('%') => text.push('%'),
                Some(other) => text.extend(['?', other]),
                None => text.push('%'),
            },
            '\\' => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    text
}

fn watch(cx: &mut Context<'_>) -> Result<Status> {
    let (mut interval, mut title, mut until_failure) = (Duration::from_secs(2), true, false);
    let mut arguments = cx.parse(&WATCH_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'n' => interval = number::seconds(&arguments.value())?.max(Duration::from_millis(100)),
            't' => title = false,
            'd' => return Err(Error::message("-d is not supported")),
            _ => until_failure = true,
        }
    }
    let words = arguments.operands_between(1, usize::MAX)?;
    let script = words.join(OsStr::new(" "));
    loop {
        cx.stdout.put(b"\x1b[H\x1b[J")?;
        if title {
            let width = isopod_sys_width(cx);
            let now = isobox_applet::time::now();
            let clock = isobox_applet::time::Civil::local(now.0, 0).format("%F %T");
            let left = format!("Every {:.1}s: {}", interval.as_secs_f64(), script.display());
            let room = width.saturating_sub(clock.len() + 1);
            let left: String = left.chars().take(room).collect();
            write!(cx.stdout, "{left:<room$} {clock}\n\n")?;
        }
        let shell: Vec<OsString> = ["sh".into(), "-c".into(), script.clone()].into();
        let status = program::command(cx, &shell, None)
            .status()
            .map_err(|error| program::failed(&shell[0], &error))?;
        if until_failure && !status.success() {
            return Ok(exit_status(status));
        }
        std::thread::sleep(interval);
    }
}

/// The width of the terminal that output goes to.
fn isopod_sys_width(cx: &Context<'_>) -> usize {
    rustix::termios::tcgetwinsize(cx.stdout.fd())
        .map_or(80, |size| usize::from(size.ws_col))
        .max(20)
}

fn flock(cx: &mut Context<'_>) -> Result<Status> {
    use rustix::fs::{FlockOperation, Mode, OFlags};
    let (mut operation, mut nonblocking, mut wait, mut conflict, mut script) =
        ('x', false, None, 1, None);
    let mut arguments = cx.parse(&FLOCK_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            's' | 'u' => operation = option,
            'x' | 'e' => operation = 'x',
            'n' => nonblocking = true,
            'w' => wait = Some(number::seconds(&arguments.value())?),
            'E' => conflict = u8::try_from(number::unsigned(&arguments.value())?).unwrap_or(1),
            'c' => script = Some(arguments.value()),
            _ => {}
        }
    }
    let mut operands = arguments.operands_between(1, usize::MAX)?;
    let name = operands.remove(0);
    if operands.first().is_some_and(|word| word == "-c") {
        operands.remove(0);
        script = operands.pop();
    }
    if let Some(script) = script {
        operands = vec!["sh".into(), "-c".into(), script];
    }
    let descriptor =
        name.to_str().and_then(|text| text.parse::<u32>().ok()).filter(|_| operands.is_empty());
    let file = match descriptor {
        Some(number) => {
            isopod_sys::activation::inherited(number).map_err(|error| Error::path(&name, error))?
        }
        None if operands.is_empty() => return Err(Error::usage("expected a program to run")),
        None => cx
            .open_with(
                &name,
                OFlags::RDONLY | OFlags::CREATE | OFlags::NOCTTY,
                Mode::from_raw_mode(0o666),
            )
            .or_else(|_| cx.open_with(&name, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty()))?,
    };
    let (blocking, trying) = match operation {
        's' => (FlockOperation::LockShared, FlockOperation::NonBlockingLockShared),
        'u' => (FlockOperation::Unlock, FlockOperation::NonBlockingUnlock),
        _ => (FlockOperation::LockExclusive, FlockOperation::NonBlockingLockExclusive),
    };
    let due = wait.and_then(|wait| Instant::now().checked_add(wait));
    loop {
        let operation = if nonblocking || due.is_some() { trying } else { blocking };
        match rustix::fs::flock(&file, operation) {
            Ok(()) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                if nonblocking || due.is_none_or(|due| Instant::now() >= due) {
                    return Err(Error::Silent(conflict));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(errno) => return Err(Error::path(&name, errno)),
        }
    }
    if operands.is_empty() {
        return Ok(cx.status());
    }
    let status = program::command(cx, &operands, None)
        .status()
        .map_err(|error| program::failed(&operands[0], &error))?;
    Ok(exit_status(status))
}

fn sleep(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NO_OPTIONS);
    while arguments.next()?.is_some() {}
    let mut total = Duration::ZERO;
    for word in arguments.operands_between(1, usize::MAX)? {
        total = total.saturating_add(number::seconds(&word)?);
    }
    std::thread::sleep(total);
    Ok(cx.status())
}

fn usleep(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NO_OPTIONS);
    while arguments.next()?.is_some() {}
    let words = arguments.operands_between(1, 1)?;
    std::thread::sleep(Duration::from_micros(number::unsigned(&words[0])?));
    Ok(cx.status())
}

fn which(cx: &mut Context<'_>) -> Result<Status> {
    let (mut all, mut silent) = (false, false);
    let mut arguments = cx.parse(&WHICH_OPTIONS);
    while let Some(option) = arguments.next()? {
        if option == 'a' { all = true } else { silent = true }
    }
    let path = cx.variables.get("PATH").unwrap_or_else(|| "/sbin:/usr/sbin:/bin:/usr/bin".into());
    for name in arguments.operands_between(1, usize::MAX)? {
        let candidates: Vec<OsString> = if name.as_bytes().contains(&b'/') {
            vec![name.clone()]
        } else {
            std::env::split_paths(&path)
                .map(|directory| directory.join(&name).into_os_string())
                .collect()
        };
        let most = if all { usize::MAX } else { 1 };
        let found: Vec<&OsString> =
            candidates.iter().filter(|file| program::is_executable(file, cx)).take(most).collect();
        cx.failed |= found.is_empty();
        for file in found.into_iter().filter(|_| !silent) {
            cx.stdout.put(file.as_bytes())?;
            cx.stdout.put(b"\n")?;
        }
    }
    Ok(cx.status())
}
