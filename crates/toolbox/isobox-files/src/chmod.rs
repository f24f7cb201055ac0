//! `chmod`, `chown`, `chgrp`: permissions and owners of files and trees.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::mode::{self, ModeChange};
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, tree, users};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

/// See the usage text.
pub(crate) const CHMOD: Applet = Applet::new(
    "chmod",
    chmod,
    "[-Rcvf] {MODE[,MODE]... | --reference FILE} FILE...\n\n\
     Change permissions; MODE is octal or [ugoa]{+|-|=}[rwxXst]\n\n\
     \t-R\tOf trees\n\
     \t-c\tName files that are changed\n\
     \t-v\tName all files\n\
     \t-f\tNo messages of failures",
)
.at(Place::Bin);

const OWNER_USAGE: &str = "[-RhLHPcvf] {OWNER | --reference FILE} FILE...\n\n\
     Change the owner (USER, USER:GROUP, USER: or :GROUP; chgrp: GROUP) of files\n\n\
     \t-R\tOf trees\n\
     \t-h\tOf links, not of what they point to\n\
     \t-H\tWith -R, follow links that are named\n\
     \t-L\tWith -R, follow all links\n\
     \t-P\tWith -R, follow none (default)\n\
     \t-c\tName files that are changed\n\
     \t-v\tName all files\n\
     \t-f\tNo messages of failures\n\
     \t--from OWNER\tOnly files that belong to OWNER";

/// See the usage text.
pub(crate) const CHOWN: Applet = Applet::new("chown", chown, OWNER_USAGE).at(Place::Bin);

/// See the usage text.
pub(crate) const CHGRP: Applet = Applet::new("chgrp", chgrp, OWNER_USAGE).at(Place::Bin);

const MODE_OPTIONS: Spec = Spec::new(
    "RcvfrwxXstugoa,+=",
    &[
        ("recursive", 'R'),
        ("changes", 'c'),
        ("verbose", 'v'),
        ("quiet", 'f'),
        ("silent", 'f'),
        ("reference=", '\x01'),
        ("preserve-root", '\x02'),
        ("no-preserve-root", '\x03'),
    ],
);
const OWNER_OPTIONS: Spec = Spec::new(
    "RhLHPcvf",
    &[
        ("recursive", 'R'),
        ("no-dereference", 'h'),
        ("dereference", 'd'),
        ("changes", 'c'),
        ("verbose", 'v'),
        ("quiet", 'f'),
        ("silent", 'f'),
        ("reference=", '\x01'),
        ("from=", '\x04'),
        ("preserve-root", '\x02'),
        ("no-preserve-root", '\x03'),
    ],
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    None,
    Named,
    All,
}

struct Job {
    change: Change,
    recursive: bool,
    follow: Follow,
    links: bool,
    changes: bool,
    verbose: bool,
    quiet: bool,
    preserve_root: bool,
    umask: u32,
}

enum Change {
    Mode(ModeChange),
    Owner { uid: Option<u32>, gid: Option<u32>, from: (Option<u32>, Option<u32>) },
}

fn job() -> Job {
    Job {
        change: Change::Owner { uid: None, gid: None, from: (None, None) },
        recursive: false,
        follow: Follow::None,
        links: false,
        changes: false,
        verbose: false,
        quiet: false,
        preserve_root: false,
        umask: 0,
    }
}

fn stat_of(cx: &Context<'_>, name: &OsStr) -> Result<Stat> {
    rustix::fs::statat(cx.dir, name, AtFlags::empty()).map_err(|errno| Error::path(name, errno))
}

fn chmod(cx: &mut Context<'_>) -> Result<Status> {
    let mut job = job();
    // `-w` and `-x` in front of the files are a mode, not options.
    let mut minus = None;
    let mut words = Vec::new();
    for word in std::mem::take(&mut cx.args) {
        let bytes = word.as_bytes();
        let is_mode = minus.is_none()
            && bytes.len() > 1
            && bytes[0] == b'-'
            && bytes[1] != b'-'
            && b"rwxXstugoa,+=01234567".contains(&bytes[1]);
        if is_mode { minus = Some(word) } else { words.push(word) }
    }
    cx.args = words;
    let mut reference = None;
    let mut arguments = cx.parse(&MODE_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'R' => job.recursive = true,
            'c' => job.changes = true,
            'v' => job.verbose = true,
            'f' => job.quiet = true,
            '\x01' => reference = Some(arguments.value()),
            '\x02' => job.preserve_root = true,
            '\x03' => job.preserve_root = false,
            letter => return Err(Error::usage(format!("invalid option -- '{letter}'"))),
        }
    }
    let mut operands = arguments.operands();
    let change = match (reference, minus) {
        (Some(reference), _) => {
            ModeChange::parse(&format!("{:o}", stat_of(cx, &reference)?.st_mode & 0o7777))
        }
        (None, Some(mode)) => ModeChange::parse(&mode.to_string_lossy()),
        (None, None) => {
            if operands.is_empty() {
                return Err(Error::usage("missing operand"));
            }
            let text = operands.remove(0);
            let change = ModeChange::parse(&text.to_string_lossy());
            Some(change.ok_or_else(|| Error::about("invalid mode", text))?)
        }
    };
    job.change = Change::Mode(change.ok_or_else(|| Error::message("invalid mode"))?);
    job.umask = isobox_applet::mode::umask();
    run(cx, &job, operands)
}

fn chown(cx: &mut Context<'_>) -> Result<Status> {
    owner(cx, false)
}

fn chgrp(cx: &mut Context<'_>) -> Result<Status> {
    owner(cx, true)
}

fn owner(cx: &mut Context<'_>, group_only: bool) -> Result<Status> {
    let mut job = job();
    let (mut reference, mut from) = (None, (None, None));
    let mut arguments = cx.parse(&OWNER_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'R' => job.recursive = true,
            'h' => job.links = true,
            'd' => job.links = false,
            'L' => job.follow = Follow::All,
            'H' => job.follow = Follow::Named,
            'P' => job.follow = Follow::None,
            'c' => job.changes = true,
            'v' => job.verbose = true,
            'f' => job.quiet = true,
            '\x01' => reference = Some(arguments.value()),
            '\x04' => from = users::owner(&arguments.text()?).map_err(Error::message)?,
            '\x02' => job.preserve_root = true,
            _ => job.preserve_root = false,
        }
    }
    let mut operands = arguments.operands();
    let (uid, gid) = match reference {
        Some(reference) => {
            let status = stat_of(cx, &reference)?;
            (if group_only { None } else { Some(status.st_uid) }, Some(status.st_gid))
        }
        None => {
            if operands.is_empty() {
                return Err(Error::usage("missing operand"));
            }
            let text = operands.remove(0);
            let text = text.to_string_lossy();
            if group_only {
                let gid = users::gid_of(&text)
                    .ok_or_else(|| Error::message(format!("unknown group {text}")));
                (None, if text.is_empty() { None } else { Some(gid?) })
            } else {
                users::owner(&text).map_err(Error::message)?
            }
        }
    };
    job.change = Change::Owner { uid, gid, from };
    run(cx, &job, operands)
}

fn run(cx: &mut Context<'_>, job: &Job, operands: Vec<OsString>) -> Result<Status> {
    if operands.is_empty() {
        return Err(Error::usage("missing operand"));
    }
    tree::allow_deep_trees();
    for operand in &operands {
        if job.recursive && job.preserve_root && operand.as_bytes().iter().all(|&byte| byte == b'/')
        {
            cx.report(&Error::message(
                "it is dangerous to operate recursively on '/' (--no-preserve-root would)",
            ));
            continue;
        }
        let dir = cx.dir;
        visit(cx, job, dir, operand, operand, true)?;
    }
    Ok(cx.status())
}

fn visit(
    cx: &mut Context<'_>,
    job: &Job,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    path: &OsStr,
    named: bool,
) -> Result<()> {
    let fail = |cx: &mut Context<'_>, errno: Errno| {
        if job.quiet { cx.failed = true } else { cx.report(&Error::path(path, errno)) }
    };
    let owner = matches!(job.change, Change::Owner { .. });
    // Whether a link stands for what it points to.
    let follow = match (job.recursive, job.follow) {
        (false, _) => !job.links,
        (true, Follow::All) => true,
        (true, Follow::Named) => named,
        (true, Follow::None) => named && !owner,
    };
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    let status = match rustix::fs::statat(parent, name, flags) {
        Ok(status) => status,
        Err(errno) => {
            fail(cx, errno);
            return Ok(());
        }
    };
    let kind = FileType::from_raw_mode(status.st_mode);
    // Links have no permissions of their own.
    if !kind.is_symlink() || owner {
        apply(cx, job, parent, name, path, &status, follow)?;
    }
    if !job.recursive || !kind.is_dir() {
        return Ok(());
    }
    let directory = match tree::open(parent, name, follow) {
        Ok(directory) => directory,
        Err(errno) => {
            fail(cx, errno);
            return Ok(());
        }
    };
    match tree::entries(&directory) {
        Ok(entries) => {
            for entry in entries {
                let below = tree::join(path, &entry.name);
                visit(cx, job, directory.as_fd(), &entry.name, &below, false)?;
            }
        }
        Err(errno) => fail(cx, errno),
    }
    Ok(())
}

fn apply(
    cx: &mut Context<'_>,
    job: &Job,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    path: &OsStr,
    status: &Stat,
    follow: bool,
) -> Result<()> {
    let (outcome, changed, text) = match &job.change {
        Change::Mode(change) => {
            let before = status.st_mode & 0o7777;
            let after =
                change.apply(before, FileType::from_raw_mode(status.st_mode).is_dir(), job.umask);
            let outcome = set_mode(parent, name, after, follow);
            let letters = |bits: u32| mode::text(bits)[1..].to_owned();
            let text = |what: &str| {
                let shown = [b"mode of '", path.as_bytes(), b"' "].concat();
                (shown, format!("{what} {after:04o} ({})", letters(after)))
            };
            let text = text(if before == after { "retained as" } else { "changed to" });
            (outcome, before != after, text)
        }
        Change::Owner { uid, gid, from } => {
            if from.0.is_some_and(|uid| uid != status.st_uid)
                || from.1.is_some_and(|gid| gid != status.st_gid)
            {
                return Ok(());
            }
            let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
            let outcome = rustix::fs::chownat(
                parent,
                name,
                uid.map(Uid::from_raw),
                gid.map(Gid::from_raw),
                flags,
            );
            let changed = uid.is_some_and(|uid| uid != status.st_uid)
                || gid.is_some_and(|gid| gid != status.st_gid);
            let after = (uid.unwrap_or(status.st_uid), gid.unwrap_or(status.st_gid));
            let shown = [b"changed ownership of '", path.as_bytes(), b"' "].concat();
            (outcome, changed, (shown, format!("to {}:{}", after.0, after.1)))
        }
    };
    match outcome {
        Ok(()) => {
            if job.verbose || job.changes && changed {
                cx.stdout.put(&[text.0.as_slice(), text.1.as_bytes(), b"\n"].concat())?;
            }
        }
        Err(_) if job.quiet => cx.failed = true,
        Err(errno) => cx.report(&Error::path(path, errno)),
    }
    Ok(())
}

/// Permissions by descriptor where a link must not be followed: the file may have been swapped
/// since it was looked at.
fn set_mode(parent: BorrowedFd<'_>, name: &OsStr, mode: u32, follow: bool) -> Result<(), Errno> {
    let mode = Mode::from_raw_mode(mode);
    if follow {
        return rustix::fs::chmodat(parent, name, mode, AtFlags::empty());
    }
    let file = rustix::fs::openat(
        parent,
        name,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode).is_symlink() {
        return Ok(());
    }
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::chmodat(rustix::fs::CWD, link, mode, AtFlags::empty()) {
        // Without /proc there is no other way.
        Err(Errno::NOENT) => rustix::fs::chmodat(parent, name, mode, AtFlags::empty()),
        outcome => outcome,
    }
}
