//! `attach`, and attaching to a container that is started.

use std::rc::Rc;

use anyhow::{Result, anyhow, bail};
use isopod_docker_types::ContainerInspect;

use super::terminal::{Resized, check_input, follow_size};
use super::wait::Waiting;
use crate::args::{Flag, Parsed, boolean, switch_on, text};
use crate::commands::{Command, Names, Operands};
use crate::session::{Exit, Session};
use crate::stream::{Attached, Ended};
use crate::terminal::{DetachKeys, forward_signals};
use isopod_client::{Payload, query, segment};

static FLAGS: &[Flag] = &[
    text("detach-keys", ' ', "Keys that leave the container running").default("ctrl-p,ctrl-q"),
    boolean("no-stdin", ' ', "Do not attach standard input"),
    switch_on("sig-proxy", ' ', "Pass signals on to the process"),
];

pub(super) static ATTACH: Command = Command {
    names: &["container attach", "attach"],
    usage: "[OPTIONS] CONTAINER",
    summary: "Attach standard input, output and error to a running container",
    examples: &[("attach --no-stdin web", "Watch what a container prints")],
    flags: &[FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Running,
    run: |session, flags| Box::pin(attach(session, flags)),
    ..Command::DEFAULT
};

/// The path to attach, with its options.
pub(super) fn attach_path(id: &str, options: &[(&str, bool)], detach_keys: &str) -> String {
    let on = options.iter().filter(|(_, on)| *on).map(|(name, _)| (*name, "1"));
    let pairs: Vec<(&str, &str)> = on.chain([("detachKeys", detach_keys)]).collect();
    format!("/containers/{}/attach{}", segment(id), query(&pairs))
}

/// The container's document.
pub(super) async fn inspect(session: &Session, name: &str) -> Result<ContainerInspect> {
    Ok(session.client.get(&format!("/containers/{}/json", segment(name))).await?)
}

/// The error of a session that the user left by the detach keys.
pub(super) fn left() -> anyhow::Error {
    Exit::error(1, "read escape sequence")
}

async fn attach(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let name = &flags.operands[0];
    let detach_keys = session.detach_keys(flags.get("detach-keys"))?;
    DetachKeys::parse(&detach_keys)?;
    let container = inspect(&session, name).await?;
    check_state(&container)?;
    let tty = container.config.tty;
    check_input(!flags.on("no-stdin"), tty)?;
    let stdin = !flags.on("no-stdin") && container.config.open_stdin;
    let id = container.id;
    let waiting = Waiting::begin(&session, &id, "").await?;
    let path = attach_path(
        &id,
        &[("stream", true), ("stdin", stdin), ("stdout", true), ("stderr", true)],
        &detach_keys,
    );
    let stream = session.client.hijack(&path, Payload::Empty).await?;
    // It may have stopped in between, and would then never close the stream.
    check_state(&inspect(&session, &id).await?)?;
    let mut impatience = match flags.off("sig-proxy") || tty {
        true => None,
        false => Some(forward_signals(&session, &id)?),
    };
    if tty {
        follow_size(&session, Resized::Container(id.clone()), true)?;
    }
    let ended = Attached { tty, stdin, output: true, detach_keys }.run(stream);
    let lost = async {
        match &mut impatience {
            Some(impatience) => impatience.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = ended => match ended? {
            Ended::Detached => Err(left()),
            Ended::Output => waiting.end().await,
        },
        _ = lost => Err(Exit::error(1, "got 3 SIGTERM/SIGINTs, forcefully exiting")),
    }
}

fn check_state(container: &ContainerInspect) -> Result<()> {
    if !container.state.running {
        bail!("You cannot attach to a stopped container, start it first");
    }
    if container.state.paused {
        bail!("You cannot attach to a paused container, unpause it first");
    }
    if container.state.restarting {
        return Err(anyhow!(
            "You cannot attach to a restarting container, wait until it is running"
        ));
    }
    Ok(())
}
