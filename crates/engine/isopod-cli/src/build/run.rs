//! `build`: sends the request, shows what happens, takes the result where it is wanted.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use http::Method;
use isopod_docker_types::{BUILD_EVENT_ID, BuildEvent, JsonMessage};

use super::bundle;
use super::cache::{self, Place};
use super::display::{Display, Mode};
use super::inputs::{Inputs, Source};
use super::output::{self, Kind, Output};
use super::request;
use crate::args::Parsed;
use crate::image::{all_credentials, load_directory, push_image};
use crate::output::{stderr, stdout};
use crate::reference::split_tag;
use crate::session::Session;
use isopod_client::{JsonLines, Payload, image_path, query};

/// What was built.
struct Built {
    id: String,
    names: Vec<String>,
}

pub(super) async fn build(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let outputs: Vec<Output> =
        flags.list("output").iter().map(|text| output::parse(text)).collect::<Result<_>>()?;
    let tags = flags.list("tag");
    if flags.on("push") && tags.is_empty() {
        bail!("--push needs a name to push: give it with --tag");
    }
    let from = places(&flags, "cache-from")?;
    let to = places(&flags, "cache-to")?;
    let mode = mode(&flags)?;
    let inputs = Inputs::read(&flags)?;
    let mut cache_from = Vec::new();
    for place in from {
        match place {
            Place::Inline => {}
            Place::Image(name) => cache_from.push(name),
            Place::Directory(path) => cache_from.extend(load_directory(&session, &path).await?),
        }
    }
    let path = request::path(&flags, &inputs, &cache_from, !to.is_empty())?;
    let mut headers = vec![("X-Registry-Config", all_credentials(&session).await?)];
    if matches!(inputs.source, Source::Directory(_) | Source::Nothing) {
        headers.push(("Content-Type", bundle::CONTENT_TYPE.to_owned()));
    }
    let body = bundle::pack(&inputs)?;
    let built = follow(&session, &path, &headers, body, mode).await?;
    for output in &outputs {
        output::write(&session, &built.id, &built.names, output).await?;
    }
    for place in &to {
        export_cache(&session, &built, place).await?;
    }
    if flags.on("push") {
        for tag in tags {
            push_image(&session, tag, mode == Mode::Quiet).await?;
        }
    }
    if let Some(file) = flags.get("iidfile").filter(|file| !file.is_empty()) {
        std::fs::write(file, &built.id).with_context(|| format!("write {file}"))?;
    }
    let kept = outputs.is_empty() || outputs.iter().any(|output| output.kind == Kind::Image);
    if tags.is_empty() && !kept {
        output::forget(&session, &built.id).await?;
    } else if mode == Mode::Quiet {
        writeln!(stdout(), "{}", built.id).context("write to standard output")?;
    }
    Ok(0)
}

fn places(flags: &Parsed, flag: &str) -> Result<Vec<Place>> {
    flags.list(flag).iter().map(|text| cache::parse(flag, text)).collect()
}

fn mode(flags: &Parsed) -> Result<Mode> {
    if flags.on("quiet") {
        return Ok(Mode::Quiet);
    }
    match flags.text("progress").as_str() {
        "" | "auto" if stderr().is_terminal() => Ok(Mode::Terminal),
        "" | "auto" | "plain" => Ok(Mode::Plain),
        "tty" => Ok(Mode::Terminal),
        "quiet" => Ok(Mode::Quiet),
        other => bail!("invalid progress mode {other:?}: expected auto, plain, tty or quiet"),
    }
}

/// Sends the request, and shows what happens until it is over.
async fn follow(
    session: &Session,
    path: &str,
    headers: &[(&str, String)],
    body: Payload,
    mode: Mode,
) -> Result<Built> {
    let response = session.client.stream(Method::POST, path, headers, body).await?;
    let mut documents = JsonLines::new(response.into_body());
    let mut display = Display::new(mode, stderr());
    let mut built = None;
    let tick = std::time::Duration::from_millis(250);
    loop {
        let document = tokio::select! {
            document = documents.next() => document?,
            // Clocks go on while nothing happens.
            () = tokio::time::sleep(tick), if mode == Mode::Terminal => {
                display.draw(false)?;
                continue;
            }
        };
        let Some(document) = document else { break };
        let message: JsonMessage = serde_json::from_str(document.get())
            .context("the engine's progress message is not as expected")?;
        if !message.error.is_empty() {
            if mode != Mode::Quiet {
                write!(stderr(), "{}", display.failure()).context("write progress")?;
            }
            bail!("ERROR: failed to solve: {}", message.error);
        }
        if message.id != BUILD_EVENT_ID {
            display.pull(&message)?;
            continue;
        }
        let event: BuildEvent = serde_json::from_value(message.aux.unwrap_or_default())
            .context("the engine's progress message is not as expected")?;
        display.event(&event)?;
        if let BuildEvent::Built(id, names) = event {
            built = Some(Built { id, names });
        }
    }
    built.ok_or_else(|| anyhow!("the engine broke the build off; its log tells more"))
}

/// Keeps the steps where others can take them over: they are told in the image itself.
async fn export_cache(session: &Session, built: &Built, place: &Place) -> Result<()> {
    match place {
        Place::Inline => Ok(()),
        Place::Image(name) => {
            let (repository, tag) = split_tag(name);
            let path = format!(
                "/images/{}/tag{}",
                image_path(&built.id),
                query(&[("repo", repository), ("tag", tag)])
            );
            session.client.call(Method::POST, &path, Payload::Empty).await?;
            push_image(session, name, true).await
        }
        Place::Directory(path) => {
            let archive = Output {
                kind: Kind::Archive,
                destination: format!("{path}.isopod-{}", std::process::id()),
            };
            let outcome = output::write(session, &built.id, &[], &archive).await;
            let unpacked = outcome.and_then(|()| unpack(&archive.destination, path));
            let _ = std::fs::remove_file(&archive.destination);
            unpacked
        }
    }
}

/// Puts the files of an archive in a directory.
fn unpack(archive: &str, directory: &str) -> Result<()> {
    let file = std::fs::File::open(archive).with_context(|| format!("open {archive}"))?;
    std::fs::create_dir_all(directory).with_context(|| format!("make {directory}"))?;
    tar::Archive::new(file)
        .unpack(directory)
        .with_context(|| format!("write the cache to {directory}"))
}
