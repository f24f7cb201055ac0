//! `up` and `compose create`.

use std::collections::BTreeMap;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use isopod_base::times::Timestamp;
use isopod_compose::{UpOptions, up};

use super::build::{Build, ensure, preview};
use super::execute::{How, execute};
use super::observe::observe;
use super::project::{DRY_RUN, Found, PROJECT, chosen, find};
use super::{logs, ps};
use crate::args::{Flag, Parsed, boolean, list, text, typed};
use crate::commands::{Command, Operands};
use crate::output::{stderr, stdout};
use crate::session::Session;

static MAKE: &[Flag] = &[
    boolean("build", ' ', "Build images first, although they are there"),
    boolean("no-build", ' ', "Build nothing"),
    text("pull", ' ', "Pull images: always, missing or never").named("policy"),
    boolean("quiet-pull", ' ', "Print no progress of pulls"),
    boolean("force-recreate", ' ', "Make containers anew although nothing differs"),
    boolean("no-recreate", ' ', "Keep containers although something differs"),
    boolean("remove-orphans", ' ', "Remove containers of services that the files do not have"),
    list("scale", ' ', "Number of containers: SERVICE=COUNT (repeatable)"),
    boolean("renew-anon-volumes", 'V', "Give new containers new anonymous volumes"),
    typed("timeout", 't', "int", "Seconds until a container that is stopped is killed"),
];

static UP_FLAGS: &[Flag] = &[
    boolean("detach", 'd', "Leave the containers running in the background"),
    boolean("no-deps", ' ', "Leave out what the named services wait for"),
    boolean("no-start", ' ', "Make the containers, and start none"),
    boolean("wait", ' ', "Wait until everything runs, or is healthy; implies -d"),
    typed("wait-timeout", ' ', "int", "Seconds to wait at most"),
    boolean("abort-on-container-exit", ' ', "Stop everything when one container ends"),
    text("exit-code-from", ' ', "Exit with the code of this service; implies the former"),
    boolean("no-log-prefix", ' ', "Print logs without the containers' names"),
];

pub(super) static UP: Command = Command {
    names: &["compose up", "up"],
    usage: "[OPTIONS] [DIR] [SERVICE...]",
    summary: "Bring up what a compose file describes",
    details: "Reads compose.yaml (or docker-compose.yml, or a lone Dockerfile) in DIR or here, builds \
              and pulls what is missing, and starts services in the order of their dependencies. \
              What is as it should be is left alone.",
    examples: &[
        ("up -d", "Bring up the project of this directory in the background"),
        ("up -d --wait shop", "Bring up another one, and wait until it is healthy"),
        ("up --dry-run", "Show what would be done"),
        ("up -d --scale web=3", "With three containers of a service"),
    ],
    flags: &[UP_FLAGS, MAKE, PROJECT, DRY_RUN],
    operands: Operands::AtLeast(0),
    run: |session, flags| Box::pin(run(session, flags, false)),
    ..Command::DEFAULT
};

pub(super) static CREATE: Command = Command {
    names: &["compose create"],
    usage: "[OPTIONS] [SERVICE...]",
    summary: "Make the containers of services without starting them",
    examples: &[("compose create", "Make all containers of a project")],
    flags: &[MAKE, PROJECT, DRY_RUN],
    operands: Operands::AtLeast(0),
    run: |session, flags| Box::pin(run(session, flags, true)),
    ..Command::DEFAULT
};

async fn run(session: Rc<Session>, flags: Parsed, no_start: bool) -> Result<i32> {
    let found = Rc::new(find(&flags, true)?);
    chosen(&found.project, &found.rest)?;
    if flags.on("force-recreate") && flags.on("no-recreate") {
        bail!("--force-recreate and --no-recreate are incompatible");
    }
    let options = UpOptions {
        services: found.rest.clone(),
        scale: scale(&found, flags.list("scale"))?,
        force_recreate: flags.on("force-recreate"),
        no_recreate: flags.on("no-recreate"),
        remove_orphans: flags.on("remove-orphans"),
        no_deps: flags.on("no-deps"),
        no_start: no_start || flags.on("no-start"),
        wait: flags.on("wait"),
        prepare: false,
    };
    if flags.on("dry-run") {
        return dry_run(&session, &found, &options, flags.on("build")).await;
    }
    let policy = match flags.get("pull") {
        None => None,
        Some(policy @ ("always" | "missing" | "never")) => Some(policy.to_owned()),
        Some(other) => bail!("invalid --pull {other:?}: expected always, missing or never"),
    };
    let build = Build {
        quiet: flags.on("quiet-pull"),
        rebuild: flags.on("build"),
        no_build: flags.on("no-build"),
        no_deps: options.no_deps,
        policy,
        ..Build::default()
    };
    ensure(&session, &found, &options.services, &build).await?;
    let observed = observe(&session, &found.project).await?;
    if !options.remove_orphans {
        tell_orphans(&found, &observed)?;
    }
    let plan = up(&found.project, &observed, &options);
    let how = How {
        timeout: flags.get("timeout").map(str::to_owned),
        renew_volumes: flags.on("renew-anon-volumes"),
        wait: flags.int("wait-timeout").map(|s| Duration::from_secs(s.unsigned_abs())),
        ..How::default()
    };
    // What containers wrote before is of no interest in the foreground.
    let since = Timestamp::now();
    execute(&session, &found, &plan, &how).await?;
    if options.no_start {
        return Ok(0);
    }
    let table = ps::table(&session, &found.project.name, &found.rest, false).await?;
    if flags.on("detach") || flags.on("wait") {
        stdout().write_all(table.as_bytes()).context("write to standard output")?;
        return Ok(0);
    }
    stderr().write_all(table.as_bytes()).context("write to standard error")?;
    let from = flags.get("exit-code-from").map(str::to_owned);
    let abort = flags.on("abort-on-container-exit") || from.is_some();
    let nanos = since.nanos();
    let since = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (prefixed, from) = (!flags.on("no-log-prefix"), from.as_deref());
    logs::attached(&session, &found, prefixed, abort, from, &how, &since).await
}

fn tell_orphans(found: &Found, observed: &isopod_compose::Observed) -> Result<()> {
    let orphans: Vec<&str> = observed
        .containers
        .iter()
        .filter(|container| {
            !found.project.services.contains_key(&container.service)
                && !found.project.disabled.contains_key(&container.service)
        })
        .map(|container| container.name.as_str())
        .collect();
    if orphans.is_empty() {
        return Ok(());
    }
    writeln!(
        stderr(),
        "warning: containers of services that the files do not have: {} (--remove-orphans removes them)",
        orphans.join(", ")
    )
    .context("write to standard error")
}

async fn dry_run(
    session: &Session,
    found: &Found,
    options: &UpOptions,
    rebuild: bool,
) -> Result<i32> {
    let mut text = String::new();
    let images = preview(session, found, &options.services, options.no_deps, rebuild).await?;
    for line in images {
        text += &format!("  -  {line}\n");
    }
    let observed = observe(session, &found.project).await?;
    let plan = up(&found.project, &observed, options);
    text += &plan.to_string();
    if plan.is_empty() {
        text += "nothing to change\n";
    }
    stdout().write_all(text.as_bytes()).context("write to standard output")?;
    Ok(0)
}

fn scale(found: &Found, given: &[String]) -> Result<BTreeMap<String, u32>> {
    let mut scale = BTreeMap::new();
    for text in given {
        let (name, count) = text
            .split_once('=')
            .and_then(|(name, count)| Some((name, count.parse::<u32>().ok()?)))
            .filter(|(_, count)| *count <= 1000)
            .ok_or_else(|| anyhow!("invalid --scale {text:?}: expected SERVICE=COUNT"))?;
        let Some(service) = found.project.services.get(name) else {
            bail!("--scale {text}: no such service: {name}");
        };
        if count > 1 && service.at("container_name").is_some() {
            bail!("--scale {text}: the service has a container_name, which only one can have");
        }
        scale.insert(name.to_owned(), count);
    }
    Ok(scale)
}
