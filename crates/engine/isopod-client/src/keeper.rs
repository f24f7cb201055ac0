//! Stays beside an engine that was started on first use, and starts it anew if a signal ends it:
//! restart policies, health checks and names go on without waiting for somebody's next command.
//!
//! A process of its own with one thread, which needs no memory to speak of. An engine that a
//! person or a service manager starts has none: there it is theirs to start it anew.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::start::{beside, open_lock};

/// How long the engine must have run for the next start not to be put off.
const STEADY: Duration = Duration::from_secs(10);

/// The first and the longest pause before another start of an engine that keeps dying.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// Starts of an engine that keeps dying.
const ATTEMPTS: u32 = 20;

/// How long a new engine may take until it answers.
const READY: Duration = Duration::from_secs(30);

/// `isopod engine-keeper SOCKET`: runs an engine there. Returns the exit code of an engine that
/// ended by itself.
pub fn keeper_main(arguments: Vec<OsString>) -> i32 {
    let Some(socket) = arguments.get(1).map(PathBuf::from) else {
        say("engine-keeper is started by isopod itself; see isopod engine --help");
        return 125;
    };
    match keep(&socket) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("keep the engine at {}: {error}", socket.display()));
            1
        }
    }
}

fn keep(socket: &Path) -> io::Result<i32> {
    // By its path, so that a binary that was replaced meanwhile is what is started next.
    let program = std::env::current_exe()?;
    let mut engine = spawn(&program, socket)?;
    let (mut pause, mut attempts) = (PAUSES.0, 0);
    loop {
        let started = Instant::now();
        let status = engine.wait()?;
        let Some(signal) = status.signal() else { return Ok(status.code().unwrap_or(1)) };
        if started.elapsed() >= STEADY {
            (pause, attempts) = (PAUSES.0, 0);
        }
        attempts += 1;
        if attempts > ATTEMPTS {
            say(&format!("signal {signal} ended the engine {ATTEMPTS} times in a row: giving up"));
            return Ok(128 + signal);
        }
        say(&format!("signal {signal} ended the engine: starting it anew"));
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);

        let lock = open_lock(&beside(socket, "start.lock"))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
        if UnixStream::connect(socket).is_ok() {
            // A command was first; its engine has a keeper of its own.
            return Ok(0);
        }
        engine = spawn(&program, socket)?;
        await_ready(socket, &mut engine)?;
    }
}

fn spawn(program: &Path, socket: &Path) -> io::Result<Child> {
    let present = if program.is_file() { program } else { Path::new("/proc/self/exe") };
    let host = format!("unix://{}", socket.display());
    Command::new(present).args(["engine", "--host", &host]).spawn()
}

/// Until the engine answers or has ended: as long as that, nobody else starts one.
fn await_ready(socket: &Path, engine: &mut Child) -> io::Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < READY
        && UnixStream::connect(socket).is_err()
        && engine.try_wait()?.is_none()
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// A line in the engine's log, which is this process's standard error.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "isopod: {text}");
}
