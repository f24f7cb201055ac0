//! `start`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use http::Method;

use super::attach::{attach_path, inspect, left};
use super::terminal::{Resized, check_input, follow_size};
use super::wait::Waiting;
use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{stderr, stdout};
use crate::session::Session;
use crate::stream::{Attached, Ended};
use crate::terminal::{DetachKeys, forward_signals};
use isopod_client::{Payload, segment};

static FLAGS: &[Flag] = &[
    boolean("attach", 'a', "Attach standard output and error, and pass signals on"),
    text("detach-keys", ' ', "Keys that leave the container running").default("ctrl-p,ctrl-q"),
    boolean("interactive", 'i', "Attach standard input"),
];

pub(super) static START: Command = Command {
    names: &["container start", "start"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    summary: "Start stopped containers",
    examples: &[
        ("start web", "Start a container"),
        ("start -ai shell", "Start one and work in it"),
    ],
    flags: &[FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Containers,
    run: |session, flags| Box::pin(start(session, flags)),
    ..Command::DEFAULT
};

async fn begin(session: &Session, name: &str) -> Result<()> {
    let path = format!("/containers/{}/start", segment(name));
    Ok(session.client.call(Method::POST, &path, Payload::Empty).await?)
}

async fn start(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    if flags.on("attach") || flags.on("interactive") {
        let [name] = flags.operands.as_slice() else {
            return Err(anyhow!("you cannot start and attach multiple containers at once"));
        };
        return start_attached(&session, &flags, name).await;
    }
    let mut failed = vec![];
    for name in &flags.operands {
        match begin(&session, name).await {
            Ok(()) => writeln!(stdout(), "{name}").context("write to standard output")?,
            Err(error) => {
                writeln!(stderr(), "{}", isopod_base::chain(error.as_ref()))
                    .context("write to standard error")?;
                failed.push(name.as_str());
            }
        }
    }
    match failed.is_empty() {
        true => Ok(0),
        false => Err(anyhow!("Error: failed to start containers: {}", failed.join(", "))),
    }
}

async fn start_attached(session: &Rc<Session>, flags: &Parsed, name: &str) -> Result<i32> {
    let detach_keys = session.detach_keys(flags.get("detach-keys"))?;
    DetachKeys::parse(&detach_keys)?;
    let container = inspect(session, name).await?;
    let (id, tty) = (container.id, container.config.tty);
    let stdin = flags.on("interactive") && container.config.open_stdin;
    check_input(stdin, tty)?;
    let _impatience = if tty { None } else { Some(forward_signals(session, &id)?) };
    let path = attach_path(
        &id,
        &[("stream", true), ("stdin", stdin), ("stdout", true), ("stderr", true)],
        &detach_keys,
    );
    let condition = if container.host_config.auto_remove { "removed" } else { "next-exit" };
    let (stream, waiting) = tokio::join!(
        session.client.hijack(&path, Payload::Empty),
        Waiting::begin(session, &id, condition),
    );
    let (stream, waiting) = (stream?, waiting?);
    begin(session, &id).await?;
    if tty {
        follow_size(session, Resized::Container(id), false)?;
    }
    match (Attached { tty, stdin, output: true, detach_keys }).run(stream).await? {
        Ended::Detached => Err(left()),
        Ended::Output => waiting.end().await,
    }
}
