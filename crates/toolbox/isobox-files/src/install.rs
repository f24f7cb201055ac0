//! `install`: copies files and sets their attributes.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::mode::ModeChange;
use isobox_applet::{Applet, Context, Error, Result, Spec, Status, users};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use crate::copying::{self, Sparse};
use crate::cp::target_of;

/// See the usage text.
pub(crate) const INSTALL: Applet = Applet::new(
    "install",
    install,
    "[-cdDpTvbC] [-g GROUP] [-o USER] [-m MODE] SOURCE... {DEST | -t DIRECTORY}\n\n\
     Copy files and set their attributes\n\n\
     \t-d\tMake directories\n\
     \t-D\tMake the directories of DEST\n\
     \t-m MODE\tPermissions (rwxr-xr-x)\n\
     \t-o USER, -g GROUP\tOwner\n\
     \t-p\tKeep times\n\
     \t-C\tLeave a target alone that is the same already\n\
     \t-t DIR\tInto DIR\n\
     \t-T\tDEST is not a directory to copy into\n\
     \t-b, -S SUFFIX\tKeep what is overwritten with a suffix (~)\n\
     \t-v\tName what is made\n\
     \t-c\tNothing: for old scripts",
);

const OPTIONS: Spec = Spec::new(
    "cdDpTvbCs:g:o:m:t:S:",
    &[
        ("directory", 'd'),
        ("preserve-timestamps", 'p'),
        ("no-target-directory", 'T'),
        ("verbose", 'v'),
        ("compare", 'C'),
        ("backup=?", 'b'),
        ("suffix=", 'S'),
        ("group=", 'g'),
        ("owner=", 'o'),
        ("mode=", 'm'),
        ("target-directory=", 't'),
    ],
);

#[derive(Default)]
struct Style {
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
    times: bool,
    verbose: bool,
    compare: bool,
    backup: Option<String>,
}

fn install(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style { mode: 0o755, ..Style::default() };
    let (mut directories, mut parents, mut no_directory, mut target) = (false, false, false, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'd' => directories = true,
            'D' => parents = true,
            'p' => style.times = true,
            'T' => no_directory = true,
            'v' => style.verbose = true,
            'C' => style.compare = true,
            'b' => {
                crate::cp::simple_backup(arguments.optional_value())?;
                style.backup.get_or_insert_with(|| "~".into());
            }
            'S' => style.backup = Some(arguments.text()?),
            'g' => {
                let name = arguments.text()?;
                style.gid = Some(
                    users::gid_of(&name)
                        .ok_or_else(|| Error::message(format!("unknown group {name}")))?,
                );
            }
            'o' => {
                let name = arguments.text()?;
                style.uid = Some(
                    users::uid_of(&name)
                        .ok_or_else(|| Error::message(format!("unknown user {name}")))?,
                );
            }
            'm' => {
                let text = arguments.text()?;
                let change = ModeChange::parse(&text)
                    .ok_or_else(|| Error::message(format!("invalid mode '{text}'")))?;
                style.mode = change.apply(0, false, 0);
            }
            't' => target = Some(arguments.value()),
            's' => {
                return Err(Error::message(
                    "-s is not supported: strip programs before installing them",
                ));
            }
            _ => {}
        }
    }
    let mut operands = arguments.operands();
    if directories {
        if operands.is_empty() {
            return Err(Error::usage("missing operand"));
        }
        for name in &operands {
            let outcome = directory(cx, name, &style);
            cx.attempt(outcome)?;
        }
        return Ok(cx.status());
    }
    if parents {
        let path = match &target {
            Some(target) => target.clone(),
            None => parent_of(operands.last().map_or(OsStr::new(""), OsString::as_os_str)),
        };
        make_all(cx, &path)?;
    }
    let target = target_of(cx, &mut operands, target, no_directory)?;
    for source in &operands {
        let to = target.below(source);
        let outcome = file(cx, source, &to, &style);
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn parent_of(path: &OsStr) -> OsString {
    match memchr::memrchr(b'/', path.as_bytes()) {
        Some(at) => OsStr::from_bytes(&path.as_bytes()[..at]).to_owned(),
        None => OsString::new(),
    }
}

/// A directory and its parents.
fn make_all(cx: &Context<'_>, path: &OsStr) -> Result<()> {
    let bytes = path.as_bytes();
    let ends = memchr::memchr_iter(b'/', bytes).filter(|&at| at > 0).chain([bytes.len()]);
    for end in ends {
        let part = OsStr::from_bytes(&bytes[..end]);
        if part.is_empty() {
            continue;
        }
        match rustix::fs::mkdirat(cx.dir, part, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(Error::doing("can't create directory", part, errno)),
        }
    }
    Ok(())
}

fn directory(cx: &mut Context<'_>, name: &OsStr, style: &Style) -> Result<()> {
    make_all(cx, name)?;
    let made =
        isobox_applet::tree::open(cx.dir, name, true).map_err(|errno| Error::path(name, errno))?;
    own(made.as_fd(), style).map_err(|errno| Error::path(name, errno))?;
    if style.verbose {
        cx.stdout.put(&[b"creating directory '", name.as_bytes(), b"'\n"].concat())?;
    }
    Ok(())
}

fn own(fd: std::os::fd::BorrowedFd<'_>, style: &Style) -> Result<(), Errno> {
    if style.uid.is_some() || style.gid.is_some() {
        rustix::fs::fchown(fd, style.uid.map(Uid::from_raw), style.gid.map(Gid::from_raw))?;
    }
    rustix::fs::fchmod(fd, Mode::from_raw_mode(style.mode))
}

fn file(cx: &mut Context<'_>, from: &OsStr, to: &OsStr, style: &Style) -> Result<()> {
    let input = cx.open_with(from, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty())?;
    let status = rustix::fs::fstat(&input).map_err(|errno| Error::path(from, errno))?;
    if FileType::from_raw_mode(status.st_mode).is_dir() {
        return Err(Error::about("omitting directory", from));
    }
    if style.compare && same(cx, from, to, style)? {
        return Ok(());
    }
    if let Ok(there) = rustix::fs::statat(cx.dir, to, AtFlags::SYMLINK_NOFOLLOW) {
        if (there.st_dev, there.st_ino) == (status.st_dev, status.st_ino) {
            return Err(Error::Bytes(
                [b"'", from.as_bytes(), b"' and '", to.as_bytes(), b"' are the same file"].concat(),
            ));
        }
        if FileType::from_raw_mode(there.st_mode).is_dir() {
            return Err(Error::about("cannot overwrite directory", to));
        }
        // The old file may be running: it is replaced, never written.
        let outcome = match &style.backup {
            Some(suffix) => {
                let mut name = to.to_owned();
                name.push(suffix);
                rustix::fs::renameat(cx.dir, to, cx.dir, &name)
            }
            None => rustix::fs::unlinkat(cx.dir, to, AtFlags::empty()),
        };
        outcome.map_err(|errno| Error::doing("can't remove", to, errno))?;
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let output = cx.open_with(to, flags, Mode::from_raw_mode(0o600))?;
    copying::data(input.as_fd(), output.as_fd(), &status, Sparse::Auto).map_err(|failure| {
        match failure {
            isobox_applet::copy::Failure::Read(error) => Error::path(from, error),
            isobox_applet::copy::Failure::Write(error) => Error::path(to, error),
        }
    })?;
    own(output.as_fd(), style).map_err(|errno| Error::path(to, errno))?;
    if style.times {
        rustix::fs::futimens(&output, &copying::times(&status))
            .map_err(|errno| Error::path(to, errno))?;
    }
    if style.verbose {
        cx.stdout.put(&[b"'", from.as_bytes(), b"' -> '", to.as_bytes(), b"'\n"].concat())?;
    }
    Ok(())
}

/// Whether the target has the same content, permissions and owner.
fn same(cx: &Context<'_>, from: &OsStr, to: &OsStr, style: &Style) -> Result<bool> {
    let Ok(there) = rustix::fs::statat(cx.dir, to, AtFlags::SYMLINK_NOFOLLOW) else {
        return Ok(false);
    };
    if !FileType::from_raw_mode(there.st_mode).is_file()
        || there.st_mode & 0o7777 != style.mode
        || style.uid.is_some_and(|uid| uid != there.st_uid)
        || style.gid.is_some_and(|gid| gid != there.st_gid)
    {
        return Ok(false);
    }
    let (mut a, mut b) = (cx.open_file(from)?, cx.open_file(to)?);
    loop {
        let x = a.chunk().map_err(|error| Error::path(from, error))?;
        let y = b.chunk().map_err(|error| Error::path(to, error))?;
        let length = x.len().min(y.len());
        if x[..length] != y[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(x.len() == y.len());
        }
        a.consume(length);
        b.consume(length);
    }
}
