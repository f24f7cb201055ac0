//! `builder prune`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_base::units::human_size;
use isopod_docker_types::BuildPruneReport;

use crate::args::{Flag, Parsed, boolean, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::stdout;
use crate::prompt::confirm;
use crate::session::Session;
use isopod_client::{Payload, filters, query};

static FLAGS: &[Flag] = &[
    boolean("all", 'a', "Accepted as docker has it: all of the cache is pruned"),
    typed("filter", ' ', "filter", "Only what matches, such as until=24h"),
    boolean("force", 'f', "Do not ask"),
    typed("keep-storage", ' ', "bytes", "Keep the newest up to this size"),
];

pub(super) static PRUNE: Command = Command {
    names: &["builder prune"],
    usage: "[OPTIONS]",
    summary: "Remove the build cache",
    examples: &[
        ("builder prune -f", "Remove all of it"),
        ("builder prune -f --keep-storage 1g", "Keep the newest gigabyte"),
    ],
    flags: &[FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(prune(session, flags)),
    ..Command::DEFAULT
};

async fn prune(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    if !flags.on("force") {
        confirm("WARNING! This will remove all build cache.\n")?;
    }
    let keep = flags.bytes("keep-storage").to_string();
    let path = format!(
        "/build/prune{}",
        query(&[
            ("all", if flags.on("all") { "1" } else { "" }),
            ("filters", &filters(flags.list("filter"))),
            ("keep-storage", if flags.given("keep-storage") { &keep } else { "" }),
        ])
    );
    let report: BuildPruneReport = session.client.json(Method::POST, &path, Payload::Empty).await?;
    let mut text = String::new();
    if !report.caches_deleted.is_empty() {
        text.push_str("Deleted build cache objects:\n");
        for id in &report.caches_deleted {
            text.push_str(id);
            text.push('\n');
        }
        text.push('\n');
    }
    writeln!(stdout(), "{text}Total reclaimed space: {}", human_size(report.space_reclaimed))
        .context("write to standard output")?;
    Ok(0)
}
