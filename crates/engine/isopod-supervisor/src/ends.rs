//! The ends of the container and of exec sessions.

use crate::client::Mode;
use crate::config::file;
use crate::protocol::{Event, Exited};
use crate::server::{Server, note};
use crate::session::{Key, remove_fifos};
use isopod_base::times::Timestamp;
use std::path::Path;

/// How many ended exec sessions are remembered.
const ENDED_EXECS: usize = 64;

impl Server {
    pub(crate) fn end_session(&mut self, index: usize) {
        if self.sessions.get(index).is_none_or(|session| session.process.is_none()) {
            return;
        }
        if index == 0 {
            self.end_container();
            return;
        }
        let exit_code = self.reap(index).unwrap_or(255);
        let key = self.sessions[index].key.clone();
        remove_fifos(&key);
        let id = key.clone().unwrap_or_default();
        self.ended_execs.push((id.clone(), exit_code));
        if self.ended_execs.len() > ENDED_EXECS {
            self.ended_execs.remove(0);
        }
        self.tell(Event::ExecExited { id, exit_code });
        self.finish_streams(&key);
    }

    /// Takes the exit code of a session's process, and what is left of its output.
    pub(crate) fn reap(&mut self, index: usize) -> Option<i32> {
        let exit_code = self.sessions[index].process.take().and_then(|process| process.exit_code());
        for lane in 0..2 {
            while self.read_output(index, lane) {}
            self.sessions[index].outputs[lane] = None;
        }
        self.sessions[index].input = None;
        exit_code
    }

    /// The order of this is the promise: the status is on record before anybody is told, and
    /// everything is cleaned up by then.
    pub(crate) fn end_container(&mut self) {
        let exit_code = self.reap(0);
        self.sessions[0].terminal = None;
        for lane in 0..2 {
            self.write_log(lane, true);
        }
        let oom_killed = self.container.as_ref().is_some_and(|container| container.oom_kills() > 0);
        let exited = Exited {
            exit_code: exit_code.unwrap_or(255),
            finished_at_ns: now_ns(),
            oom_killed,
            unknown: exit_code.is_none(),
        };
        let bytes = serde_json::to_vec(&exited).expect("plain data");
        let write = if self.config.removed_at_end {
            isopod_base::files::replace_volatile
        } else {
            isopod_base::files::replace
        };
        if let Err(error) = write(Path::new(file::EXITED), &bytes, 0o600) {
            note(&self.config.id, &error.to_string());
        }
        if let Some(container) = &self.container
            && let Err(failure) = container.delete()
        {
            note(&self.config.id, &failure.message);
        }
        remove_fifos(&None);
        self.exited = Some(exited.clone());
        self.end_leftover_execs();
        self.finish_streams(&None);
        self.tell(Event::Exited(exited));
        self.done = true;
        for client in &mut self.clients {
            client.finish();
        }
    }

    /// Exec sessions die with the container; those that nobody has reaped are told as killed.
    pub(crate) fn end_leftover_execs(&mut self) {
        for index in (1..self.sessions.len()).rev() {
            if self.sessions[index].process.is_some() {
                self.end_session(index);
            }
        }
    }

    pub(crate) fn finish_streams(&mut self, key: &Key) {
        for client in &mut self.clients {
            if matches!(&client.mode, Mode::Stream(streams) if &streams.session == key) {
                client.finish();
            }
        }
    }
}

pub(crate) fn now_ns() -> i64 {
    i64::try_from(Timestamp::now().nanos()).unwrap_or(i64::MAX)
}
