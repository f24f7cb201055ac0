//! `compose run`: one more container of a service, with another command, for one use.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use http::Method;
use isopod_base::id;
use isopod_compose::{Service, UpOptions, labels, up};
use isopod_docker_types::{ContainerCreateRequest, EndpointSettings, RestartPolicy};

use super::build::{Build, ensure};
use super::each;
use super::execute::{How, execute, make, surroundings};
use super::observe::observe;
use super::project::{Found, PROJECT, chosen, find};
use super::request::{endpoints, request};
use crate::args::{Flag, Parsed, boolean, list, switch_on, text};
use crate::commands::{Command, Operands};
use crate::container::{bind_specs, published};
use crate::output::stdout;
use crate::session::Session;
use crate::terminal::stdin_is_terminal;
use isopod_client::{Payload, segment};

static FLAGS: &[Flag] = &[
    boolean("build", ' ', "Build the image first, although it is there"),
    list("cap-add", ' ', "Capability to add"),
    list("cap-drop", ' ', "Capability to take away"),
    boolean("detach", 'd', "Run in the background and print the container's name"),
    text("entrypoint", ' ', "Entry point instead of the service's"),
    list("env", 'e', "Environment variable: NAME=VALUE, or NAME to take ours"),
    switch_on("interactive", 'i', "Pass standard input on"),
    list("label", 'l', "Label: NAME=VALUE"),
    text("name", ' ', "Name of the container"),
    boolean("no-deps", ' ', "Leave out what the service waits for"),
    boolean("no-tty", 'T', "Give the command no terminal"),
    list("publish", 'p', "Publish a port: [[IP:]PORT:]PORT[/PROTOCOL]"),
    boolean("quiet-pull", ' ', "Print no progress of pulls"),
    boolean("rm", ' ', "Remove the container when it ends"),
    boolean("service-ports", 'P', "Publish the service's ports"),
    boolean("use-aliases", ' ', "Answer to the service's names in its networks"),
    text("user", 'u', "User, and group after a colon"),
    list("volume", 'v', "Mount: SOURCE:PATH[:OPTIONS]"),
    text("workdir", 'w', "Working directory"),
];

pub(super) static RUN: Command = Command {
    names: &["compose run"],
    usage: "[OPTIONS] SERVICE [COMMAND] [ARG...]",
    summary: "Run a command in a new container of a service",
    details: "What the service waits for is started first. The service's ports are not published, \
              so that this\ncontainer and the service's own can run side by side.",
    examples: &[
        ("compose run --rm web sh", "Work in a shell where a service would run"),
        ("compose run --rm -e DEBUG=1 web make test", "With a variable of one's own"),
    ],
    flags: &[FLAGS, PROJECT],
    operands: Operands::AtLeast(1),
    operand_ends_flags: true,
    run: |session, flags| Box::pin(run(session, flags)),
    ..Command::DEFAULT
};

async fn run(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let (name, command) = flags.operands.split_first().expect("one operand or more");
    let only = Parsed::with_operands(&flags, vec![name.clone()]);
    let found = Rc::new(find(&only, true)?);
    chosen(&found.project, std::slice::from_ref(name))?;
    let Some(service) = found.project.services.get(name) else {
        bail!(
            "service {name:?} is switched off: --profile switches on the profile that it belongs to"
        );
    };
    prepare(&session, &found, service, &flags).await?;

    let around = surroundings(&session, &found.project, service).await?;
    let mut body = request(&found, service, 1, &around)?;
    let mut networks = endpoints(&found.project, service, 1);
    change(&mut body, &flags, command)?;
    if !flags.on("use-aliases") {
        without_aliases(&mut body, &mut networks);
    }
    let slug = id::full();
    let given = flags.get("name").map(str::to_owned);
    let container =
        given.unwrap_or_else(|| format!("{}-{name}-run-{}", found.project.name, &slug[..12]));
    make(&session, &found, service, &container, &body, &networks).await?;
    if flags.on("detach") {
        let path = format!("/containers/{}/start", segment(&container));
        session.client.call(Method::POST, &path, Payload::Empty).await?;
        writeln!(stdout(), "{container}").context("write to standard output")?;
        return Ok(0);
    }
    let mut words = vec!["--attach".to_owned()];
    if body.config.attach_stdin {
        words.push("--interactive".to_owned());
    }
    words.push(container);
    each::run(&session, "start", words).await
}

/// Images, networks, volumes, and what the service waits for.
async fn prepare(
    session: &Rc<Session>,
    found: &Rc<Found>,
    service: &Service,
    flags: &Parsed,
) -> Result<()> {
    let services = vec![service.name.clone()];
    let build = Build {
        quiet: flags.on("quiet-pull"),
        rebuild: flags.on("build"),
        no_deps: flags.on("no-deps"),
        ..Build::default()
    };
    ensure(session, found, &services, &build).await?;
    let observed = observe(session, &found.project).await?;
    let no_deps = flags.on("no-deps");
    let options = UpOptions { services, no_deps, prepare: true, ..UpOptions::default() };
    execute(session, found, &up(&found.project, &observed, &options), &How::default()).await
}

/// What a container for one use has otherwise than the service's own.
fn change(body: &mut ContainerCreateRequest, flags: &Parsed, command: &[String]) -> Result<()> {
    let config = &mut body.config;
    if !command.is_empty() {
        config.cmd = Some(command.to_vec().into());
    }
    if let Some(entrypoint) = flags.get("entrypoint") {
        config.entrypoint = Some(vec![entrypoint.to_owned()].into());
        if command.is_empty() {
            config.cmd = None;
        }
    }
    for variable in flags.list("env") {
        let (name, value) = match variable.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => (variable.as_str(), std::env::var(variable).unwrap_or_default()),
        };
        let begin = format!("{name}=");
        config.env.retain(|known| !known.starts_with(&begin));
        config.env.push(format!("{begin}{value}"));
    }
    for label in flags.list("label") {
        let (name, value) = label.split_once('=').unwrap_or((label, ""));
        config.labels.insert(name.to_owned(), value.to_owned());
    }
    config.labels.insert(labels::ONE_OFF.to_owned(), "True".to_owned());
    for (flag, field) in [("user", &mut config.user), ("workdir", &mut config.working_dir)] {
        if let Some(text) = flags.get(flag) {
            text.clone_into(field);
        }
    }
    let here = !flags.on("detach");
    config.attach_stdin = here && !flags.off("interactive");
    config.open_stdin = config.attach_stdin;
    config.stdin_once = config.attach_stdin;
    config.tty = here && !flags.on("no-tty") && stdin_is_terminal() && stdout().is_terminal();
    if !flags.on("service-ports") {
        config.exposed_ports.clear();
    }

    let host = body.host_config.get_or_insert_default();
    host.auto_remove = flags.on("rm");
    host.restart_policy = RestartPolicy::default();
    if !flags.on("service-ports") {
        host.port_bindings.clear();
        host.publish_all_ports = false;
    }
    for (port, bindings) in published(flags.list("publish"))? {
        host.port_bindings
            .entry(port)
            .or_default()
            .get_or_insert_default()
            .extend(bindings.unwrap_or_default());
    }
    host.binds.extend(bind_specs(flags.list("volume"))?);
    host.cap_add.extend_from_slice(flags.list("cap-add"));
    host.cap_drop.extend_from_slice(flags.list("cap-drop"));
    Ok(())
}

/// Others must not be sent here who look for the service.
fn without_aliases(body: &mut ContainerCreateRequest, networks: &mut [(String, EndpointSettings)]) {
    let first = body.networking_config.iter_mut().flat_map(|all| all.endpoints_config.values_mut());
    let all = first.flatten().chain(networks.iter_mut().map(|(_, endpoint)| endpoint));
    for endpoint in all {
        endpoint.aliases.clear();
        // A fixed address belongs to the service's own container.
        endpoint.ipam_config = None;
    }
}
