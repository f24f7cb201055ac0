//! `mkdir` and `rmdir`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::mode::{ModeChange, umask};
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;

/// See the usage text.
pub(crate) const MKDIR: Applet = Applet::new(
    "mkdir",
    mkdir,
    "[-pv] [-m MODE] DIRECTORY...\n\n\
     Make directories\n\n\
     \t-m MODE\tPermissions\n\
     \t-p\tTheir parents too; what exists is fine\n\
     \t-v\tName what is made",
)
.at(Place::Bin)
.in_process();

/// See the usage text.
pub(crate) const RMDIR: Applet = Applet::new(
    "rmdir",
    rmdir,
    "[-pv] DIRECTORY...\n\n\
     Remove empty directories\n\n\
     \t-p\tTheir parents too\n\
     \t-v\tName what is removed\n\
     \t--ignore-fail-on-non-empty\tDirectories that are not empty are no failure",
)
.at(Place::Bin)
.in_process();

const MKDIR_OPTIONS: Spec =
    Spec::new("m:pv", &[("mode=", 'm'), ("parents", 'p'), ("verbose", 'v')]);
const RMDIR_OPTIONS: Spec =
    Spec::new("pv", &[("parents", 'p'), ("verbose", 'v'), ("ignore-fail-on-non-empty", 'i')]);

fn mkdir(cx: &mut Context<'_>) -> Result<Status> {
    let (mut parents, mut verbose, mut mode) = (false, false, None);
    let mut arguments = cx.parse(&MKDIR_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'm' => {
                let text = arguments.text()?;
                let change = ModeChange::parse(&text)
                    .ok_or_else(|| Error::message(format!("invalid mode '{text}'")))?;
                mode = Some(change.apply(0o777, true, umask()));
            }
            'p' => parents = true,
            _ => verbose = true,
        }
    }
    for name in arguments.operands_between(1, usize::MAX)? {
        let outcome = make(cx, &name, parents, verbose, mode);
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn make(
    cx: &mut Context<'_>,
    name: &OsStr,
    parents: bool,
    verbose: bool,
    mode: Option<u32>,
) -> Result<()> {
    let bytes = name.as_bytes();
    let fail = |errno: Errno| Error::doing("can't create directory", name, errno);
    if parents {
        let slashes: Vec<usize> = memchr::memchr_iter(b'/', bytes).collect();
        for end in slashes {
            // The path up to a slash, if a name stands before it and another after it.
            let more = bytes[end..].iter().any(|&byte| byte != b'/');
            if end == 0 || bytes[end - 1] == b'/' || !more {
                continue;
            }
            let part = OsStr::from_bytes(&bytes[..end]);
            // Parents must let us in whatever the mask says.
            let own = Mode::from_raw_mode(0o777);
            match rustix::fs::mkdirat(cx.dir, part, own) {
                Ok(()) => {
                    let wanted = (0o777 & !umask()) | 0o300;
                    if wanted != 0o777 & !umask() {
                        rustix::fs::chmodat(
                            cx.dir,
                            part,
                            Mode::from_raw_mode(wanted),
                            AtFlags::empty(),
                        )
                        .map_err(fail)?;
                    }
                    tell(cx, part, verbose)?;
                }
                Err(Errno::EXIST) => {}
                Err(errno) => {
                    // Read-only and foreign parents may well exist.
                    if rustix::fs::statat(cx.dir, part, AtFlags::empty()).is_err() {
                        return Err(Error::doing("can't create directory", part, errno));
                    }
                }
            }
        }
    }
    match rustix::fs::mkdirat(cx.dir, name, Mode::from_raw_mode(mode.unwrap_or(0o777) & 0o777)) {
        Ok(()) => {
            if let Some(mode) = mode {
                rustix::fs::chmodat(cx.dir, name, Mode::from_raw_mode(mode), AtFlags::empty())
                    .map_err(fail)?;
            }
            tell(cx, name, verbose)
        }
        Err(errno) => {
            let exists = parents
                && rustix::fs::statat(cx.dir, name, AtFlags::empty())
                    .is_ok_and(|status| status.st_mode & 0o170_000 == 0o040_000);
            if exists { Ok(()) } else { Err(fail(errno)) }
        }
    }
}

fn tell(cx: &mut Context<'_>, name: &OsStr, verbose: bool) -> Result<()> {
    if !verbose {
        return Ok(());
    }
    cx.stdout.put(b"created directory: '")?;
    cx.stdout.put(name.as_bytes())?;
    cx.stdout.put(b"'\n")
}

fn rmdir(cx: &mut Context<'_>) -> Result<Status> {
    let (mut parents, mut verbose, mut forgive) = (false, false, false);
    let mut arguments = cx.parse(&RMDIR_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'p' => parents = true,
            'v' => verbose = true,
            _ => forgive = true,
        }
    }
    for name in arguments.operands_between(1, usize::MAX)? {
        let mut path = name.as_bytes();
        loop {
            let part = OsStr::from_bytes(path);
            if verbose {
                cx.stdout.put(b"rmdir: removing directory, '")?;
                cx.stdout.put(path)?;
                cx.stdout.put(b"'\n")?;
            }
            if let Err(errno) = rustix::fs::unlinkat(cx.dir, part, AtFlags::REMOVEDIR) {
                if !(forgive && matches!(errno, Errno::NOTEMPTY | Errno::EXIST)) {
                    cx.report(&Error::path(quoted(part), errno));
                }
                break;
            }
            let trimmed = path.trim_ascii_end();
            let end = trimmed.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
            let Some(slash) = memchr::memrchr(b'/', &path[..end]) else { break };
            let parent =
                path[..slash].iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
            if !parents || parent == 0 {
                break;
            }
            path = &path[..parent];
        }
    }
    Ok(cx.status())
}

fn quoted(name: &OsStr) -> std::ffi::OsString {
    let mut text = std::ffi::OsString::from("'");
    text.push(name);
    text.push("'");
    text
}
