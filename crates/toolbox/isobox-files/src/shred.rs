//! `shred`: overwrites files so that their content cannot be read again.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number, write_all};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, SeekFrom};

/// See the usage text.
pub(crate) const SHRED: Applet = Applet::new(
    "shred",
    shred,
    "[-fuzvx] [-n N] [-s SIZE] FILE...\n\n\
     Overwrite FILEs with random bytes\n\n\
     \t-n N\tN times (3)\n\
     \t-z\tAt last with zeros\n\
     \t-u\tRemove them\n\
     \t-f\tEven those that may not be written\n\
     \t-s SIZE\tSo many bytes\n\
     \t-x\tDo not round up to whole blocks\n\
     \t-v\tName what is done",
);

const OPTIONS: Spec = Spec::new(
    "fuzvxn:s:",
    &[
        ("force", 'f'),
        ("iterations=", 'n'),
        ("size=", 's'),
        ("zero", 'z'),
        ("remove", 'u'),
        ("verbose", 'v'),
        ("exact", 'x'),
    ],
);

struct Style {
    force: bool,
    remove: bool,
    zero: bool,
    verbose: bool,
    exact: bool,
    passes: u64,
    size: Option<u64>,
}

fn shred(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style {
        force: false,
        remove: false,
        zero: false,
        verbose: false,
        exact: false,
        passes: 3,
        size: None,
    };
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'f' => style.force = true,
            'u' => style.remove = true,
            'z' => style.zero = true,
            'v' => style.verbose = true,
            'x' => style.exact = true,
            'n' => style.passes = number::unsigned(&arguments.value())?,
            _ => style.size = Some(number::size(&arguments.value())?),
        }
    }
    for name in arguments.operands_between(1, usize::MAX)? {
        let outcome = one(cx, &name, &style);
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

fn one(cx: &mut Context<'_>, name: &OsStr, style: &Style) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOCTTY;
    let file = match cx.open_with(name, flags, Mode::empty()) {
        Err(_) if style.force => {
            rustix::fs::chmodat(cx.dir, name, Mode::from_raw_mode(0o600), AtFlags::empty())
                .map_err(|errno| Error::path(name, errno))?;
            cx.open_with(name, flags, Mode::empty())?
        }
        outcome => outcome?,
    };
    let fail = |errno: rustix::io::Errno| Error::path(name, errno);
    let stat = rustix::fs::fstat(&file).map_err(fail)?;
    let regular = FileType::from_raw_mode(stat.st_mode).is_file();
    let end = if regular {
        u64::try_from(stat.st_size).unwrap_or(0)
    } else {
        rustix::fs::seek(&file, SeekFrom::End(0)).map_err(fail)?
    };
    let block = u64::try_from(stat.st_blksize).unwrap_or(4096).max(1);
    let size = style.size.unwrap_or(if regular && !style.exact {
        end.next_multiple_of(block)
    } else {
        end
    });
    let total = style.passes + u64::from(style.zero);
    for pass in 0..total {
        let random = pass < style.passes;
        if style.verbose {
            let what = if random { "random" } else { "000000" };
            cx.warn(&Error::message(format!(
                "{}: pass {}/{total} ({what})...",
                name.display(),
                pass + 1
            )));
        }
        overwrite(&file, name, size, random)?;
        rustix::fs::fdatasync(&file).map_err(fail)?;
    }
    if style.remove {
        if regular {
            rustix::fs::ftruncate(&file, 0).map_err(fail)?;
        }
        rustix::fs::unlinkat(cx.dir, name, AtFlags::empty()).map_err(fail)?;
    }
    Ok(())
}

fn overwrite(file: &OwnedFd, name: &OsStr, size: u64, random: bool) -> Result<()> {
    rustix::fs::seek(file, SeekFrom::Start(0)).map_err(|errno| Error::path(name, errno))?;
    let mut block = vec![0; 64 * 1024];
    let mut left = size;
    while left > 0 {
        if random {
            let mut filled = 0;
            while filled < block.len() {
                filled += rustix::rand::getrandom(
                    &mut block[filled..],
                    rustix::rand::GetRandomFlags::empty(),
                )
                .map_err(|errno| Error::path("random numbers", errno))?;
            }
        }
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        write_all(file.as_fd(), &block[..length]).map_err(|error| Error::path(name, error))?;
        left -= length as u64;
    }
    Ok(())
}
