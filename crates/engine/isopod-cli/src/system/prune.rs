//! `prune`: containers, networks, images and, if asked for, volumes.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use http::Method;
use isopod_base::units::human_size;
use isopod_docker_types::BuildPruneReport;

use crate::args::{Flag, Parsed, boolean, typed};
use crate::commands::{Command, Names, Operands};
use crate::container::prune_containers;
use crate::image::prune_images;
use crate::network::prune_networks;
use crate::output::stdout;
use crate::prompt::confirm;
use crate::session::{Session, answered};
use crate::volume::prune_volumes;
use isopod_client::{Payload, query};

static FLAGS: &[Flag] = &[
    boolean("all", 'a', "Remove every unused image, not only those without a name"),
    typed("filter", ' ', "filter", "Only those that match, such as until=24h or label=a"),
    boolean("force", 'f', "Do not ask"),
    boolean("volumes", ' ', "Remove anonymous volumes too"),
];

pub(super) static PRUNE: Command = Command {
    names: &["system prune", "prune"],
    usage: "[OPTIONS]",
    summary: "Remove what is not used",
    examples: &[("prune -f", "Remove stopped containers and images without a name")],
    flags: &[FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(prune(session, flags)),
    ..Command::DEFAULT
};

async fn prune(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let (all, volumes, wanted) = (flags.on("all"), flags.on("volumes"), flags.list("filter"));
    if volumes && wanted.iter().any(|filter| filter.starts_with("until=")) {
        bail!("the \"until\" filter is not supported with \"--volumes\"");
    }
    if !flags.on("force") {
        confirm(&warning(all, volumes))?;
    }
    let mut freed = prune_containers(&session, wanted).await?;
    prune_networks(&session, wanted).await?;
    if volumes {
        let labels: Vec<String> =
            wanted.iter().filter(|filter| filter.starts_with("label")).cloned().collect();
        freed += prune_volumes(&session, false, &labels).await?;
    }
    freed += prune_images(&session, all, wanted).await?;
    freed += prune_build_cache(&session, all).await?;
    writeln!(stdout(), "Total reclaimed space: {}", human_size(freed))
        .context("write to standard output")?;
    Ok(0)
}

fn warning(all: bool, volumes: bool) -> String {
    let mut text = String::from(
        "WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at \
         least one container\n",
    );
    if volumes {
        text.push_str("  - all anonymous volumes not used by at least one container\n");
    }
    text.push_str(match all {
        true => "  - all images without at least one container associated to them\n",
        false => "  - all dangling images\n",
    });
    text.push_str("  - unused build cache\n");
    text
}

/// An engine that builds nothing has no cache to prune, which is no error.
async fn prune_build_cache(session: &Session, all: bool) -> Result<u64> {
    let path = format!("/build/prune{}", query(&[("all", if all { "1" } else { "" })]));
    match session.client.json::<BuildPruneReport>(Method::POST, &path, Payload::Empty).await {
        Ok(report) => Ok(report.space_reclaimed),
        Err(error) if answered(&error, 404) || answered(&error, 501) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
