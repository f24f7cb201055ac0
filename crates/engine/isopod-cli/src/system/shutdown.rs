//! `system shutdown`: stops the engine; containers go on.

use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Deserialize;

use crate::args::Parsed;
use crate::commands::{Command, Operands};
use crate::output::stdout;
use crate::session::Session;
use isopod_client::Endpoint;

pub(super) static SHUTDOWN: Command = Command {
    names: &["system shutdown"],
    usage: "",
    summary: "Stop the engine; containers go on running",
    details: "The next command starts it again. This is also the way to upgrade: replace the \
              program, then\nshut the old engine down.",
    examples: &[("system shutdown", "Stop the engine")],
    operands: Operands::None,
    run: |session, flags| Box::pin(shutdown(session, flags)),
    ..Command::DEFAULT
};

/// How long the engine may take.
const STOP_MAX: Duration = Duration::from_secs(60);

/// What the engine adds to docker's information.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Running {
    #[serde(default)]
    engine_pid: i32,
}

async fn shutdown(session: Rc<Session>, _flags: Parsed) -> Result<i32> {
    let endpoint = &session.client.endpoint;
    let Endpoint::Unix(path) = endpoint else {
        bail!("the engine at {endpoint} is not on this machine: stop it there");
    };
    let stream = match tokio::net::UnixStream::connect(path).await {
        Ok(stream) => stream,
        // Nothing is to be started in order to stop it.
        Err(error) if isopod_client::nobody_listens(&error) => {
            writeln!(stdout(), "No engine runs at {endpoint}")
                .context("write to standard output")?;
            return Ok(0);
        }
        Err(error) => return Err(error).with_context(|| format!("connect to {endpoint}")),
    };
    let peer = stream.peer_cred().context("ask who listens")?.pid();
    drop(stream);
    let running: Running = session.client.get("/info").await?;
    if running.engine_pid <= 0 {
        bail!("the engine at {endpoint} does not say which process it is: it is not isopod's");
    }
    // A process id of another namespace would be a stranger here.
    if peer != Some(running.engine_pid) {
        bail!(
            "the engine at {endpoint} says that it is process {}, but that process does not own \
             the socket: stop it where it was started",
            running.engine_pid
        );
    }
    let pid = Pid::from_raw(running.engine_pid).context("a process id is not 0")?;
    let process = pidfd_open(pid, PidfdFlags::empty()).context("open the engine's process")?;
    pidfd_send_signal(&process, Signal::TERM).context("signal the engine")?;
    let deadline = Instant::now() + STOP_MAX;
    loop {
        let mut fds = [PollFd::new(&process, PollFlags::IN)];
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).context("a minute is a time")?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => {
                return Err(anyhow!(
                    "the engine (process {}) still runs after {} s",
                    running.engine_pid,
                    STOP_MAX.as_secs()
                ));
            }
            Ok(_) => return Ok(0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("wait for the engine"),
        }
    }
}
