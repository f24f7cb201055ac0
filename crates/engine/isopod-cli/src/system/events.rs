//! `events`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use http::Method;
use isopod_base::times::Timestamp;
use isopod_docker_types::EventMessage;

use super::timestamp_query;
use crate::args::{Flag, Parsed, text, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::session::Session;
use crate::template::{Mode, Template, Value};
use isopod_client::{JsonLines, Payload, filters, query};

static FLAGS: &[Flag] = &[
    typed("filter", 'f', "filter", "Only those that match, such as type=container or event=die"),
    text("format", ' ', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
    text("since", ' ', "Begin with events after a time or age"),
    text("until", ' ', "End at a time or age"),
];

pub(super) static EVENTS: Command = Command {
    names: &["system events", "events"],
    usage: "[OPTIONS]",
    summary: "Show what happens as it happens",
    examples: &[
        ("events --since 10m --until 0s", "Show the last ten minutes"),
        ("events --filter event=die --format '{{.Actor.Attributes.name}}'", "Show what ends"),
    ],
    flags: &[FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(events(session, flags)),
    ..Command::DEFAULT
};

async fn events(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let template = match flags.get("format").or(flags.get("output")) {
        None | Some("") => None,
        Some("json") => Some("{{json .}}".to_owned()),
        Some(source) => Some(source.replace("\\t", "\t").replace("\\n", "\n")),
    };
    let template = template
        .map(|source| {
            Template::parse(&source).map_err(|error| anyhow!("Error parsing format: {error}"))
        })
        .transpose()?;
    let since = timestamp_query(flags.get("since"), "since")?;
    let until = timestamp_query(flags.get("until"), "until")?;
    let path = format!(
        "/events{}",
        query(
            &[("filters", &filters(flags.list("filter"))), ("since", &since), ("until", &until),]
        )
    );
    let response = session.client.stream(Method::GET, &path, &[], Payload::Empty).await?;
    let mut documents = JsonLines::new(response.into_body());
    while let Some(document) = documents.next().await? {
        let line = match &template {
            Some(template) => {
                let value: Value =
                    serde_json::from_str(document.get()).context("an event is not JSON")?;
                template
                    .render(&value, "", Mode::Data)
                    .map_err(|error| anyhow!("failed to execute template: {error}"))?
            }
            None => {
                let event: EventMessage =
                    serde_json::from_str(document.get()).context("an event is not as expected")?;
                describe(&event)
            }
        };
        writeln!(stdout(), "{line}").context("write to standard output")?;
    }
    Ok(0)
}

/// `TIME KIND ACTION ID (KEY=VALUE, ...)`.
fn describe(event: &EventMessage) -> String {
    let nanos = match (event.time_nano, event.time) {
        (0, seconds) => i128::from(seconds) * 1_000_000_000,
        (nanos, _) => i128::from(nanos),
    };
    let mut line = format!(
        "{} {} {} {}",
        Timestamp::from_nanos(nanos).rfc3339_nanos(),
        event.kind,
        event.action,
        event.actor.id
    );
    if !event.actor.attributes.is_empty() {
        let pairs: Vec<String> =
            event.actor.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        line.push_str(&format!(" ({})", pairs.join(", ")));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line() {
        let event: EventMessage = serde_json::from_str(
            r#"{"Type":"container","Action":"die","Actor":{"ID":"ab","Attributes":{"name":"web","exitCode":"0"}},"time":1,"timeNano":1500000000}"#,
        )
        .expect("test data");
        assert_eq!(
            describe(&event),
            "1970-01-01T00:00:01.500000000Z container die ab (exitCode=0, name=web)"
        );
    }
}
