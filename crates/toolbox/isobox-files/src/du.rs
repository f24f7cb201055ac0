//! `du` and `df`: space that is used, and space that is left.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::glob;
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, number, tree};
use rustix::fs::{AtFlags, FileType, StatVfs};

/// See the usage text.
pub(crate) const DU: Applet = Applet::new(
    "du",
    du,
    "[-aHLPcdlsxhmkbS0t] [FILE]...\n\n\
     Sum up the space of trees\n\n\
     \t-a\tFiles too\n\
     \t-s\tOnly the sum of each FILE\n\
     \t-c\tThe sum of all\n\
     \t-d N\tDirectories at most N levels deep\n\
     \t-h, -k, -m\tFor people, in KiB (default), in MiB\n\
     \t-b\tBytes of content, not of disk\n\
     \t--apparent-size\tContent, not disk\n\
     \t-l\tFiles with several names each time\n\
     \t-L, -H, -P\tFollow links; those that are named; none (default)\n\
     \t-x\tStay on the file system\n\
     \t-S\tDirectories without those in them\n\
     \t-t N\tOnly what has at least N bytes\n\
     \t-B N\tIn blocks of N bytes\n\
     \t--exclude PATTERN\n\
     \t-0\tEnd lines with NUL",
);

/// See the usage text.
pub(crate) const DF: Applet = Applet::new(
    "df",
    df,
    "[-PkmhTail] [-B SIZE] [-t TYPE] [-x TYPE] [FILE]...\n\n\
     Print the space of file systems\n\n\
     \t-k, -m, -h, -H\tIn KiB (default), in MiB, for people (1024, 1000)\n\
     \t-B N\tIn blocks of N bytes\n\
     \t-P\tIn the format of POSIX\n\
     \t-T\tTypes\n\
     \t-t TYPE, -x TYPE\tOnly, not those of a type\n\
     \t-i\tFiles, not space\n\
     \t-a\tAll, even those without space\n\
     \t-l\tOnly local ones\n\
     \t--total\tThe sum",
)
.at(Place::Bin);

const DU_OPTIONS: Spec = Spec::new(
    "aHLPcd:lsxhmkbS0t:B:",
    &[
        ("all", 'a'),
        ("total", 'c'),
        ("max-depth=", 'd'),
        ("count-links", 'l'),
        ("summarize", 's'),
        ("one-file-system", 'x'),
        ("human-readable", 'h'),
        ("bytes", 'b'),
        ("apparent-size", '\x01'),
        ("dereference", 'L'),
        ("dereference-args", 'H'),
        ("separate-dirs", 'S'),
        ("null", '0'),
        ("threshold=", 't'),
        ("block-size=", 'B'),
        ("exclude=", '\x02'),
        ("si", '\x03'),
    ],
);
const DF_OPTIONS: Spec = Spec::new(
    "PkmhHTailB:t:x:",
    &[
        ("portability", 'P'),
        ("human-readable", 'h'),
        ("si", 'H'),
        ("print-type", 'T'),
        ("all", 'a'),
        ("inodes", 'i'),
        ("local", 'l'),
        ("block-size=", 'B'),
        ("type=", 't'),
        ("exclude-type=", 'x'),
        ("total", '\x01'),
    ],
);

struct Style {
    all: bool,
    summary: bool,
    levels: usize,
    apparent: bool,
    count_links: bool,
    follow: bool,
    one_system: bool,
    separate: bool,
    threshold: u64,
    unit: u64,
    human: Option<u64>,
    end: u8,
    excluded: Vec<Vec<u8>>,
}

fn du(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style {
        all: false,
        summary: false,
        levels: usize::MAX,
        apparent: false,
        count_links: false,
        follow: false,
        one_system: false,
        separate: false,
        threshold: 0,
        unit: if cx.variables.get("POSIXLY_CORRECT").is_some() { 512 } else { 1024 },
        human: None,
        end: b'\n',
        excluded: Vec::new(),
    };
    let (mut total, mut follow_named) = (false, false);
    let mut arguments = cx.parse(&DU_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => style.all = true,
            'H' => follow_named = true,
            'L' => style.follow = true,
            'P' => style.follow = false,
            'c' => total = true,
            'd' => {
                style.levels =
                    usize::try_from(number::unsigned(&arguments.value())?).unwrap_or(usize::MAX)
            }
            'l' => style.count_links = true,
            's' => style.summary = true,
            'x' => style.one_system = true,
            'h' => style.human = Some(1024),
            '\x03' => style.human = Some(1000),
            'm' => (style.unit, style.human) = (1 << 20, None),
            'k' => (style.unit, style.human) = (1024, None),
            'b' => (style.unit, style.apparent, style.human) = (1, true, None),
            'S' => style.separate = true,
            '0' => style.end = 0,
            't' => style.threshold = number::size(&arguments.value())?,
            'B' => style.unit = number::size(&arguments.value())?.max(1),
            '\x01' => style.apparent = true,
            _ => style.excluded.push(arguments.value().as_bytes().to_vec()),
        }
    }
    if style.summary {
        style.levels = 0;
    }
    let mut operands = arguments.operands();
    if operands.is_empty() {
        operands.push(".".into());
    }
    tree::allow_deep_trees();
    let (mut seen, mut sum) = (HashSet::new(), 0);
    for name in &operands {
        let dir = cx.dir;
        let follow = style.follow || follow_named;
        if let Some(size) = measure(cx, &style, dir, name, name, 0, follow, None, &mut seen)? {
            sum += size;
        }
    }
    if total {
        show(cx, &style, sum, OsStr::new("total"))?;
    }
    Ok(cx.status())
}

#[allow(clippy::too_many_arguments, reason = "a recursion over what differs at each level")]
fn measure(
    cx: &mut Context<'_>,
    style: &Style,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    path: &OsStr,
    depth: usize,
    follow: bool,
    device: Option<u64>,
    seen: &mut HashSet<(u64, u64)>,
) -> Result<Option<u64>> {
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    let stat = match rustix::fs::statat(parent, name, flags) {
        Ok(stat) => stat,
        Err(errno) => {
            cx.report(&Error::path(path, errno));
            return Ok(None);
        }
    };
    if style.one_system && device.is_some_and(|device| device != stat.st_dev) {
        return Ok(Some(0));
    }
    let kind = FileType::from_raw_mode(stat.st_mode);
    let counted = stat.st_nlink > 1 || kind.is_dir();
    if counted && (kind.is_dir() || !style.count_links) && !seen.insert((stat.st_dev, stat.st_ino))
    {
        return Ok(if depth == 0 { None } else { Some(0) });
    }
    let own = if style.apparent {
        if kind.is_file() || kind.is_symlink() || kind.is_dir() {
            u64::try_from(stat.st_size).unwrap_or(0)
        } else {
            0
        }
    } else {
        u64::try_from(stat.st_blocks).unwrap_or(0) * 512
    };
    if !kind.is_dir() {
        if depth == 0 || style.all && depth <= style.levels {
            show(cx, style, own, path)?;
        }
        return Ok(Some(own));
    }
    let (mut size, mut below) = (own, 0);
    match tree::open(parent, name, follow)
        .and_then(|directory| Ok((tree::entries(&directory)?, directory)))
    {
        Err(errno) => cx.report(&Error::path(path, errno)),
        Ok((entries, directory)) => {
            for entry in entries {
                let next = tree::join(path, &entry.name);
                let excluded = style.excluded.iter().any(|pattern| {
                    let matches =
                        |text: &[u8]| glob::matches(pattern, text, glob::Flags::default());
                    matches(entry.name.as_bytes()) || matches(next.as_bytes())
                });
                if excluded {
                    continue;
                }
                let found = measure(
                    cx,
                    style,
                    directory.as_fd(),
                    &entry.name,
                    &next,
                    depth + 1,
                    style.follow,
                    Some(stat.st_dev),
                    seen,
                )?;
                let found = found.unwrap_or(0);
                if entry.kind.is_dir() { below += found } else { size += found }
            }
        }
    }
    let shown = if style.separate { size } else { size + below };
    if depth <= style.levels {
        show(cx, style, shown, path)?;
    }
    Ok(Some(size + below))
}

fn show(cx: &mut Context<'_>, style: &Style, bytes: u64, path: &OsStr) -> Result<()> {
    if bytes < style.threshold {
        return Ok(());
    }
    match style.human {
        Some(base) => write!(cx.stdout, "{}", number::human(bytes, base))?,
        None => write!(cx.stdout, "{}", bytes.div_ceil(style.unit))?,
    }
    cx.stdout.put(b"\t")?;
    cx.stdout.put(path.as_bytes())?;
    cx.stdout.put_byte(style.end)
}

/// A line of `/proc/self/mounts`.
struct Mount {
    source: String,
    target: OsString,
    kind: String,
}

fn mounts() -> Vec<Mount> {
    let bytes = std::fs::read("/proc/self/mounts")
        .or_else(|_| std::fs::read("/etc/mtab"))
        .unwrap_or_default();
    bytes
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|&byte| byte == b' ');
            let source = String::from_utf8_lossy(&plain(fields.next()?)).into_owned();
            let target = OsStr::from_bytes(&plain(fields.next()?)).to_owned();
            let kind = String::from_utf8_lossy(fields.next()?).into_owned();
            Some(Mount { source, target, kind })
        })
        .collect()
}

/// Blanks in names are written in octal there.
fn plain(field: &[u8]) -> Vec<u8> {
    let (mut text, mut at) = (Vec::new(), 0);
    while at < field.len() {
        let octal = field.get(at + 1..at + 4).filter(|_| field[at] == b'\\');
        let value =
            octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        text.push(value.unwrap_or(field[at]));
        at += if value.is_some() { 4 } else { 1 };
    }
    text
}

#[derive(Default)]
struct Report {
    posix: bool,
    unit: u64,
    human: Option<u64>,
    types: bool,
    inodes: bool,
    all: bool,
    local: bool,
    only: Vec<String>,
    without: Vec<String>,
    total: bool,
}

fn df(cx: &mut Context<'_>) -> Result<Status> {
    let mut report = Report { unit: 1024, ..Report::default() };
    let mut arguments = cx.parse(&DF_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'P' => report.posix = true,
            'k' => (report.unit, report.human) = (1024, None),
            'm' => (report.unit, report.human) = (1 << 20, None),
            'h' => report.human = Some(1024),
            'H' => report.human = Some(1000),
            'T' => report.types = true,
            'a' => report.all = true,
            'i' => report.inodes = true,
            'l' => report.local = true,
            'B' => report.unit = number::size(&arguments.value())?.max(1),
            't' => report.only.push(arguments.text()?),
            'x' => report.without.push(arguments.text()?),
            _ => report.total = true,
        }
    }
    let operands = arguments.operands();
    let known = mounts();
    let chosen = if operands.is_empty() {
        every_mount(&report, &known)
    } else {
        mounts_of(cx, &known, &operands)?
    };
    let mut rows = Vec::new();
    let mut sum = [0_u64; 3];
    for mount in chosen {
        let stat = match rustix::fs::statvfs(&mount.target) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::ACCESS) if operands.is_empty() => continue,
            Err(errno) => {
                cx.report(&Error::path(&mount.target, errno));
                continue;
            }
        };
        if stat.f_blocks == 0 && operands.is_empty() && !report.all {
            continue;
        }
        let values = values(&report, &stat);
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        rows.push((
            mount.source.clone(),
            mount.kind.clone(),
            values,
            mount.target.as_bytes().to_vec(),
        ));
    }
    if rows.is_empty() && !operands.is_empty() {
        return Ok(Status::FAILURE);
    }
    if report.total {
        rows.push(("total".into(), "-".into(), sum, b"-".to_vec()));
    }
    print(cx, &report, rows)?;
    Ok(cx.status())
}

fn every_mount<'m>(report: &Report, known: &'m [Mount]) -> Vec<&'m Mount> {
    const REMOTE: [&str; 6] = ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph"];
    // Later mounts hide earlier ones in the same place.
    let mut last: HashMap<&OsStr, usize> = HashMap::new();
    for (index, mount) in known.iter().enumerate() {
        last.insert(&mount.target, index);
    }
    known
        .iter()
        .enumerate()
        .filter(|(index, mount)| {
            (report.all
                || last.get(mount.target.as_os_str()) == Some(index) && mount.kind != "rootfs")
                && (report.only.is_empty() || report.only.contains(&mount.kind))
                && !report.without.contains(&mount.kind)
                && !(report.local && REMOTE.contains(&mount.kind.as_str()))
        })
        .map(|(_, mount)| mount)
        .collect()
}

/// The file systems that hold files.
fn mounts_of<'m>(
    cx: &mut Context<'_>,
    known: &'m [Mount],
    operands: &[OsString],
) -> Result<Vec<&'m Mount>> {
    use isobox_applet::canonical::{Need, resolve};
    let mut chosen = Vec::new();
    for name in operands {
        let path = match resolve(cx, name, Need::All, true) {
            Ok(path) => path,
            Err(errno) => {
                cx.report(&Error::path(name, errno));
                continue;
            }
        };
        // A device stands for what is mounted from it.
        let by_source = known.iter().rev().find(|mount| OsStr::new(&mount.source) == path);
        let by_path = || {
            known
                .iter()
                .enumerate()
                .filter(|(_, mount)| std::path::Path::new(&path).starts_with(&mount.target))
                .max_by_key(|(index, mount)| (mount.target.len(), *index))
                .map(|(_, mount)| mount)
        };
        match by_source.or_else(by_path) {
            Some(mount) => chosen.push(mount),
            None => cx.report(&Error::about("can't find the file system of", name)),
        }
    }
    Ok(chosen)
}

/// All, used, and left for users.
fn values(report: &Report, stat: &StatVfs) -> [u64; 3] {
    if report.inodes {
        return [stat.f_files, stat.f_files.saturating_sub(stat.f_ffree), stat.f_ffree];
    }
    let size = stat.f_frsize.max(1);
    let bytes = |blocks: u64| blocks.saturating_mul(size);
    [bytes(stat.f_blocks), bytes(stat.f_blocks.saturating_sub(stat.f_bfree)), bytes(stat.f_bavail)]
}

type Row = (String, String, [u64; 3], Vec<u8>);

fn print(cx: &mut Context<'_>, report: &Report, rows: Vec<Row>) -> Result<()> {
    let shown = |value: u64| match report.human {
        Some(base) => number::human(value, base),
        None if report.inodes => value.to_string(),
        None if report.posix || report.unit != 1024 => value.div_ceil(report.unit).to_string(),
        None => value.div_ceil(1024).to_string(),
    };
    let size = if report.inodes {
        "Inodes".to_owned()
    } else if report.human.is_some() {
        "Size".to_owned()
    } else if report.posix {
        format!("{}-blocks", report.unit)
    } else {
        match report.unit {
            1024 => "1K-blocks".to_owned(),
            1_048_576 => "1M-blocks".to_owned(),
            other => format!("{}-blocks", number::human(other, 1024).replace(".0", "")),
        }
    };
    let share = if report.posix { "Capacity" } else { "Use%" };
    write!(cx.stdout, "{:<20} ", "Filesystem")?;
    if report.types {
        write!(cx.stdout, "{:<10} ", "Type")?;
    }
    writeln!(cx.stdout, "{:<15}Used Available {share} Mounted on", format!("{size:>9}"))?;
    for (source, kind, [all, used, left], target) in rows {
        // Long names get a line of their own, but POSIX wants one line.
        if source.len() > 20 && !report.posix {
            write!(cx.stdout, "{source}\n{:20} ", "")?;
        } else {
            write!(cx.stdout, "{source:<20} ")?;
        }
        if report.types {
            write!(cx.stdout, "{kind:<10} ")?;
        }
        let share = match used + left {
            0 => "0%".to_owned(),
            sum => format!("{}%", (u128::from(used) * 100).div_ceil(u128::from(sum))),
        };
        write!(cx.stdout, "{:>9} {:>9} {:>9} {share:>4} ", shown(all), shown(used), shown(left))?;
        cx.stdout.put(&target)?;
        cx.stdout.put(b"\n")?;
    }
    Ok(())
}
