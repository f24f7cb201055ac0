//! `ln`: makes links.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status};
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::cp::Target;

/// See the usage text.
pub(crate) const LN: Applet = Applet::new(
    "ln",
    ln,
    "[-sfnbTvriLP] [-S SUF] TARGET... {LINK | -t DIRECTORY}\n\n\
     Make LINK a link to TARGET, or links in a directory\n\n\
     \t-s\tSymbolic links\n\
     \t-f\tReplace what is there\n\
     \t-i\tAsk before that\n\
     \t-n\tA LINK that is a link to a directory is no directory to link into\n\
     \t-r\tSymbolic links relative to where they are\n\
     \t-b, -S SUF\tKeep what is replaced with a suffix (~)\n\
     \t-t DIR\tInto DIR\n\
     \t-T\tLINK is not a directory to link into\n\
     \t-L, -P\tHard links to what links point to, or to the links (default)\n\
     \t-v\tName the links",
)
.at(Place::Bin);

const OPTIONS: Spec = Spec::new(
    "sfnbTvriLPS:t:",
    &[
        ("symbolic", 's'),
        ("force", 'f'),
        ("interactive", 'i'),
        ("no-dereference", 'n'),
        ("backup=?", 'b'),
        ("suffix=", 'S'),
        ("no-target-directory", 'T'),
        ("target-directory=", 't'),
        ("relative", 'r'),
        ("logical", 'L'),
        ("physical", 'P'),
        ("verbose", 'v'),
    ],
);

#[derive(Default)]
struct Style {
    symbolic: bool,
    force: bool,
    ask: bool,
    relative: bool,
    follow: bool,
    verbose: bool,
    backup: Option<String>,
}

fn ln(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style::default();
    let (mut no_follow, mut no_directory, mut given) = (false, false, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            's' => style.symbolic = true,
            'f' => style.force = true,
            'i' => style.ask = true,
            'n' => no_follow = true,
            'b' => {
                crate::cp::simple_backup(arguments.optional_value())?;
                style.backup.get_or_insert_with(|| "~".into());
            }
            'S' => style.backup = Some(arguments.text()?),
            'T' => no_directory = true,
            't' => given = Some(arguments.value()),
            'r' => style.relative = true,
            'L' => style.follow = true,
            'P' => style.follow = false,
            _ => style.verbose = true,
        }
    }
    let mut operands = arguments.operands();
    if operands.is_empty() {
        return Err(Error::usage("missing operand"));
    }
    if operands.len() == 1 && given.is_none() {
        // The link has the target's name, here.
        operands.push(".".into());
    }
    let target = match given {
        Some(path) => Target { path, into: true },
        None => {
            let path = operands.pop().unwrap_or_default();
            let flags = if no_follow { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
            let into = !no_directory
                && rustix::fs::statat(cx.dir, &path, flags)
                    .is_ok_and(|status| FileType::from_raw_mode(status.st_mode).is_dir());
            if operands.len() > 1 && !into {
                return Err(Error::doing("target", path, Errno::NOTDIR));
            }
            Target { path, into }
        }
    };
    for source in &operands {
        let link = target.below(source);
        let outcome = make(cx, source, &link, &style);
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn make(cx: &mut Context<'_>, source: &OsStr, link: &OsStr, style: &Style) -> Result<()> {
    let text = if style.relative && style.symbolic {
        relative(cx, source, link)?
    } else {
        source.to_owned()
    };
    let create = |cx: &Context<'_>, link: &OsStr| {
        if style.symbolic {
            rustix::fs::symlinkat(&text, cx.dir, link)
        } else {
            let flags = if style.follow { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
            rustix::fs::linkat(cx.dir, source, cx.dir, link, flags)
        }
    };
    let what = if style.symbolic { "can't create symlink" } else { "can't create hard link" };
    let fail = |errno| Error::doing(what, link, errno);
    match create(cx, link) {
        Ok(()) => {}
        Err(Errno::EXIST) if style.force || style.ask || style.backup.is_some() => {
            let (old, new) = (
                rustix::fs::statat(cx.dir, source, AtFlags::SYMLINK_NOFOLLOW),
                rustix::fs::statat(cx.dir, link, AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?,
            );
            if !style.symbolic
                && old.is_ok_and(|old| (old.st_dev, old.st_ino) == (new.st_dev, new.st_ino))
            {
                return Err(Error::Bytes(
                    [b"'", source.as_bytes(), b"' and '", link.as_bytes(), b"' are the same file"]
                        .concat(),
                ));
            }
            if FileType::from_raw_mode(new.st_mode).is_dir() {
                return Err(Error::about("cannot overwrite directory", link));
            }
            if style.ask && !cx.ask(&[b"ln: replace '", link.as_bytes(), b"'? "].concat()) {
                return Ok(());
            }
            if let Some(suffix) = &style.backup {
                let mut name = link.to_owned();
                name.push(suffix);
                rustix::fs::renameat(cx.dir, link, cx.dir, &name).map_err(fail)?;
                create(cx, link).map_err(fail)?;
            } else {
                // Made beside and renamed over it, so that the name is never missing.
                let mut name = link.to_owned();
                name.push(format!(".{}", std::process::id()));
                create(cx, &name).map_err(fail)?;
                rustix::fs::renameat(cx.dir, &name, cx.dir, link).map_err(|errno| {
                    rustix::fs::unlinkat(cx.dir, &name, AtFlags::empty()).ok();
                    fail(errno)
                })?;
            }
        }
        Err(errno) => return Err(fail(errno)),
    }
    if style.verbose {
        cx.stdout.put(&[b"'", link.as_bytes(), b"' -> '", text.as_bytes(), b"'\n"].concat())?;
    }
    Ok(())
}

/// The target as seen from the directory of the link.
fn relative(cx: &Context<'_>, source: &OsStr, link: &OsStr) -> Result<OsString> {
    use isobox_applet::canonical::{Need, resolve};
    let parent = match memchr::memrchr(b'/', link.as_bytes()) {
        Some(0) => OsStr::new("/").to_owned(),
        Some(at) => OsStr::from_bytes(&link.as_bytes()[..at]).to_owned(),
        None => ".".into(),
    };
    let resolve = |path: &OsStr| {
        resolve(cx, path, Need::Nothing, true).map_err(|errno| Error::path(path, errno))
    };
    Ok(crate::simple_names::seen_from(&resolve(source)?, &resolve(&parent)?))
}
