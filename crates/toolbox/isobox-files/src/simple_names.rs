//! `dirname`, `link`, `unlink`, `readlink`, `realpath`, `pathchk`: names of files.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, canonical};
use rustix::fs::AtFlags;

/// See the usage text.
pub(crate) const DIRNAME: Applet = Applet::new(
    "dirname",
    dirname,
    "[-z] NAME...\n\n\
     Print NAMEs without their last part\n\n\
     \t-z\tEnd lines with NUL",
)
.in_process();

/// See the usage text.
pub(crate) const LINK: Applet =
    Applet::new("link", link, "FILE NEW\n\nMake NEW a hard link to FILE");

/// See the usage text.
pub(crate) const UNLINK: Applet = Applet::new("unlink", unlink, "FILE\n\nRemove the name FILE");

/// See the usage text.
pub(crate) const READLINK: Applet = Applet::new(
    "readlink",
    readlink,
    "[-fnvzemqs] FILE...\n\n\
     Print where a symbolic link points\n\n\
     \t-f\tThe absolute name without any link; its last part may not exist\n\
     \t-e\tThe same, and all of it must exist\n\
     \t-m\tThe same, and nothing need exist\n\
     \t-n\tNo newline at the end\n\
     \t-v\tSay why it failed\n\
     \t-z\tEnd lines with NUL",
);

/// See the usage text.
pub(crate) const REALPATH: Applet = Applet::new(
    "realpath",
    realpath,
    "[-emsqz] [--relative-to DIR] FILE...\n\n\
     Print absolute names without links, . and ..\n\n\
     \t-e\tAll of it must exist\n\
     \t-m\tNothing need exist\n\
     \t-s\tDo not follow links\n\
     \t-q\tNo messages\n\
     \t--relative-to DIR\tThe name as seen from DIR\n\
     \t--relative-base DIR\tThe same for names below DIR only\n\
     \t-z\tEnd lines with NUL",
);

/// See the usage text.
pub(crate) const PATHCHK: Applet = Applet::new(
    "pathchk",
    pathchk,
    "[-pP] NAME...\n\n\
     Check whether files could have these names\n\n\
     \t-p\tOn every POSIX system\n\
     \t-P\tAnd that no name is empty or has a part that begins with -",
)
.in_process()
.at(Place::UsrBin);

const DIRNAME_OPTIONS: Spec = Spec::new("z", &[("zero", 'z')]);
const NO_OPTIONS: Spec = Spec::new("", &[]);
const READLINK_OPTIONS: Spec = Spec::new(
    "fnvzemqs",
    &[
        ("canonicalize", 'f'),
        ("canonicalize-existing", 'e'),
        ("canonicalize-missing", 'm'),
        ("no-newline", 'n'),
        ("verbose", 'v'),
        ("quiet", 'q'),
        ("silent", 'q'),
        ("zero", 'z'),
    ],
);
const REALPATH_OPTIONS: Spec = Spec::new(
    "emsqzLP",
    &[
        ("canonicalize-existing", 'e'),
        ("canonicalize-missing", 'm'),
        ("logical", 'L'),
        ("physical", 'P'),
        ("strip", 's'),
        ("no-symlinks", 's'),
        ("quiet", 'q'),
        ("zero", 'z'),
        ("relative-to=", 't'),
        ("relative-base=", 'b'),
    ],
);
const PATHCHK_OPTIONS: Spec = Spec::new("pP", &[("portability", 'B')]);

fn dirname(cx: &mut Context<'_>) -> Result<Status> {
    let mut end = b'\n';
    let mut arguments = cx.parse(&DIRNAME_OPTIONS);
    while arguments.next()?.is_some() {
        end = 0;
    }
    for operand in arguments.operands_between(1, usize::MAX)? {
        cx.stdout.put(parent(operand.as_bytes()))?;
        cx.stdout.put_byte(end)?;
    }
    Ok(cx.status())
}

fn parent(path: &[u8]) -> &[u8] {
    let trim = |path: &[u8]| path.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
    let end = trim(path);
    match path[..end].iter().rposition(|&byte| byte == b'/') {
        _ if end == 0 && !path.is_empty() => b"/",
        None => b".",
        Some(slash) => match trim(&path[..slash]) {
            0 => b"/",
            end => &path[..end],
        },
    }
}

fn link(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NO_OPTIONS);
    while arguments.next()?.is_some() {}
    let names = arguments.operands_between(2, 2)?;
    rustix::fs::linkat(cx.dir, &names[0], cx.dir, &names[1], AtFlags::empty())
        .map_err(|errno| Error::doing("can't create hard link", &names[1], errno))?;
    Ok(cx.status())
}

fn unlink(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NO_OPTIONS);
    while arguments.next()?.is_some() {}
    let names = arguments.operands_between(1, 1)?;
    rustix::fs::unlinkat(cx.dir, &names[0], AtFlags::empty())
        .map_err(|errno| Error::doing("can't remove", &names[0], errno))?;
    Ok(cx.status())
}

fn readlink(cx: &mut Context<'_>) -> Result<Status> {
    let (mut need, mut newline, mut verbose, mut end) = (None, true, false, b'\n');
    let mut arguments = cx.parse(&READLINK_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'f' => need = Some(canonical::Need::Parent),
            'e' => need = Some(canonical::Need::All),
            'm' => need = Some(canonical::Need::Nothing),
            'n' => newline = false,
            'v' => verbose = true,
            'z' => end = 0,
            _ => verbose = false,
        }
    }
    let operands = arguments.operands_between(1, usize::MAX)?;
    newline |= operands.len() > 1;
    for operand in &operands {
        let found = match need {
            Some(need) => canonical::resolve(cx, operand, need, true),
            None => rustix::fs::readlinkat(cx.dir, operand, Vec::new())
                .map(|link| OsString::from_vec(link.into_bytes())),
        };
        match found {
            Ok(path) => {
                cx.stdout.put(path.as_bytes())?;
                if newline {
                    cx.stdout.put_byte(end)?;
                }
            }
            Err(errno) => {
                if verbose {
                    cx.warn(&Error::path(operand, errno));
                }
                cx.failed = true;
            }
        }
    }
    Ok(cx.status())
}

fn realpath(cx: &mut Context<'_>) -> Result<Status> {
    let (mut need, mut follow, mut quiet, mut end) = (canonical::Need::Parent, true, false, b'\n');
    let (mut relative_to, mut base) = (None, None);
    let mut arguments = cx.parse(&REALPATH_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'e' => need = canonical::Need::All,
            'm' => need = canonical::Need::Nothing,
            's' => follow = false,
            'L' => return Err(Error::message("-L is not supported: links are followed first")),
            'q' => quiet = true,
            'z' => end = 0,
            't' => relative_to = Some(arguments.value()),
            'b' => base = Some(arguments.value()),
            _ => {}
        }
    }
    let operands = arguments.operands_between(1, usize::MAX)?;
    let absolute = |cx: &Context<'_>, path: &OsStr| {
        canonical::resolve(cx, path, need, follow).map_err(|errno| Error::path(path, errno))
    };
    let base = base.map(|path| absolute(cx, &path)).transpose()?;
    let relative_to =
        relative_to.map(|path| absolute(cx, &path)).transpose()?.or_else(|| base.clone());
    for operand in &operands {
        match absolute(cx, operand) {
            Ok(path) => {
                let below =
                    base.as_ref().is_none_or(|base| std::path::Path::new(&path).starts_with(base));
                let shown = match &relative_to {
                    Some(from) if below => seen_from(&path, from),
                    _ => path,
                };
                cx.stdout.put(shown.as_bytes())?;
                cx.stdout.put_byte(end)?;
            }
            Err(_) if quiet => cx.failed = true,
            Err(error) => cx.report(&error),
        }
    }
    Ok(cx.status())
}

pub(crate) fn seen_from(path: &OsStr, from: &OsStr) -> OsString {
    let parts = |path: &OsStr| -> Vec<OsString> {
        std::path::Path::new(path)
            .components()
            .skip(1)
            .map(|part| part.as_os_str().to_owned())
            .collect()
    };
    let (path, from) = (parts(path), parts(from));
    let shared = path.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(OsString::from(".."), from.len() - shared);
    let parts: Vec<OsString> = up.chain(path.into_iter().skip(shared)).collect();
    if parts.is_empty() { ".".into() } else { parts.join(OsStr::new("/")) }
}

fn pathchk(cx: &mut Context<'_>) -> Result<Status> {
    let (mut portable, mut strict) = (false, false);
    let mut arguments = cx.parse(&PATHCHK_OPTIONS);
    while let Some(option) = arguments.next()? {
        portable |= option != 'P';
        strict |= option != 'p';
    }
    for name in arguments.operands_between(1, usize::MAX)? {
        if let Some(why) = wrong_with(cx, &name, portable, strict) {
            let mut text = why.into_bytes();
            text.extend_from_slice(b" '");
            text.extend_from_slice(name.as_bytes());
            text.push(b'\'');
            cx.report(&Error::Bytes(text));
        }
    }
    Ok(cx.status())
}

fn wrong_with(cx: &Context<'_>, name: &OsStr, portable: bool, strict: bool) -> Option<String> {
    let bytes = name.as_bytes();
    let mut parts = bytes.split(|&byte| byte == b'/').filter(|part| !part.is_empty());
    if bytes.is_empty() {
        return Some("empty file name".into());
    }
    if strict && parts.clone().any(|part| part.starts_with(b"-")) {
        return Some("a part begins with '-' in file name".into());
    }
    let (longest_path, longest_part) = if portable { (255, 14) } else { (4095, 255) };
    if portable
        && let Some(&odd) =
            bytes.iter().find(|byte| !byte.is_ascii_alphanumeric() && !b"._-/".contains(byte))
    {
        return Some(format!("nonportable character '{}' in file name", char::from(odd)));
    }
    if bytes.len() > longest_path {
        return Some(format!(
            "limit {longest_path} exceeded by length {} of file name",
            bytes.len()
        ));
    }
    if let Some(long) = parts.find(|part| part.len() > longest_part) {
        return Some(format!(
            "limit {longest_part} exceeded by length {} of a part of file name",
            long.len()
        ));
    }
    if !portable
        && let Err(errno) = rustix::fs::statat(cx.dir, name, AtFlags::SYMLINK_NOFOLLOW)
        && errno != rustix::io::Errno::NOENT
    {
        return Some(format!("{}:", isobox_applet::errno_text(&errno.into())));
    }
    None
}
