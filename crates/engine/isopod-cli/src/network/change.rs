//! `network connect`, `disconnect`, `rm` and `prune`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_docker_types::{
    EndpointIpamConfig, EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest,
    NetworksPruneReport,
};

use super::create::pairs;
use crate::args::{Flag, Parsed, boolean, list, text, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::{stderr, stdout};
use crate::prompt::confirm;
use crate::session::{Session, answered};
use isopod_client::{Payload, filters, query, segment};

static CONNECT_FLAGS: &[Flag] = &[
    list("alias", ' ', "Further name of the container in the network").named("strings"),
    list("driver-opt", ' ', "Option of the driver").named("strings"),
    text("gw-priority", ' ', "The network of the highest one has the default gateway").default("0"),
    text("ip", ' ', "IPv4 address such as 172.30.100.104"),
    text("ip6", ' ', "IPv6 address such as 2001:db8::33"),
    list("link", ' ', "Another container, under a name of one's own (CONTAINER:ALIAS)"),
    list("link-local-ip", ' ', "Link-local address").named("strings"),
];

static DISCONNECT_FLAGS: &[Flag] =
    &[boolean("force", 'f', "Do not mind if the container is not there")];

static REMOVE_FLAGS: &[Flag] = &[boolean("force", 'f', "Do not mind if it is not there")];

static PRUNE_FLAGS: &[Flag] = &[
    typed("filter", ' ', "filter", "Only those that match, such as until=24h"),
    boolean("force", 'f', "Do not ask"),
];

pub(super) static CONNECT: Command = Command {
    names: &["network connect"],
    usage: "[OPTIONS] NETWORK CONTAINER",
    summary: "Put a container into a network, while it runs or not",
    examples: &[("network connect --alias db backend postgres", "Under a further name")],
    flags: &[CONNECT_FLAGS],
    operands: Operands::Exactly(2),
    complete: Names::Networks,
    run: |session, flags| Box::pin(connect(session, flags)),
    ..Command::DEFAULT
};

pub(super) static DISCONNECT: Command = Command {
    names: &["network disconnect"],
    usage: "[OPTIONS] NETWORK CONTAINER",
    summary: "Take a container out of a network",
    examples: &[("network disconnect backend postgres", "Take it out")],
    flags: &[DISCONNECT_FLAGS],
    operands: Operands::Exactly(2),
    complete: Names::Networks,
    run: |session, flags| Box::pin(disconnect(session, flags)),
    ..Command::DEFAULT
};

pub(super) static REMOVE: Command = Command {
    names: &["network rm", "network remove"],
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    summary: "Remove networks that no running container is in",
    examples: &[("network rm backend", "Remove a network")],
    flags: &[REMOVE_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Networks,
    run: |session, flags| Box::pin(remove(session, flags)),
    ..Command::DEFAULT
};

pub(super) static PRUNE: Command = Command {
    names: &["network prune"],
    usage: "[OPTIONS]",
    summary: "Remove networks that no container uses",
    examples: &[("network prune -f", "Without asking")],
    flags: &[PRUNE_FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(prune(session, flags)),
    ..Command::DEFAULT
};

fn operand(flags: &Parsed, at: usize) -> String {
    flags.operands.get(at).cloned().unwrap_or_default()
}

async fn connect(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let text = |name: &str| flags.get(name).unwrap_or_default().to_owned();
    let ipam = EndpointIpamConfig {
        ipv4_address: text("ip"),
        ipv6_address: text("ip6"),
        link_local_ips: flags.list("link-local-ip").to_vec(),
    };
    let priority = flags.get("gw-priority").unwrap_or("0");
    let settings = EndpointSettings {
        ipam_config: Some(ipam).filter(|ipam| *ipam != EndpointIpamConfig::default()),
        links: flags.list("link").to_vec(),
        aliases: flags.list("alias").to_vec(),
        driver_opts: pairs(flags.list("driver-opt")),
        gw_priority: priority
            .parse()
            .with_context(|| format!("invalid gw-priority: {priority}"))?,
        ..EndpointSettings::default()
    };
    let body =
        NetworkConnectRequest { container: operand(&flags, 1), endpoint_config: Some(settings) };
    let path = format!("/networks/{}/connect", segment(&operand(&flags, 0)));
    session.client.call(Method::POST, &path, Payload::json(&body)?).await?;
    Ok(0)
}

async fn disconnect(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let body = NetworkDisconnectRequest { container: operand(&flags, 1), force: flags.on("force") };
    let path = format!("/networks/{}/disconnect", segment(&operand(&flags, 0)));
    session.client.call(Method::POST, &path, Payload::json(&body)?).await?;
    Ok(0)
}

async fn remove(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let force = flags.on("force");
    let mut code = 0;
    for name in &flags.operands {
        let path = format!("/networks/{}", segment(name));
        match session.client.call(Method::DELETE, &path, Payload::Empty).await {
            Err(error) if !(force && answered(&error, 404)) => {
                code = 1;
                writeln!(stderr(), "{}", isopod_base::chain(&error))
                    .context("write to standard error")?;
            }
            Err(_) => {}
            Ok(()) => writeln!(stdout(), "{name}").context("write to standard output")?,
        }
    }
    Ok(code)
}

async fn prune(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    if !flags.on("force") {
        confirm(
            "WARNING! This will remove all custom networks not used by at least one container.",
        )?;
    }
    prune_networks(&session, flags.list("filter")).await?;
    Ok(0)
}

/// Removes unused networks and names them.
pub(crate) async fn prune_networks(session: &Session, wanted: &[String]) -> Result<()> {
    let path = format!("/networks/prune{}", query(&[("filters", &filters(wanted))]));
    let report: NetworksPruneReport =
        session.client.json(Method::POST, &path, Payload::Empty).await?;
    if !report.networks_deleted.is_empty() {
        let list = report.networks_deleted.join("\n");
        writeln!(stdout(), "Deleted Networks:\n{list}\n").context("write to standard output")?;
    }
    Ok(())
}
