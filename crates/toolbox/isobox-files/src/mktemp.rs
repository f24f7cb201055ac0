//! `mktemp`: makes files and directories with names that nobody can foresee.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// See the usage text.
pub(crate) const MKTEMP: Applet = Applet::new(
    "mktemp",
    mktemp,
    "[-dqut] [-p DIR] [--suffix SUF] [TEMPLATE]\n\n\
     Make a file for its owner only, and print its name. TEMPLATE (tmp.XXXXXXXXXX) has at least\n\
     three X, which are replaced\n\n\
     \t-d\tA directory\n\
     \t-q\tNo messages\n\
     \t-u\tOnly print a name (which others may take)\n\
     \t-p DIR\tIn DIR\n\
     \t-t\tIn $TMPDIR or /tmp\n\
     \t--suffix SUF\tSUF after the X",
)
.at(Place::Bin)
.in_process();

const OPTIONS: Spec = Spec::new(
    "dqutp:",
    &[("directory", 'd'), ("quiet", 'q'), ("dry-run", 'u'), ("tmpdir=?", 'P'), ("suffix=", 's')],
);

fn mktemp(cx: &mut Context<'_>) -> Result<Status> {
    let (mut directory, mut quiet, mut dry, mut in_base) = (false, false, false, false);
    let (mut base, mut suffix) = (None, OsString::new());
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'd' => directory = true,
            'q' => quiet = true,
            'u' => dry = true,
            't' => in_base = true,
            'p' | 'P' => {
                base = arguments.optional_value();
                in_base = true;
            }
            _ => suffix = arguments.value(),
        }
    }
    let operands = arguments.operands_between(0, 1)?;
    let template = operands.first().cloned().unwrap_or_else(|| {
        in_base = true;
        "tmp.XXXXXXXXXX".into()
    });
    let mut path = OsString::new();
    if in_base {
        let default = || cx.variables.get("TMPDIR").filter(|dir| !dir.is_empty());
        path =
            base.filter(|base| !base.is_empty()).or_else(default).unwrap_or_else(|| "/tmp".into());
        path.push("/");
    }
    path.push(&template);
    match make(cx, &path, &suffix, directory, dry) {
        Ok(name) => {
            cx.stdout.put(name.as_bytes())?;
            cx.stdout.put(b"\n")?;
            Ok(cx.status())
        }
        Err(_) if quiet => Err(Error::Silent(1)),
        Err(error) => Err(error),
    }
}

fn make(
    cx: &Context<'_>,
    path: &OsStr,
    suffix: &OsStr,
    directory: bool,
    dry: bool,
) -> Result<OsString> {
    let mut bytes = path.as_bytes().to_vec();
    let mut end = bytes.len();
    if suffix.is_empty() {
        // The X may be followed by a suffix.
        end = memchr::memrchr(b'X', &bytes).map_or(0, |at| at + 1);
    }
    let start = bytes[..end].iter().rposition(|&byte| byte != b'X').map_or(0, |at| at + 1);
    if end - start < 3 || bytes[end..].contains(&b'/') || suffix.as_bytes().contains(&b'/') {
        return Err(Error::about("too few X in template", path));
    }
    bytes.extend_from_slice(suffix.as_bytes());
    for _ in 0..1000 {
        letters(&mut bytes[start..end]);
        let name = OsStr::from_bytes(&bytes);
        let outcome = if dry {
            match rustix::fs::statat(cx.dir, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => Ok(()),
                Err(errno) => Err(errno),
                Ok(_) => Err(Errno::EXIST),
            }
        } else if directory {
            rustix::fs::mkdirat(cx.dir, name, Mode::RWXU)
        } else {
            let flags =
                OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            rustix::fs::openat(cx.dir, name, flags, Mode::RUSR | Mode::WUSR).map(drop)
        };
        match outcome {
            Ok(()) => return Ok(name.to_owned()),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(Error::path(path, errno)),
        }
    }
    Err(Error::path(path, Errno::EXIST))
}

fn letters(target: &mut [u8]) {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for letter in target {
        let mut byte = [255];
        // 248 is a multiple of 62: all letters are equally likely.
        while byte[0] >= 248 {
            if rustix::rand::getrandom(&mut byte[..], rustix::rand::GetRandomFlags::empty())
                .is_err()
            {
                byte[0] = 0;
            }
        }
        *letter = ALPHABET[usize::from(byte[0] % 62)];
    }
}
