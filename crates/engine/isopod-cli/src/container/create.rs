//! `create`, and the part of `run` that is the same.

use std::io::Write;

use anyhow::{Context, Result, anyhow, bail};
use isopod_docker_types::{ContainerCreateRequest, ContainerCreateResponse};

use super::options::{LIMITS, OPTIONS, request};
use crate::args::Parsed;
use crate::commands::{Command, Names, Operands};
use crate::image::pull_image;
use crate::output::{stderr, stdout};
use crate::reference;
use crate::session::{Exit, MaybeRefusal, Session, answered, open_error};
use isopod_client::{ClientError, query};

pub(super) static CREATE: Command = Command {
    names: &["container create", "create"],
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Create a new container",
    examples: &[
        ("create --name job debian:12 sleep 60", "Create a container, to be started later"),
        ("create -it --name shell debian:12", "Create one for interactive use"),
    ],
    flags: &[LIMITS, OPTIONS],
    operands: Operands::AtLeast(1),
    complete: Names::Images,
    operand_ends_flags: true,
    run: |session, flags| {
        Box::pin(async move {
            let body = checked(&session, "create", pull_policy(&flags))
                .and_then(|_| checked(&session, "create", request(&flags)))?;
            let id = create(&session, &flags, &body)
                .await
                .map_err(|error| failed(&session, "create", error))?;
            writeln!(stdout(), "{id}").context("write to standard output")?;
            Ok(0)
        })
    },
    ..Command::DEFAULT
};

/// When to pull the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pull {
    Always,
    Missing,
    Never,
}

/// Reads `--pull`.
pub(super) fn pull_policy(flags: &Parsed) -> Result<Pull> {
    match flags.get("pull").unwrap_or("missing") {
        "always" => Ok(Pull::Always),
        "missing" | "" => Ok(Pull::Missing),
        "never" => Ok(Pull::Never),
        other => bail!(
            "invalid pull option: '{other}': must be one of \"always\", \"missing\" or \"never\""
        ),
    }
}

/// Turns an error into docker's form for `run` and `create`, with the exit code 125.
pub(super) fn checked<T>(session: &Session, command: &str, result: Result<T>) -> Result<T> {
    result.map_err(|error| failed(session, command, error))
}

/// The form of an error of `run` and `create`; its exit code tells whose fault it was.
pub(super) fn failed(session: &Session, command: &str, error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<Exit>().is_some() {
        return error;
    }
    let text = isopod_base::chain(error.as_ref()).to_string();
    let code = if text.contains("executable file not found")
        || text.contains("no such file or directory")
    {
        127
    } else if text.contains("permission denied") || text.contains("is a directory") {
        126
    } else {
        125
    };
    let code = match error.refusal() {
        Some(_) => code,
        None => 125,
    };
    let program = &session.program;
    Exit::error(
        code,
        format!("{program}: {text}\n\nRun '{program} {command} --help' for more information"),
    )
}

/// Creates a container, pulling its image if that is missing; returns its id.
pub(super) async fn create(
    session: &Session,
    flags: &Parsed,
    body: &ContainerCreateRequest,
) -> Result<String> {
    let cid_file = flags.get("cidfile").map(CidFile::create).transpose()?;
    let image = &body.config.image;
    // An image may be named by its id too, which only the engine knows.
    if !image.starts_with("sha256:") {
        reference::check(image)?;
    }
    let platform = flags.text("platform");
    let quiet = flags.on("quiet");
    let pull = pull_policy(flags)?;
    let name = reference::with_tag(image);
    if pull == Pull::Always {
        pull_image(session, &name, &platform, !quiet).await?;
    }
    let path = format!(
        "/containers/create{}",
        query(&[("name", &flags.text("name")), ("platform", &platform)])
    );
    let mut response = session.client.post::<ContainerCreateResponse>(&path, body).await;
    if let Err(error) = &response
        && pull == Pull::Missing
        && is_missing_image(error)
    {
        if !quiet {
            let familiar = reference::familiar(&name);
            writeln!(stderr(), "Unable to find image '{familiar}' locally")
                .context("write to standard error")?;
        }
        pull_image(session, &name, &platform, !quiet).await?;
        response = session.client.post(&path, body).await;
    }
    let created = response?;
    for warning in &created.warnings {
        writeln!(stderr(), "WARNING: {warning}").context("write to standard error")?;
    }
    if let Some(file) = cid_file {
        file.write(&created.id)?;
    }
    Ok(created.id)
}

/// Whether it was the image that was not found (it could have been a network or a volume).
fn is_missing_image(error: &ClientError) -> bool {
    answered(error, 404) && error.to_string().to_lowercase().contains("no such image")
}

/// The file that gets the container's id. It must be new, and does not stay without an id.
struct CidFile {
    path: String,
    written: bool,
}

impl CidFile {
    fn create(path: &str) -> Result<Self> {
        match std::fs::OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => Ok(Self { path: path.to_owned(), written: false }),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(anyhow!(
                "container ID file found, make sure the other container isn't running or delete {path}"
            )),
            Err(error) => Err(anyhow!(
                "failed to create the container ID file: {}",
                open_error("open", path, &error)
            )),
        }
    }

    fn write(mut self, id: &str) -> Result<()> {
        std::fs::write(&self.path, id).map_err(|error| {
            open_error("failed to write the container ID file: write", &self.path, &error)
        })?;
        self.written = true;
        Ok(())
    }
}

impl Drop for CidFile {
    fn drop(&mut self) {
        if !self.written {
            // Best effort: the error that led here is the one to report.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
