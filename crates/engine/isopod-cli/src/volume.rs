//! Commands about volumes.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use isopod_base::units::human_size;
use isopod_docker_types::{Volume, VolumeCreateRequest, VolumeListResponse, VolumesPruneReport};

use crate::args::{Flag, Parsed, boolean, list, text, typed};
use crate::commands::{Command, Names, Operands};
use crate::output::{Columns, Listing, format_flags, print_rows, stderr, stdout};
use crate::prompt::confirm;
use crate::session::{Session, answered};
use crate::system::{Kind, inspect_all};
use crate::template::Value;
use isopod_client::{Payload, filters, query, segment};

static CREATE_FLAGS: &[Flag] = &[
    text("driver", 'd', "Driver of the volume").default("local"),
    list("label", ' ', "Label (KEY=VALUE)"),
    list("opt", 'o', "Option of the driver, such as type=tmpfs").named("map"),
];

static LIST_FLAGS: &[Flag] = &[
    typed("filter", 'f', "filter", "Only those that match, such as dangling=true or label=a"),
    boolean("quiet", 'q', "Show names only"),
];

static FORMAT: [Flag; 2] = format_flags();

static INSPECT_FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
];

static REMOVE_FLAGS: &[Flag] = &[boolean("force", 'f', "Do not mind if it is not there")];

static PRUNE_FLAGS: &[Flag] = &[
    boolean("all", 'a', "Remove named volumes too"),
    typed("filter", ' ', "filter", "Only those that match, such as label=a"),
    boolean("force", 'f', "Do not ask"),
];

/// All of them.
pub(crate) const COMMANDS: &[&Command] = &[&CREATE, &LIST, &INSPECT, &REMOVE, &PRUNE];

static CREATE: Command = Command {
    names: &["volume create"],
    usage: "[OPTIONS] [VOLUME]",
    summary: "Create a volume",
    examples: &[
        ("volume create data", "Create a volume"),
        ("volume create -o type=tmpfs -o device=tmpfs -o o=size=64m fast", "One in memory"),
    ],
    flags: &[CREATE_FLAGS],
    operands: Operands::AtMost(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(create(session, flags)),
    ..Command::DEFAULT
};

static LIST: Command = Command {
    names: &["volume ls", "volume list"],
    usage: "[OPTIONS]",
    summary: "List volumes",
    examples: &[("volume ls --filter dangling=true", "Volumes that no container uses")],
    flags: &[LIST_FLAGS, &FORMAT],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(list_volumes(session, flags)),
    ..Command::DEFAULT
};

static INSPECT: Command = Command {
    names: &["volume inspect"],
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    summary: "Show all about volumes",
    examples: &[("volume inspect -f '{{.Mountpoint}}' data", "Show where its files are")],
    flags: &[INSPECT_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Volumes,
    run: |session, flags| Box::pin(inspect_all(session, flags, &[Kind::Volume])),
    ..Command::DEFAULT
};

static REMOVE: Command = Command {
    names: &["volume rm", "volume remove"],
    usage: "[OPTIONS] VOLUME [VOLUME...]",
    summary: "Remove volumes that no container uses",
    examples: &[("volume rm data", "Remove a volume")],
    flags: &[REMOVE_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Volumes,
    run: |session, flags| Box::pin(remove(session, flags)),
    ..Command::DEFAULT
};

static PRUNE: Command = Command {
    names: &["volume prune"],
    usage: "[OPTIONS]",
    summary: "Remove unused volumes",
    examples: &[("volume prune -af", "Remove all of them, named ones too")],
    flags: &[PRUNE_FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(prune(session, flags)),
    ..Command::DEFAULT
};

/// Columns of volumes.
pub(crate) const VOLUME_COLUMNS: Columns = Columns {
    type_name: "*formatter.volumeContext",
    titles: &[
        ("Name", "VOLUME NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
        ("Mountpoint", "MOUNTPOINT"),
        ("Labels", "LABELS"),
        ("Links", "LINKS"),
        ("Size", "SIZE"),
        ("Group", "GROUP"),
        ("Availability", "AVAILABILITY"),
        ("Status", "STATUS"),
    ],
    table: "{{.Driver}}\t{{.Name}}",
};

async fn create(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let pairs = |name: &str| {
        flags
            .list(name)
            .iter()
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    let body = VolumeCreateRequest {
        driver: flags.get("driver").unwrap_or("local").to_owned(),
        driver_opts: pairs("opt"),
        labels: pairs("label"),
        name: flags.operands.first().cloned().unwrap_or_default(),
    };
    let volume: Volume = session.client.post("/volumes/create", &body).await?;
    writeln!(stdout(), "{}", volume.name).context("write to standard output")?;
    Ok(0)
}

async fn list_volumes(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let listing = Listing::from_flags(&flags, VOLUME_COLUMNS.table)?;
    let path = format!("/volumes{}", query(&[("filters", &filters(flags.list("filter")))]));
    let mut answer: VolumeListResponse = session.client.get(&path).await?;
    for warning in &answer.warnings {
        writeln!(stderr(), "WARNING: {warning}").context("write to standard error")?;
    }
    answer.volumes.sort_by(|a, b| a.name.cmp(&b.name));
    if flags.on("quiet") && !flags.given("format") && !flags.given("output") {
        for volume in &answer.volumes {
            writeln!(stdout(), "{}", volume.name).context("write to standard output")?;
        }
        return Ok(0);
    }
    let rows: Vec<Value> = answer.volumes.iter().map(volume_row).collect();
    print_rows(&VOLUME_COLUMNS, &listing, &rows)?;
    Ok(0)
}

/// A volume as a row.
pub(crate) fn volume_row(volume: &Volume) -> Value {
    let labels: Vec<String> =
        volume.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let usage = volume.usage_data.as_ref();
    let known = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let size = known(usage.map(|usage| usage.size));
    let links = known(usage.map(|usage| usage.ref_count));
    let none = || "N/A".to_owned();
    let fields = [
        ("Availability", none()),
        ("Driver", volume.driver.clone()),
        ("Group", none()),
        ("Labels", labels.join(",")),
        ("Links", links.map_or_else(none, |links| links.to_string())),
        ("Mountpoint", volume.mountpoint.clone()),
        ("Name", volume.name.clone()),
        ("Scope", volume.scope.clone()),
        ("Size", size.map_or_else(none, human_size)),
        ("Status", none()),
    ];
    let mut row: Vec<(String, Value)> =
        fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text))).collect();
    let lookup = volume.labels.iter().map(|(key, value)| (key.clone(), Value::text(value)));
    row.push(("Label".to_owned(), Value::Lookup(lookup.collect())));
    Value::Map(row)
}

async fn remove(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let force = flags.on("force");
    let mut code = 0;
    for name in &flags.operands {
        let path = format!(
            "/volumes/{}{}",
            segment(name),
            query(&[("force", if force { "1" } else { "" })])
        );
        match session.client.call(Method::DELETE, &path, Payload::Empty).await {
            Err(error) if !(force && answered(&error, 404)) => {
                code = 1;
                writeln!(stderr(), "{}", isopod_base::chain(&error))
                    .context("write to standard error")?;
            }
            _ => writeln!(stdout(), "{name}").context("write to standard output")?,
        }
    }
    Ok(code)
}

async fn prune(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let all = flags.on("all");
    if !flags.on("force") {
        confirm(match all {
            true => {
                "WARNING! This will remove all local volumes not used by at least one container."
            }
            false => {
                "WARNING! This will remove anonymous local volumes not used by at least one container."
            }
        })?;
    }
    let freed = prune_volumes(&session, all, flags.list("filter")).await?;
    writeln!(stdout(), "Total reclaimed space: {}", human_size(freed))
        .context("write to standard output")?;
    Ok(0)
}

/// Removes unused volumes and names them; returns the bytes freed.
pub(crate) async fn prune_volumes(session: &Session, all: bool, wanted: &[String]) -> Result<u64> {
    let mut wanted = wanted.to_vec();
    if all {
        wanted.push("all=true".to_owned());
    }
    let path = format!("/volumes/prune{}", query(&[("filters", &filters(&wanted))]));
    let report: VolumesPruneReport =
        session.client.json(Method::POST, &path, Payload::Empty).await?;
    if !report.volumes_deleted.is_empty() {
        let list = report.volumes_deleted.join("\n");
        writeln!(stdout(), "Deleted Volumes:\n{list}\n").context("write to standard output")?;
    }
    Ok(report.space_reclaimed)
}
