//! Commands that do one thing to the containers of services, by the engine's own commands.

use std::rc::Rc;

use anyhow::{Context, Result, bail};

use super::observe::{containers, name_of, number_of, service_of};
use super::project::{Found, PROJECT, chosen, find};
use crate::args::{self, Flag, Parsed, boolean, list, text, typed};
use crate::commands::{self, Command, Operands};
use crate::session::Session;

static EXEC_FLAGS: &[Flag] = &[
    boolean("detach", 'd', "Run in the background"),
    list("env", 'e', "Environment variable: NAME=VALUE"),
    typed("index", ' ', "int", "Which of the service's containers").default("1"),
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
    flags: &[EXEC_FLAGS, PROJECT],
    operands: Operands::AtLeast(2),
    operand_ends_flags: true,
    run: |session, flags| Box::pin(exec(session, flags)),
    ..Command::DEFAULT
};

static NONE: &[Flag] = &[];
static TIMEOUT: &[Flag] =
    &[typed("timeout", 't', "int", "Seconds until a container that is stopped is killed")];
static SIGNAL: &[Flag] = &[text("signal", 's', "Signal to send").default("KILL")];
static REMOVE_FLAGS: &[Flag] = &[
    boolean("force", 'f', "Accepted as docker has it: nothing is asked"),
    boolean("stop", 's', "Stop them first"),
    boolean("volumes", 'v', "Remove anonymous volumes too"),
];

macro_rules! each {
    ($name:ident, $names:literal, $flags:ident, $summary:literal, $example:literal, $run:expr) => {
        pub(super) static $name: Command = Command {
            names: &[$names],
            usage: "[OPTIONS] [SERVICE...]",
            summary: $summary,
            examples: &[($example, $summary)],
            flags: &[$flags, PROJECT],
            operands: Operands::AtLeast(0),
            run: |session, flags| Box::pin($run(session, flags)),
            ..Command::DEFAULT
        };
    };
}

each!(START, "compose start", NONE, "Start the containers of services", "compose start", start);
each!(STOP, "compose stop", TIMEOUT, "Stop the containers of services", "compose stop web", stop);
each!(
    RESTART,
    "compose restart",
    TIMEOUT,
    "Restart the containers of services",
    "compose restart web",
    restart
);
each!(KILL, "compose kill", SIGNAL, "Send a signal to services", "compose kill -s HUP web", kill);
each!(
    REMOVE,
    "compose rm",
    REMOVE_FLAGS,
    "Remove stopped containers of services",
    "compose rm -fs web",
    remove
);

/// Runs one of the engine's own commands.
async fn run(session: &Rc<Session>, name: &str, words: Vec<String>) -> Result<i32> {
    let command = commands::find(name).context("a command of the engine's is missing")?;
    match args::parse(command.flags, &words, !command.operand_ends_flags) {
        Ok(parsed) => (command.run)(session.clone(), parsed).await,
        Err(args::Problem::Wrong(reason)) => bail!("{reason}"),
        Err(args::Problem::Help) => bail!("unexpected --help"),
    }
}

/// Names of the containers of the services that are named, in a state that `fits`.
async fn names(
    session: &Session,
    found: &Found,
    fits: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    let services = chosen(&found.project, &found.rest)?;
    let order: Vec<String> = isopod_compose::ordered(&found.project, &[], false)
        .into_iter()
        .map(|service| service.name.clone())
        .collect();
    let mut all = containers(session, &found.project.name).await?;
    all.retain(|container| services.contains(&service_of(container)) && fits(&container.state));
    all.sort_by_key(|container| {
        order.iter().position(|name| *name == service_of(container)).unwrap_or(usize::MAX)
    });
    Ok(all.iter().map(name_of).collect())
}

async fn act(
    session: Rc<Session>,
    flags: &Parsed,
    action: &str,
    options: Vec<String>,
    fits: fn(&str) -> bool,
) -> Result<i32> {
    let found = find(flags, true)?;
    let mut names = names(&session, &found, fits).await?;
    if action == "stop" || action == "rm" {
        names.reverse();
    }
    if names.is_empty() {
        return Ok(0);
    }
    run(&session, action, [options, names].concat()).await
}

fn timeout(flags: &Parsed) -> Vec<String> {
    flags.get("timeout").map(|time| format!("--timeout={time}")).into_iter().collect()
}

async fn start(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    act(session, &flags, "start", Vec::new(), |state| state != "running").await
}

async fn stop(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    act(session, &flags, "stop", timeout(&flags), |state| state == "running").await
}

async fn restart(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    act(session, &flags, "restart", timeout(&flags), |_| true).await
}

async fn kill(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let signal = format!("--signal={}", flags.get("signal").unwrap_or("KILL"));
    act(session, &flags, "kill", vec![signal], |state| state == "running").await
}

async fn remove(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let mut options = Vec::new();
    if flags.on("volumes") {
        options.push("--volumes".to_owned());
    }
    if flags.on("stop") {
        options.push("--force".to_owned());
        return act(session, &flags, "rm", options, |_| true).await;
    }
    act(session, &flags, "rm", options, |state| state != "running").await
}

async fn exec(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let (service, command) = flags.operands.split_first().expect("two operands or more");
    // The operands are no services but one.
    let mut only = find(&Parsed::with_operands(&flags, vec![service.clone()]), true)?;
    only.rest = vec![service.clone()];
    chosen(&only.project, &only.rest)?;
    let index = flags.int("index").unwrap_or(1);
    let all = containers(&session, &only.project.name).await?;
    let one = all.iter().find(|container| {
        service_of(container) == *service && i64::from(number_of(container)) == index
    });
    let Some(one) = one else { bail!("service {service:?} is not running container #{index}") };
    let mut words = Vec::new();
    for (flag, on) in [
        ("--detach", flags.on("detach")),
        ("--privileged", flags.on("privileged")),
        ("--interactive", !flags.on("detach")),
        (
            "--tty",
            !flags.on("no-tty") && !flags.on("detach") && crate::output::stdout().is_terminal(),
        ),
    ] {
        if on {
            words.push(flag.to_owned());
        }
    }
    words.extend(flags.list("env").iter().map(|env| format!("--env={env}")));
    words.extend(flags.get("user").map(|user| format!("--user={user}")));
    words.extend(flags.get("workdir").map(|dir| format!("--workdir={dir}")));
    words.push(name_of(one));
    words.extend(command.iter().cloned());
    run(&session, "exec", words).await
}
