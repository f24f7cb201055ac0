//! `compose ps`, and the table that `up` ends with.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use isopod_docker_types::{ContainerSummary, Port};

use super::observe::{containers, name_of, service_of};
use super::project::{PROJECT, chosen, find};
use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Operands};
use crate::output::{align, stdout};
use crate::session::Session;

static FLAGS: &[Flag] = &[
    boolean("all", 'a', "Show stopped containers too"),
    boolean("quiet", 'q', "Print ids only"),
    boolean("services", ' ', "Print names of services"),
    text("format", ' ', "table or json").default("table"),
];

pub(super) static PS: Command = Command {
    names: &["compose ps"],
    usage: "[OPTIONS] [SERVICE...]",
    summary: "List the containers of a project",
    examples: &[("compose ps", "List services, states and addresses")],
    flags: &[FLAGS, PROJECT],
    operands: Operands::AtLeast(0),
    run: |session, flags| Box::pin(run(session, flags)),
    ..Command::DEFAULT
};

async fn run(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = find(&flags, true)?;
    chosen(&found.project, &found.rest)?;
    let all = flags.on("all");
    let mut out = String::new();
    if flags.on("quiet") || flags.on("services") || flags.get("format") == Some("json") {
        let mut services: Vec<String> = Vec::new();
        for container in listed(&session, &found.project.name, &found.rest, all).await? {
            if flags.on("quiet") {
                out += &format!("{}\n", container.id);
            } else if flags.on("services") {
                services.push(service_of(&container));
            } else {
                let line = serde_json::json!({
                    "ID": container.id, "Name": name_of(&container),
                    "Service": service_of(&container), "Image": container.image,
                    "State": container.state, "Status": container.status,
                    "Publishers": container.ports.iter().map(url).collect::<Vec<_>>(),
                });
                out += &format!("{line}\n");
            }
        }
        services.dedup();
        out.extend(services.iter().map(|name| format!("{name}\n")));
    } else {
        out = table(&session, &found.project.name, &found.rest, all).await?;
    }
    stdout().write_all(out.as_bytes()).context("write to standard output")?;
    Ok(0)
}

async fn listed(
    session: &Session,
    project: &str,
    services: &[String],
    all: bool,
) -> Result<Vec<ContainerSummary>> {
    let mut found = containers(session, project).await?;
    found.retain(|container| services.is_empty() || services.contains(&service_of(container)));
    found.retain(|container| all || container.state != "exited" && container.state != "created");
    Ok(found)
}

/// Services, states and where they answer.
pub(super) async fn table(
    session: &Session,
    project: &str,
    services: &[String],
    all: bool,
) -> Result<String> {
    let mut text = "SERVICE\tCONTAINER\tSTATUS\tURL\n".to_owned();
    for container in listed(session, project, services, all).await? {
        let mut urls: Vec<String> =
            container.ports.iter().filter(|port| port.public_port != 0).map(url).collect();
        urls.sort();
        urls.dedup();
        text += &format!(
            "{}\t{}\t{}\t{}\n",
            service_of(&container),
            name_of(&container),
            container.status,
            urls.join(" ")
        );
    }
    Ok(align(&text))
}

/// Where a published port answers on this machine.
fn url(port: &Port) -> String {
    let host = match port.ip.as_str() {
        "" | "0.0.0.0" | "::" => "localhost".to_owned(),
        address if address.contains(':') => format!("[{address}]"),
        address => address.to_owned(),
    };
    let scheme = match (port.kind.as_str(), port.private_port) {
        ("tcp", 443 | 8443) => "https",
        ("tcp", _) => "http",
        (kind, _) => kind,
    };
    format!("{scheme}://{host}:{}", port.public_port)
}
