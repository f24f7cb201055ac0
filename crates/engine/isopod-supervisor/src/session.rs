//! A process of the container that is watched: its own one, or an exec session's.

use crate::stdio;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Most bytes of stdin that wait for the process to read them.
const INPUT_LIMIT_BYTES: usize = 64 << 10;

/// Which process: `None` is the container's own, otherwise an exec session by id.
pub(crate) type Key = Option<String>;

/// A process with its streams.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) key: Key,
    /// The process, once it runs.
    pub(crate) process: Option<Watched>,
    /// Stdout (or the terminal) and stderr; absent when not wanted or at their end.
    pub(crate) outputs: [Option<OwnedFd>; 2],
    /// Stdin, while it is open.
    pub(crate) input: Option<Input>,
    /// The terminal's master.
    pub(crate) terminal: Option<OwnedFd>,
}

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
}

/// Stdin with what waits for it.
#[derive(Debug)]
pub(crate) struct Input {
    /// Absent before the start.
    fd: Option<OwnedFd>,
    queue: VecDeque<u8>,
    /// Close it when the queue is empty.
    closing: bool,
}

impl Session {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, process: None, outputs: [None, None], input: None, terminal: None }
    }

    /// Takes over a terminal's master as its only output and its input.
    pub(crate) fn set_terminal(&mut self, master: OwnedFd, with_input: bool) -> io::Result<()> {
        rustix::io::ioctl_fionbio(&master, true)?;
        self.outputs = [Some(master.try_clone()?), None];
        if with_input {
            self.set_input(master.try_clone()?);
        }
        self.terminal = Some(master);
        Ok(())
    }

    /// Takes over our end of stdin; what came before the process is kept for it.
    pub(crate) fn set_input(&mut self, fd: OwnedFd) {
        self.input.get_or_insert_with(Input::before_start).fd = Some(fd);
    }

    /// Whether nothing can happen to it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.process.is_none() && self.outputs.iter().all(Option::is_none)
    }

    pub(crate) fn resize(&self, height: u16, width: u16) -> io::Result<()> {
        let Some(terminal) = &self.terminal else {
            return Ok(());
        };
        let size =
            rustix::termios::Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(rustix::termios::tcsetwinsize(terminal, size)?)
    }

    /// Name of the FIFO of `stream` in the run-time directory.
    pub(crate) fn fifo(key: &Key, stream: &str) -> String {
        match key {
            None => stream.to_owned(),
            Some(id) => format!("exec-{id}-{stream}"),
        }
    }
}

impl Watched {
    /// Watches a process by its id; the caller knows that it is the right one.
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        let raw = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { pid, pidfd: pidfd_open(raw, PidfdFlags::empty())? })
    }

    /// The exit code of a process whose pidfd is readable; `None` when it cannot be learned.
    ///
    /// A child of ours is reaped. For one that we adopted there are the kernel's record of
    /// reaped processes (6.15) and, while it waits to be reaped by another, its stat file.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        loop {
            match waitid(WaitId::PidFd(self.pidfd.as_fd()), options) {
                Ok(Some(status)) => {
                    return status
                        .exit_status()
                        .or_else(|| status.terminating_signal().map(|signal| 128 + signal));
                }
                Err(Errno::INTR) => {}
                Ok(None) | Err(_) => break,
            }
        }
        let recorded = || isopod_sys::exit_info::exit_status(self.pidfd.as_fd()).ok().flatten();
        recorded().or_else(|| zombie_status(self.pid)).or_else(recorded).map(decode_wait_status)
    }
}

/// The wait status of a process that nobody has reaped yet.
fn zombie_status(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    if fields.next()? != "Z" {
        return None;
    }
    // `exit_code` is field 52 of proc(5); the state was field 3.
    fields.nth(48)?.parse().ok()
}

fn decode_wait_status(status: i32) -> i32 {
    let signal = status & 0x7f;
    if signal == 0 { (status >> 8) & 0xff } else { 128 + signal }
}

impl Input {
    /// A stdin whose process does not run yet.
    pub(crate) fn before_start() -> Self {
        Self { fd: None, queue: VecDeque::new(), closing: false }
    }

    /// How many more bytes may be queued.
    pub(crate) fn room(&self) -> usize {
        if self.closing {
            // What comes after the end is dropped, so it may come.
            INPUT_LIMIT_BYTES
        } else {
            INPUT_LIMIT_BYTES.saturating_sub(self.queue.len())
        }
    }

    pub(crate) fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.closing {
            self.queue.extend(bytes);
        }
    }

    pub(crate) fn close_when_empty(&mut self) {
        self.closing = true;
    }

    pub(crate) fn wants_to_write(&self) -> bool {
        self.fd.is_some() && (!self.queue.is_empty() || self.closing)
    }

    /// Writes what it can; returns whether stdin is at its end: closed by its last client, or
    /// not read by anybody any more.
    pub(crate) fn write(&mut self) -> bool {
        let Some(fd) = &self.fd else {
            return false;
        };
        while !self.queue.is_empty() {
            match rustix::io::write(fd, self.queue.as_slices().0) {
                Ok(written) => {
                    self.queue.drain(..written);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                Err(_) => return true,
            }
        }
        self.closing
    }
}

/// Start time of a process in clock ticks since boot, which with the id names it uniquely.
#[must_use]
pub fn start_ticks(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Drops the FIFOs of an exec session.
pub(crate) fn remove_fifos(key: &Key) {
    for stream in ["stdin", "stdout", "stderr"] {
        stdio::remove(&Session::fifo(key, stream));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_decoded() {
        assert_eq!(decode_wait_status(3 << 8), 3);
        assert_eq!(decode_wait_status(9), 137);
        assert_eq!(decode_wait_status(0x80 | 11), 139);
    }

    #[test]
    fn an_exit_code_is_learned_of_children_and_of_zombies() {
        for reap_first in [false, true] {
            let mut child = std::process::Command::new("/bin/sh")
                .args(["-c", "exit 5"])
                .spawn()
                .expect("spawns");
            let pid = i32::try_from(child.id()).expect("small");
            let watched = Watched::open(pid).expect("opens");
            if reap_first {
                child.wait().expect("waits");
                if isopod_sys::exit_info::exit_status(watched.pidfd.as_fd()).is_err() {
                    return isopod_testkit::skip(
                        "exit code after reaping",
                        "the kernel is older than 6.15",
                    );
                }
            } else {
                while start_ticks(pid).is_some() {
                    std::thread::yield_now();
                }
                assert_eq!(zombie_status(pid), Some(5 << 8));
            }
            assert_eq!(watched.exit_code(), Some(5));
            // Reaped already, one way or the other.
            let _ = child.wait();
        }
    }
}
