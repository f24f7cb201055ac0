//! What clients ask, and what they send to stdin.

use crate::client::{Client, Input as ClientInput, Mode, Received, Streams};
use crate::protocol::{self, Attach, Event, Failure, FailureKind, Message, Reply, Request, State};
use crate::server::Server;
use crate::session::{Input, Key, Session};
use rustix::event::PollFlags;
use std::io;
use std::os::fd::OwnedFd;

impl Server {
    pub(crate) fn handle_client(&mut self, index: usize, flags: PollFlags) {
        if flags.contains(PollFlags::OUT) && !self.clients[index].flush() {
            return;
        }
        if !flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            return;
        }
        let received = self.clients[index].receive();
        let outcome = match self.clients[index].mode {
            Mode::Control { .. } => self.handle_requests(index),
            Mode::Stream(_) => self.handle_stream(index),
        };
        let is_stream = matches!(self.clients[index].mode, Mode::Stream(_));
        if outcome.is_err() || flags.intersects(PollFlags::HUP | PollFlags::ERR) {
            // A peer that is gone has no use for what is still queued.
            self.clients[index].abandon();
        } else if received == Received::End {
            if is_stream {
                self.clients[index].close_half();
            } else {
                self.clients[index].abandon();
            }
        }
    }

    pub(crate) fn handle_requests(&mut self, index: usize) -> io::Result<()> {
        while let Some(request) = self.clients[index].next_request()? {
            let (reply, fd) = match self.answer(index, request) {
                Ok(answer) => answer,
                Err(failure) => (Reply::Failed(failure), None),
            };
            self.clients[index].send(&Message::Reply(reply), fd);
            if matches!(self.clients[index].mode, Mode::Stream(_)) {
                return self.handle_stream(index);
            }
        }
        Ok(())
    }

    pub(crate) fn answer(
        &mut self,
        index: usize,
        request: Request,
    ) -> Result<(Reply, Option<OwnedFd>), Failure> {
        match request {
            Request::Start => {
                self.clients[index].mode = Mode::Control { subscribed: true };
                let running = self.start()?;
                Ok((Reply::Started(running), self.terminal_to_pass()))
            }
            Request::Subscribe => {
                self.clients[index].mode = Mode::Control { subscribed: true };
                Ok((Reply::State(self.state()), self.terminal_to_pass()))
            }
            Request::Attach(attach) => {
                let streams = self.attach(attach)?;
                self.clients[index].mode = Mode::Stream(streams);
                let log_bytes = self.log.length();
                Ok((Reply::Attached { log_bytes }, None))
            }
            Request::Exec(exec) => {
                let detach = exec.detach;
                let (pid, streams) = self.exec(*exec)?;
                if !detach {
                    self.clients[index].mode = Mode::Stream(streams);
                }
                Ok((Reply::ExecStarted { pid }, None))
            }
            Request::Resize { exec, height, width } => {
                let session = self.session(&exec)?;
                session
                    .resize(height, width)
                    .map_err(|error| Failure::other(format!("set the terminal's size: {error}")))?;
                Ok((Reply::Done, None))
            }
        }
    }

    pub(crate) fn handle_stream(&mut self, index: usize) -> io::Result<()> {
        let Mode::Stream(streams) = &self.clients[index].mode else {
            return Ok(());
        };
        let streams = streams.clone();
        loop {
            let room = self.room_for(&self.clients[index]);
            let Some(piece) = self.clients[index].next_input(room)? else {
                break;
            };
            if !streams.stdin {
                continue;
            }
            let Some(at) = self.sessions.iter().position(|s| s.key == streams.session) else {
                continue;
            };
            let is_terminal = self.sessions[at].terminal.is_some();
            let Some(input) = &mut self.sessions[at].input else {
                continue;
            };
            match piece {
                ClientInput::Bytes(bytes) => input.push(&bytes),
                // A terminal has no end; who types sends ^D.
                ClientInput::End if is_terminal => {}
                ClientInput::End => input.close_when_empty(),
            }
            if self.sessions[at].process.is_some() {
                self.write_input(at);
            }
        }
        Ok(())
    }

    /// Goes on with stdin that clients have sent while there was no room for it: it is here
    /// already, so that no event of theirs would tell of it.
    pub(crate) fn resume_input(&mut self, session: usize) {
        let key = self.sessions[session].key.clone();
        for index in 0..self.clients.len() {
            let waits = matches!(
                &self.clients[index].mode,
                Mode::Stream(streams) if streams.stdin && streams.session == key
            );
            if waits && self.handle_stream(index).is_err() {
                self.clients[index].abandon();
            }
        }
    }

    /// How much more of a client's stdin can be taken.
    pub(crate) fn room_for(&self, client: &Client) -> usize {
        let Mode::Stream(streams) = &client.mode else {
            return 0;
        };
        self.sessions
            .iter()
            .find(|session| session.key == streams.session)
            .and_then(|session| session.input.as_ref())
            // Without a stdin everything is dropped.
            .map_or(usize::MAX, Input::room)
    }

    pub(crate) fn attach(&mut self, attach: Attach) -> Result<Streams, Failure> {
        if self.exited.is_some() {
            return Err(Failure {
                kind: FailureKind::NotRunning,
                message: format!("container {} has ended", self.config.id),
            });
        }
        self.session(&attach.exec)?;
        Ok(Streams {
            session: attach.exec,
            stdin: attach.stdin,
            outputs: [attach.stdout, attach.stderr],
        })
    }

    pub(crate) fn session(&self, key: &Key) -> Result<&Session, Failure> {
        self.sessions.iter().find(|session| &session.key == key).ok_or_else(|| Failure {
            kind: FailureKind::NotFound,
            message: match key {
                Some(id) => format!("No such exec instance: {id}"),
                None => "the container has no process".to_owned(),
            },
        })
    }

    pub(crate) fn state(&self) -> State {
        State {
            version: protocol::VERSION,
            running: self.running.clone(),
            exited: self.exited.clone(),
            stdin_open: self.sessions[0].input.is_some(),
            execs: self
                .sessions
                .iter()
                .filter_map(|s| Some((s.key.clone()?, s.process.as_ref().map_or(0, |p| p.pid))))
                .collect(),
            ended_execs: self.ended_execs.clone(),
        }
    }

    pub(crate) fn terminal_to_pass(&self) -> Option<OwnedFd> {
        self.sessions[0].terminal.as_ref()?.try_clone().ok()
    }

    pub(crate) fn tell(&mut self, event: Event) {
        let message = Message::Event(event);
        for client in &mut self.clients {
            if matches!(client.mode, Mode::Control { subscribed: true }) {
                client.send(&message, None);
            }
        }
    }
}
