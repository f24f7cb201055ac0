//! `dos2unix` and `unix2dos`: ends of lines.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use isobox_applet::{Applet, Context, Error, Input, Output, Result, Spec, Status};

/// See the usage text.
pub(crate) const DOS2UNIX: Applet = Applet::new(
    "dos2unix",
    dos2unix,
    "[-ud] [FILE]...\n\n\
     Convert FILEs in place, or standard input, from the ends of lines of DOS to those of Unix\n\n\
     \t-u\tTo Unix\n\
     \t-d\tTo DOS",
);

/// See the usage text.
pub(crate) const UNIX2DOS: Applet = Applet::new(
    "unix2dos",
    unix2dos,
    "[-ud] [FILE]...\n\n\
     Convert FILEs in place, or standard input, from the ends of lines of Unix to those of DOS\n\n\
     \t-u\tTo Unix\n\
     \t-d\tTo DOS",
);

const OPTIONS: Spec = Spec::new("ud", &[("d2u", 'u'), ("u2d", 'd')]);

fn dos2unix(cx: &mut Context<'_>) -> Result<Status> {
    run(cx, false)
}

fn unix2dos(cx: &mut Context<'_>) -> Result<Status> {
    run(cx, true)
}

fn run(cx: &mut Context<'_>, mut to_dos: bool) -> Result<Status> {
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        to_dos = option == 'd';
    }
    let operands = arguments.operands();
    if operands.is_empty() {
        let mut input = Input::from(cx.stdin);
        convert(&mut input, &mut cx.stdout, to_dos)?;
    }
    for name in &operands {
        let outcome = in_place(cx, name, to_dos);
        cx.attempt(outcome)?;
    }
    Ok(cx.status())
}

/// The new content takes the old one's place at once, with its owner and permissions.
fn in_place(cx: &Context<'_>, name: &OsStr, to_dos: bool) -> Result<()> {
    let mut input = cx.open_file(name)?;
    let replacement = isobox_applet::replace::Replacement::new(cx.dir, name, input.as_fd())?;
    let mut output = Output::new(replacement.as_fd());
    convert(&mut input, &mut output, to_dos).map_err(|error| error.on(name))?;
    output.flush().map_err(|error| match error {
        Error::Output(source) => Error::path(name, source),
        other => other,
    })?;
    replacement.commit()
}

/// Carriage returns go wherever they stand, and come before every newline or none.
fn convert(input: &mut Input<'_>, output: &mut Output<'_>, to_dos: bool) -> Result<()> {
    while let Some(line) = input.line(b'\n').map_err(Error::Read)? {
        let (text, ended) = match line.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (line, false),
        };
        for part in text.split(|&byte| byte == b'\r') {
            output.put(part)?;
        }
        if ended {
            output.put(if to_dos { b"\r\n" } else { b"\n" })?;
        }
    }
    Ok(())
}
