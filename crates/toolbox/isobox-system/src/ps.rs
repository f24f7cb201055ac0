//! `ps`: a list of processes, in columns.

use isobox_applet::time::{Civil, now};
use isobox_applet::users::Names;
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status};

use crate::memory::uptime_seconds;
use crate::pgrep::user_list;
use crate::process::{self, Process, TICKS, terminal_name};

/// `ps`
pub(crate) const PS: Applet = Applet::new(
    "ps",
    ps,
    "[-efAT] [-o COL1,COL2=HEADER]... [-p PID,...] [-u USER,...] [-C NAME,...] [--no-headers]\n\n\
    Show processes: all, unless some are chosen\n\n\
    \t-f\tFull format\n\t-o\tThese columns: args cls comm egid etime euid gid group lstart nice nlwp\n\
    \t\tpcpu pgid pid pmem ppid rss sid stat state stime time tid tty uid user vsz\n\
    \t-p\tThese processes\n\t-u\tOf these users\n\t-C\tWith these names\n\t-T\tThreads as well\n\
    \ta u x\tAs BSD has them: u for users and shares",
)
.at(Place::Bin);

const SPEC: Spec = Spec::new(
    "efAaxdTlwo:p:u:U:C:",
    &[("format=", 'o'), ("pid=", 'p'), ("user=", 'u'), ("no-headers", 'n'), ("no-heading", 'n')],
);

/// One column: names, header, width, and whether it is a number.
struct Kind {
    names: &'static [&'static str],
    header: &'static str,
    width: usize,
    right: bool,
    text: fn(&Process, &mut Shown) -> Vec<u8>,
}

/// What columns need besides the process.
struct Shown {
    names: Names,
    page_kib: u64,
    uptime_ticks: u64,
    memory_kib: u64,
}

const fn column(
    names: &'static [&'static str],
    header: &'static str,
    width: usize,
    right: bool,
    text: fn(&Process, &mut Shown) -> Vec<u8>,
) -> Kind {
    Kind { names, header, width, right, text }
}

const KINDS: &[Kind] = &[
    column(&["pid"], "PID", 5, true, |p, _| p.pid.to_string().into_bytes()),
    column(&["ppid"], "PPID", 5, true, |p, _| p.parent.to_string().into_bytes()),
    column(&["pgid", "pgrp"], "PGID", 5, true, |p, _| p.group.to_string().into_bytes()),
    column(&["sid", "sess", "session"], "SID", 5, true, |p, _| p.session.to_string().into_bytes()),
    column(&["tid", "lwp", "spid"], "TID", 5, true, |p, _| p.pid.to_string().into_bytes()),
    column(&["user", "euser", "uname"], "USER", 8, false, |p, s| s.names.user(p.uid).into_bytes()),
    column(&["group", "egroup"], "GROUP", 8, false, |p, s| s.names.group(p.gid).into_bytes()),
    column(&["uid", "euid"], "UID", 5, true, |p, _| p.uid.to_string().into_bytes()),
    column(&["gid", "egid"], "GID", 5, true, |p, _| p.gid.to_string().into_bytes()),
    column(&["comm", "ucmd", "ucomm"], "COMMAND", 16, false, |p, _| p.name.clone()),
    column(&["args", "cmd", "command"], "COMMAND", 27, false, |p, _| p.command()),
    column(&["time", "cputime"], "TIME", 5, true, |p, _| cpu_time(p.ticks / TICKS)),
    column(&["etime"], "ELAPSED", 11, true, |p, s| elapsed(s.age(p))),
    column(&["stime", "start", "start_time"], "STIME", 5, true, |p, s| started(p, s, "%H:%M")),
    column(&["lstart"], "STARTED", 24, true, |p, s| started(p, s, "%a %b %e %H:%M:%S %Y")),
    column(&["tty", "tt", "tname"], "TT", 8, false, |p, _| terminal_name(p.terminal).into_bytes()),
    column(&["nice", "ni"], "NI", 3, true, |p, _| p.nice.to_string().into_bytes()),
    column(&["nlwp", "thcount"], "NLWP", 4, true, |p, _| p.threads.to_string().into_bytes()),
    column(&["rss", "rssize", "rsz"], "RSS", 6, true, |p, s| {
        (p.resident_pages * s.page_kib).to_string().into_bytes()
    }),
    column(&["vsz", "vsize"], "VSZ", 7, true, |p, _| {
        (p.virtual_bytes >> 10).to_string().into_bytes()
    }),
    column(&["stat", "state", "s"], "STAT", 4, false, state),
    column(&["pcpu", "%cpu"], "%CPU", 4, true, |p, s| {
        share(p.ticks, s.uptime_ticks.saturating_sub(p.started))
    }),
    column(&["pmem", "%mem"], "%MEM", 4, true, |p, s| {
        share(p.resident_pages * s.page_kib, s.memory_kib)
    }),
    column(&["c"], "C", 2, true, |p, s| {
        let age = s.uptime_ticks.saturating_sub(p.started).max(1);
        (p.ticks * 100 / age).min(99).to_string().into_bytes()
    }),
];

impl Shown {
    /// Seconds since the process started.
    fn age(&self, process: &Process) -> u64 {
        self.uptime_ticks.saturating_sub(process.started) / TICKS
    }
}

/// `M:SS` as BusyBox has it.
fn cpu_time(seconds: u64) -> Vec<u8> {
    if seconds >= 100 * 3600 {
        return format!("{}h{:02}", seconds / 3600, seconds / 60 % 60).into_bytes();
    }
    format!("{}:{:02}", seconds / 60, seconds % 60).into_bytes()
}

/// `[[DD-]hh:]mm:ss`
fn elapsed(seconds: u64) -> Vec<u8> {
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let rest = format!("{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => rest,
        (0, hours) => format!("{hours:02}:{rest}"),
        (days, hours) => format!("{days}-{hours:02}:{rest}"),
    }
    .into_bytes()
}

fn started(process: &Process, shown: &mut Shown, format: &str) -> Vec<u8> {
    let age = i64::try_from(shown.age(process)).unwrap_or(0);
    Civil::local(now().0 - age, 0).format(format).into_bytes()
}

fn state(process: &Process, _: &mut Shown) -> Vec<u8> {
    let mut text = vec![process.state];
    if process.nice < 0 {
        text.push(b'<');
    } else if process.nice > 0 {
        text.push(b'N');
    }
    if process.session == process.pid {
        text.push(b's');
    }
    if process.threads > 1 {
        text.push(b'l');
    }
    text
}

/// A share in percent, with one decimal.
fn share(part: u64, whole: u64) -> Vec<u8> {
    let per_mille = part * 1000 / whole.max(1);
    format!("{}.{}", per_mille / 10, per_mille % 10).into_bytes()
}

const USUAL: &str = "pid,user,time,args";
const FULL: &str = "user=UID,pid,ppid,c,stime,tty=TTY,time,args=CMD";
const OF_USERS: &str = "user,pid,pcpu,pmem,vsz,rss,tty=TTY,stat,stime=START,time,args";

fn ps(cx: &mut Context<'_>) -> Result<Status> {
    // The options of BSD have no dash.
    let mut bsd = String::new();
    if let Some(first) = cx.args.first().and_then(|word| word.to_str())
        && !first.is_empty()
        && first.chars().all(|letter| "auxwfe".contains(letter))
    {
        bsd = first.to_owned();
        cx.args.remove(0);
    }
    let mut format = String::from(if bsd.contains('u') { OF_USERS } else { USUAL });
    let mut columns = Vec::new();
    let (mut threads, mut headers) = (false, true);
    let (mut pids, mut users, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'f' | 'l' => format = FULL.to_owned(),
            'T' => threads = true,
            'n' => headers = false,
            'o' => columns.extend(parse_columns(&arguments.text()?)?),
            'p' => {
                for part in arguments.text()?.split([',', ' ']) {
                    let bad = |_| Error::message(format!("invalid number '{part}'"));
                    pids.push(part.parse::<i32>().map_err(bad)?);
                }
            }
            'u' | 'U' => users.extend(user_list(&arguments.text()?)?),
            'C' => names.extend(arguments.text()?.split(',').map(|name| name.as_bytes().to_vec())),
            // All are shown anyway, and lines are not cut.
            _ => {}
        }
    }
    if columns.is_empty() {
        columns = parse_columns(&format)?;
    }
    let memory = rustix::system::sysinfo();
    let mut shown = Shown {
        names: Names::default(),
        page_kib: rustix::param::page_size() as u64 / 1024,
        uptime_ticks: (uptime_seconds() * TICKS as f64) as u64,
        memory_kib: memory.totalram as u64 * u64::from(memory.mem_unit) / 1024,
    };
    if headers {
        let line: Vec<Vec<u8>> =
            columns.iter().map(|(_, header)| header.clone().into_bytes()).collect();
        if !line.iter().all(Vec::is_empty) {
            put(cx, &columns, &line, true)?;
        }
    }
    let chosen = |process: &Process| {
        pids.is_empty() && users.is_empty() && names.is_empty()
            || pids.contains(&process.pid)
            || users.contains(&process.uid)
            || names.contains(&process.name)
    };
    let mut any = false;
    for process in process::all().into_iter().filter(chosen) {
        any = true;
        let tasks = if threads { process.tasks() } else { vec![process] };
        for task in tasks {
            let line: Vec<Vec<u8>> =
                columns.iter().map(|(kind, _)| (kind.text)(&task, &mut shown)).collect();
            put(cx, &columns, &line, false)?;
        }
    }
    Ok(Status::failed_if(!any))
}

type Columns = Vec<(&'static Kind, String)>;

/// `pid,user=WHO`: the header reaches to the end of the word, commas included.
fn parse_columns(text: &str) -> Result<Columns> {
    let mut columns = Columns::new();
    let is_own = text == FULL || text == OF_USERS;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        let equals = rest.find('=').filter(|&equals| equals < end);
        let (name, header, after) = match equals {
            Some(equals) if is_own => (&rest[..equals], Some(&rest[equals + 1..end]), end),
            Some(equals) => (&rest[..equals], Some(&rest[equals + 1..]), rest.len()),
            None => (&rest[..end], None, end),
        };
        let kind = KINDS.iter().find(|kind| kind.names.contains(&name)).ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|kind| kind.names[0]).collect();
            Error::message(format!("bad column '{name}', supported: {}", known.join(",")))
        })?;
        columns.push((kind, header.unwrap_or(kind.header).to_owned()));
        rest = rest.get(after + 1..).unwrap_or("");
    }
    Ok(columns)
}

/// One line. Headers stand on the left of their columns, as in BusyBox, even above numbers.
fn put(cx: &mut Context<'_>, columns: &Columns, line: &[Vec<u8>], is_header: bool) -> Result<()> {
    for (index, ((kind, header), text)) in columns.iter().zip(line).enumerate() {
        if index > 0 {
            cx.stdout.put(b" ")?;
        }
        let width = kind.width.max(header.len());
        let padding = vec![b' '; width.saturating_sub(text.len())];
        let on_right = kind.right && !is_header;
        let is_last = index + 1 == columns.len();
        if on_right {
            cx.stdout.put(&padding)?;
        }
        cx.stdout.put(text)?;
        if !on_right && !is_last {
            cx.stdout.put(&padding)?;
        }
    }
    cx.stdout.put(b"\n")
}
