//! `update`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use isopod_docker_types::{UpdateRequest, UpdateResponse};

use super::lifecycle::each;
use super::options::{LIMITS, limits, restart_policy};
use crate::args::{Flag, Parsed, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{stderr, stdout};
use crate::session::Session;
use isopod_client::segment;

static FLAGS: &[Flag] =
    &[text("restart", ' ', "When to restart: no, on-failure[:MAX], always, unless-stopped")];

pub(super) static UPDATE: Command = Command {
    names: &["container update", "update"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    summary: "Change the limits of containers",
    examples: &[("update -m 128m --memory-swap 256m web", "Give a running container more memory")],
    flags: &[LIMITS, FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Containers,
    run: |session, flags| Box::pin(update(session, flags)),
    ..Command::DEFAULT
};

async fn update(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let given = |flag: &Flag| flags.given(flag.long);
    if !LIMITS.iter().chain(FLAGS).any(given) {
        return Err(anyhow!("you must provide one or more flags when using this command"));
    }
    let body = UpdateRequest { resources: limits(&flags), restart_policy: restart_policy(&flags)? };
    each(&session, flags.operands, move |session, name| {
        let body = body.clone();
        async move {
            let path = format!("/containers/{}/update", segment(&name));
            let answer: UpdateResponse = session.client.post(&path, &body).await?;
            for warning in answer.warnings {
                writeln!(stderr(), "{warning}").context("write to standard error")?;
            }
            writeln!(stdout(), "{name}").context("write to standard output")
        }
    })
    .await
}
