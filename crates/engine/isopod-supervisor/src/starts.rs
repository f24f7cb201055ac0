//! Starting the container and exec sessions.

use crate::client::Streams;
use crate::config::file;
use crate::container::{Container, Spawned};
use crate::ends::now_ns;
use crate::protocol::{Exec, Failure, FailureKind, Running};
use crate::server::Server;
use crate::session::{Session, Watched, remove_fifos, start_ticks};
use crate::stdio::{self, Owner};
use isopod_oci::runtime::Spec;
use isopod_runtime::Stdio;
use std::io;
use std::path::Path;

impl Server {
    pub(crate) fn start(&mut self) -> Result<Running, Failure> {
        if self.running.is_some() || self.exited.is_some() {
            return Err(Failure::invalid("the container was started already".to_owned()));
        }
        let passed = std::mem::take(&mut self.passed);
        let bytes = std::fs::read(file::SPEC)
            .map_err(|error| Failure::other(format!("read {}: {error}", file::SPEC)))?;
        let spec = Spec::parse(&bytes).map_err(|error| Failure::invalid(error.to_string()))?;
        drop(bytes);
        let process = spec.process.as_ref();
        let terminal = process.is_some_and(|process| process.terminal);
        let owner = owner_of(&spec);
        let open_stdin = self.config.open_stdin;
        let stdio = self
            .stdio_for(0, terminal, owner, [open_stdin, true, true])
            .map_err(|error| Failure::other(format!("prepare the standard streams: {error}")))?;
        let outcome = Container::start(&self.config, spec, passed, stdio);
        let running = outcome.and_then(|(container, spawned)| {
            self.container = Some(container);
            self.take_process(0, spawned, open_stdin)
        });
        match running {
            Ok(running) => {
                self.running = Some(running.clone());
                Ok(running)
            }
            Err(failure) => {
                self.give_up();
                Err(failure)
            }
        }
    }

    /// After a start that failed: nothing is left behind, and the supervisor ends.
    pub(crate) fn give_up(&mut self) {
        if let Some(container) = &self.container {
            let _ = container.delete();
        }
        self.sessions.truncate(1);
        remove_fifos(&None);
        self.done = true;
        for client in &mut self.clients {
            client.finish();
        }
    }

    /// Makes the FIFOs of a process: for each stream whether it is wanted.
    pub(crate) fn stdio_for(
        &mut self,
        index: usize,
        terminal: bool,
        owner: Owner,
        wanted: [bool; 3],
    ) -> io::Result<Stdio> {
        if terminal {
            return Ok(Stdio::Terminal { console_socket: None });
        }
        let session = &mut self.sessions[index];
        let key = session.key.clone();
        let name = |stream| Session::fifo(&key, stream);
        let stdin = if wanted[0] {
            let ends = stdio::input(&name(file::STDIN), owner)?;
            session.set_input(ends.ours);
            ends.theirs
        } else {
            stdio::null()?
        };
        let mut theirs = Vec::with_capacity(2);
        for (lane, stream) in [file::STDOUT, file::STDERR].into_iter().enumerate() {
            if wanted[lane + 1] {
                let ends = stdio::output(&name(stream), owner)?;
                session.outputs[lane] = Some(ends.ours);
                theirs.push(ends.theirs);
            } else {
                theirs.push(stdio::null()?);
            }
        }
        let stderr = theirs.pop().expect("two were pushed");
        let stdout = theirs.pop().expect("two were pushed");
        Ok(Stdio::Fds { stdin, stdout, stderr })
    }

    /// Notes a process that was spawned for a session.
    pub(crate) fn take_process(
        &mut self,
        index: usize,
        spawned: Spawned,
        with_input: bool,
    ) -> Result<Running, Failure> {
        let failed =
            |error: io::Error| Failure::other(format!("watch process {}: {error}", spawned.pid));
        let session = &mut self.sessions[index];
        if let Some(master) = spawned.terminal {
            session.set_terminal(master, with_input).map_err(failed)?;
        }
        session.process = Some(Watched { pid: spawned.pid, pidfd: spawned.pidfd });
        let running = Running {
            pid: spawned.pid,
            // One that ended already has none, and needs none.
            start_ticks: start_ticks(spawned.pid).unwrap_or(0),
            started_at_ns: now_ns(),
        };
        if index == 0 {
            let bytes = serde_json::to_vec(&running).expect("plain data");
            isopod_base::files::replace_volatile(Path::new(file::RUNNING), &bytes, 0o600)
                .map_err(|error| Failure::other(error.to_string()))?;
        }
        Ok(running)
    }

    pub(crate) fn exec(&mut self, exec: Exec) -> Result<(i32, Streams), Failure> {
        if self.running.is_none() || self.exited.is_some() {
            return Err(Failure {
                kind: FailureKind::NotRunning,
                message: format!("container {} is not running", self.config.id),
            });
        }
        let key = Some(exec.id.clone());
        if self.sessions.iter().any(|session| session.key == key) {
            return Err(Failure::invalid(format!("exec session {} exists already", exec.id)));
        }
        let index = self.sessions.len();
        self.sessions.push(Session::new(key.clone()));
        let wanted = [exec.stdin, exec.stdout, exec.stderr];
        let owner = Owner { uid: exec.process.user.uid, gid: exec.process.user.gid };
        let outcome = self
            .stdio_for(index, exec.process.terminal, owner, wanted)
            .map_err(|error| Failure::other(format!("prepare the standard streams: {error}")))
            .and_then(|stdio| {
                let container = self
                    .container
                    .as_ref()
                    .ok_or_else(|| Failure::other("no container".to_owned()))?;
                container.exec(exec.process, stdio)
            })
            .and_then(|spawned| self.take_process(index, spawned, exec.stdin));
        match outcome {
            Ok(running) => Ok((
                running.pid,
                Streams { session: key, stdin: exec.stdin, outputs: [exec.stdout, exec.stderr] },
            )),
            Err(failure) => {
                self.sessions.truncate(index);
                remove_fifos(&key);
                Err(failure)
            }
        }
    }
}

/// The host's id of the user that a process runs as.
fn owner_of(spec: &Spec) -> Owner {
    let Some(process) = &spec.process else {
        return Owner::default();
    };
    let linux = spec.linux.as_ref();
    let outside = |id: u32, mappings: Option<&Vec<isopod_oci::runtime::IdMapping>>| {
        let Some(mappings) = mappings.filter(|mappings| !mappings.is_empty()) else {
            return id;
        };
        mappings
            .iter()
            .find(|m| id >= m.container_id && id - m.container_id < m.size)
            .map_or(id, |m| m.host_id + (id - m.container_id))
    };
    Owner {
        uid: outside(process.user.uid, linux.map(|l| &l.uid_mappings)),
        gid: outside(process.user.gid, linux.map(|l| &l.gid_mappings)),
    }
}
