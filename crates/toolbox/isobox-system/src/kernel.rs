//! `sysctl`, `lsmod`, `mountpoint`: what the kernel is set to and has.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, errno_text, tree};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};

/// `sysctl`
pub(crate) const SYSCTL: Applet = Applet::new(
    "sysctl",
    sysctl,
    "[-enNq] {-a | -p [FILE]... | [-w] KEY[=VALUE]...}\n\nShow or set what the kernel is set to\n\n\
    \t-a\tAll\n\t-p\tSet what FILEs say (default /etc/sysctl.conf)\n\t-w\tOnly set\n\
    \t-n\tValues only\n\t-N\tKeys only\n\t-e\tDo not complain of unknown keys\n\
    \t-q\tDo not show what is set",
)
.at(Place::Sbin);

const SYSCTL_SPEC: Spec = Spec::new(
    "aAXpwnNeq",
    &[
        ("all", 'a'),
        ("load", 'p'),
        ("write", 'w'),
        ("values", 'n'),
        ("names", 'N'),
        ("ignore", 'e'),
        ("quiet", 'q'),
    ],
);

/// Where the settings are files.
const ROOT: &str = "/proc/sys";

#[derive(Default)]
struct Settings {
    values_only: bool,
    names_only: bool,
    ignore_unknown: bool,
    quiet: bool,
    write: bool,
}

fn sysctl(cx: &mut Context<'_>) -> Result<Status> {
    let mut settings = Settings::default();
    let (mut all, mut load) = (false, false);
    let mut arguments = cx.parse(&SYSCTL_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'a' | 'A' | 'X' => all = true,
            'p' => load = true,
            'w' => settings.write = true,
            'n' => settings.values_only = true,
            'N' => settings.names_only = true,
            'e' => settings.ignore_unknown = true,
            _ => settings.quiet = true,
        }
    }
    let words = arguments.operands();
    if load {
        let usual = [OsString::from("/etc/sysctl.conf")];
        for file in if words.is_empty() { &usual } else { &words[..] } {
            let outcome = settings.load(cx, file);
            cx.attempt(outcome)?;
        }
        return Ok(cx.status());
    }
    if all {
        settings.show_below(cx, Path::new(ROOT))?;
        return Ok(cx.status());
    }
    if words.is_empty() {
        return Err(Error::usage("no key given"));
    }
    for word in words {
        let outcome = settings.one(cx, &word.to_string_lossy());
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

impl Settings {
    fn one(&self, cx: &mut Context<'_>, word: &str) -> Result<()> {
        match word.split_once('=') {
            Some((key, value)) => self.set(cx, key.trim(), value.trim()),
            None if self.write => {
                Err(Error::message(format!("'{word}' must be of the form KEY=VALUE")))
            }
            None => {
                let path = path_of(word);
                if path.is_dir() { self.show_below(cx, &path) } else { self.show(cx, &path, false) }
            }
        }
    }

    fn load(&self, cx: &mut Context<'_>, file: &OsStr) -> Result<()> {
        let mut text = Vec::new();
        let mut input = cx.open(file)?;
        input.read_to_end(&mut text).map_err(|error| Error::path(file, error))?;
        for line in String::from_utf8_lossy(&text).lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            // A setting that may be missing begins with a minus sign.
            let (line, may_fail) =
                line.strip_prefix('-').map_or((line, false), |rest| (rest, true));
            let outcome = match line.split_once('=') {
                Some((key, value)) => self.set(cx, key.trim(), value.trim()),
                None => Err(Error::message(format!("'{line}' must be of the form KEY=VALUE"))),
            };
            if !may_fail {
                cx.attempt(outcome)?;
            }
        }
        Ok(())
    }

    fn set(&self, cx: &mut Context<'_>, key: &str, value: &str) -> Result<()> {
        let path = path_of(key);
        match std::fs::write(&path, format!("{value}\n")) {
            Err(error) if self.ignore_unknown && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            other => other.map_err(|error| failure("setting", key, &error))?,
        }
        if self.quiet {
            return Ok(());
        }
        self.put(cx, &key_of(&path), value)
    }

    fn put(&self, cx: &mut Context<'_>, key: &str, value: &str) -> Result<()> {
        match (self.names_only, self.values_only) {
            (true, _) => writeln!(cx.stdout, "{key}"),
            (_, true) => writeln!(cx.stdout, "{value}"),
            _ => writeln!(cx.stdout, "{key} = {value}"),
        }
    }

    /// Shows one setting; some can only be written, which is nothing to mention in a list.
    fn show(&self, cx: &mut Context<'_>, path: &Path, in_list: bool) -> Result<()> {
        let key = key_of(path);
        match std::fs::read(path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                for line in text.trim_end_matches('\n').split('\n') {
                    self.put(cx, &key, line)?;
                }
                Ok(())
            }
            Err(_) if in_list => Ok(()),
            Err(error) if self.ignore_unknown && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(())
            }
            Err(error) => Err(failure("reading", &key, &error)),
        }
    }

    fn show_below(&self, cx: &mut Context<'_>, directory: &Path) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(directory, flags, Mode::empty())
            .map_err(|errno| Error::path(directory, errno))?;
        let mut entries = tree::entries(&opened).map_err(|errno| Error::path(directory, errno))?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in entries {
            let path = directory.join(&entry.name);
            if entry.kind == FileType::Directory {
                self.show_below(cx, &path)?;
            } else {
                self.show(cx, &path, true)?;
            }
        }
        Ok(())
    }
}

fn failure(doing: &str, key: &str, error: &std::io::Error) -> Error {
    Error::message(format!("error {doing} key '{key}': {}", errno_text(error)))
}

/// The file of a key: dots are slashes, and where a slash comes first the other way round.
fn path_of(key: &str) -> PathBuf {
    let dots_separate = match (key.find('.'), key.find('/')) {
        (Some(dot), Some(slash)) => dot < slash,
        (_, slash) => slash.is_none(),
    };
    let swapped: String = key
        .chars()
        .map(|letter| match letter {
            '.' if dots_separate => '/',
            '/' if dots_separate => '.',
            letter => letter,
        })
        .collect();
    Path::new(ROOT).join(swapped.trim_start_matches('/'))
}

fn key_of(path: &Path) -> String {
    let below = path.strip_prefix(ROOT).unwrap_or(path).to_string_lossy();
    below
        .chars()
        .map(|letter| match letter {
            '/' => '.',
            '.' => '/',
            letter => letter,
        })
        .collect()
}

/// `lsmod`
pub(crate) const LSMOD: Applet =
    Applet::new("lsmod", lsmod, "\n\nList the kernel's modules").at(Place::Sbin);

const NONE: Spec = Spec::new("", &[]);

fn lsmod(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    arguments.operands_between(0, 0)?;
    let path = "/proc/modules";
    let text = std::fs::read_to_string(path).map_err(|error| Error::path(path, error))?;
    writeln!(cx.stdout, "Module                  Size  Used by")?;
    for line in text.lines() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [name, size, users, names, ..] = fields[..] else { continue };
        let names = if names == "-" { "" } else { names.trim_end_matches(',') };
        let line = format!("{name:<19} {size:>8}  {users} {names}");
        writeln!(cx.stdout, "{}", line.trim_end())?;
    }
    Ok(Status::SUCCESS)
}

/// `mountpoint`
pub(crate) const MOUNTPOINT: Applet = Applet::new(
    "mountpoint",
    mountpoint,
    "[-qdx] PATH\n\nTell whether something is mounted on PATH\n\n\
    \t-q\tOnly the exit status\n\t-d\tThe numbers of the file system's device\n\
    \t-x\tThe numbers of the block device that PATH is",
)
.at(Place::Bin);

const MOUNTPOINT_SPEC: Spec =
    Spec::new("qdx", &[("quiet", 'q'), ("fs-devno", 'd'), ("devno", 'x')]);

fn mountpoint(cx: &mut Context<'_>) -> Result<Status> {
    let (mut quiet, mut numbers, mut device) = (false, false, false);
    let mut arguments = cx.parse(&MOUNTPOINT_SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'q' => quiet = true,
            'd' => numbers = true,
            _ => device = true,
        }
    }
    let operands = arguments.operands_between(1, 1)?;
    let path = &operands[0];
    let status = match rustix::fs::statat(cx.dir, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => status,
        Err(_) if quiet => return Ok(Status::FAILURE),
        Err(errno) => return Err(Error::path(path, errno)),
    };
    let show = |cx: &mut Context<'_>, number: u64| {
        writeln!(cx.stdout, "{}:{}", rustix::fs::major(number), rustix::fs::minor(number))
    };
    if device {
        if FileType::from_raw_mode(status.st_mode) != FileType::BlockDevice {
            return Err(Error::Bytes([path.as_bytes(), b": not a block device"].concat()));
        }
        show(cx, status.st_rdev)?;
        return Ok(Status::SUCCESS);
    }
    let mounted = FileType::from_raw_mode(status.st_mode) == FileType::Directory
        && is_mount_root(cx, path, &status);
    if numbers && mounted {
        show(cx, status.st_dev)?;
    } else if !quiet {
        let verb: &[u8] = if mounted { b" is a mountpoint\n" } else { b" is not a mountpoint\n" };
        cx.stdout.put(&[path.as_bytes(), verb].concat())?;
    }
    Ok(Status::failed_if(!mounted))
}

/// Whether the kernel says so, or, before it could, the directory above is of another device or is
/// the same one.
fn is_mount_root(cx: &Context<'_>, path: &OsStr, status: &rustix::fs::Stat) -> bool {
    use rustix::fs::{StatxAttributes, StatxFlags, statx};
    if let Ok(found) = statx(cx.dir, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)
        && found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT)
    {
        return found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    }
    let above = tree::join(path, OsStr::new(".."));
    rustix::fs::statat(cx.dir, &above, AtFlags::empty())
        .is_ok_and(|above| above.st_dev != status.st_dev || above.st_ino == status.st_ino)
}
