//! `stats`: a table of what containers use, drawn anew twice a second.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::Method;
use isopod_base::units::{binary_size, human_size_digits};
use isopod_docker_types::{ContainerStats, ContainerSummary};

use crate::args::{Flag, Parsed, boolean};
use crate::commands::{Command, Names, Operands};
use crate::output::{Columns, Listing, format_flags, print_rows, short_id, stdout};
use crate::session::Session;
use crate::template::Value;
use isopod_client::{JsonLines, Payload, query, segment};

static FLAGS: &[Flag] = &[
    boolean("all", 'a', "Show stopped containers too"),
    boolean("no-stream", ' ', "Show it once"),
    boolean("no-trunc", ' ', "Do not shorten ids"),
];

static FORMAT: [Flag; 2] = format_flags();

pub(super) static STATS: Command = Command {
    names: &["container stats", "stats"],
    usage: "[OPTIONS] [CONTAINER...]",
    summary: "Show what containers use of CPU, memory, network and disk",
    examples: &[
        ("stats --no-stream", "Show it once"),
        ("stats --no-stream --format '{{.Name}} {{.MemUsage}}' web", "Show the memory of one"),
    ],
    flags: &[FLAGS, &FORMAT],
    operands: Operands::AtLeast(0),
    complete: Names::Running,
    run: |session, flags| Box::pin(stats(session, flags)),
    ..Command::DEFAULT
};

const COLUMNS: Columns = Columns {
    type_name: "*container.statsContext",
    titles: &[
        ("Container", "CONTAINER"),
        ("Name", "NAME"),
        ("ID", "CONTAINER ID"),
        ("CPUPerc", "CPU %"),
        ("MemUsage", "MEM USAGE / LIMIT"),
        ("MemPerc", "MEM %"),
        ("NetIO", "NET I/O"),
        ("BlockIO", "BLOCK I/O"),
        ("PIDs", "PIDS"),
    ],
    table: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}",
};

/// Time between two drawings.
const REDRAW: Duration = Duration::from_millis(500);

/// How long the first drawing waits for figures.
const FIRST_MAX: Duration = Duration::from_secs(2);

/// Rows by the order of their containers.
type Rows = Rc<RefCell<BTreeMap<usize, Row>>>;

struct Row {
    container: String,
    stats: Option<ContainerStats>,
    gone: bool,
}

async fn stats(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let listing = Listing::from_flags(&flags, COLUMNS.table)?;
    let short = !flags.on("no-trunc");
    if flags.on("no-stream") {
        let names = names(&session, &flags).await?;
        let mut tasks = vec![];
        for name in names {
            let session = session.clone();
            tasks.push(tokio::task::spawn_local(async move {
                let path = format!("/containers/{}/stats?stream=0", segment(&name));
                let stats = session.client.get::<ContainerStats>(&path).await;
                (name, stats)
            }));
        }
        let mut rows = vec![];
        for task in tasks {
            let (name, stats) = task.await.context("a task broke off")?;
            rows.push(row(&name, Some(&stats?), short));
        }
        print_rows(&COLUMNS, &listing, &rows)?;
        return Ok(0);
    }
    stream(session, &flags, listing, short).await
}

async fn names(session: &Session, flags: &Parsed) -> Result<Vec<String>> {
    if !flags.operands.is_empty() {
        return Ok(flags.operands.clone());
    }
    let all = if flags.on("all") { "1" } else { "" };
    let path = format!("/containers/json{}", query(&[("all", all)]));
    let containers: Vec<ContainerSummary> = session.client.get(&path).await?;
    Ok(containers.into_iter().map(|container| short_id(&container.id)).collect())
}

async fn stream(
    session: Rc<Session>,
    flags: &Parsed,
    listing: Listing,
    short: bool,
) -> Result<i32> {
    let rows: Rows = Rows::default();
    let mut failure = None;
    let (report, mut reports) = tokio::sync::mpsc::channel(16);
    let fixed = !flags.operands.is_empty();
    let mut next = 0;
    let started = Instant::now();
    loop {
        for name in names(&session, flags).await? {
            let known = rows.borrow().values().any(|row| row.container == name);
            if !known {
                rows.borrow_mut()
                    .insert(next, Row { container: name.clone(), stats: None, gone: false });
                let watched = watch(session.clone(), name, next, rows.clone());
                let report = report.clone();
                tokio::task::spawn_local(async move {
                    if let Err(error) = watched.await {
                        let _ = report.send(error).await;
                    }
                });
                next += 1;
            }
        }
        if let Ok(error) = reports.try_recv() {
            failure = Some(error);
        }
        if fixed && let Some(error) = failure.take() {
            return Err(error);
        }
        // The first drawing waits a little for the first figures, so that it shows some.
        let waiting = rows.borrow().values().any(|row| row.stats.is_none() && !row.gone);
        if waiting && started.elapsed() < FIRST_MAX {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        rows.borrow_mut().retain(|_, row| !row.gone || fixed);
        let table: Vec<Value> = rows
            .borrow()
            .values()
            .map(|entry| self::row(&entry.container, entry.stats.as_ref(), short))
            .collect();
        // Home, then clear what is left of the last drawing.
        stdout().write_all(b"\x1b[H\x1b[J").context("write to standard output")?;
        print_rows(&COLUMNS, &listing, &table)?;
        if fixed && rows.borrow().values().all(|row| row.gone) {
            return Ok(0);
        }
        tokio::time::sleep(REDRAW).await;
    }
}

/// Keeps the row of a container up to date until it ends.
async fn watch(session: Rc<Session>, name: String, at: usize, rows: Rows) -> Result<()> {
    let path = format!("/containers/{}/stats?stream=1", segment(&name));
    let result = async {
        let response = session.client.stream(Method::GET, &path, &[], Payload::Empty).await?;
        let mut documents = JsonLines::new(response.into_body());
        while let Some(document) = documents.next().await? {
            let stats = serde_json::from_str(document.get())
                .context("the engine's statistics are not as expected")?;
            if let Some(row) = rows.borrow_mut().get_mut(&at) {
                row.stats = Some(stats);
            }
        }
        Ok(())
    }
    .await;
    if let Some(row) = rows.borrow_mut().get_mut(&at) {
        row.gone = true;
    }
    result
}

fn row(container: &str, stats: Option<&ContainerStats>, short: bool) -> Value {
    let none = || "--".to_owned();
    let text = |read: fn(&ContainerStats) -> String| stats.map_or_else(none, read);
    let id = stats.map_or_else(
        || container.to_owned(),
        |stats| if short { short_id(&stats.id) } else { stats.id.clone() },
    );
    let fields = [
        (
            "BlockIO",
            text(|stats| {
                let (read, written) = block_io(stats);
                format!("{} / {}", human_size_digits(read, 3), human_size_digits(written, 3))
            }),
        ),
        ("CPUPerc", text(|stats| format!("{:.2}%", cpu_percent(stats)))),
        ("Container", container.to_owned()),
        ("ID", id),
        (
            "MemPerc",
            text(|stats| {
                let limit = stats.memory_stats.limit;
                let percent =
                    if limit == 0 { 0.0 } else { memory(stats) as f64 / limit as f64 * 100.0 };
                format!("{percent:.2}%")
            }),
        ),
        (
            "MemUsage",
            stats.map_or("-- / --".to_owned(), |stats| {
                format!(
                    "{} / {}",
                    binary_size(memory(stats)),
                    binary_size(stats.memory_stats.limit)
                )
            }),
        ),
        ("Name", text(|stats| stats.name.trim_start_matches('/').to_owned())),
        (
            "NetIO",
            text(|stats| {
                let received: u64 = stats.networks.values().map(|network| network.rx_bytes).sum();
                let sent: u64 = stats.networks.values().map(|network| network.tx_bytes).sum();
                format!("{} / {}", human_size_digits(received, 3), human_size_digits(sent, 3))
            }),
        ),
        ("PIDs", text(|stats| stats.pids_stats.current.to_string())),
    ];
    Value::Map(
        fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text))).collect(),
    )
}

/// Memory in use without what the kernel can take back at once.
fn memory(stats: &ContainerStats) -> u64 {
    let memory = &stats.memory_stats;
    // The first name is that of cgroup v1, the second that of v2.
    ["total_inactive_file", "inactive_file"]
        .iter()
        .find_map(|name| memory.stats.get(*name))
        .filter(|inactive| **inactive < memory.usage)
        .map_or(memory.usage, |inactive| memory.usage - inactive)
}

fn cpu_percent(stats: &ContainerStats) -> f64 {
    let (now, before) = (&stats.cpu_stats, &stats.precpu_stats);
    let used = now.cpu_usage.total_usage as f64 - before.cpu_usage.total_usage as f64;
    let passed = now.system_cpu_usage as f64 - before.system_cpu_usage as f64;
    let cpus = match now.online_cpus {
        0 => now.cpu_usage.percpu_usage.len() as f64,
        cpus => f64::from(cpus),
    };
    if used > 0.0 && passed > 0.0 { used / passed * cpus * 100.0 } else { 0.0 }
}

fn block_io(stats: &ContainerStats) -> (u64, u64) {
    let sum = |letter: char| {
        stats
            .blkio_stats
            .io_service_bytes_recursive
            .iter()
            .filter(|entry| entry.op.to_lowercase().starts_with(letter))
            .map(|entry| entry.value)
            .sum()
    };
    (sum('r'), sum('w'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        let stats: ContainerStats = serde_json::from_str(
            r#"{"name":"/web","id":"0123456789abcdef",
                "cpu_stats":{"cpu_usage":{"total_usage":300},"system_cpu_usage":2000,"online_cpus":2},
                "precpu_stats":{"cpu_usage":{"total_usage":100},"system_cpu_usage":1000},
                "memory_stats":{"usage":1048576,"limit":4194304,"stats":{"total_inactive_file":524288}},
                "blkio_stats":{"io_service_bytes_recursive":[{"op":"Read","value":5},{"op":"write","value":7}]},
                "networks":{"a":{"rx_bytes":1,"tx_bytes":2},"b":{"rx_bytes":3,"tx_bytes":4}},
                "pids_stats":{"current":3}}"#,
        )
        .expect("test data");
        let row = row("web", Some(&stats), true);
        let field = |name: &str| row.member(name).map(Value::to_string).unwrap_or_default();
        assert_eq!(field("CPUPerc"), "40.00%");
        assert_eq!(field("MemUsage"), "512KiB / 4MiB");
        assert_eq!(field("MemPerc"), "12.50%");
        assert_eq!(field("BlockIO"), "5B / 7B");
        assert_eq!(field("NetIO"), "4B / 6B");
        assert_eq!(field("PIDs"), "3");
    }
}
