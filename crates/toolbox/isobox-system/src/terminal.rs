//! `tty`, `clear`, `reset`: the terminal.

use isobox_applet::{Applet, Context, Result, Spec, Status};

/// `tty`
pub(crate) const TTY: Applet = Applet::new(
    "tty",
    tty,
    "[-s]\n\nShow the name of the terminal that standard input is\n\n\t-s\tOnly the exit status",
)
.fails_with(2);
/// `clear`
pub(crate) const CLEAR: Applet = Applet::new("clear", clear, "\n\nClear the screen");
/// `reset`
pub(crate) const RESET: Applet = Applet::new("reset", reset, "\n\nReset the screen");

const TTY_SPEC: Spec = Spec::new("s", &[("silent", 's'), ("quiet", 's')]);

fn tty(cx: &mut Context<'_>) -> Result<Status> {
    let mut silent = false;
    let mut arguments = cx.parse(&TTY_SPEC);
    while arguments.next()?.is_some() {
        silent = true;
    }
    arguments.operands_between(0, 0)?;
    let name = rustix::termios::ttyname(cx.stdin, Vec::new()).ok();
    if !silent {
        let shown = name.as_ref().map_or(&b"not a tty"[..], |name| name.as_bytes());
        cx.stdout.put(&[shown, b"\n"].concat())?;
    }
    Ok(Status::failed_if(name.is_none()))
}

fn clear(cx: &mut Context<'_>) -> Result<Status> {
    // To the corner, and nothing after it: what every terminal of today knows.
    cx.stdout.put(b"\x1b[H\x1b[J")?;
    Ok(Status::SUCCESS)
}

fn reset(cx: &mut Context<'_>) -> Result<Status> {
    if cx.stdout.is_terminal() {
        // All settings, character set, attributes, screen, cursor.
        cx.stdout.put(b"\x1bc\x1b(B\x1b[m\x0f\x1b[2J\x1b[?25h")?;
        cx.stdout.flush()?;
        let fd = cx.stdout.fd();
        if let Ok(mut settings) = rustix::termios::tcgetattr(fd) {
            use rustix::termios::{InputModes, LocalModes, OptionalActions, OutputModes};
            settings.input_modes |= InputModes::ICRNL | InputModes::IXON | InputModes::BRKINT;
            settings.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
            settings.local_modes |= LocalModes::ISIG
                | LocalModes::ICANON
                | LocalModes::ECHO
                | LocalModes::ECHOE
                | LocalModes::ECHOK
                | LocalModes::IEXTEN;
            // A terminal that does not let itself be set is as reset as it can be.
            rustix::termios::tcsetattr(fd, OptionalActions::Now, &settings).ok();
        }
    }
    Ok(Status::SUCCESS)
}
