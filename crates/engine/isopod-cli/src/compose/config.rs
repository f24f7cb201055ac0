//! `compose config` and `compose ls`.

use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use isopod_compose::{config_hash, labels};
use isopod_docker_types::ContainerSummary;

use super::build::image_of;
use super::project::{PROJECT, chosen, find};
use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Operands};
use crate::output::{align, stdout};
use crate::session::Session;
use isopod_client::{filters, query};

static FLAGS: &[Flag] = &[
    text("format", ' ', "yaml or json").default("yaml"),
    text("output", 'o', "Write to a file"),
    text("hash", ' ', "Print the configuration hash of services: names, or *"),
    boolean("services", ' ', "Print names of services"),
    boolean("volumes", ' ', "Print names of volumes"),
    boolean("networks", ' ', "Print names of networks"),
    boolean("profiles", ' ', "Print names of profiles"),
    boolean("images", ' ', "Print names of images"),
    boolean("quiet", 'q', "Only check"),
    boolean("no-interpolate", ' ', "Leave variables as they are"),
];

pub(super) static CONFIG: Command = Command {
    names: &["compose config", "compose convert"],
    usage: "[OPTIONS] [SERVICE...]",
    summary: "Check a compose file and print what it means",
    examples: &[("compose config", "Print the whole project"), ("compose config -q", "Only check")],
    flags: &[FLAGS, PROJECT],
    operands: Operands::AtLeast(0),
    run: |_, flags| Box::pin(async move { config(&flags) }),
    ..Command::DEFAULT
};

static LIST_FLAGS: &[Flag] = &[
    boolean("all", 'a', "Show projects that do not run, too"),
    boolean("quiet", 'q', "Print names only"),
];

pub(super) static LIST: Command = Command {
    names: &["compose ls"],
    usage: "[OPTIONS]",
    summary: "List projects",
    examples: &[("compose ls", "List running projects")],
    flags: &[LIST_FLAGS],
    operands: Operands::None,
    run: |session, flags| Box::pin(list(session, flags)),
    ..Command::DEFAULT
};

fn config(flags: &Parsed) -> Result<i32> {
    let mut found = find(flags, true)?;
    let names = chosen(&found.project, &found.rest)?;
    if !found.rest.is_empty() {
        found.project.services.retain(|name, _| names.contains(name));
    }
    let project = &found.project;
    let all = project.services.values().chain(project.disabled.values());
    let lines: Option<Vec<String>> = if flags.on("quiet") {
        return Ok(0);
    } else if flags.on("services") {
        Some(project.services.keys().cloned().collect())
    } else if flags.on("volumes") {
        Some(project.volumes.keys().cloned().collect())
    } else if flags.on("networks") {
        Some(project.networks.keys().cloned().collect())
    } else if flags.on("images") {
        Some(project.services.values().map(|service| image_of(project, service)).collect())
    } else if flags.on("profiles") {
        let mut profiles: Vec<String> = all.flat_map(|service| service.words("profiles")).collect();
        profiles.sort();
        profiles.dedup();
        Some(profiles)
    } else if let Some(wanted) = flags.get("hash") {
        let wanted: Vec<&str> = wanted.split(',').collect();
        let services = project.services.values();
        let services = services.filter(|s| wanted == ["*"] || wanted.contains(&s.name.as_str()));
        Some(services.map(|s| format!("{} {}", s.name, config_hash(project, s))).collect())
    } else {
        None
    };
    let text = match (lines, flags.get("format").unwrap_or("yaml")) {
        (Some(lines), _) => lines.iter().map(|line| format!("{line}\n")).collect(),
        (None, "yaml") => project.to_yaml(),
        (None, "json") => format!("{:#}\n", project.to_json()),
        (None, other) => bail!("invalid --format {other:?}: expected yaml or json"),
    };
    match flags.get("output") {
        Some(path) => std::fs::write(path, text).with_context(|| format!("write {path}"))?,
        None => stdout().write_all(text.as_bytes()).context("write to standard output")?,
    }
    Ok(0)
}

async fn list(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let filter = filters(&[format!("label={}", labels::PROJECT)]);
    let path = format!("/containers/json{}", query(&[("all", "1"), ("filters", &filter)]));
    let containers: Vec<ContainerSummary> = session.client.get(&path).await?;
    let mut projects: BTreeMap<String, (BTreeMap<String, usize>, String)> = BTreeMap::new();
    for container in containers {
        let label = |name: &str| container.labels.get(name).cloned().unwrap_or_default();
        let (states, files) = projects.entry(label(labels::PROJECT)).or_default();
        *states.entry(container.state.clone()).or_default() += 1;
        *files = label(labels::CONFIG_FILES);
    }
    projects.retain(|_, (states, _)| flags.on("all") || states.contains_key("running"));
    let mut text = "NAME\tSTATUS\tCONFIG FILES\n".to_owned();
    for (name, (states, files)) in &projects {
        let states: Vec<String> =
            states.iter().map(|(state, count)| format!("{state}({count})")).collect();
        text += &format!("{name}\t{}\t{files}\n", states.join(", "));
    }
    let text = if flags.on("quiet") {
        projects.keys().map(|name| format!("{name}\n")).collect()
    } else {
        align(&text)
    };
    stdout().write_all(text.as_bytes()).context("write to standard output")?;
    Ok(0)
}
