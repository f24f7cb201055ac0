//! `run`: create, attach, start, and stay until the end.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use http::Method;
use isopod_docker_types::ContainerCreateRequest;

use super::attach::attach_path;
use super::create::{checked, create, failed, pull_policy};
use super::options::{LIMITS, OPTIONS, request};
use super::terminal::{Resized, check_input, console_size, follow_size};
use super::wait::Waiting;
use crate::args::{Flag, Parsed, boolean, switch_on, text};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::session::{Exit, Session};
use crate::stream::{Attached, Ended};
use crate::terminal::{DetachKeys, forward_signals};
use isopod_client::{Payload, segment};

static RUN_FLAGS: &[Flag] = &[
    boolean("detach", 'd', "Run in the background and print the container's id"),
    text("detach-keys", ' ', "Keys that leave the container running").default("ctrl-p,ctrl-q"),
    switch_on("sig-proxy", ' ', "Pass signals on to the process"),
];

pub(super) static RUN: Command = Command {
    names: &["container run", "run"],
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Create and run a new container from an image",
    details: "The exit code is that of the command; 125 if the container could not be made, 126 if \
              its command\ncannot be run, 127 if there is no such command.",
    examples: &[
        ("run --rm debian:12 cat /etc/os-release", "Run one command and leave nothing behind"),
        ("run --rm -it debian:12 bash", "Work in a shell"),
        (
            "run -d --name web --network host --read-only --tmpfs /run -m 64m nginx",
            "A web server in the background, with limits",
        ),
        ("run --rm -v /srv/data:/data:ro debian:12 ls /data", "Give it a directory of the host"),
        ("run --rm -v notes:/notes -w /notes debian:12 touch x", "Give it a named volume"),
    ],
    flags: &[LIMITS, OPTIONS, RUN_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Images,
    operand_ends_flags: true,
    run: |session, flags| Box::pin(run(session, flags)),
};

async fn run(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    checked(&session, "run", pull_policy(&flags))?;
    let mut body = checked(&session, "run", request(&flags))?;
    if flags.on("detach") {
        if flags.given("attach") {
            return Err(anyhow!("conflicting options: cannot specify both --attach and --detach"));
        }
        let config = &mut body.config;
        config.attach_stdin = false;
        config.attach_stdout = false;
        config.attach_stderr = false;
        config.stdin_once = false;
    } else {
        check_input(body.config.attach_stdin, body.config.tty)?;
    }
    if body.config.tty
        && let (Some(host), Some(size)) = (&mut body.host_config, console_size())
    {
        host.console_size = size;
    }
    let detach_keys = session.detach_keys(flags.get("detach-keys"))?;
    DetachKeys::parse(&detach_keys)?;
    let id =
        create(&session, &flags, &body).await.map_err(|error| failed(&session, "run", error))?;
    let config = &body.config;
    if config.attach_stdin || config.attach_stdout || config.attach_stderr {
        attached(&session, &flags, &body, &id, detach_keys).await
    } else {
        start(&session, &id).await.map_err(|error| failed(&session, "run", error))?;
        writeln!(stdout(), "{id}").context("write to standard output")?;
        Ok(0)
    }
}

async fn start(session: &Session, id: &str) -> Result<()> {
    let path = format!("/containers/{}/start", segment(id));
    Ok(session.client.call(Method::POST, &path, Payload::Empty).await?)
}

async fn attached(
    session: &Rc<Session>,
    flags: &Parsed,
    body: &ContainerCreateRequest,
    id: &str,
    detach_keys: String,
) -> Result<i32> {
    let config = &body.config;
    let mut impatience = match flags.off("sig-proxy") {
        true => None,
        false => Some(forward_signals(session, id)?),
    };
    let path = attach_path(
        id,
        &[
            ("stream", true),
            ("stdin", config.attach_stdin),
            ("stdout", config.attach_stdout),
            ("stderr", config.attach_stderr),
        ],
        &detach_keys,
    );
    let removed = body.host_config.as_ref().is_some_and(|host| host.auto_remove);
    let condition = if removed { "removed" } else { "next-exit" };
    let (stream, waiting) = tokio::join!(
        session.client.hijack(&path, Payload::Empty),
        Waiting::begin(session, id, condition),
    );
    let (stream, waiting) = (stream?, waiting?);
    if let Err(error) = start(session, id).await {
        if removed {
            // The engine cleans up; what is left then is only the error.
            let _ = waiting.end().await;
        }
        return Err(failed(session, "run", error));
    }
    if config.tty {
        follow_size(session, Resized::Container(id.to_owned()), false)?;
    }
    let attached = Attached {
        tty: config.tty,
        stdin: config.attach_stdin,
        output: config.attach_stdout || config.attach_stderr,
        detach_keys,
    };
    let output = attached.output;
    let ended = async {
        let streamed = attached.run(stream);
        let waited = waiting.end();
        tokio::pin!(streamed, waited);
        tokio::select! {
            ended = &mut streamed => match ended? {
                Ended::Detached => Ok(0),
                Ended::Output => waited.await,
            },
            code = &mut waited => {
                if output {
                    // What the container wrote may still be on its way.
                    streamed.await?;
                }
                code
            }
        }
    };
    let lost = async {
        match &mut impatience {
            Some(impatience) => impatience.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        code = ended => code,
        _ = lost => Err(Exit::error(1, "got 3 SIGTERM/SIGINTs, forcefully exiting")),
    }
}
