//! Commands about one container of a service, by the engine's own commands.

use std::rc::Rc;

use anyhow::{Result, bail};

use super::each::run;
use super::observe::{containers, name_of, number_of, service_of};
use super::project::{PROJECT, chosen, find};
use crate::args::{Flag, Parsed, boolean, list, text, typed};
use crate::commands::{Command, Operands};
use crate::session::Session;

static EXEC_FLAGS: &[Flag] = &[
    boolean("detach", 'd', "Run in the background"),
    list("env", 'e', "Environment variable: NAME=VALUE"),
    boolean("no-tty", 'T', "Give the command no terminal"),
    boolean("privileged", ' ', "Give the command the host's privileges"),
    text("user", 'u', "User, and group after a colon"),
    text("workdir", 'w', "Working directory"),
];

pub(super) static EXEC: Command = Command {
    names: &["compose exec"],
    usage: "[OPTIONS] SERVICE COMMAND [ARG...]",
    summary: "Run a command in a container of a service",
    examples: &[("compose exec web sh", "Work in a shell in a service's container")],
    flags: &[EXEC_FLAGS, INDEX, PROJECT],
    operands: Operands::AtLeast(2),
    operand_ends_flags: true,
    run: |session, flags| Box::pin(exec(session, flags)),
    ..Command::DEFAULT
};

static INDEX: &[Flag] =
    &[typed("index", ' ', "int", "Which of the service's containers").default("1")];

static PORT_FLAGS: &[Flag] = &[text("protocol", ' ', "tcp, udp or sctp").default("tcp")];

pub(super) static PORT: Command = Command {
    names: &["compose port"],
    usage: "[OPTIONS] SERVICE PRIVATE_PORT",
    summary: "Show where a service's port is published",
    examples: &[("compose port web 80", "Show the address")],
    flags: &[PORT_FLAGS, INDEX, PROJECT],
    operands: Operands::Exactly(2),
    run: |session, flags| Box::pin(port(session, flags)),
    ..Command::DEFAULT
};

static COPY_FLAGS: &[Flag] = &[
    boolean("archive", 'a', "Keep the owner of files"),
    boolean("follow-link", 'L', "Copy what a source leads to if it is a symbolic link"),
];

pub(super) static COPY: Command = Command {
    names: &["compose cp"],
    usage: "[OPTIONS] SERVICE:SRC_PATH DEST_PATH|-\n[OPTIONS] SRC_PATH|- SERVICE:DEST_PATH",
    summary: "Copy files between a container of a service and here",
    examples: &[("compose cp web:/etc/nginx/nginx.conf .", "Take a file out")],
    flags: &[COPY_FLAGS, INDEX, PROJECT],
    operands: Operands::Exactly(2),
    run: |session, flags| Box::pin(copy(session, flags)),
    ..Command::DEFAULT
};

async fn exec(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let (service, command) = flags.operands.split_first().expect("two operands or more");
    let container = container(&session, &flags, service).await?;
    let detach = flags.on("detach");
    let terminal = !flags.on("no-tty") && !detach && crate::output::stdout().is_terminal();
    let mut words = Vec::new();
    for (flag, on) in [
        ("--detach", detach),
        ("--privileged", flags.on("privileged")),
        ("--interactive", !detach),
        ("--tty", terminal),
    ] {
        words.extend(on.then(|| flag.to_owned()));
    }
    words.extend(flags.list("env").iter().map(|env| format!("--env={env}")));
    words.extend(flags.get("user").map(|user| format!("--user={user}")));
    words.extend(flags.get("workdir").map(|dir| format!("--workdir={dir}")));
    words.push(container);
    words.extend(command.iter().cloned());
    run(&session, "exec", words).await
}

async fn port(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let [service, port] = flags.operands.as_slice() else {
        bail!("a service and a port are needed")
    };
    let container = container(&session, &flags, service).await?;
    let protocol = flags.get("protocol").unwrap_or("tcp");
    run(&session, "port", vec![container, format!("{port}/{protocol}")]).await
}

async fn copy(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let mut words = Vec::new();
    for flag in ["archive", "follow-link"] {
        words.extend(flags.on(flag).then(|| format!("--{flag}")));
    }
    for operand in &flags.operands {
        words.push(match operand.split_once(':') {
            Some((service, path)) if !service.contains(['/', '.']) => {
                format!("{}:{path}", container(&session, &flags, service).await?)
            }
            _ => operand.clone(),
        });
    }
    run(&session, "cp", words).await
}

/// The name of a service's container with the number that `--index` gives, or the first.
async fn container(session: &Session, flags: &Parsed, service: &str) -> Result<String> {
    let only = Parsed::with_operands(flags, vec![service.to_owned()]);
    let project = find(&only, true)?.project;
    chosen(&project, std::slice::from_ref(&service.to_owned()))?;
    let index = flags.int("index").unwrap_or(1);
    let all = containers(session, &project.name).await?;
    let one = all.iter().find(|container| {
        service_of(container) == service && i64::from(number_of(container)) == index
    });
    match one {
        Some(one) => Ok(name_of(one)),
        None => bail!("service {service:?} is not running container #{index}"),
    }
}
