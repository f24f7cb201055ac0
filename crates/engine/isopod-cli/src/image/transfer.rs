//! `pull` and `push`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use http::Method;

use super::auth::auth_header;
use crate::args::{Flag, Parsed, boolean, switch_on, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{Progress, show_progress, stderr, stdout};
use crate::reference::{check, familiar, qualified, split_tag, with_tag};
use crate::session::Session;
use isopod_client::{Payload, image_path, query};

static FLAGS: &[Flag] = &[
    boolean("all-tags", 'a', "All tags of the repository"),
    switch_on("disable-content-trust", ' ', "Accepted as docker has it; nothing is signed"),
    text("platform", ' ', "Platform of the image, such as linux/amd64"),
    boolean("quiet", 'q', "Do not show progress"),
];

pub(super) static PULL: Command = Command {
    names: &["image pull", "pull"],
    usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
    summary: "Download an image from a registry",
    examples: &[
        ("pull debian:12", "Download an image from Docker Hub"),
        ("pull localhost:5000/team/app:v1", "Download one from another registry"),
    ],
    flags: &[FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Images,
    run: |session, flags| Box::pin(pull(session, flags)),
    ..Command::DEFAULT
};

pub(super) static PUSH: Command = Command {
    names: &["image push", "push"],
    usage: "[OPTIONS] NAME[:TAG]",
    summary: "Upload an image to a registry",
    examples: &[("push localhost:5000/team/app:v1", "Upload an image")],
    flags: &[FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Images,
    run: |session, flags| Box::pin(push(session, flags)),
    ..Command::DEFAULT
};

async fn pull(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let name = &flags.operands[0];
    check(name)?;
    let (_, tag) = split_tag(name);
    let all = flags.on("all-tags");
    if all && !tag.is_empty() {
        bail!("tag can't be used with --all-tags/-a");
    }
    let quiet = flags.on("quiet");
    let full = if all { name.clone() } else { with_tag(name) };
    if tag.is_empty() && !all && !quiet {
        writeln!(stdout(), "Using default tag: latest").context("write to standard output")?;
    }
    let progress = (!quiet).then(|| Progress::new(stdout()));
    download(&session, &full, &flags.text("platform"), progress).await?;
    writeln!(stdout(), "{}", qualified(&full).1).context("write to standard output")?;
    Ok(0)
}

/// Pulls an image for a command that needs it; progress goes to standard error.
pub(crate) async fn pull_image(
    session: &Session,
    name: &str,
    platform: &str,
    progress: bool,
) -> Result<()> {
    let progress = progress.then(|| Progress::new(stderr()));
    download(session, name, platform, progress).await
}

async fn download(
    session: &Session,
    name: &str,
    platform: &str,
    progress: Option<Progress>,
) -> Result<()> {
    let (repository, tag) = split_tag(name);
    let auth = auth_header(session, &qualified(name).0).await?;
    let path = format!(
        "/images/create{}",
        query(&[("fromImage", repository), ("tag", tag), ("platform", platform)])
    );
    let headers = [("X-Registry-Auth", auth)];
    let response = session.client.stream(Method::POST, &path, &headers, Payload::Empty).await?;
    show_progress(response.into_body(), progress, |_| {}).await
}

/// Pushes one name of an image, for a command that does so after its own work.
pub(crate) async fn push_image(session: &Session, name: &str, quiet: bool) -> Result<()> {
    let (repository, tag) = split_tag(name);
    let tag = if tag.is_empty() { "latest" } else { tag };
    let progress = (!quiet).then(|| Progress::new(stderr()));
    upload(session, repository, tag, "", progress).await
}

async fn upload(
    session: &Session,
    repository: &str,
    tag: &str,
    platform: &str,
    progress: Option<Progress>,
) -> Result<()> {
    let (registry, _) = qualified(repository);
    let auth = auth_header(session, &registry).await?;
    let path = format!(
        "/images/{}/push{}",
        image_path(familiar(repository)),
        query(&[("tag", tag), ("platform", platform)])
    );
    let headers = [("X-Registry-Auth", auth)];
    let response = session.client.stream(Method::POST, &path, &headers, Payload::Empty).await?;
    show_progress(response.into_body(), progress, |_| {}).await
}

async fn push(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let name = &flags.operands[0];
    check(name)?;
    let (repository, tag) = split_tag(name);
    if name.contains('@') {
        bail!("cannot push a digest reference");
    }
    let all = flags.on("all-tags");
    if all && !tag.is_empty() {
        bail!("tag can't be used with --all-tags/-a");
    }
    let quiet = flags.on("quiet");
    let tag = match (all, tag) {
        (true, _) => "",
        (false, "") => "latest",
        (false, tag) => tag,
    };
    if !all && split_tag(name).1.is_empty() && !quiet {
        writeln!(stdout(), "Using default tag: latest").context("write to standard output")?;
    }
    let (_, full) = qualified(repository);
    let progress = (!quiet).then(|| Progress::new(stdout()));
    upload(&session, repository, tag, &flags.text("platform"), progress).await?;
    if quiet {
        let suffix = if tag.is_empty() { String::new() } else { format!(":{tag}") };
        writeln!(stdout(), "{full}{suffix}").context("write to standard output")?;
    }
    Ok(0)
}
