//! `touch`: sets times of files, and makes them.

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, dates};
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

/// See the usage text.
pub(crate) const TOUCH: Applet = Applet::new(
    "touch",
    touch,
    "[-camhf] [-d DATE] [-t STAMP] [-r FILE] FILE...\n\n\
     Set the times of FILEs to now; make those that do not exist\n\n\
     \t-a\tOnly the time of access\n\
     \t-m\tOnly the time of modification\n\
     \t-c\tMake no files\n\
     \t-h\tThe times of links, not of what they point to\n\
     \t-d DATE\tTo DATE\n\
     \t-t STAMP\tTo [[CC]YY]MMDDhhmm[.ss]\n\
     \t-r FILE\tTo the times of FILE",
)
.at(Place::Bin)
.in_process();

const OPTIONS: Spec = Spec::new(
    "camhfd:t:r:",
    &[
        ("no-create", 'c'),
        ("date=", 'd'),
        ("no-dereference", 'h'),
        ("reference=", 'r'),
        ("time=", '\x01'),
    ],
);

fn touch(cx: &mut Context<'_>) -> Result<Status> {
    let (mut create, mut access, mut modification, mut links) = (true, false, false, false);
    let (mut times, mut date, mut reference) = (None, None, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'c' => create = false,
            'a' => access = true,
            'm' => modification = true,
            'h' => links = true,
            'd' => date = Some(arguments.text()?),
            't' => {
                let text = arguments.text()?;
                let time = dates::stamp(&text)
                    .ok_or_else(|| Error::message(format!("invalid date '{text}'")))?;
                times = Some([(time, 0); 2]);
            }
            'r' => reference = Some(arguments.value()),
            '\x01' => match arguments.text()?.as_str() {
                "access" | "atime" | "use" => access = true,
                "modify" | "mtime" => modification = true,
                other => {
                    return Err(Error::message(format!(
                        "bad --time={other}: expected access or modify"
                    )));
                }
            },
            _ => {}
        }
    }
    let operands = arguments.operands_between(1, usize::MAX)?;
    let flags = if links { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
    let mut base = None;
    if let Some(name) = reference {
        let status =
            rustix::fs::statat(cx.dir, &name, flags).map_err(|errno| Error::path(&name, errno))?;
        let nanoseconds = |value: u64| u32::try_from(value).unwrap_or(0);
        times = Some([
            (status.st_atime, nanoseconds(status.st_atime_nsec)),
            (status.st_mtime, nanoseconds(status.st_mtime_nsec)),
        ]);
        base = times;
    }
    if let Some(text) = date {
        let invalid = || Error::message(format!("invalid date '{text}'"));
        let now = isobox_applet::time::now();
        let of = |from| dates::parse(&text, from, false).ok_or_else(invalid);
        let [a, m] = base.unwrap_or([now; 2]);
        times = Some([of(a)?, of(m)?]);
    }
    if !access && !modification {
        (access, modification) = (true, true);
    }
    const NOW: i64 = (1 << 30) - 1;
    const OMIT: i64 = (1 << 30) - 2;
    let time = |wanted: bool, index: usize| match (wanted, &times) {
        (false, _) => Timespec { tv_sec: 0, tv_nsec: OMIT },
        (true, None) => Timespec { tv_sec: 0, tv_nsec: NOW },
        (true, Some(times)) => Timespec { tv_sec: times[index].0, tv_nsec: times[index].1.into() },
    };
    let stamps =
        Timestamps { last_access: time(access, 0), last_modification: time(modification, 1) };
    for name in &operands {
        if name == "-" {
            if let Err(errno) = rustix::fs::futimens(cx.stdout.fd(), &stamps) {
                cx.report(&Error::path("standard output", errno));
            }
            continue;
        }
        let outcome = match rustix::fs::utimensat(cx.dir, name, &stamps, flags) {
            Err(Errno::NOENT) if create && !links => {
                let open = OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY;
                cx.open_with(name, open, Mode::from_raw_mode(0o666)).and_then(|file| {
                    rustix::fs::futimens(&file, &stamps).map_err(|errno| Error::path(name, errno))
                })
            }
            Err(Errno::NOENT) if !create => Ok(()),
            outcome => outcome.map_err(|errno| Error::path(name, errno)),
        };
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}
