//! Output of processes on its way to the log and to clients, and stdin on its way to them.

use crate::client::Mode;
use crate::config::file;
use crate::protocol::Event;
use crate::server::{Server, note};
use crate::session::{Key, Session};
use crate::stdio;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

impl Server {
    /// Whether a client of the session cannot take more of its output.
    pub(crate) fn is_held_up(&self, key: &Key, lane: usize) -> bool {
        self.clients.iter().any(|client| {
            client.is_full()
                && matches!(&client.mode, Mode::Stream(s) if &s.session == key && s.outputs[lane])
        })
    }

    /// Reads once; returns whether there may be more now.
    pub(crate) fn read_output(&mut self, index: usize, lane: usize) -> bool {
        let session = &mut self.sessions[index];
        let Some(fd) = session.outputs[lane].as_ref() else {
            return false;
        };
        let mut scratch = [0u8; 16 << 10];
        let outcome = match &session.key {
            None => self.spool.read(lane, fd.as_fd()),
            Some(_) => read_plain(fd, &mut scratch),
        };
        let bytes = match outcome {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                session.outputs[lane] = None;
                return false;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(_) => {
                session.outputs[lane] = None;
                return false;
            }
        };
        for client in &mut self.clients {
            let stream = lane as u8 + 1;
            match &client.mode {
                Mode::Stream(streams)
                    if streams.session == session.key && streams.outputs[lane] =>
                {
                    client.send_output(stream, bytes);
                }
                _ => {}
            }
        }
        if session.key.is_none() {
            self.write_log(lane, false);
        }
        true
    }

    pub(crate) fn write_log(&mut self, lane: usize, all: bool) {
        if let Err(error) = self.spool.log(lane, &mut self.log, all) {
            if !self.log_failed {
                note(&self.config.id, &format!("log: {error}"));
            }
            self.log_failed = true;
        }
    }

    pub(crate) fn write_input(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        let Some(input) = &mut session.input else {
            return;
        };
        if !input.write() {
            return;
        }
        session.input = None;
        let key = session.key.clone();
        stdio::remove(&Session::fifo(&key, file::STDIN));
        if key.is_none() {
            self.tell(Event::StdinClosed);
        }
    }
}

fn read_plain<'a>(fd: &OwnedFd, scratch: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
    loop {
        match rustix::io::read(fd, &mut *scratch) {
            Ok(0) | Err(Errno::IO) => return Ok(None),
            Ok(read) => return Ok(Some(&scratch[..read])),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
