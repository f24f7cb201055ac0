//! Commands about networks.

mod change;
mod create;

pub(crate) use change::prune_networks;

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use isopod_docker_types::NetworkInspect;

use crate::args::{Flag, Parsed, boolean, text, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::{Columns, Listing, format_flags, print_rows, short_id, stdout};
use crate::session::Session;
use crate::system::{Kind, inspect_all};
use crate::template::Value;
use isopod_client::{filters, query};

static LIST_FLAGS: &[Flag] = &[
    typed("filter", 'f', "filter", "Only those that match, such as driver=host"),
    boolean("no-trunc", ' ', "Do not shorten ids"),
    boolean("quiet", 'q', "Show ids only"),
];

static FORMAT: [Flag; 2] = format_flags();

static INSPECT_FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
    boolean("verbose", 'v', "Accepted as docker has it"),
];

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[
    &change::CONNECT,
    &create::CREATE,
    &change::DISCONNECT,
    &INSPECT,
    &LIST,
    &change::PRUNE,
    &change::REMOVE,
];

static LIST: Command = Command {
    names: &["network ls", "network list"],
    usage: "[OPTIONS]",
    summary: "List networks",
    examples: &[("network ls", "List networks")],
    flags: &[LIST_FLAGS, &FORMAT],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(list(session, flags)),
    ..Command::DEFAULT
};

static INSPECT: Command = Command {
    names: &["network inspect"],
    usage: "[OPTIONS] NETWORK [NETWORK...]",
    summary: "Show all about networks",
    examples: &[("network inspect host", "Show the host's network")],
    flags: &[INSPECT_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Networks,
    run: |session, flags| Box::pin(inspect_all(session, flags, &[Kind::Network])),
    ..Command::DEFAULT
};

const COLUMNS: Columns = Columns {
    type_name: "*network.networkContext",
    titles: &[
        ("ID", "NETWORK ID"),
        ("Name", "NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
        ("IPv4", "IPV4"),
        ("IPv6", "IPV6"),
        ("Internal", "INTERNAL"),
        ("Labels", "LABELS"),
        ("CreatedAt", "CREATED AT"),
    ],
    table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
};

async fn list(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let listing = Listing::from_flags(&flags, COLUMNS.table)?;
    let path = format!("/networks{}", query(&[("filters", &filters(flags.list("filter")))]));
    let mut networks: Vec<NetworkInspect> = session.client.get(&path).await?;
    networks.sort_by(|a, b| a.name.cmp(&b.name));
    let short = !flags.on("no-trunc");
    let id = |network: &NetworkInspect| {
        if short { short_id(&network.id) } else { network.id.clone() }
    };
    if flags.on("quiet") && !flags.given("format") && !flags.given("output") {
        for network in &networks {
            writeln!(stdout(), "{}", id(network)).context("write to standard output")?;
        }
        return Ok(0);
    }
    let rows: Vec<Value> = networks
        .iter()
        .map(|network| {
            let labels: Vec<String> =
                network.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let fields = [
                ("CreatedAt", network.created.clone()),
                ("Driver", network.driver.clone()),
                ("ID", id(network)),
                ("IPv4", network.enable_ipv4.to_string()),
                ("IPv6", network.enable_ipv6.to_string()),
                ("Internal", network.internal.to_string()),
                ("Labels", labels.join(",")),
                ("Name", network.name.clone()),
                ("Scope", network.scope.clone()),
            ];
            let mut row: Vec<(String, Value)> = fields
                .into_iter()
                .map(|(name, text)| (name.to_owned(), Value::Text(text)))
                .collect();
            let lookup =
                network.labels.iter().map(|(key, value)| (key.clone(), Value::text(value)));
            row.push(("Label".to_owned(), Value::Lookup(lookup.collect())));
            Value::Map(row)
        })
        .collect();
    print_rows(&COLUMNS, &listing, &rows)?;
    Ok(0)
}
