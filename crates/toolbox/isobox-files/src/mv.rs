//! `mv`: renames files, or copies and removes them where that is not enough.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place as Installed, Result, Spec, Status};
use rustix::fs::{Access, AtFlags, FileType, RenameFlags};
use rustix::io::Errno;

use crate::copying::{Copier, Existing, Follow, Place, Preserve, Style};
use crate::cp::target_of;

/// See the usage text.
pub(crate) const MV: Applet = Applet::new(
    "mv",
    mv,
    "[-finuvTb] SOURCE... {DEST | -t DIRECTORY}\n\n\
     Rename or move files\n\n\
     \t-f\tNever ask\n\
     \t-i\tAsk before overwriting\n\
     \t-n\tNever overwrite\n\
     \t-u\tOnly files newer than the target\n\
     \t-v\tName files that are moved\n\
     \t-t DIR\tInto DIR\n\
     \t-T\tDEST is not a directory to move into\n\
     \t-b, -S SUFFIX\tKeep what is overwritten with a suffix (~)",
)
.at(Installed::Bin);

const OPTIONS: Spec = Spec::new(
    "finuvTt:bS:",
    &[
        ("force", 'f'),
        ("interactive", 'i'),
        ("no-clobber", 'n'),
        ("update", 'u'),
        ("verbose", 'v'),
        ("no-target-directory", 'T'),
        ("target-directory=", 't'),
        ("backup=?", 'b'),
        ("suffix=", 'S'),
        ("strip-trailing-slashes", '\x01'),
    ],
);

#[derive(Default)]
struct Moving {
    ask: bool,
    force: bool,
    keep: bool,
    update: bool,
    verbose: bool,
    backup: Option<String>,
    terminal: bool,
}

fn mv(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Moving::default();
    let (mut target, mut no_directory) = (None, false);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'f' => (style.force, style.ask, style.keep) = (true, false, false),
            'i' => (style.force, style.ask, style.keep) = (false, true, false),
            'n' => (style.force, style.ask, style.keep) = (false, false, true),
            'u' => style.update = true,
            'v' => style.verbose = true,
            'T' => no_directory = true,
            't' => target = Some(arguments.value()),
            'b' => {
                crate::cp::simple_backup(arguments.optional_value())?;
                style.backup.get_or_insert_with(|| "~".into());
            }
            'S' => style.backup = Some(arguments.text()?),
            _ => {}
        }
    }
    let mut operands = arguments.operands();
    let target = target_of(cx, &mut operands, target, no_directory)?;
    style.terminal = cx.stdin_is_terminal();
    for source in &operands {
        let to = target.below(source);
        let outcome = move_one(cx, source, &to, &style);
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn move_one(cx: &mut Context<'_>, from: &OsStr, to: &OsStr, style: &Moving) -> Result<()> {
    let (source, target) = (
        rustix::fs::statat(cx.dir, from, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| Error::doing("can't rename", from, errno))?,
        rustix::fs::statat(cx.dir, to, AtFlags::SYMLINK_NOFOLLOW).ok(),
    );
    if let Some(target) = &target {
        if (source.st_dev, source.st_ino) == (target.st_dev, target.st_ino)
            && (from == to || source.st_nlink == 1)
        {
            return Err(Error::Bytes(
                [b"'", from.as_bytes(), b"' and '", to.as_bytes(), b"' are the same file"].concat(),
            ));
        }
        let newer =
            (source.st_mtime, source.st_mtime_nsec) > (target.st_mtime, target.st_mtime_nsec);
        if style.keep || style.update && !newer {
            return Ok(());
        }
        let (from_dir, to_dir) = (is_dir(source.st_mode), is_dir(target.st_mode));
        if to_dir && !from_dir {
            return Err(Error::Bytes(
                [b"cannot overwrite directory '", to.as_bytes(), b"' with non-directory"].concat(),
            ));
        }
        if from_dir && !to_dir && style.backup.is_none() {
            return Err(Error::Bytes(
                [b"cannot overwrite non-directory '", to.as_bytes(), b"' with directory"].concat(),
            ));
        }
        let protected = !style.force
            && style.terminal
            && !FileType::from_raw_mode(target.st_mode).is_symlink()
            && rustix::fs::accessat(cx.dir, to, Access::WRITE_OK, AtFlags::EACCESS).is_err();
        if style.ask || protected {
            let question = [b"mv: overwrite '", to.as_bytes(), b"'? "].concat();
            if !cx.ask(&question) {
                return Ok(());
            }
        }
        if let Some(suffix) = &style.backup {
            let mut name = to.to_owned();
            name.push(suffix);
            rustix::fs::renameat(cx.dir, to, cx.dir, &name)
                .map_err(|errno| Error::doing("can't back up", to, errno))?;
        }
    }
    // A target that appeared meanwhile is not overwritten where overwriting was not allowed.
    let flags = if style.keep { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
    let outcome = if style.keep {
        rustix::fs::renameat_with(cx.dir, from, cx.dir, to, flags)
    } else {
        rustix::fs::renameat(cx.dir, from, cx.dir, to)
    };
    match outcome {
        Ok(()) => {}
        Err(Errno::EXIST) if style.keep => return Ok(()),
        Err(Errno::XDEV) => {
            if !across(cx, from, to, target.is_some() && style.backup.is_none())? {
                return Ok(());
            }
        }
        Err(Errno::INVAL) => {
            return Err(Error::Bytes(
                [
                    b"cannot move '",
                    from.as_bytes(),
                    b"' to a subdirectory of itself, '",
                    to.as_bytes(),
                    b"'",
                ]
                .concat(),
            ));
        }
        Err(errno) => return Err(Error::doing("can't rename", from, errno)),
    }
    if style.verbose {
        cx.stdout.put(&[b"'", from.as_bytes(), b"' -> '", to.as_bytes(), b"'\n"].concat())?;
    }
    Ok(())
}

fn is_dir(mode: u32) -> bool {
    FileType::from_raw_mode(mode).is_dir()
}

/// Between file systems: a copy with all attributes, then the original goes. It stays if anything
/// failed.
fn across(cx: &mut Context<'_>, from: &OsStr, to: &OsStr, exists: bool) -> Result<bool> {
    let dir = cx.dir;
    if exists {
        let kind = rustix::fs::statat(dir, to, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| Error::doing("can't stat", to, errno))?;
        let flags = if is_dir(kind.st_mode) { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        rustix::fs::unlinkat(dir, to, flags)
            .map_err(|errno| Error::doing("can't remove", to, errno))?;
    }
    let preserve = Preserve { mode: true, owner: true, times: true, links: true, attributes: true };
    let style = Style {
        recursive: true,
        follow: Follow::None,
        preserve,
        existing: Existing::Overwrite,
        ..Style::default()
    };
    let copied = Copier::new(style).copy(
        cx,
        Place { dir, name: from, path: from },
        Place { dir, name: to, path: to },
    )?;
    if !copied {
        return Ok(false);
    }
    crate::rm::remove_quietly(cx, from)
}
