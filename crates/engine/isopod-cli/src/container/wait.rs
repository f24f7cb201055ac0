//! `wait`, and waiting for a container's end from before its start.

use std::io::Write;

use anyhow::{Context, Result, anyhow};
use http::Method;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use isopod_docker_types::ContainerWaitResponse;

use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::session::Session;
use isopod_client::{Payload, query, segment};

pub(super) static WAIT: Command = Command {
    names: &["container wait", "wait"],
    usage: "CONTAINER [CONTAINER...]",
    summary: "Wait until containers end, then print their exit codes",
    examples: &[("wait job", "Wait for a container")],
    operands: Operands::AtLeast(1),
    complete: Names::Running,
    run: |session, flags| {
        Box::pin(async move {
            super::lifecycle::each(&session, flags.operands, |session, name| async move {
                let code = Waiting::begin(&session, &name, "").await?.end().await?;
                writeln!(stdout(), "{code}").context("write to standard output")?;
                Ok(())
            })
            .await
        })
    },
    ..Command::DEFAULT
};

/// A wait that the engine knows of.
pub(super) struct Waiting(Incoming);

impl Waiting {
    /// Asks the engine to tell the end. When this returns, the engine is listening for it, so
    /// that even a container that is removed at once is not missed.
    pub(super) async fn begin(session: &Session, container: &str, condition: &str) -> Result<Self> {
        let path = format!(
            "/containers/{}/wait{}",
            segment(container),
            query(&[("condition", condition)])
        );
        let response = session.client.stream(Method::POST, &path, &[], Payload::Empty).await?;
        Ok(Self(response.into_body()))
    }

    /// The exit code.
    pub(super) async fn end(self) -> Result<i32> {
        let bytes = Limited::new(self.0, 1 << 20)
            .collect()
            .await
            .map_err(|error| {
                anyhow!(error).context("the engine went away while the container ran")
            })?
            .to_bytes();
        let answer: ContainerWaitResponse =
            serde_json::from_slice(&bytes).context("the engine's exit code is not as expected")?;
        match answer.error {
            Some(error) if !error.message.is_empty() => Err(anyhow!("{}", error.message)),
            _ => Ok(i32::try_from(answer.status_code).unwrap_or(125)),
        }
    }
}
