//! Commands that do one thing to the containers of services, by the engine's own commands.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use isopod_compose::labels;

use super::observe::{containers, name_of, service_of};
use super::project::{Found, PROJECT, chosen, find};
use crate::args::{self, Flag, Parsed, boolean, text, typed};
use crate::commands::{self, Command, Operands};
use crate::output::stdout;
use crate::session::Session;

static NONE: &[Flag] = &[];
static TIMEOUT: &[Flag] =
    &[typed("timeout", 't', "int", "Seconds until a container that is stopped is killed")];
static SIGNAL: &[Flag] = &[text("signal", 's', "Signal to send").default("KILL")];
static STATS_FLAGS: &[Flag] = &[
    boolean("all", 'a', "Show services that do not run, too"),
    text("format", ' ', "How to print: 'table', 'json', or a Go template"),
    boolean("no-stream", ' ', "Print once"),
];
static EVENTS_FLAGS: &[Flag] = &[
    boolean("json", ' ', "Print JSON documents, one a line"),
    text("since", ' ', "Begin with events after a time or age"),
    text("until", ' ', "End at a time or age"),
];
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

each!(PAUSE, "compose pause", NONE, "Freeze services", "compose pause web", pause);
each!(UNPAUSE, "compose unpause", NONE, "Let frozen services go on", "compose unpause", unpause);
each!(TOP, "compose top", NONE, "Show the processes of services", "compose top web", top);
each!(
    STATS,
    "compose stats",
    STATS_FLAGS,
    "Show what services use",
    "compose stats --no-stream",
    stats
);
each!(WAIT, "compose wait", NONE, "Wait until services end", "compose wait job", wait);
each!(
    EVENTS,
    "compose events",
    EVENTS_FLAGS,
    "Show what happens to a project's containers",
    "compose events --json",
    events
);

/// Runs one of the engine's own commands.
pub(super) async fn run(session: &Rc<Session>, name: &str, words: Vec<String>) -> Result<i32> {
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

async fn pause(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    act(session, &flags, "pause", Vec::new(), |state| state == "running").await
}

async fn unpause(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    act(session, &flags, "unpause", Vec::new(), |state| state == "paused").await
}

async fn wait(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    act(session, &flags, "wait", Vec::new(), |_| true).await
}

async fn top(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = find(&flags, true)?;
    for name in names(&session, &found, |state| state == "running").await? {
        writeln!(stdout(), "{name}").context("write to standard output")?;
        run(&session, "top", vec![name]).await?;
        writeln!(stdout()).context("write to standard output")?;
    }
    Ok(0)
}

async fn stats(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let mut options: Vec<String> =
        flags.get("format").map(|format| format!("--format={format}")).into_iter().collect();
    options.extend(flags.on("no-stream").then(|| "--no-stream".to_owned()));
    let all = flags.on("all");
    options.extend(all.then(|| "--all".to_owned()));
    let fits: fn(&str) -> bool = if all { |_| true } else { |state| state == "running" };
    act(session, &flags, "stats", options, fits).await
}

async fn events(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = find(&flags, true)?;
    let mut words = vec![
        "--filter=type=container".to_owned(),
        format!("--filter=label={}={}", labels::PROJECT, found.project.name),
    ];
    for service in &chosen(&found.project, &found.rest)? {
        if !found.rest.is_empty() {
            words.push(format!("--filter=label={}={service}", labels::SERVICE));
        }
    }
    words.extend(flags.on("json").then(|| "--format=json".to_owned()));
    for name in ["since", "until"] {
        words.extend(flags.get(name).map(|time| format!("--{name}={time}")));
    }
    run(&session, "events", words).await
}
