//! `ps`.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use isopod_base::times::Timestamp;
use isopod_base::units::human_size_digits;
use isopod_docker_types::{ContainerSummary, Port};

use crate::args::{Flag, Parsed, boolean, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::{
    Columns, Listing, ago, check_rows, ellipsis, format_flags, go_quote, local_time, print_rows,
    short_id, stdout,
};
use crate::session::Session;
use crate::template::Value;
use isopod_client::{filters, query};

static FLAGS: &[Flag] = &[
    boolean("all", 'a', "Show stopped containers too"),
    typed("filter", 'f', "filter", "Show only those that match, such as status=exited or label=a"),
    typed("last", 'n', "int", "Show the last N containers created, in any state").default("-1"),
    boolean("latest", 'l', "Show the last container created, in any state"),
    boolean("no-trunc", ' ', "Do not shorten ids and commands"),
    boolean("quiet", 'q', "Show ids only"),
    boolean("size", 's', "Show sizes"),
];

static FORMAT: [Flag; 2] = format_flags();

pub(super) static LIST: Command = Command {
    names: &["container ls", "container list", "container ps", "ps"],
    usage: "[OPTIONS]",
    summary: "List containers",
    examples: &[
        ("ps", "List running containers"),
        ("ps -aq --filter status=exited", "The ids of those that ended"),
        ("ps --format 'table {{.Names}}\\t{{.Status}}'", "A table of your own"),
    ],
    flags: &[FLAGS, &FORMAT],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(list(session, flags)),
    ..Command::DEFAULT
};

/// Columns of containers.
pub(crate) const CONTAINER_COLUMNS: Columns = Columns {
    type_name: "*formatter.ContainerContext",
    titles: &[
        ("ID", "CONTAINER ID"),
        ("Names", "NAMES"),
        ("Image", "IMAGE"),
        ("Command", "COMMAND"),
        ("CreatedAt", "CREATED AT"),
        ("RunningFor", "CREATED"),
        ("Ports", "PORTS"),
        ("State", "STATE"),
        ("Status", "STATUS"),
        ("Size", "SIZE"),
        ("Labels", "LABELS"),
        ("Mounts", "MOUNTS"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Networks", "NETWORKS"),
        ("Platform", "PLATFORM"),
    ],
    table: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
};

async fn list(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let mut table = CONTAINER_COLUMNS.table.to_owned();
    if flags.on("size") {
        table.push_str("\t{{.Size}}");
    }
    let listing = Listing::from_flags(&flags, &table)?;
    // A template that cannot work is an error even if there are no rows.
    check_rows(&CONTAINER_COLUMNS, &listing, &container_row(&ContainerSummary::default(), true))?;
    let last = flags.int("last").unwrap_or(-1);
    let last = if flags.on("latest") && last == -1 { 1 } else { last };
    let size = flags.on("size") || listing.uses(".Size");
    let limit = if last > 0 { last.to_string() } else { String::new() };
    let on = |on: bool| if on { "1" } else { "" };
    let path = format!(
        "/containers/json{}",
        query(&[
            ("all", on(flags.on("all"))),
            ("limit", &limit),
            ("size", on(size && !flags.on("quiet"))),
            ("filters", &filters(flags.list("filter"))),
        ])
    );
    let containers: Vec<ContainerSummary> = session.client.get(&path).await?;
    let short = !flags.on("no-trunc");
    if flags.on("quiet") && !flags.given("format") && !flags.given("output") {
        for container in &containers {
            let id = if short { short_id(&container.id) } else { container.id.clone() };
            writeln!(stdout(), "{id}").context("write to standard output")?;
        }
        return Ok(0);
    }
    let rows: Vec<Value> =
        containers.iter().map(|container| container_row(container, short)).collect();
    print_rows(&CONTAINER_COLUMNS, &listing, &rows)?;
    Ok(0)
}

/// A container as a row.
pub(crate) fn container_row(container: &ContainerSummary, short: bool) -> Value {
    let id = if short { short_id(&container.id) } else { container.id.clone() };
    // An image without a name is shown by its short id.
    let image = match container.image.as_str() {
        "" => "<no image>".to_owned(),
        image if short && image.starts_with("sha256:") => short_id(image),
        image if short && image == container.image_id => short_id(image),
        image => image.to_owned(),
    };
    let command = match short {
        true => ellipsis(&container.command, 20),
        false => container.command.clone(),
    };
    let size = match container.size_root_fs {
        0 => human_size_digits(container.size_rw.unsigned_abs(), 3),
        whole => format!(
            "{} (virtual {})",
            human_size_digits(container.size_rw.unsigned_abs(), 3),
            human_size_digits(whole.unsigned_abs(), 3)
        ),
    };
    let labels = container.labels.iter().map(|(key, value)| format!("{key}={value}"));
    let mounts = container.mounts.iter().map(|mount| {
        let name = if mount.name.is_empty() { &mount.source } else { &mount.name };
        if short { ellipsis(name, 15) } else { name.clone() }
    });
    let volumes = container.mounts.iter().filter(|mount| mount.driver == "local").count();
    let networks: Vec<&str> =
        container.network_settings.networks.keys().map(String::as_str).collect();
    let lookup =
        container.labels.iter().map(|(key, value)| (key.clone(), Value::text(value))).collect();
    let fields = [
        ("Command", go_quote(&command)),
        ("CreatedAt", local_time(container.created)),
        ("ID", id),
        ("Image", image),
        ("Labels", labels.collect::<Vec<_>>().join(",")),
        ("LocalVolumes", volumes.to_string()),
        ("Mounts", mounts.collect::<Vec<_>>().join(",")),
        ("Names", names(container)),
        ("Networks", networks.join(",")),
        ("Ports", ports(&container.ports)),
        ("RunningFor", ago(Timestamp::from_nanos(i128::from(container.created) * 1_000_000_000))),
        ("Size", size),
        ("State", container.state.clone()),
        ("Status", container.status.clone()),
    ];
    let mut row: Vec<(String, Value)> =
        fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text))).collect();
    // Members are in the order of their names, as docker's JSON has them.
    let at = row.iter().position(|(name, _)| name == "Ports").unwrap_or(0);
    row.insert(at, ("Platform".to_owned(), Value::Null));
    row.push(("Label".to_owned(), Value::Lookup(lookup)));
    Value::Map(row)
}

/// Names without their slash; names of links (`/other/alias`) are left out.
fn names(container: &ContainerSummary) -> String {
    let names: Vec<&str> = container
        .names
        .iter()
        .map(|name| name.trim_start_matches('/'))
        .filter(|name| !name.contains('/'))
        .collect();
    names.join(",")
}

/// `0.0.0.0:8080->80/tcp, 90-91/udp`: adjacent ports are put together.
fn ports(ports: &[Port]) -> String {
    let mut sorted: Vec<&Port> = ports.iter().collect();
    sorted.sort_by_key(|port| {
        (&port.ip, port.public_port != 0, &port.kind, port.private_port, port.public_port)
    });
    let mut groups: Vec<(&Port, u16)> = vec![];
    for port in sorted {
        match groups.last_mut() {
            Some((first, count))
                if first.ip == port.ip
                    && first.kind == port.kind
                    && first.private_port + *count == port.private_port
                    && match first.public_port {
                        0 => port.public_port == 0,
                        public => public + *count == port.public_port,
                    } =>
            {
                *count += 1;
            }
            _ => groups.push((port, 1)),
        }
    }
    let range = |first: u16, count: u16| match count {
        1 => first.to_string(),
        count => format!("{first}-{}", first + count - 1),
    };
    // Those that lead nowhere come first.
    groups.sort_by_key(|(port, _)| port.public_port != 0);
    let texts: Vec<String> = groups
        .into_iter()
        .map(|(port, count)| {
            let private = format!("{}/{}", range(port.private_port, count), port.kind);
            match (port.public_port, port.ip.as_str()) {
                (0, _) => private,
                (public, "") => format!("{}->{private}", range(public, count)),
                (public, ip) if ip.contains(':') => {
                    format!("[{ip}]:{}->{private}", range(public, count))
                }
                (public, ip) => format!("{ip}:{}->{private}", range(public, count)),
            }
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_put_together() {
        let port = |ip: &str, public_port, private_port, kind: &str| Port {
            ip: ip.to_owned(),
            private_port,
            public_port,
            kind: kind.to_owned(),
        };
        assert_eq!(
            ports(&[
                port("0.0.0.0", 8081, 81, "tcp"),
                port("0.0.0.0", 8080, 80, "tcp"),
                port("::", 8080, 80, "tcp"),
                port("", 0, 53, "udp"),
            ]),
            "53/udp, 0.0.0.0:8080-8081->80-81/tcp, [::]:8080->80/tcp"
        );
    }

    #[test]
    fn rows_are_shortened() {
        let container = ContainerSummary {
            id: "0123456789abcdef".into(),
            names: vec!["/web".into(), "/db/alias".into()],
            image: "sha256:aabbccddeeff0011".into(),
            command: "sh -c 'while :; do echo out; done'".into(),
            ..ContainerSummary::default()
        };
        let row = container_row(&container, true);
        let field = |name: &str| row.member(name).map(Value::to_string).unwrap_or_default();
        assert_eq!(field("ID"), "0123456789ab");
        assert_eq!(field("Names"), "web");
        assert_eq!(field("Image"), "aabbccddeeff");
        assert_eq!(field("Command"), "\"sh -c 'while :; do …\"");
        assert_eq!(field("Size"), "0B");
    }
}
