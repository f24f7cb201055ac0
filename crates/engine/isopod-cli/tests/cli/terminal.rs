//! A terminal for the command line under test.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use isopod_testkit::{Limited, ProcessGuard};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// A command that runs in a terminal of its own.
pub(crate) struct Terminal {
    ours: File,
    theirs: OwnedFd,
    shown: Arc<Mutex<String>>,
    pub(crate) process: ProcessGuard,
}

impl Terminal {
    /// Starts `command` in a new terminal of 30 lines and 90 columns.
    pub(crate) fn start(command: &Command) -> Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, vec![])?;
        let flags =
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty())?;
        set_size(&ours, 30, 90)?;
        // setsid gives the terminal to the command, so that signals of the terminal reach it.
        let mut in_session = Command::new("setsid");
        in_session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => in_session.env(name, value),
                None => in_session.env_remove(name),
            };
        }
        in_session
            .stdin(Stdio::from(theirs.try_clone()?))
            .stdout(Stdio::from(theirs.try_clone()?))
            .stderr(Stdio::from(theirs.try_clone()?));
        let process = ProcessGuard::spawn(&mut in_session)?;
        let ours = File::from(ours);
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut reader, screen) = (ours.try_clone()?, shown.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                screen.lock().expect("not poisoned").push_str(&text);
            }
        });
        Ok(Self { ours, theirs, shown, process })
    }

    /// Types.
    pub(crate) fn types(&mut self, text: &str) -> Result<()> {
        self.ours.write_all(text.as_bytes()).context("type")
    }

    /// Everything shown so far.
    pub(crate) fn shown(&self) -> String {
        self.shown.lock().expect("not poisoned").clone()
    }

    /// Waits until `text` is shown.
    pub(crate) fn shows(&self, text: &str) -> Result<()> {
        Limited::seconds(20)
            .until(&format!("{text:?} is shown"), || self.shown().contains(text))
            .with_context(|| format!("shown so far: {:?}", self.shown()))
    }

    /// Gives the window another size.
    pub(crate) fn resize(&self, height: u16, width: u16) -> Result<()> {
        set_size(&self.ours, height, width)
    }

    /// Whether the terminal is as it was for people: lines, echo and signals.
    pub(crate) fn is_cooked(&self) -> Result<bool> {
        let wanted = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        Ok(tcgetattr(&self.theirs)?.local_modes.contains(wanted))
    }

    /// Waits for the end; the exit code.
    pub(crate) fn ends(&mut self) -> Result<Option<i32>> {
        let status = Limited::seconds(20)
            .wait(&mut self.process)
            .with_context(|| format!("shown so far: {:?}", self.shown()))?;
        Ok(status.code())
    }
}

fn set_size(terminal: &impl std::os::fd::AsFd, height: u16, width: u16) -> Result<()> {
    let size = Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).context("set the window's size")
}
