//! `tee` and `yes`: one stream to many files; one line for ever.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, read, write_all};
use rustix::fs::{Mode, OFlags};

/// See the usage text.
pub(crate) const TEE: Applet = Applet::new(
    "tee",
    tee,
    "[-aip] [FILE]...\n\n\
     Copy standard input to FILEs and to standard output\n\n\
     \t-a\tAppend to FILEs\n\
     \t-i\tGo on after an interrupt\n\
     \t-p\tGo on when a reader of a pipe is gone",
);

/// See the usage text.
pub(crate) const YES: Applet =
    Applet::new("yes", yes, "[STRING]...\n\nPrint a line with STRING, or y, again and again");

const OPTIONS: Spec =
    Spec::new("aip", &[("append", 'a'), ("ignore-interrupts", 'i'), ("output-error=?", 'p')]);

fn tee(cx: &mut Context<'_>) -> Result<Status> {
    let (mut append, mut interrupts, mut pipes) = (false, false, false);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => append = true,
            'i' => interrupts = true,
            _ => pipes = true,
        }
    }
    if interrupts {
        isopod_sys::signals::ignore(isopod_sys::signals::INTERRUPT);
    }
    if pipes {
        isopod_sys::signals::ignore(isopod_sys::signals::BROKEN_PIPE);
    }
    let operands = arguments.operands();
    let mut targets: Vec<(OwnedFd, &OsStr)> = Vec::new();
    let flags =
        OFlags::WRONLY | OFlags::CREATE | if append { OFlags::APPEND } else { OFlags::TRUNC };
    for name in &operands {
        let opened = cx.open_with(name, flags, Mode::from_raw_mode(0o666));
        if let Some(file) = cx.attempt(opened)? {
            targets.push((file, name));
        }
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut output = true;
    loop {
        let count = read(cx.stdin, &mut buffer).map_err(Error::Read)?;
        if count == 0 {
            break;
        }
        let mut failures = Vec::new();
        if output && let Err(error) = write_all(cx.stdout.fd(), &buffer[..count]) {
            output = false;
            failures.push(Error::Output(error));
        }
        targets.retain(|(file, name)| match write_all(file.as_fd(), &buffer[..count]) {
            Ok(()) => true,
            Err(error) => {
                failures.push(Error::path(name, error));
                false
            }
        });
        failures.iter().for_each(|failure| cx.report(failure));
        if !output && targets.is_empty() {
            break;
        }
    }
    Ok(cx.status())
}

fn yes(cx: &mut Context<'_>) -> Result<Status> {
    let mut words = std::mem::take(&mut cx.args);
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    let mut line = if words.is_empty() {
        b"y".to_vec()
    } else {
        words.join(OsStr::new(" ")).as_bytes().to_vec()
    };
    line.push(b'\n');
    let block = line.repeat((16 * 1024 / line.len()).max(1));
    loop {
        write_all(cx.stdout.fd(), &block).map_err(Error::Output)?;
    }
}
