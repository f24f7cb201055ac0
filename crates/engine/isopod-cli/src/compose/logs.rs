//! `compose logs`, and what `up` shows in the foreground.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use http::{Method, header};
use isopod_compose::{Plan, Step};
use isopod_docker_types::{ContainerInspect, ContainerSummary};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use super::execute::{How, execute};
use super::observe::{containers, name_of, service_of};
use super::project::{Found, PROJECT, chosen, find};
use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Operands};
use crate::output::{stderr, stdout};
use crate::session::Session;
use crate::stream::Frames;
use crate::system::timestamp_query;
use isopod_client::{Payload, next_piece, query, segment};

/// Longest line that is held back until it is whole.
const LINE_MAX: usize = 64 << 10;

static FLAGS: &[Flag] = &[
    boolean("follow", 'f', "Go on as the containers write"),
    text("since", ' ', "Only lines after a time or age"),
    text("until", ' ', "Only lines before a time or age"),
    text("tail", 'n', "Only the last N lines of each container").default("all"),
    boolean("timestamps", 't', "Show when each line was written"),
    boolean("no-log-prefix", ' ', "Print lines without the containers' names"),
    boolean("no-color", ' ', "Accepted as docker has it; there are no colours"),
];

pub(super) static LOGS: Command = Command {
    names: &["compose logs"],
    usage: "[OPTIONS] [SERVICE...]",
    summary: "Show what the containers of a project wrote",
    examples: &[("compose logs -f --tail 10 web", "The last lines of a service, and go on")],
    flags: &[FLAGS, PROJECT],
    operands: Operands::AtLeast(0),
    run: |session, flags| Box::pin(run(session, flags)),
    ..Command::DEFAULT
};

async fn run(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = find(&flags, true)?;
    let services = chosen(&found.project, &found.rest)?;
    let on = |name: &str| if flags.on(name) { "1" } else { "" };
    let since = timestamp_query(flags.get("since"), "since")?;
    let until = timestamp_query(flags.get("until"), "until")?;
    let query = query(&[
        ("follow", on("follow")),
        ("since", &since),
        ("stderr", "1"),
        ("stdout", "1"),
        ("tail", flags.get("tail").unwrap_or("all")),
        ("timestamps", on("timestamps")),
        ("until", &until),
    ]);
    let mut all = containers(&session, &found.project.name).await?;
    all.retain(|container| services.contains(&service_of(container)));
    let width = width(&all);
    let mut tasks = JoinSet::new();
    for container in all {
        let prefix = prefix(&container, width, !flags.on("no-log-prefix"));
        let work = show(session.clone(), container.id, query.clone(), prefix);
        if flags.on("follow") {
            tasks.spawn_local(work);
        } else {
            work.await?;
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a log broke off")??;
    }
    Ok(0)
}

fn short(container: &ContainerSummary) -> String {
    format!("{}-{}", service_of(container), super::observe::number_of(container))
}

fn width(all: &[ContainerSummary]) -> usize {
    all.iter().map(|container| short(container).len()).max().unwrap_or(0)
}

fn prefix(container: &ContainerSummary, width: usize, wanted: bool) -> String {
    if wanted { format!("{:width$}  | ", short(container)) } else { String::new() }
}

/// Prints a container's log, line by line.
async fn show(session: Rc<Session>, id: String, query: String, prefix: String) -> Result<()> {
    let path = format!("/containers/{}/logs{query}", segment(&id));
    let response = session.client.stream(Method::GET, &path, &[], Payload::Empty).await?;
    let framed = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/vnd.docker.multiplexed-stream");
    let raw = !framed && {
        let path = format!("/containers/{}/json", segment(&id));
        session.client.get::<ContainerInspect>(&path).await?.config.tty
    };
    let mut body = response.into_body();
    let mut frames = Frames::default();
    let mut lines = [Lines::default(), Lines::default()];
    while let Some(piece) = next_piece(&mut body).await? {
        if raw {
            lines[0].push(&piece, &prefix, false)?;
            continue;
        }
        frames.push(&piece);
        while let Some((stream, bytes)) = frames.next()? {
            lines[usize::from(stream == 2)].push(&bytes, &prefix, stream == 2)?;
        }
    }
    let [out, err] = &mut lines;
    out.finish(&prefix, false)?;
    err.finish(&prefix, true)
}

/// Whole lines of a stream, so that those of several containers do not mix.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, bytes: &[u8], prefix: &str, error: bool) -> Result<()> {
        self.0.extend_from_slice(bytes);
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let rest = self.0.split_off(end + 1);
            let line = std::mem::replace(&mut self.0, rest);
            print(prefix, &line, error)?;
        }
        if self.0.len() > LINE_MAX {
            self.finish(prefix, error)?;
        }
        Ok(())
    }

    fn finish(&mut self, prefix: &str, error: bool) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.0);
        line.push(b'\n');
        print(prefix, &line, error)
    }
}

fn print(prefix: &str, line: &[u8], error: bool) -> Result<()> {
    let mut whole = prefix.as_bytes().to_vec();
    whole.extend_from_slice(line);
    let mut out = if error { stderr() } else { stdout() };
    out.write_all(&whole).context("write the log")
}

/// Shows the logs of a project until its containers end or the user stops them by SIGINT.
pub(super) async fn attached(
    session: &Rc<Session>,
    found: &Rc<Found>,
    prefixed: bool,
    abort: bool,
    code_from: Option<&str>,
    how: &How,
    since: &str,
) -> Result<i32> {
    let mut all = containers(session, &found.project.name).await?;
    all.retain(|container| {
        let service = service_of(container);
        let attach = |service: &isopod_compose::Service| {
            service.at("attach").and_then(isopod_compose::Node::as_bool) != Some(false)
        };
        let named = found.rest.is_empty() || found.rest.contains(&service);
        named && found.project.services.get(&service).is_some_and(attach)
    });
    if let Some(name) = code_from
        && !found.project.services.contains_key(name)
    {
        bail!("--exit-code-from: no such service: {name}");
    }
    let width = width(&all);
    let query = query(&[("follow", "1"), ("since", since), ("stderr", "1"), ("stdout", "1")]);
    let mut tasks = JoinSet::new();
    for container in &all {
        let prefix = prefix(container, width, prefixed);
        tasks.spawn_local(show(session.clone(), container.id.clone(), query.clone(), prefix));
    }
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let stopped = Cell::new(false);
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(result) => {
                    result.context("a log broke off")??;
                    if abort {
                        break;
                    }
                }
                None => break,
            },
            _ = interrupt.recv() => { stopped.set(true); break }
            _ = terminate.recv() => { stopped.set(true); break }
        }
    }
    if stopped.get() || abort {
        writeln!(stderr(), "Gracefully stopping...").context("write to standard error")?;
        let mut plan = Plan::default();
        for container in &all {
            plan.steps.push((Step::Stop(name_of(container)), Vec::new()));
        }
        tokio::select! {
            result = execute(session, found, &plan, how) => result?,
            // The second time means it.
            _ = interrupt.recv() => {
                for container in &all {
                    let path = format!("/containers/{}/kill", segment(&container.id));
                    let _ = session.client.call(Method::POST, &path, Payload::Empty).await;
                }
            }
        }
    }
    if let Some(name) = code_from {
        let one = all.iter().find(|container| service_of(container) == name);
        let one = one.context("the service has no container")?;
        let path = format!("/containers/{}/json", segment(&one.id));
        let state = session.client.get::<ContainerInspect>(&path).await?.state;
        return Ok(i32::try_from(state.exit_code).unwrap_or(1));
    }
    Ok(if stopped.get() { 130 } else { 0 })
}
