//! `inspect`, `top` and `port` of containers.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use isopod_docker_types::ContainerTopResponse;

use super::attach::inspect;
use crate::args::{Flag, Parsed, boolean, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{align_from, stdout};
use crate::session::Session;
use crate::system::{Kind, inspect_all};
use isopod_client::{query, segment};

static INSPECT_FLAGS: &[Flag] = &[
    text("format", 'f', "How to print: 'json', or a Go template"),
    text("output", 'o', "Short for --format: json"),
    boolean("size", 's', "Show sizes"),
];

pub(super) static INSPECT: Command = Command {
    names: &["container inspect"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    summary: "Show all about containers",
    examples: &[("container inspect -f '{{.State.Pid}}' web", "Show the process id")],
    flags: &[INSPECT_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Containers,
    run: |session, flags| Box::pin(inspect_all(session, flags, &[Kind::Container])),
    ..Command::DEFAULT
};

pub(super) static TOP: Command = Command {
    names: &["container top", "top"],
    usage: "CONTAINER [ps OPTIONS]",
    summary: "Show the processes of a container",
    examples: &[("top web", "Show processes"), ("top web -o pid,comm", "Show other columns")],
    operands: Operands::AtLeast(1),
    complete: Names::Running,
    operand_ends_flags: true,
    run: |session, flags| Box::pin(top(session, flags)),
    ..Command::DEFAULT
};

pub(super) static PORT: Command = Command {
    names: &["container port", "port"],
    usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
    summary: "Show where a container's ports lead",
    examples: &[("port web 80", "Show where port 80 is published")],
    operands: Operands::Between(1, 2),
    complete: Names::Containers,
    run: |session, flags| Box::pin(port(session, flags)),
    ..Command::DEFAULT
};

async fn top(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let (name, options) = flags.operands.split_first().expect("one operand or more");
    let path =
        format!("/containers/{}/top{}", segment(name), query(&[("ps_args", &options.join(" "))]));
    let processes: ContainerTopResponse = session.client.get(&path).await?;
    let mut table = processes.titles.join("\t") + "\n";
    for process in &processes.processes {
        table.push_str(&process.join("\t"));
        table.push('\n');
    }
    stdout().write_all(align_from(&table, 20).as_bytes()).context("write to standard output")?;
    Ok(0)
}

async fn port(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let name = &flags.operands[0];
    let container = inspect(&session, name).await?;
    let ports = &container.network_settings.ports;
    let mut lines = vec![];
    let address = |ip: &str, port: &str| match ip.contains(':') {
        true => format!("[{ip}]:{port}"),
        false => format!("{ip}:{port}"),
    };
    match flags.operands.get(1) {
        Some(wanted) => {
            let (port, protocol) = wanted.split_once('/').unwrap_or((wanted, "tcp"));
            if port.parse::<u16>().is_err() {
                return Err(anyhow!("invalid port {port:?}: expected a number up to 65535"));
            }
            let key = format!("{port}/{protocol}");
            match ports.get(&key) {
                Some(Some(bindings)) if !bindings.is_empty() => {
                    lines.extend(bindings.iter().map(|b| address(&b.host_ip, &b.host_port)));
                }
                _ => bail!("Error: No public port '{wanted}' published for {name}"),
            }
        }
        None => {
            for (port, bindings) in ports {
                for binding in bindings.iter().flatten() {
                    lines.push(format!(
                        "{port} -> {}",
                        address(&binding.host_ip, &binding.host_port)
                    ));
                }
            }
        }
    }
    for line in lines {
        writeln!(stdout(), "{line}").context("write to standard output")?;
    }
    Ok(0)
}
