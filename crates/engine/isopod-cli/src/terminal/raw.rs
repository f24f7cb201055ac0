//! Modes of the terminal, and the way back from them.

use std::os::fd::BorrowedFd;

use anyhow::{Context, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};

/// A terminal in another mode; dropping this restores it.
pub(crate) struct ChangedMode {
    terminal: BorrowedFd<'static>,
    before: Termios,
}

impl ChangedMode {
    /// Puts the terminal of standard input into raw mode; `None` if there is none.
    pub(crate) fn raw() -> Result<Option<Self>> {
        Self::change(Termios::make_raw)
    }

    /// Stops the terminal of standard input from showing what is typed.
    pub(crate) fn without_echo() -> Result<Option<Self>> {
        Self::change(|mode| mode.local_modes.remove(LocalModes::ECHO))
    }

    fn change(change: impl FnOnce(&mut Termios)) -> Result<Option<Self>> {
        let terminal = rustix::stdio::stdin();
        if !isatty(terminal) {
            return Ok(None);
        }
        let before = tcgetattr(terminal).context("read the terminal's mode")?;
        let mut mode = before.clone();
        change(&mut mode);
        tcsetattr(terminal, OptionalActions::Now, &mode).context("set the terminal's mode")?;
        Ok(Some(Self { terminal, before }))
    }
}

impl Drop for ChangedMode {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that went away.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
