//! A project that is whole: defaults filled in, references checked, profiles applied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::env_file;
use crate::error::{ComposeError, Result, Warning};
use crate::load::{Environment, LoadOptions, Source};
use crate::node::{Kind, Node, Place};

/// A project: what is to be there. All values are in their long form.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Services that are wanted, by name.
    pub services: BTreeMap<String, Service>,
    /// Services that no wanted profile switches on.
    pub disabled: BTreeMap<String, Service>,
    /// Networks that services use.
    pub networks: BTreeMap<String, Node>,
    /// Volumes that services use.
    pub volumes: BTreeMap<String, Node>,
    /// Secrets that services use.
    pub secrets: BTreeMap<String, Node>,
    /// Configurations that services use.
    pub configs: BTreeMap<String, Node>,
    /// Fields of the person's own.
    pub extensions: Vec<(String, Node)>,
}

/// A service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub node: Node,
}

/// When a service that is waited for counts as there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It runs.
    Started,
    /// Its health check passes.
    Healthy,
    /// It ended with status 0.
    Completed,
}

/// A service that another one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Which.
    pub service: String,
    /// Until when.
    pub condition: Condition,
    /// Whether the project is broken without it.
    pub required: bool,
    /// Whether this one restarts when that one does.
    pub restart: bool,
}

impl Service {
    /// A field, or one below: `deploy.replicas`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Node> {
        self.node.at(path)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(Node::as_str)
    }

    /// Texts of a list.
    #[must_use]
    pub fn words(&self, path: &str) -> Vec<String> {
        let items = self.at(path).map(Node::items).unwrap_or_default();
        items.iter().filter_map(Node::as_str).map(str::to_owned).collect()
    }

    /// Texts by name; those without a value are left out.
    #[must_use]
    pub fn pairs(&self, path: &str) -> BTreeMap<String, String> {
        let entries = self.at(path).map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Labels; one without a value is empty.
    #[must_use]
    pub fn labels(&self, path: &str) -> BTreeMap<String, String> {
        let entries = self.at(path).map(Node::entries).unwrap_or_default();
        let text = |node: &Node| node.as_str().unwrap_or_default().to_owned();
        entries.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// How many containers.
    #[must_use]
    pub fn scale(&self) -> u32 {
        let stated = self.at("scale").or_else(|| self.at("deploy.replicas"));
        stated.and_then(Node::as_int).map_or(1, |count| u32::try_from(count).unwrap_or(0))
    }

    /// What it waits for: `depends_on`, and those whose namespaces or volumes it uses.
    #[must_use]
    pub fn dependencies(&self) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        for (service, node) in self.at("depends_on").map(Node::entries).unwrap_or_default() {
            let condition = match node.get("condition").and_then(Node::as_str) {
                Some("service_healthy") => Condition::Healthy,
                Some("service_completed_successfully") => Condition::Completed,
                _ => Condition::Started,
            };
            let switch = |name, default| node.get(name).and_then(Node::as_bool).unwrap_or(default);
            found.push(Dependency {
                service: service.clone(),
                condition,
                required: switch("required", true),
                restart: switch("restart", false),
            });
        }
        let mut also = |service: &str| {
            if !found.iter().any(|known| known.service == service) {
                found.push(Dependency {
                    service: service.to_owned(),
                    condition: Condition::Started,
                    required: true,
                    restart: true,
                });
            }
        };
        for field in ["network_mode", "ipc", "pid"] {
            if let Some(other) = self.text(field).and_then(|mode| mode.strip_prefix("service:")) {
                also(other);
            }
        }
        for entry in self.words("volumes_from") {
            let name = entry.split(':').next().unwrap_or_default();
            if !entry.starts_with("container:") {
                also(name);
            }
        }
        for link in self.words("links") {
            also(link.split(':').next().unwrap_or_default());
        }
        found
    }
}

/// The sections of names that services refer to.
const SECTIONS: [&str; 4] = ["networks", "volumes", "secrets", "configs"];

pub(crate) fn finish(
    name: String,
    whole: Node,
    options: &LoadOptions,
    source: &dyn Source,
    environment: &Environment,
    warnings: &mut Vec<Warning>,
) -> Result<Project> {
    let mut all = BTreeMap::new();
    for (service, node) in whole.get("services").map(Node::entries).unwrap_or_default() {
        let node = defaults(service, node.clone(), source, environment)?;
        all.insert(service.clone(), Service { name: service.clone(), node });
    }
    let (services, disabled) = by_profiles(all, options, source, environment)?;
    let mut project = Project {
        name,
        services,
        disabled,
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        extensions: whole
            .entries()
            .iter()
            .filter(|(name, _)| name.starts_with("x-"))
            .cloned()
            .collect(),
    };
    for service in project.services.values() {
        check_service(service, &project, warnings)?;
    }
    check_order(&project)?;
    let mut used = used_names(&project);
    for section in SECTIONS {
        let mut found = BTreeMap::new();
        for (name, places) in used.remove(section).unwrap_or_default() {
            let declared = whole.get(section).and_then(|all| all.get(&name));
            let node = match (section, declared) {
                (_, Some(node)) => node.clone(),
                ("networks", None) if name == "default" => {
                    Node::new(Kind::Map(Vec::new()), &places.0)
                }
                (_, None) => {
                    return Err(ComposeError::Field {
                        place: places.0,
                        field: places.1,
                        reason: format!(
                            "refers to undefined {} {name:?}: expected it under {section}",
                            section.trim_end_matches('s')
                        ),
                    });
                }
            };
            let node = resource(section, &name, node, &project.name, source, environment)?;
            found.insert(name, node);
        }
        for (name, node) in whole.get(section).map(Node::entries).unwrap_or_default() {
            if !found.contains_key(name) && matches!(section, "volumes" | "networks") {
                warnings.push(Warning {
                    place: Some(node.place.clone()),
                    message: format!("{section}.{name}: no service uses it"),
                });
            }
        }
        match section {
            "networks" => project.networks = found,
            "volumes" => project.volumes = found,
            "secrets" => project.secrets = found,
            _ => project.configs = found,
        }
    }
    Ok(project)
}

/// Fills in what a service leaves out, and reads its environment files.
fn defaults(
    name: &str,
    mut node: Node,
    source: &dyn Source,
    environment: &Environment,
) -> Result<Node> {
    let place = node.place.clone();
    let outer = |name: &str| source.variable(name).or_else(|| environment.get(name).cloned());
    let mut values = Node::new(Kind::Map(Vec::new()), &place);
    for file in node.remove("env_file").as_ref().map(Node::items).unwrap_or_default() {
        let path = Path::new(file.get("path").and_then(Node::as_str).unwrap_or_default());
        let required = file.get("required").and_then(Node::as_bool).unwrap_or(true);
        if !required && !source.exists(path) {
            continue;
        }
        let text = source.read(path).map_err(|source| ComposeError::Read {
            path: path.to_owned(),
            wanted: Some(format!("{}: services.{name}.env_file", file.place)),
            source,
        })?;
        let raw = file.get("format").is_some();
        let pairs = if raw { raw_pairs(&text) } else { env_file::parse(&text, path, &outer)? };
        for (name, value) in pairs {
            if let Some(value) = value {
                values.set(&name, Node::text(value, &file.place));
            }
        }
    }
    for (name, value) in node.remove("environment").as_ref().map(Node::entries).unwrap_or_default()
    {
        let value = match value.kind {
            // Without a value it is the caller's; unset there, it is unset here.
            Kind::Null => match outer(name) {
                Some(text) => Node::text(text, &value.place),
                None => value.clone(),
            },
            _ => value.clone(),
        };
        values.set(name, value);
    }
    if !values.entries().is_empty() {
        node.set("environment", values);
    }
    label_files(name, &mut node, source, &outer)?;
    if let Some(mut build) = node.get("build").cloned() {
        if build.get("dockerfile").is_none() && build.get("dockerfile_inline").is_none() {
            build.set("dockerfile", Node::text("Dockerfile", &build.place));
        }
        if let Some(args) = build.get("args").cloned() {
            let mut filled = Node::new(Kind::Map(Vec::new()), &args.place);
            for (name, value) in args.entries() {
                match (&value.kind, outer(name)) {
                    (Kind::Null, Some(text)) => filled.set(name, Node::text(text, &value.place)),
                    _ => filled.set(name, value.clone()),
                }
            }
            build.set("args", filled);
        }
        node.set("build", build);
    }
    if let Some(depends) = node.get("depends_on").cloned() {
        let mut filled = Node::new(Kind::Map(Vec::new()), &depends.place);
        for (other, value) in depends.entries() {
            let mut value = value.clone();
            if value.get("condition").is_none() {
                value.set("condition", Node::text("service_started", &value.place.clone()));
            }
            if value.get("required").is_none() {
                value.set("required", Node::new(Kind::Bool(true), &value.place.clone()));
            }
            filled.set(other, value);
        }
        node.set("depends_on", filled);
    }
    if node.get("networks").is_none() && node.get("network_mode").is_none() {
        let mut networks = Node::new(Kind::Map(Vec::new()), &place);
        networks.set("default", Node::new(Kind::Map(Vec::new()), &place));
        node.set("networks", networks);
    }
    Ok(node)
}

fn label_files(
    name: &str,
    node: &mut Node,
    source: &dyn Source,
    outer: &dyn Fn(&str) -> Option<String>,
) -> Result<()> {
    let Some(files) = node.remove("label_file") else { return Ok(()) };
    let mut labels = Node::new(Kind::Map(Vec::new()), &files.place);
    for file in files.items() {
        let path = Path::new(file.as_str().unwrap_or_default());
        let text = source.read(path).map_err(|source| ComposeError::Read {
            path: path.to_owned(),
            wanted: Some(format!("{}: services.{name}.label_file", file.place)),
            source,
        })?;
        for (name, value) in env_file::parse(&text, path, outer)? {
            labels.set(&name, Node::text(value.unwrap_or_default(), &file.place));
        }
    }
    for (name, value) in node.get("labels").map(Node::entries).unwrap_or_default().to_vec() {
        labels.set(&name, value);
    }
    node.set("labels", labels);
    Ok(())
}

fn raw_pairs(text: &str) -> Vec<(String, Option<String>)> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
        .collect()
}

type Services = BTreeMap<String, Service>;

/// Parts services into those that are wanted, and the rest.
fn by_profiles(
    all: Services,
    options: &LoadOptions,
    source: &dyn Source,
    environment: &Environment,
) -> Result<(Services, Services)> {
    let mut wanted: BTreeSet<String> = options.profiles.iter().cloned().collect();
    if wanted.is_empty() {
        let variable = source
            .variable("COMPOSE_PROFILES")
            .or_else(|| environment.get("COMPOSE_PROFILES").cloned())
            .unwrap_or_default();
        wanted.extend(
            variable.split(',').map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned),
        );
    }
    for name in &options.services {
        match all.get(name) {
            Some(service) => wanted.extend(service.words("profiles")),
            None => return Err(ComposeError::Project(format!("no such service: {name}"))),
        }
    }
    Ok(all.into_iter().partition(|(_, service)| {
        let profiles = service.words("profiles");
        profiles.is_empty()
            || wanted.contains("*")
            || profiles.iter().any(|profile| wanted.contains(profile))
    }))
}

fn check_service(service: &Service, project: &Project, warnings: &mut Vec<Warning>) -> Result<()> {
    let name = &service.name;
    let refuse = |place: &Place, field: &str, reason: String| {
        Err(ComposeError::Field {
            place: place.clone(),
            field: format!("services.{name}{field}"),
            reason,
        })
    };
    if service.at("image").is_none() && service.at("build").is_none() {
        return refuse(
            &service.node.place,
            "",
            "has neither an image nor a build context specified: expected image or build"
                .to_owned(),
        );
    }
    if let (Some(mode), Some(_)) = (service.at("network_mode"), service.at("networks")) {
        return refuse(&mode.place, ".network_mode", "cannot be together with networks".to_owned());
    }
    for dependency in service.dependencies() {
        let known = project.services.contains_key(&dependency.service);
        let place = service.at("depends_on").unwrap_or(&service.node).place.clone();
        if dependency.service == *name {
            return refuse(&place, ".depends_on", "it waits for itself".to_owned());
        }
        if known {
            continue;
        }
        if !dependency.required {
            warnings.push(Warning {
                place: Some(place),
                message: format!(
                    "services.{name}.depends_on: {:?} is not there, and not required",
                    dependency.service
                ),
            });
        } else if project.disabled.contains_key(&dependency.service) {
            return refuse(
                &place,
                ".depends_on",
                format!("{:?} is switched off: none of its profiles is wanted", dependency.service),
            );
        } else {
            return refuse(
                &place,
                ".depends_on",
                format!("depends on undefined service {:?}", dependency.service),
            );
        }
    }
    let scale = service.at("scale").or_else(|| service.at("deploy.replicas"));
    if let Some(node) = scale
        && node.as_int().is_some_and(|count| !(0..=1000).contains(&count))
    {
        return refuse(&node.place, ".scale", "expected 0 to 1000".to_owned());
    }
    if service.scale() > 1
        && let Some(node) = service.at("container_name")
    {
        let reason = format!("one name cannot be that of {} containers", service.scale());
        return refuse(&node.place, ".container_name", reason);
    }
    if let Some(node) = service.at("restart") {
        let text = node.as_str().unwrap_or_default();
        let kind = text.split(':').next().unwrap_or_default();
        let count = text
            .split_once(':')
            .is_none_or(|(kind, count)| kind == "on-failure" && count.parse::<u32>().is_ok());
        if !matches!(kind, "no" | "always" | "on-failure" | "unless-stopped" | "") || !count {
            return refuse(
                &node.place,
                ".restart",
                format!(
                    "invalid value {text:?}: expected no, always, on-failure[:COUNT] or unless-stopped"
                ),
            );
        }
    }
    if let Some(node) = service.at("pull_policy") {
        let text = node.as_str().unwrap_or_default();
        let known = ["always", "never", "missing", "if_not_present", "build", "daily", "weekly"];
        if !known.contains(&text) && !text.starts_with("every_") {
            return refuse(
                &node.place,
                ".pull_policy",
                format!("invalid value {text:?}: expected one of {}", known.join(", ")),
            );
        }
    }
    for (index, mount) in
        service.at("volumes").map(Node::items).unwrap_or_default().iter().enumerate()
    {
        let field = format!(".volumes[{index}]");
        if mount.get("target").is_none() {
            return refuse(&mount.place, &field, "expected a target".to_owned());
        }
        let kind = mount.get("type").and_then(Node::as_str).unwrap_or_default();
        if kind == "bind" && mount.get("source").is_none() {
            return refuse(&mount.place, &field, "a bind mount needs a source".to_owned());
        }
        if kind.is_empty() {
            return refuse(
                &mount.place,
                &field,
                "expected a type: bind, volume, tmpfs or image".to_owned(),
            );
        }
    }
    for (index, port) in service.at("ports").map(Node::items).unwrap_or_default().iter().enumerate()
    {
        let target = port.get("target").and_then(Node::as_int).unwrap_or_default();
        if !(1..=65535).contains(&target) {
            return refuse(
                &port.place,
                &format!(".ports[{index}]"),
                "expected a target from 1 to 65535".to_owned(),
            );
        }
    }
    Ok(())
}

/// Refuses services that wait for each other in a circle.
fn check_order(project: &Project) -> Result<()> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    loop {
        let ready: Vec<&str> = project
            .services
            .values()
            .filter(|service| !done.contains(service.name.as_str()))
            .filter(|service| {
                service.dependencies().iter().all(|dependency| {
                    done.contains(dependency.service.as_str())
                        || !project.services.contains_key(&dependency.service)
                })
            })
            .map(|service| service.name.as_str())
            .collect();
        if ready.is_empty() {
            break;
        }
        done.extend(ready);
    }
    let circle: Vec<&Service> =
        project.services.values().filter(|s| !done.contains(s.name.as_str())).collect();
    let Some(first) = circle.first() else { return Ok(()) };
    let names: Vec<&str> = circle.iter().map(|service| service.name.as_str()).collect();
    Err(ComposeError::Field {
        place: first.at("depends_on").unwrap_or(&first.node).place.clone(),
        field: format!("services.{}.depends_on", first.name),
        reason: format!("services wait for each other in a circle: {}", names.join(", ")),
    })
}

type Used = BTreeMap<&'static str, BTreeMap<String, (Place, String)>>;

/// Names that services refer to, with where the first one does.
fn used_names(project: &Project) -> Used {
    let mut used = Used::new();
    let mut note = |section: &'static str, name: &str, node: &Node, field: String| {
        used.entry(section)
            .or_default()
            .entry(name.to_owned())
            .or_insert_with(|| (node.place.clone(), field));
    };
    for service in project.services.values() {
        let field = |rest: &str| format!("services.{}.{rest}", service.name);
        for (name, node) in service.at("networks").map(Node::entries).unwrap_or_default() {
            note("networks", name, node, field("networks"));
        }
        for mount in service.at("volumes").map(Node::items).unwrap_or_default() {
            let kind = mount.get("type").and_then(Node::as_str);
            if let (Some("volume"), Some(source)) = (kind, mount.get("source")) {
                note("volumes", source.as_str().unwrap_or_default(), mount, field("volumes"));
            }
        }
        for section in ["secrets", "configs"] {
            let of_build = service.at("build").and_then(|build| build.get(section));
            for list in [service.at(section), of_build].into_iter().flatten() {
                for grant in list.items() {
                    let name = grant.get("source").and_then(Node::as_str).unwrap_or_default();
                    note(section, name, grant, field(section));
                }
            }
        }
    }
    used
}

/// Fills in a network's, volume's, secret's or configuration's name, and takes values in.
fn resource(
    section: &str,
    key: &str,
    mut node: Node,
    project: &str,
    source: &dyn Source,
    environment: &Environment,
) -> Result<Node> {
    let place = node.place.clone();
    let refuse = |reason: String| {
        Err(ComposeError::Field { place: place.clone(), field: format!("{section}.{key}"), reason })
    };
    // `external: {name: x}` is the old form of `external: true` and `name: x`.
    let external = node.remove("external");
    let is_external = match external.as_ref().map(|external| &external.kind) {
        None | Some(Kind::Bool(false)) => false,
        Some(Kind::Bool(true)) => true,
        Some(Kind::Map(_)) => {
            let name = external.as_ref().and_then(|external| external.get("name")).cloned();
            if let Some(name) = name {
                node.set("name", name);
            }
            true
        }
        _ => return refuse("external: expected true or false".to_owned()),
    };
    if node.get("name").is_none() {
        let name = if is_external { key.to_owned() } else { format!("{project}_{key}") };
        node.set("name", Node::text(name, &place));
    }
    if is_external {
        node.set("external", Node::new(Kind::Bool(true), &place));
    }
    if matches!(section, "secrets" | "configs") {
        if is_external {
            return refuse(
                "external ones are kept by a cluster: give a file, environment or content"
                    .to_owned(),
            );
        }
        let sources: Vec<&str> = ["file", "environment", "content"]
            .into_iter()
            .filter(|name| node.get(name).is_some())
            .collect();
        if sources.len() != 1 {
            return refuse("expected one of file, environment, content".to_owned());
        }
        if let Some(variable) = node.get("environment").and_then(Node::as_str) {
            let found = source.variable(variable).or_else(|| environment.get(variable).cloned());
            if found.is_none() {
                return refuse(format!("the variable {variable:?} is not set"));
            }
        }
    }
    Ok(node)
}
