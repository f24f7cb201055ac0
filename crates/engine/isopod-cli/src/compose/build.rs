//! Images of services: built by `isopod build`, pulled, listed.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use isopod_compose::{Node, Project, Service, ordered};
use isopod_docker_types::ImageInspect;

use super::project::{Found, PROJECT, chosen, find};
use crate::args::{self, Flag, Parsed, boolean, list};
use crate::commands::{self, Command, Names, Operands};
use crate::image::pull_image;
use crate::output::{align, short_id, stderr, stdout};
use crate::reference::with_tag;
use crate::session::{Session, answered};
use isopod_client::image_path;

static BUILD_FLAGS: &[Flag] = &[
    list("build-arg", ' ', "Value of a build argument: NAME=VALUE (repeatable)"),
    boolean("no-cache", ' ', "Build every step anew"),
    boolean("pull", ' ', "Look for newer base images"),
    boolean("quiet", 'q', "Print no progress"),
];

static PULL_FLAGS: &[Flag] = &[
    boolean("ignore-pull-failures", ' ', "Go on after a failure"),
    boolean("quiet", 'q', "Print no progress"),
];

static IMAGES_FLAGS: &[Flag] = &[boolean("quiet", 'q', "Print ids only")];

pub(super) static BUILD: Command = Command {
    names: &["compose build"],
    usage: "[OPTIONS] [SERVICE...]",
    summary: "Build the images of services",
    examples: &[("compose build web", "Build the image of a service")],
    flags: &[BUILD_FLAGS, PROJECT],
    operands: Operands::AtLeast(0),
    run: |session, flags| {
        Box::pin(async move {
            let found = find(&flags, true)?;
            let how = Build {
                no_cache: flags.on("no-cache"),
                pull: flags.on("pull"),
                quiet: flags.on("quiet"),
                arguments: flags.list("build-arg").to_vec(),
                ..Build::default()
            };
            for name in chosen(&found.project, &found.rest)? {
                let service = &found.project.services[&name];
                if service.at("build").is_some() {
                    build(&session, &found.project, service, &how).await?;
                }
            }
            Ok(0)
        })
    },
    ..Command::DEFAULT
};

pub(super) static PULL: Command = Command {
    names: &["compose pull"],
    usage: "[OPTIONS] [SERVICE...]",
    summary: "Download the images of services",
    examples: &[("compose pull", "Download all images of a project")],
    flags: &[PULL_FLAGS, PROJECT],
    operands: Operands::AtLeast(0),
    run: |session, flags| Box::pin(pull(session, flags)),
    ..Command::DEFAULT
};

pub(super) static IMAGES: Command = Command {
    names: &["compose images"],
    usage: "[OPTIONS] [SERVICE...]",
    summary: "List the images of services",
    examples: &[("compose images", "List the images of a project")],
    flags: &[IMAGES_FLAGS, PROJECT],
    operands: Operands::AtLeast(0),
    complete: Names::Files,
    run: |session, flags| Box::pin(images(session, flags)),
    ..Command::DEFAULT
};

/// How to build.
#[derive(Debug, Default)]
pub(super) struct Build {
    pub(super) no_cache: bool,
    pub(super) pull: bool,
    pub(super) quiet: bool,
    pub(super) arguments: Vec<String>,
    /// Build images that are there.
    pub(super) rebuild: bool,
    /// Build nothing.
    pub(super) no_build: bool,
    /// Leave out what the named services wait for.
    pub(super) no_deps: bool,
    /// When to pull, before what services say.
    pub(super) policy: Option<String>,
}

/// The image that a service's containers are made of.
pub(super) fn image_of(project: &Project, service: &Service) -> String {
    match service.text("image") {
        Some(image) => image.to_owned(),
        None => format!("{}-{}", project.name, service.name),
    }
}

/// Builds or pulls what is missing, or what the policies want anew.
pub(super) async fn ensure(
    session: &Rc<Session>,
    found: &Found,
    named: &[String],
    how: &Build,
) -> Result<()> {
    for service in ordered(&found.project, named, how.no_deps) {
        let image = image_of(&found.project, service);
        let own =
            how.policy.as_deref().or_else(|| service.text("pull_policy")).unwrap_or("missing");
        let there = is_there(session, &image).await?;
        let builds = service.at("build").is_some();
        let platform = service.text("platform").unwrap_or_default();
        if builds && (how.rebuild || own == "build" || (!there && own != "always")) {
            if how.no_build {
                if !there {
                    bail!(
                        "service {}: there is no image {image}, and --no-build was given",
                        service.name
                    );
                }
                continue;
            }
            build(session, &found.project, service, how).await?;
        } else if own == "always" || (!there && own != "never" && !builds) {
            pull_image(session, &with_tag(&image), platform, !how.quiet)
                .await
                .with_context(|| format!("service {}: pull {image}", service.name))?;
        } else if !there {
            bail!("service {}: there is no image {image}, and its policy is {own:?}", service.name);
        }
    }
    Ok(())
}

/// What [`ensure`] would do, in words.
pub(super) async fn preview(
    session: &Session,
    found: &Found,
    named: &[String],
    no_deps: bool,
    rebuild: bool,
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for service in ordered(&found.project, named, no_deps) {
        let image = image_of(&found.project, service);
        let there = is_there(session, &image).await?;
        let builds = service.at("build").is_some();
        if builds && (rebuild || !there) {
            lines.push(format!("build image {image}"));
        } else if !there {
            lines.push(format!("pull image {image}"));
        }
    }
    Ok(lines)
}

async fn is_there(session: &Session, image: &str) -> Result<bool> {
    let path = format!("/images/{}/json", image_path(image));
    match session.client.get::<ImageInspect>(&path).await {
        Ok(_) => Ok(true),
        Err(error) if answered(&error, 404) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Builds a service's image by the command for it.
pub(super) async fn build(
    session: &Rc<Session>,
    project: &Project,
    service: &Service,
    how: &Build,
) -> Result<()> {
    let Some(command) = commands::find("build") else {
        bail!("service {}: images cannot be built by this version", service.name);
    };
    writeln!(stderr(), " Image {}  Building", image_of(project, service))
        .context("write to standard error")?;
    let inline = InlineFile::write(service)?;
    let words = build_words(project, service, how, inline.as_ref())?;
    let parsed = match args::parse(command.flags, &words, true) {
        Ok(parsed) => parsed,
        Err(args::Problem::Wrong(reason)) => bail!("service {}: build: {reason}", service.name),
        Err(args::Problem::Help) => bail!("service {}: build: unexpected --help", service.name),
    };
    let code = (command.run)(session.clone(), parsed)
        .await
        .with_context(|| format!("service {}: build", service.name))?;
    if code != 0 {
        bail!("service {}: the build ended with status {code}", service.name);
    }
    Ok(())
}

fn build_words(
    project: &Project,
    service: &Service,
    how: &Build,
    inline: Option<&InlineFile>,
) -> Result<Vec<String>> {
    let text = |path: &str| service.text(&format!("build.{path}"));
    let mut words = vec!["--tag".to_owned(), image_of(project, service)];
    let mut add = |flag: &str, value: String| words.extend([format!("--{flag}"), value]);
    for tag in service.words("build.tags") {
        add("tag", tag);
    }
    let context = text("context").unwrap_or(".").to_owned();
    match (inline, text("dockerfile")) {
        (Some(inline), _) => add("file", inline.0.path().display().to_string()),
        (None, Some(file)) => {
            let path = std::path::Path::new(&context).join(file);
            add("file", path.display().to_string());
        }
        (None, None) => {}
    }
    for (name, value) in service.at("build.args").map(Node::entries).unwrap_or_default() {
        if let Some(value) = value.as_str() {
            add("build-arg", format!("{name}={value}"));
        }
    }
    for argument in &how.arguments {
        add("build-arg", argument.clone());
    }
    for (name, value) in service.labels("build.labels") {
        add("label", format!("{name}={value}"));
    }
    for (flag, path) in [("target", "target"), ("network", "network")] {
        if let Some(value) = text(path) {
            add(flag, value.to_owned());
        }
    }
    for image in service.words("build.cache_from") {
        add("cache-from", image);
    }
    for host in service.words("build.extra_hosts") {
        add("add-host", host.replacen('=', ":", 1));
    }
    for platform in service.words("build.platforms") {
        add("platform", platform);
    }
    if let Some(size) = service.at("build.shm_size").and_then(Node::as_int) {
        add("shm-size", size.to_string());
    }
    for grant in service.at("build.secrets").map(Node::items).unwrap_or_default() {
        let source = grant.get("source").and_then(Node::as_str).unwrap_or_default();
        let id = grant.get("target").and_then(Node::as_str).unwrap_or(source);
        let secret = project.secrets.get(source).context("a secret that is not there")?;
        let place = |name: &str| secret.get(name).and_then(Node::as_str);
        let value = match (place("file"), place("environment")) {
            (Some(file), _) => format!("id={id},src={file}"),
            (_, Some(variable)) => format!("id={id},env={variable}"),
            _ => bail!("{}: a secret of a build must be a file or a variable", secret.place),
        };
        add("secret", value);
    }
    for (name, value) in service.labels("build.additional_contexts") {
        let value = match value.strip_prefix("service:") {
            Some(other) => {
                let other = project.services.get(other).context("a service that is not there")?;
                format!("docker-image://{}", image_of(project, other))
            }
            None => value,
        };
        add("build-context", format!("{name}={value}"));
    }
    let on = |path: &str| service.at(&format!("build.{path}")).and_then(Node::as_bool);
    for (flag, on) in [
        ("--no-cache", how.no_cache || on("no_cache") == Some(true)),
        ("--pull", how.pull || on("pull") == Some(true)),
        ("--quiet", how.quiet),
    ] {
        if on {
            words.push(flag.to_owned());
        }
    }
    words.push(context);
    Ok(words)
}

/// A Dockerfile that stands in the compose file, for the time of a build.
struct InlineFile(tempfile::NamedTempFile);

impl InlineFile {
    fn write(service: &Service) -> Result<Option<Self>> {
        let Some(text) = service.text("build.dockerfile_inline") else { return Ok(None) };
        let mut file = tempfile::NamedTempFile::new().context("keep the Dockerfile")?;
        file.write_all(text.as_bytes()).context("keep the Dockerfile")?;
        Ok(Some(Self(file)))
    }
}

async fn pull(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = find(&flags, true)?;
    let mut code = 0;
    for name in chosen(&found.project, &found.rest)? {
        let service = &found.project.services[&name];
        if service.text("image").is_none() {
            continue;
        }
        let image = image_of(&found.project, service);
        let platform = service.text("platform").unwrap_or_default();
        match pull_image(&session, &with_tag(&image), platform, !flags.on("quiet")).await {
            Ok(()) => {}
            Err(error) if flags.on("ignore-pull-failures") || service.at("build").is_some() => {
                let words = isopod_base::chain(error.as_ref()).to_string();
                writeln!(stderr(), "{name}: {words}").context("write to standard error")?;
                code = i32::from(service.at("build").is_none());
            }
            Err(error) => return Err(error.context(format!("service {name}: pull {image}"))),
        }
    }
    Ok(code)
}

async fn images(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = find(&flags, true)?;
    let mut table = "CONTAINER\tIMAGE\tIMAGE ID\n".to_owned();
    let mut ids = Vec::new();
    for container in super::observe::containers(&session, &found.project.name).await? {
        let service = super::observe::service_of(&container);
        if !found.rest.is_empty() && !found.rest.contains(&service) {
            continue;
        }
        let id = short_id(&container.image_id);
        let name = super::observe::name_of(&container);
        table += &format!("{name}\t{}\t{id}\n", container.image);
        ids.push(id);
    }
    let text = if flags.on("quiet") {
        ids.iter().map(|id| format!("{id}\n")).collect()
    } else {
        align(&table)
    };
    stdout().write_all(text.as_bytes()).context("write to standard output")?;
    Ok(0)
}
