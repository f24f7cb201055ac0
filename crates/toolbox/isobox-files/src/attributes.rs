//! `setfattr`, `getfattr`, `lsattr`, `chattr`: attributes beyond permissions.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, tree};
use rustix::fs::{FileType, IFlags, Mode, OFlags, XattrFlags};

/// See the usage text.
pub(crate) const SETFATTR: Applet = Applet::new(
    "setfattr",
    setfattr,
    "[-h] {-n NAME [-v VALUE] | -x NAME} FILE...\n\n\
     Set or remove extended attributes\n\n\
     \t-n NAME\tThe attribute, such as user.note\n\
     \t-v VALUE\tIts value; 0x... in hexadecimal, 0s... in base64\n\
     \t-x NAME\tRemove it\n\
     \t-h\tOf links",
);

/// See the usage text.
pub(crate) const GETFATTR: Applet = Applet::new(
    "getfattr",
    getfattr,
    "[-hd] [-n NAME] [-m -] [--only-values] [-e text|hex] FILE...\n\n\
     Print extended attributes\n\n\
     \t-d\tWith their values\n\
     \t-n NAME\tOnly this one, with its value\n\
     \t-m -\tOf all name spaces, not only user\n\
     \t-e F\tValues as text or hex\n\
     \t--only-values\tOnly values\n\
     \t-h\tOf links",
);

/// See the usage text.
pub(crate) const LSATTR: Applet = Applet::new(
    "lsattr",
    lsattr,
    "[-Rad] [FILE]...\n\n\
     Print the flags of files\n\n\
     \t-R\tTrees\n\
     \t-a\tAlso names that begin with a dot\n\
     \t-d\tDirectories themselves",
);

/// See the usage text.
pub(crate) const CHATTR: Applet = Applet::new(
    "chattr",
    chattr,
    "[-R] {+|-|=}FLAGS FILE...\n\n\
     Change the flags of files: a append only, i immutable, A no time of access, c compress,\n\
     d no dump, s secure removal, S synchronous, D synchronous directory, t no tail, T top of a tree,\n\
     j journal data, u keep when removed, C no copy on write, P project\n\n\
     \t-R\tTrees",
);

const SETFATTR_OPTIONS: Spec = Spec::new(
    "hn:v:x:",
    &[("name=", 'n'), ("value=", 'v'), ("remove=", 'x'), ("no-dereference", 'h')],
);
const GETFATTR_OPTIONS: Spec = Spec::new(
    "hdn:m:e:",
    &[
        ("name=", 'n'),
        ("dump", 'd'),
        ("match=", 'm'),
        ("encoding=", 'e'),
        ("no-dereference", 'h'),
        ("only-values", '\x01'),
        ("absolute-names", '\x02'),
    ],
);
const LSATTR_OPTIONS: Spec = Spec::new("Rad", &[]);

/// A file for calls that take a descriptor: links are not followed where they are meant.
fn path_of(cx: &Context<'_>, name: &OsStr) -> std::path::PathBuf {
    use std::os::fd::AsRawFd;
    if cx.dir.as_raw_fd() == rustix::fs::CWD.as_raw_fd() || name.as_bytes().starts_with(b"/") {
        return name.into();
    }
    std::path::Path::new(&format!("/proc/self/fd/{}", cx.dir.as_raw_fd())).join(name)
}

fn setfattr(cx: &mut Context<'_>) -> Result<Status> {
    let (mut link, mut name, mut value, mut remove) = (false, None, Vec::new(), None);
    let mut arguments = cx.parse(&SETFATTR_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'h' => link = true,
            'n' => name = Some(arguments.value()),
            'v' => value = decoded(arguments.value().as_bytes())?,
            _ => remove = Some(arguments.value()),
        }
    }
    let operands = arguments.operands_between(1, usize::MAX)?;
    for file in &operands {
        let path = path_of(cx, file);
        let outcome = match (&name, &remove) {
            (Some(name), None) if link => {
                rustix::fs::lsetxattr(&path, name, &value, XattrFlags::empty())
            }
            (Some(name), None) => rustix::fs::setxattr(&path, name, &value, XattrFlags::empty()),
            (None, Some(name)) if link => rustix::fs::lremovexattr(&path, name),
            (None, Some(name)) => rustix::fs::removexattr(&path, name),
            _ => return Err(Error::usage("expected -n NAME or -x NAME")),
        };
        if let Err(errno) = outcome {
            cx.report(&Error::path(file, errno));
        }
    }
    Ok(cx.status())
}

fn decoded(text: &[u8]) -> Result<Vec<u8>> {
    let bad = || Error::about("invalid value", OsStr::from_bytes(text));
    if let Some(digits) = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")) {
        let digits = std::str::from_utf8(digits).map_err(|_| bad())?;
        if digits.len() % 2 == 1 || !digits.is_ascii() {
            return Err(bad());
        }
        return (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| bad()))
            .collect();
    }
    if text.starts_with(b"0s") || text.starts_with(b"0S") {
        return Err(Error::message(
            "values in base64 are not supported: use 0x and hexadecimal digits",
        ));
    }
    let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    Ok(text.to_vec())
}

fn getfattr(cx: &mut Context<'_>) -> Result<Status> {
    let (mut link, mut dump, mut only, mut all, mut hex, mut values) =
        (false, false, None, false, false, false);
    let mut arguments = cx.parse(&GETFATTR_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'h' => link = true,
            'd' => dump = true,
            'n' => (only, dump) = (Some(arguments.value()), true),
            'm' => {
                if arguments.value() != "-" {
                    return Err(Error::message("of -m only '-' is supported"));
                }
                all = true;
            }
            'e' => match arguments.text()?.as_str() {
                "text" => hex = false,
                "hex" => hex = true,
                other => {
                    return Err(Error::message(format!(
                        "unknown encoding '{other}': expected text or hex"
                    )));
                }
            },
            '\x01' => (values, dump) = (true, true),
            _ => {}
        }
    }
    for file in arguments.operands_between(1, usize::MAX)? {
        let path = path_of(cx, &file);
        let mut buffer = vec![0; 64 * 1024];
        let listed = match &only {
            Some(name) => Ok(vec![name.as_bytes().to_vec()]),
            None => if link {
                rustix::fs::llistxattr(&path, &mut buffer[..])
            } else {
                rustix::fs::listxattr(&path, &mut buffer[..])
            }
            .map(|length| {
                let mut names: Vec<Vec<u8>> = buffer[..length]
                    .split(|&byte| byte == 0)
                    .filter(|name| !name.is_empty() && (all || name.starts_with(b"user.")))
                    .map(<[u8]>::to_vec)
                    .collect();
                names.sort();
                names
            }),
        };
        let names = match listed {
            Ok(names) => names,
            Err(errno) => {
                cx.report(&Error::path(&file, errno));
                continue;
            }
        };
        if names.is_empty() {
            continue;
        }
        let mut text = Vec::new();
        for name in &names {
            let mut value = vec![0; 64 * 1024];
            let got = if link {
                rustix::fs::lgetxattr(&path, name.as_slice(), &mut value[..])
            } else {
                rustix::fs::getxattr(&path, name.as_slice(), &mut value[..])
            };
            match got {
                Ok(length) => value.truncate(length),
                Err(errno) => {
                    let whole = [file.as_bytes(), b": ", name].concat();
                    cx.report(&Error::path(OsStr::from_bytes(&whole), errno));
                    continue;
                }
            }
            if values {
                text.extend(value);
                continue;
            }
            text.extend_from_slice(name);
            if dump {
                text.push(b'=');
                text.extend(encoded(&value, hex));
            }
            text.push(b'\n');
        }
        if text.is_empty() {
            continue;
        }
        if !values {
            cx.stdout.put(&[b"# file: ", file.as_bytes(), b"\n"].concat())?;
            text.push(b'\n');
        }
        cx.stdout.put(&text)?;
    }
    Ok(cx.status())
}

fn encoded(value: &[u8], hex: bool) -> Vec<u8> {
    if hex || !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("0x{}", value.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            .into_bytes();
    }
    let mut text = b"\"".to_vec();
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text.push(b'"');
    text
}

/// The kernel's flags in the order in which they are shown.
const FLAGS: [(u8, u32); 18] = [
    (b's', 0x1),
    (b'u', 0x2),
    (b'S', 0x8),
    (b'D', 0x1_0000),
    (b'i', 0x10),
    (b'a', 0x20),
    (b'd', 0x40),
    (b'A', 0x80),
    (b'c', 0x4),
    (b'E', 0x800),
    (b'j', 0x4000),
    (b'I', 0x1000),
    (b't', 0x8000),
    (b'T', 0x2_0000),
    (b'e', 0x8_0000),
    (b'C', 0x80_0000),
    (b'V', 0x10_0000),
    (b'P', 0x2000_0000),
];

fn flags_of(
    dir: BorrowedFd<'_>,
    name: &OsStr,
) -> Result<(std::os::fd::OwnedFd, IFlags), rustix::io::Errno> {
    let flags =
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let found = rustix::fs::ioctl_getflags(&file)?;
    Ok((file, found))
}

fn lsattr(cx: &mut Context<'_>) -> Result<Status> {
    let (mut recursive, mut all, mut directories) = (false, false, false);
    let mut arguments = cx.parse(&LSATTR_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'R' => recursive = true,
            'a' => all = true,
            _ => directories = true,
        }
    }
    let mut operands = arguments.operands();
    if operands.is_empty() {
        operands.push(".".into());
    }
    for name in &operands {
        let dir = cx.dir;
        match rustix::fs::statat(dir, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
            Err(errno) => cx.report(&Error::path(name, errno)),
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() && !directories => {
                list_below(cx, dir, name, name, recursive, all)?;
            }
            Ok(_) => list_one(cx, dir, name, name)?,
        }
    }
    Ok(cx.status())
}

fn list_one(cx: &mut Context<'_>, dir: BorrowedFd<'_>, name: &OsStr, path: &OsStr) -> Result<()> {
    match flags_of(dir, name) {
        Ok((_, found)) => {
            let mut text: Vec<u8> = FLAGS
                .iter()
                .map(|(letter, bit)| if found.bits() & bit != 0 { *letter } else { b'-' })
                .collect();
            text.push(b' ');
            text.extend_from_slice(path.as_bytes());
            text.push(b'\n');
            cx.stdout.put(&text)
        }
        Err(errno) => {
            cx.report(&Error::doing("reading flags of", path, errno));
            Ok(())
        }
    }
}

fn list_below(
    cx: &mut Context<'_>,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    path: &OsStr,
    recursive: bool,
    all: bool,
) -> Result<()> {
    let (directory, mut entries) =
        match tree::open(parent, name, false).and_then(|dir| Ok((tree::entries(&dir)?, dir))) {
            Ok((entries, directory)) => (directory, entries),
            Err(errno) => {
                cx.report(&Error::path(path, errno));
                return Ok(());
            }
        };
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in entries.iter().filter(|entry| all || !entry.name.as_bytes().starts_with(b".")) {
        let below = tree::join(path, &entry.name);
        if entry.kind.is_file() || entry.kind.is_dir() {
            list_one(cx, directory.as_fd(), &entry.name, &below)?;
        }
        if recursive && entry.kind.is_dir() {
            cx.stdout.put(&[b"\n", below.as_bytes(), b":\n"].concat())?;
            list_below(cx, directory.as_fd(), &entry.name, &below, recursive, all)?;
            cx.stdout.put(b"\n")?;
        }
    }
    Ok(())
}

fn chattr(cx: &mut Context<'_>) -> Result<Status> {
    let mut words = std::mem::take(&mut cx.args);
    let mut recursive = false;
    let (mut add, mut remove, mut exact) = (0, 0, None);
    while let Some(word) = words.first() {
        let bytes = word.as_bytes();
        if bytes == b"-R" {
            recursive = true;
        } else if bytes == b"--" {
            words.remove(0);
            break;
        } else if let Some((&sign @ (b'+' | b'-' | b'='), letters)) = bytes.split_first() {
            let mut bits = 0;
            for letter in letters {
                let known = FLAGS.iter().find(|(known, _)| known == letter).map(|(_, bit)| *bit);
                bits |= known.ok_or_else(|| {
                    Error::usage(format!("unknown flag '{}'", char::from(*letter)))
                })?;
            }
            match sign {
                b'+' => add |= bits,
                b'-' => remove |= bits,
                _ => exact = Some(exact.unwrap_or(0) | bits),
            }
        } else {
            break;
        }
        words.remove(0);
    }
    if words.is_empty() || add | remove == 0 && exact.is_none() {
        return Err(Error::usage("expected flags and files"));
    }
    for name in &words {
        let dir = cx.dir;
        change(cx, dir, name, name, recursive, (add, remove, exact))?;
    }
    Ok(cx.status())
}

fn change(
    cx: &mut Context<'_>,
    dir: BorrowedFd<'_>,
    name: &OsStr,
    path: &OsStr,
    recursive: bool,
    wanted: (u32, u32, Option<u32>),
) -> Result<()> {
    let (add, remove, exact) = wanted;
    let outcome = flags_of(dir, name).and_then(|(file, found)| {
        let bits = (exact.unwrap_or(found.bits()) | add) & !remove;
        rustix::fs::ioctl_setflags(&file, IFlags::from_bits_retain(bits))?;
        rustix::fs::fstat(&file).map(|stat| FileType::from_raw_mode(stat.st_mode))
    });
    let kind = match outcome {
        Ok(kind) => kind,
        Err(errno) => {
            cx.report(&Error::doing("setting flags of", path, errno));
            return Ok(());
        }
    };
    if !recursive || !kind.is_dir() {
        return Ok(());
    }
    match tree::open(dir, name, false).and_then(|inner| Ok((tree::entries(&inner)?, inner))) {
        Ok((entries, inner)) => {
            for entry in entries.iter().filter(|entry| entry.kind.is_file() || entry.kind.is_dir())
            {
                let below: OsString = tree::join(path, &entry.name);
                change(cx, inner.as_fd(), &entry.name, &below, recursive, wanted)?;
            }
        }
        Err(errno) => cx.report(&Error::path(path, errno)),
    }
    Ok(())
}
