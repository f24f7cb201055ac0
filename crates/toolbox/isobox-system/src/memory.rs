//! `free`, `uptime`, `nproc`: what the machine has, and how it does.

use std::collections::HashMap;

use isobox_applet::time::{Civil, now};
use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number};

/// `free`
pub(crate) const FREE: Applet = Applet::new(
    "free",
    free,
    "[-bkmgh]\n\nShow how much memory is used\n\n\
    \t-b\tIn bytes\n\t-k\tIn KiB (default)\n\t-m\tIn MiB\n\t-g\tIn GiB\n\t-h\tIn fit units",
);

const FREE_SPEC: Spec = Spec::new(
    "bkmgh",
    &[("bytes", 'b'), ("kibi", 'k'), ("mebi", 'm'), ("gibi", 'g'), ("human", 'h')],
);

fn free(cx: &mut Context<'_>) -> Result<Status> {
    let mut unit = 'k';
    let mut arguments = cx.parse(&FREE_SPEC);
    while let Some(option) = arguments.next()? {
        unit = option;
    }
    arguments.operands_between(0, 0)?;
    let memory = meminfo()?;
    let kib = |name: &str| memory.get(name).copied().unwrap_or(0);
    let cache = kib("Buffers") + kib("Cached") + kib("SReclaimable");
    let total = kib("MemTotal");
    let used = total.saturating_sub(kib("MemFree") + cache);
    let show = |kib: u64| match unit {
        'b' => (kib << 10).to_string(),
        'm' => (kib >> 10).to_string(),
        'g' => (kib >> 20).to_string(),
        'h' => number::human(kib << 10, 1024),
        _ => kib.to_string(),
    };
    writeln!(
        cx.stdout,
        "              total        used        free      shared  buff/cache   available"
    )?;
    write!(cx.stdout, "Mem:  ")?;
    for value in [total, used, kib("MemFree"), kib("Shmem"), cache, kib("MemAvailable")] {
        write!(cx.stdout, " {:>11}", show(value))?;
    }
    write!(cx.stdout, "\nSwap: ")?;
    let swap = kib("SwapTotal");
    for value in [swap, swap.saturating_sub(kib("SwapFree")), kib("SwapFree")] {
        write!(cx.stdout, " {:>11}", show(value))?;
    }
    cx.stdout.put(b"\n")?;
    Ok(Status::SUCCESS)
}

/// `/proc/meminfo`, in KiB.
fn meminfo() -> Result<HashMap<String, u64>> {
    let path = "/proc/meminfo";
    let text = std::fs::read_to_string(path).map_err(|error| Error::path(path, error))?;
    let line = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let value = rest.trim().trim_end_matches(" kB").parse().ok()?;
        Some((name.to_owned(), value))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// `uptime`
pub(crate) const UPTIME: Applet = Applet::new(
    "uptime",
    uptime,
    "[-ps]\n\nShow since when the machine is up, and its load\n\n\
    \t-p\tOnly for how long, in words\n\t-s\tSince when",
);

const UPTIME_SPEC: Spec = Spec::new("ps", &[("pretty", 'p'), ("since", 's')]);

/// Seconds since the machine started.
pub(crate) fn uptime_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let first = text.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    first.unwrap_or_else(|| rustix::system::sysinfo().uptime as f64)
}

fn uptime(cx: &mut Context<'_>) -> Result<Status> {
    let mut form = None;
    let mut arguments = cx.parse(&UPTIME_SPEC);
    while let Some(option) = arguments.next()? {
        form = Some(option);
    }
    arguments.operands_between(0, 0)?;
    let up = uptime_seconds() as i64;
    let (now, _) = now();
    match form {
        Some('s') => {
            let since = Civil::local(now - up, 0).format("%F %T");
            writeln!(cx.stdout, "{since}")?;
        }
        Some(_) => writeln!(cx.stdout, "up {}", in_words(up))?,
        None => {
            let time = Civil::local(now, 0).format("%T");
            let users = crate::sessions::users().len();
            let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
            let load: Vec<&str> = load.split_ascii_whitespace().take(3).collect();
            writeln!(
                cx.stdout,
                " {time} up {},  {users} users,  load average: {}",
                since(up),
                load.join(", ")
            )?;
        }
    }
    Ok(Status::SUCCESS)
}

/// `3 days,  4:05`, or minutes alone.
fn since(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let time = if hours > 0 { format!("{hours:2}:{minutes:02}") } else { format!("{minutes} min") };
    match days {
        0 => time,
        1 => format!("1 day, {time}"),
        days => format!("{days} days, {time}"),
    }
}

fn in_words(seconds: i64) -> String {
    let parts = [
        (seconds / 604_800, "week"),
        (seconds / 86_400 % 7, "day"),
        (seconds / 3600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
    ];
    let words: Vec<String> = parts
        .iter()
        .filter(|(count, unit)| *count > 0 || *unit == "minute")
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    words.join(", ")
}

/// `nproc`
pub(crate) const NPROC: Applet = Applet::new(
    "nproc",
    nproc,
    "[--all] [--ignore=N]\n\nShow how many processors this process may use\n\n\
    \t--all\tHow many there are\n\t--ignore=N\tN fewer, but at least one",
)
.in_process();

const NPROC_SPEC: Spec = Spec::new("", &[("all", 'a'), ("ignore=", 'i')]);

fn nproc(cx: &mut Context<'_>) -> Result<Status> {
    let (mut all, mut ignored) = (false, 0);
    let mut arguments = cx.parse(&NPROC_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => all = true,
            _ => ignored = number::unsigned(&arguments.value())?,
        }
    }
    arguments.operands_between(0, 0)?;
    let mine = || rustix::thread::sched_getaffinity(None).map_or(1, |set| u64::from(set.count()));
    let count = if all { present().unwrap_or_else(mine) } else { mine() };
    writeln!(cx.stdout, "{}", count.saturating_sub(ignored).max(1))?;
    Ok(Status::SUCCESS)
}

/// Processors of the machine, from a list such as `0-3,8`.
fn present() -> Option<u64> {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/present").ok()?;
    list.trim()
        .split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            last.checked_sub(first).map(|more| more + 1)
        })
        .sum()
}
