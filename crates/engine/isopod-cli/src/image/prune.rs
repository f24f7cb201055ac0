//! `image prune`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_base::units::human_size;
use isopod_docker_types::ImagesPruneReport;

use crate::args::{Flag, Parsed, boolean, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::prompt::confirm;
use crate::session::Session;
use isopod_client::{Payload, filters, query};

static FLAGS: &[Flag] = &[
    boolean("all", 'a', "Remove every image that no container uses"),
    typed("filter", ' ', "filter", "Only those that match, such as until=24h or label=a"),
    boolean("force", 'f', "Do not ask"),
];

pub(super) static PRUNE: Command = Command {
    names: &["image prune"],
    usage: "[OPTIONS]",
    summary: "Remove unused images",
    examples: &[("image prune -af", "Remove every image that no container uses")],
    flags: &[FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(prune(session, flags)),
    ..Command::DEFAULT
};

async fn prune(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let all = flags.on("all");
    if !flags.on("force") {
        confirm(match all {
            true => {
                "WARNING! This will remove all images without at least one container associated to \
                 them."
            }
            false => "WARNING! This will remove all dangling images.",
        })?;
    }
    let freed = prune_images(&session, all, flags.list("filter")).await?;
    writeln!(stdout(), "Total reclaimed space: {}", human_size(freed))
        .context("write to standard output")?;
    Ok(0)
}

/// Removes unused images and names them; returns the bytes freed.
pub(crate) async fn prune_images(session: &Session, all: bool, wanted: &[String]) -> Result<u64> {
    let mut wanted = wanted.to_vec();
    wanted.push(format!("dangling={}", !all));
    let path = format!("/images/prune{}", query(&[("filters", &filters(&wanted))]));
    let report: ImagesPruneReport =
        session.client.json(Method::POST, &path, Payload::Empty).await?;
    if !report.images_deleted.is_empty() {
        let mut text = String::from("Deleted Images:\n");
        for item in &report.images_deleted {
            let (verb, name) = match item.untagged.as_str() {
                "" => ("deleted", &item.deleted),
                _ => ("untagged", &item.untagged),
            };
            text.push_str(&format!("{verb}: {name}\n"));
        }
        writeln!(stdout(), "{text}").context("write to standard output")?;
    }
    Ok(report.space_reclaimed)
}
