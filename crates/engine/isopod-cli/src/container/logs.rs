//! `logs`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::{Method, header};

use super::attach::inspect;
use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::session::Session;
use crate::stream::Sink;
use crate::system::timestamp_query;
use isopod_client::{Payload, next_piece, query, segment};

static FLAGS: &[Flag] = &[
    boolean("details", ' ', "Show labels and variables that log options ask for"),
    boolean("follow", 'f', "Go on as the container writes"),
    text("since", ' ', "Only lines after a time (2013-01-02T13:23:37Z) or age (42m)"),
    text("tail", 'n', "Only the last N lines").default("all"),
    boolean("timestamps", 't', "Show when each line was written"),
    text("until", ' ', "Only lines before a time or age"),
];

pub(super) static LOGS: Command = Command {
    names: &["container logs", "logs"],
    usage: "[OPTIONS] CONTAINER",
    summary: "Show what a container wrote",
    examples: &[
        ("logs web", "Show everything"),
        ("logs -f --tail 10 web", "Show the last lines and go on"),
        ("logs -t --since 5m web", "Show the last five minutes with times"),
    ],
    flags: &[FLAGS],
    operands: Operands::Exactly(1),
    complete: Names::Containers,
    run: |session, flags| Box::pin(logs(session, flags)),
    ..Command::DEFAULT
};

async fn logs(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let name = &flags.operands[0];
    let on = |name: &str| if flags.on(name) { "1" } else { "" };
    let since = timestamp_query(flags.get("since"), "since")?;
    let until = timestamp_query(flags.get("until"), "until")?;
    let path = format!(
        "/containers/{}/logs{}",
        segment(name),
        query(&[
            ("details", on("details")),
            ("follow", on("follow")),
            ("since", &since),
            ("stderr", "1"),
            ("stdout", "1"),
            ("tail", flags.get("tail").unwrap_or("all")),
            ("timestamps", on("timestamps")),
            ("until", &until),
        ])
    );
    let response = session.client.stream(Method::GET, &path, &[], Payload::Empty).await?;
    let framed = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/vnd.docker.multiplexed-stream");
    // Older engines call both kinds raw: then the container tells.
    let raw = !framed && inspect(&session, name).await?.config.tty;
    let mut body = response.into_body();
    let mut sink = Sink::new(raw);
    while let Some(piece) = next_piece(&mut body).await? {
        sink.write(&piece)?;
    }
    sink.finish()?;
    stdout().flush().context("write to standard output")?;
    Ok(0)
}
