//! `more`: text page by page.

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, copy};
use rustix::termios::{LocalModes, OptionalActions};

/// See the usage text.
pub(crate) const MORE: Applet = Applet::new(
    "more",
    more,
    "[FILE]...\n\n\
     Show FILEs, or standard input, page by page on a terminal\n\n\
     \tspace\tThe next page\n\
     \tenter\tThe next line\n\
     \tq\tEnd",
)
.at(Place::Bin);

const OPTIONS: Spec = Spec::new("", &[]);

fn more(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&OPTIONS);
    while arguments.next()?.is_some() {}
    let operands = arguments.operands();
    let keyboard =
        if cx.stdout.is_terminal() { cx.open_file("/dev/tty".as_ref()).ok() } else { None };
    let Some(keyboard) = keyboard else {
        cx.each_input(&operands, |cx, input, name| copy::to_output(input, &mut cx.stdout, name))?;
        return Ok(cx.status());
    };
    let raw = Raw::enter(keyboard)?;
    let (mut room, mut quit) = (raw.rows(), false);
    let several = operands.len() > 1;
    cx.each_input(&operands, |cx, input, name| {
        if several && !quit {
            write!(cx.stdout, "::::::::::::::\n{}\n::::::::::::::\n", name.display())?;
            room = room.saturating_sub(3);
        }
        while let Some(line) = input.line(b'\n').map_err(|error| Error::path(name, error))? {
            if quit {
                return Ok(());
            }
            if room == 0 {
                let line = line.to_vec();
                cx.stdout.put(b"\x1b[7m--More--\x1b[m")?;
                cx.stdout.flush()?;
                let answer = raw.key();
                cx.stdout.put(b"\r\x1b[K")?;
                match answer {
                    Some(b'q' | b'Q' | 3) | None => {
                        quit = true;
                        return Ok(());
                    }
                    Some(b'\r' | b'\n') => room = 1,
                    Some(_) => room = raw.rows(),
                }
                cx.stdout.put(&line)?;
            } else {
                cx.stdout.put(line)?;
            }
            room = room.saturating_sub(1);
        }
        Ok(())
    })?;
    Ok(cx.status())
}

/// The terminal without echo and lines, until this is dropped.
struct Raw {
    keyboard: isobox_applet::Input<'static>,
    before: rustix::termios::Termios,
}

impl Raw {
    fn enter(keyboard: isobox_applet::Input<'_>) -> Result<Self> {
        use std::os::fd::AsFd;
        let fail = |errno: rustix::io::Errno| Error::path("/dev/tty", errno);
        let own = keyboard
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| Error::path("/dev/tty", error))?;
        let before = rustix::termios::tcgetattr(&own).map_err(fail)?;
        let mut now = before.clone();
        now.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        rustix::termios::tcsetattr(&own, OptionalActions::Now, &now).map_err(fail)?;
        Ok(Self { keyboard: isobox_applet::Input::from(own), before })
    }

    /// Lines of a page.
    fn rows(&self) -> usize {
        use std::os::fd::AsFd;
        rustix::termios::tcgetwinsize(self.keyboard.as_fd())
            .map_or(24, |size| usize::from(size.ws_row))
            .max(2)
            - 1
    }

    fn key(&self) -> Option<u8> {
        use std::os::fd::AsFd;
        let mut byte = [0];
        matches!(isobox_applet::read(self.keyboard.as_fd(), &mut byte), Ok(1)).then_some(byte[0])
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        use std::os::fd::AsFd;
        rustix::termios::tcsetattr(self.keyboard.as_fd(), OptionalActions::Now, &self.before).ok();
    }
}
