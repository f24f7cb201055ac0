//! The supervisor's loop: one thread, one `poll`, everything it waits for.

use crate::client::Client;
use crate::config::{Config, file};
use crate::container::{Container, Passed};
use crate::logfile::Log;
use crate::protocol::{Exited, Running};
use crate::session::{Input, Session, Watched, start_ticks};
use crate::spool::Spool;
use crate::stdio;
use isopod_base::times::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a supervisor waits for the engine to start its container.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Most connections at once.
const CLIENT_LIMIT: usize = 1024;

/// A supervisor. Its working directory is the container's run-time directory.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) listener: OwnedFd,
    /// The root file system's mount, until the container is started.
    pub(crate) passed: Passed,
    pub(crate) container: Option<Container>,
    pub(crate) running: Option<Running>,
    pub(crate) exited: Option<Exited>,
    /// The container's own process first, then exec sessions.
    pub(crate) sessions: Vec<Session>,
    pub(crate) ended_execs: Vec<(String, i32)>,
    pub(crate) clients: Vec<Client>,
    pub(crate) log: Log,
    pub(crate) spool: Spool,
    /// Set when there is nothing left to do but to flush.
    pub(crate) done: bool,
    pub(crate) born: Instant,
    /// Whether the log's failure was told.
    pub(crate) log_failed: bool,
}

/// What a poll waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Listener,
    Client(usize),
    Process(usize),
    Output(usize, usize),
    Input(usize),
}

impl Server {
    pub(crate) fn new(config: Config, listener: OwnedFd, passed: Passed) -> io::Result<Self> {
        let mut log = Log::open(config.log.as_ref())?;
        let spool = Spool::open(Path::new(file::SPOOL), &mut log)?;
        let mut main = Session::new(None);
        main.input = config.open_stdin.then(Input::before_start);
        Ok(Self {
            config,
            listener,
            passed,
            container: None,
            running: None,
            exited: None,
            sessions: vec![main],
            ended_execs: Vec::new(),
            clients: Vec::new(),
            log,
            spool,
            done: false,
            born: Instant::now(),
            log_failed: false,
        })
    }

    /// Takes over a container whose supervisor died.
    pub(crate) fn adopt(&mut self, terminal: Option<OwnedFd>) -> io::Result<()> {
        let running: Running = read_json(file::RUNNING)?;
        self.container = Some(Container::existing(&self.config));
        let watched = Watched::open(running.pid).ok();
        let alive = start_ticks(running.pid) == Some(running.start_ticks);
        self.running = Some(running);
        let main = &mut self.sessions[0];
        match terminal {
            Some(master) => main.set_terminal(master, self.config.open_stdin)?,
            None => {
                for (lane, name) in [file::STDOUT, file::STDERR].into_iter().enumerate() {
                    main.outputs[lane] = stdio::reopen_output(name).ok();
                }
                main.input = None;
                if let Ok(fd) = stdio::reopen_input(file::STDIN) {
                    main.set_input(fd);
                }
            }
        }
        main.process = watched;
        if !alive {
            self.end_container();
        }
        Ok(())
    }

    /// Serves until the container has ended and everybody knows.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        while !self.is_over() {
            let ready = self.wait()?;
            // Processes last: what they printed before they ended is read first.
            for (source, flags) in ready {
                self.handle(source, flags);
            }
            self.cut_off_stalled();
            self.clients.retain(|client| !client.is_finished());
            self.sessions.retain(|session| session.key.is_none() || !session.is_over());
        }
        Ok(())
    }

    pub(crate) fn is_over(&self) -> bool {
        if self.done {
            return self.clients.iter().all(|client| !client.has_output());
        }
        self.running.is_none() && self.clients.is_empty() && self.born.elapsed() > START_LIMIT
    }

    pub(crate) fn wait(&self) -> io::Result<Vec<(Source, PollFlags)>> {
        let sources = self.sources();
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .map(|&(source, flags)| PollFd::from_borrowed_fd(self.fd(source), flags))
            .collect();
        match poll(&mut fds, self.timeout().as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(sources
            .iter()
            .zip(&fds)
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|(&(source, _), fd)| (source, fd.revents()))
            .collect())
    }

    pub(crate) fn sources(&self) -> Vec<(Source, PollFlags)> {
        let mut sources = Vec::with_capacity(8 + self.clients.len());
        if self.clients.len() < CLIENT_LIMIT && !self.done {
            sources.push((Source::Listener, PollFlags::IN));
        }
        for (index, client) in self.clients.iter().enumerate() {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, client.wants_to_read(self.room_for(client)));
            flags.set(PollFlags::OUT, client.has_output());
            sources.push((Source::Client(index), flags));
        }
        for (index, session) in self.sessions.iter().enumerate() {
            for (lane, output) in session.outputs.iter().enumerate() {
                if output.is_some() && !self.is_held_up(&session.key, lane) {
                    sources.push((Source::Output(index, lane), PollFlags::IN));
                }
            }
            if session.input.as_ref().is_some_and(Input::wants_to_write) {
                sources.push((Source::Input(index), PollFlags::OUT));
            }
        }
        for (index, session) in self.sessions.iter().enumerate() {
            if session.process.is_some() {
                sources.push((Source::Process(index), PollFlags::IN));
            }
        }
        sources
    }

    pub(crate) fn fd(&self, source: Source) -> std::os::fd::BorrowedFd<'_> {
        const LISTED: &str = "only what is there is polled";
        match source {
            Source::Listener => self.listener.as_fd(),
            Source::Client(index) => self.clients[index].socket().as_fd(),
            Source::Process(index) => {
                self.sessions[index].process.as_ref().expect(LISTED).pidfd.as_fd()
            }
            Source::Output(index, lane) => {
                self.sessions[index].outputs[lane].as_ref().expect(LISTED).as_fd()
            }
            Source::Input(index) => {
                let input = self.sessions[index].input.as_ref().expect(LISTED);
                input.fd().expect(LISTED).as_fd()
            }
        }
    }

    pub(crate) fn timeout(&self) -> Option<Timespec> {
        let start = (self.running.is_none() && !self.done).then(|| self.born + START_LIMIT);
        let stall = self.clients.iter().filter_map(Client::deadline).min();
        let until = start.into_iter().chain(stall).min()?;
        let wait = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        Timespec::try_from(wait).ok()
    }

    pub(crate) fn handle(&mut self, source: Source, flags: PollFlags) {
        match source {
            Source::Listener => self.accept(),
            Source::Client(index) => self.handle_client(index, flags),
            Source::Output(index, lane) => {
                self.read_output(index, lane);
            }
            Source::Input(index) => {
                self.write_input(index);
                self.resume_input(index);
            }
            Source::Process(index) => self.end_session(index),
        }
    }

    pub(crate) fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        if let Ok(socket) = rustix::net::accept_with(&self.listener, flags) {
            self.clients.push(Client::new(socket));
        }
    }

    pub(crate) fn cut_off_stalled(&mut self) {
        let now = Instant::now();
        self.clients.retain(|client| client.deadline().is_none_or(|deadline| deadline > now));
    }
}

fn read_json<T: serde::de::DeserializeOwned>(name: &str) -> io::Result<T> {
    let bytes = std::fs::read(name)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {error}")))
}

/// A supervisor has no terminal and no log of its own: what it has to tell goes into a file
/// beside the container's, which the engine reads when something went wrong.
pub(crate) fn note(id: &str, message: &str) {
    use std::io::Write as _;
    let time = Timestamp::now().rfc3339();
    if let Ok(mut file) = std::fs::File::options().append(true).create(true).open("supervisor.log")
    {
        let _ = writeln!(file, "{time} {id}: {message}");
    }
}
