//! `container prune`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_base::units::human_size;
use isopod_docker_types::ContainersPruneReport;

use crate::args::{Flag, Parsed, boolean, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::prompt::confirm;
use crate::session::Session;
use isopod_client::{Payload, filters, query};

static FLAGS: &[Flag] = &[
    typed("filter", ' ', "filter", "Only those that match, such as until=24h or label=a"),
    boolean("force", 'f', "Do not ask"),
];

pub(super) static PRUNE: Command = Command {
    names: &["container prune"],
    usage: "[OPTIONS]",
    summary: "Remove all stopped containers",
    examples: &[("container prune -f --filter until=24h", "Remove those older than a day")],
    flags: &[FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(prune(session, flags)),
    ..Command::DEFAULT
};

async fn prune(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    if !flags.on("force") {
        confirm("WARNING! This will remove all stopped containers.")?;
    }
    let freed = prune_containers(&session, flags.list("filter")).await?;
    writeln!(stdout(), "Total reclaimed space: {}", human_size(freed))
        .context("write to standard output")?;
    Ok(0)
}

/// Removes stopped containers and names them; returns the bytes freed.
pub(crate) async fn prune_containers(session: &Session, wanted: &[String]) -> Result<u64> {
    let path = format!("/containers/prune{}", query(&[("filters", &filters(wanted))]));
    let report: ContainersPruneReport =
        session.client.json(Method::POST, &path, Payload::Empty).await?;
    if !report.containers_deleted.is_empty() {
        let list = report.containers_deleted.join("\n");
        writeln!(stdout(), "Deleted Containers:\n{list}\n").context("write to standard output")?;
    }
    Ok(report.space_reclaimed)
}
