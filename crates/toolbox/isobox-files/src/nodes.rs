//! `mkfifo`, `mknod`, `truncate`, `fallocate`, `sync`, `fsync`: files as the kernel sees them.

use std::ffi::OsStr;

use isobox_applet::mode::ModeChange;
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, number};
use rustix::fs::{AtFlags, FallocateFlags, FileType, Mode, OFlags};

/// See the usage text.
pub(crate) const MKFIFO: Applet = Applet::new(
    "mkfifo",
    mkfifo,
    "[-m MODE] NAME...\n\nMake named pipes\n\n\t-m MODE\tPermissions (a=rw)",
);

/// See the usage text.
pub(crate) const MKNOD: Applet = Applet::new(
    "mknod",
    mknod,
    "[-m MODE] NAME TYPE [MAJOR MINOR]\n\n\
     Make a device or a named pipe; TYPE is b (block), c or u (character), p (pipe)\n\n\
     \t-m MODE\tPermissions (a=rw)",
)
.at(Place::Bin);

/// See the usage text.
pub(crate) const TRUNCATE: Applet = Applet::new(
    "truncate",
    truncate,
    "[-co] {-s SIZE | -r FILE} FILE...\n\n\
     Shrink or extend files to a size\n\n\
     \t-s SIZE\tBytes, with a suffix (k, M, G, kB...); + extends, - shrinks, < at most, > at least,\n\
     \t\t/ rounds down, % rounds up\n\
     \t-r FILE\tThe size of FILE\n\
     \t-o\tSIZE is in blocks of the file system\n\
     \t-c\tMake no files",
);

/// See the usage text.
pub(crate) const FALLOCATE: Applet = Applet::new(
    "fallocate",
    fallocate,
    "[-ndpzc] [-o OFFSET] -l LENGTH FILE\n\n\
     Reserve space for a file\n\n\
     \t-o N\tWhere it begins\n\
     \t-l N\tHow much\n\
     \t-n\tKeep the file's size\n\
     \t-p\tMake a hole instead\n\
     \t-z\tMake zeros instead\n\
     \t-c\tTake the range out instead",
);

/// See the usage text.
pub(crate) const SYNC: Applet = Applet::new(
    "sync",
    sync,
    "[-df] [FILE]...\n\n\
     Write what is cached (of FILEs) to the disks\n\n\
     \t-d\tOnly their data\n\
     \t-f\tThe file systems that hold them",
)
.at(Place::Bin);

/// See the usage text.
pub(crate) const FSYNC: Applet = Applet::new(
    "fsync",
    fsync,
    "[-d] FILE...\n\nWrite what is cached of FILEs to the disk\n\n\t-d\tOnly their data",
);

const MODE_OPTIONS: Spec = Spec::new("m:", &[("mode=", 'm')]);
const TRUNCATE_OPTIONS: Spec = Spec::new(
    "cos:r:",
    &[("no-create", 'c'), ("io-blocks", 'o'), ("size=", 's'), ("reference=", 'r')],
);
const FALLOCATE_OPTIONS: Spec = Spec::new(
    "npzco:l:",
    &[
        ("keep-size", 'n'),
        ("punch-hole", 'p'),
        ("zero-range", 'z'),
        ("collapse-range", 'c'),
        ("offset=", 'o'),
        ("length=", 'l'),
    ],
);
const SYNC_OPTIONS: Spec = Spec::new("df", &[("data", 'd'), ("file-system", 'f')]);

fn mode_option(cx: &mut Context<'_>) -> Result<(Option<Mode>, Vec<std::ffi::OsString>)> {
    let mut mode = None;
    let mut arguments = cx.parse(&MODE_OPTIONS);
    while arguments.next()?.is_some() {
        let text = arguments.text()?;
        let change = ModeChange::parse(&text)
            .ok_or_else(|| Error::message(format!("invalid mode '{text}'")))?;
        mode = Some(Mode::from_raw_mode(change.apply(0o666, false, isobox_applet::mode::umask())));
    }
    Ok((mode, arguments.operands()))
}

fn make(
    cx: &mut Context<'_>,
    name: &OsStr,
    kind: FileType,
    mode: Option<Mode>,
    device: u64,
) -> Result<()> {
    let fail = |errno| Error::path(name, errno);
    let first = Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(cx.dir, name, kind, mode.unwrap_or(first), device).map_err(fail)?;
    if let Some(mode) = mode {
        // Exactly these, whatever the mask says.
        rustix::fs::chmodat(cx.dir, name, mode, AtFlags::empty()).map_err(fail)?;
    }
    Ok(())
}

fn mkfifo(cx: &mut Context<'_>) -> Result<Status> {
    let (mode, operands) = mode_option(cx)?;
    if operands.is_empty() {
        return Err(Error::usage("missing operand"));
    }
    for name in &operands {
        let outcome = make(cx, name, FileType::Fifo, mode, 0);
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn mknod(cx: &mut Context<'_>) -> Result<Status> {
    let (mode, operands) = mode_option(cx)?;
    let kind = match operands.get(1).and_then(|kind| kind.to_str()) {
        Some("p") => FileType::Fifo,
        Some("b") => FileType::BlockDevice,
        Some("c" | "u") => FileType::CharacterDevice,
        Some(other) => {
            return Err(Error::usage(format!("invalid type '{other}': expected b, c, u or p")));
        }
        None => return Err(Error::usage("missing operand")),
    };
    let expected = if kind == FileType::Fifo { 2 } else { 4 };
    if operands.len() != expected {
        return Err(Error::usage("devices take a major and a minor number, and pipes none"));
    }
    let device = if kind == FileType::Fifo {
        0
    } else {
        let number = |text: &OsStr| {
            number::unsigned(text)
                .and_then(|value| u32::try_from(value).map_err(|_| number::invalid(text)))
        };
        rustix::fs::makedev(number(&operands[2])?, number(&operands[3])?)
    };
    make(cx, &operands[0], kind, mode, device)?;
    Ok(cx.status())
}

fn truncate(cx: &mut Context<'_>) -> Result<Status> {
    let (mut create, mut blocks, mut size, mut reference) = (true, false, None, None);
    let mut arguments = cx.parse(&TRUNCATE_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'c' => create = false,
            'o' => blocks = true,
            's' => size = Some(arguments.text()?),
            _ => reference = Some(arguments.value()),
        }
    }
    let operands = arguments.operands();
    if operands.is_empty() || size.is_none() && reference.is_none() {
        return Err(Error::usage("expected -s SIZE or -r FILE, and files"));
    }
    let base = match &reference {
        Some(name) => {
            let status = rustix::fs::statat(cx.dir, name, AtFlags::empty())
                .map_err(|errno| Error::path(name, errno))?;
            Some(u64::try_from(status.st_size).unwrap_or(0))
        }
        None => None,
    };
    let (operator, amount) = match &size {
        None => (None, 0),
        Some(text) => {
            let text = text.trim_start();
            let operator = text.chars().next().filter(|c| "+-<>/%".contains(*c));
            let digits = if operator.is_some() { &text[1..] } else { text };
            (operator, number::size(digits.as_ref()).map_err(|_| number::invalid(text.as_ref()))?)
        }
    };
    if matches!(operator, Some('/' | '%')) && amount == 0 {
        return Err(Error::message("division by zero"));
    }
    for name in &operands {
        let mut flags = OFlags::WRONLY | OFlags::NONBLOCK;
        if create {
            flags |= OFlags::CREATE;
        }
        let outcome = match cx.open_with(name, flags, Mode::from_raw_mode(0o666)) {
            Err(Error::Path { source, .. })
                if !create && source.kind() == std::io::ErrorKind::NotFound =>
            {
                continue;
            }
            Err(error) => Err(error),
            Ok(file) => {
                let status = rustix::fs::fstat(&file).map_err(|errno| Error::path(name, errno))?;
                let amount = if blocks {
                    amount.saturating_mul(u64::try_from(status.st_blksize).unwrap_or(1))
                } else {
                    amount
                };
                let old = base.unwrap_or_else(|| u64::try_from(status.st_size).unwrap_or(0));
                let new = match operator {
                    Some('+') => old.checked_add(amount),
                    Some('-') => Some(old.saturating_sub(amount)),
                    Some('<') => Some(old.min(amount)),
                    Some('>') => Some(old.max(amount)),
                    Some('/') => Some(old / amount * amount),
                    Some('%') => old.checked_next_multiple_of(amount),
                    _ => Some(if size.is_some() { amount } else { old }),
                };
                let new = new.ok_or_else(|| Error::message("the size is too large"))?;
                rustix::fs::ftruncate(&file, new).map_err(|errno| Error::path(name, errno))
            }
        };
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn fallocate(cx: &mut Context<'_>) -> Result<Status> {
    let (mut flags, mut offset, mut length) = (FallocateFlags::empty(), 0, None);
    let mut arguments = cx.parse(&FALLOCATE_OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'n' => flags |= FallocateFlags::KEEP_SIZE,
            'p' => flags |= FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
            'z' => flags |= FallocateFlags::ZERO_RANGE,
            'c' => flags |= FallocateFlags::COLLAPSE_RANGE,
            'o' => offset = number::size(&arguments.value())?,
            _ => length = Some(number::size(&arguments.value())?),
        }
    }
    let length = length.ok_or_else(|| Error::usage("expected -l LENGTH"))?;
    let operands = arguments.operands_between(1, 1)?;
    let open = if flags.is_empty() { OFlags::RDWR | OFlags::CREATE } else { OFlags::RDWR };
    let file = cx.open_with(&operands[0], open, Mode::from_raw_mode(0o666))?;
    rustix::fs::fallocate(&file, flags, offset, length)
        .map_err(|errno| Error::path(&operands[0], errno))?;
    Ok(cx.status())
}

fn sync(cx: &mut Context<'_>) -> Result<Status> {
    let (mut data, mut system) = (false, false);
    let mut arguments = cx.parse(&SYNC_OPTIONS);
    while let Some(option) = arguments.next()? {
        if option == 'd' { data = true } else { system = true }
    }
    let operands = arguments.operands();
    if operands.is_empty() {
        rustix::fs::sync();
    }
    for name in &operands {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let outcome = cx.open_with(name, flags, Mode::empty()).and_then(|file| {
            let done = match (system, data) {
                (true, _) => rustix::fs::syncfs(&file),
                (false, true) => rustix::fs::fdatasync(&file),
                (false, false) => rustix::fs::fsync(&file),
            };
            done.map_err(|errno| Error::path(name, errno))
        });
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn fsync(cx: &mut Context<'_>) -> Result<Status> {
    if !cx.args.iter().any(|word| !word.as_encoded_bytes().starts_with(b"-")) {
        return Err(Error::usage("missing operand"));
    }
    sync(cx)
}
