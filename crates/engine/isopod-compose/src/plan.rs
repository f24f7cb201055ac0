//! From what is wanted and what is there to what must be done: a plan as data. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use isopod_base::Digest;

use crate::node::{Kind, Node};
use crate::project::{Condition, Project, Service};

/// Labels by which compose knows its own; docker compose's, so that both see the same projects.
pub mod labels {
    /// The project.
    pub const PROJECT: &str = "com.docker.compose.project";
    /// The service.
    pub const SERVICE: &str = "com.docker.compose.service";
    /// Which of the service's containers, from 1.
    pub const NUMBER: &str = "com.docker.compose.container-number";
    /// Whether it was run by hand.
    pub const ONE_OFF: &str = "com.docker.compose.oneoff";
    /// Hash of the service's configuration.
    pub const CONFIG_HASH: &str = "com.docker.compose.config-hash";
    /// Id of the image.
    pub const IMAGE: &str = "com.docker.compose.image";
    /// Files that the project was read from.
    pub const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
    /// Directory of the project.
    pub const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
    /// Services that this one waits for.
    pub const DEPENDS_ON: &str = "com.docker.compose.depends_on";
    /// A network's name in the file.
    pub const NETWORK: &str = "com.docker.compose.network";
    /// A volume's name in the file.
    pub const VOLUME: &str = "com.docker.compose.volume";
    /// Who made it.
    pub const VERSION: &str = "com.docker.compose.version";
}

/// A container of the project that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedContainer {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Service, by its label.
    pub service: String,
    /// Number, by its label.
    pub number: u32,
    /// Hash of the configuration that it was made from.
    pub config_hash: String,
    /// Id of its image.
    pub image: String,
    /// Whether it runs.
    pub running: bool,
    /// Whether it ended with status 0.
    pub completed: bool,
}

/// What is there of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Its containers.
    pub containers: Vec<ObservedContainer>,
    /// Names of networks: the project's own, and external ones.
    pub networks: BTreeSet<String>,
    /// Names of volumes, likewise.
    pub volumes: BTreeSet<String>,
    /// Ids of the services' images, as far as they are here.
    pub images: BTreeMap<String, String>,
}

/// How to bring a project up.
#[derive(Debug, Clone, Default)]
pub struct UpOptions {
    /// Services to bring up, with what they wait for; all, if none is named.
    pub services: Vec<String>,
    /// Numbers of containers that go before the files'.
    pub scale: BTreeMap<String, u32>,
    /// Make containers anew although nothing differs.
    pub force_recreate: bool,
    /// Keep containers although something differs.
    pub no_recreate: bool,
    /// Remove containers of services that the files do not have.
    pub remove_orphans: bool,
    /// Leave out what the named services wait for.
    pub no_deps: bool,
    /// Make the containers, and start none.
    pub no_start: bool,
    /// Wait until everything runs, or is healthy.
    pub wait: bool,
    /// Only make ready for containers of the named services, which somebody else makes: networks,
    /// volumes and what they wait for.
    pub prepare: bool,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a network; its name in the file, and its own.
    CreateNetwork(String, String),
    /// Make a volume.
    CreateVolume(String, String),
    /// Make a container of a service.
    Create {
        /// Service.
        service: String,
        /// Number.
        number: u32,
        /// Name.
        name: String,
    },
    /// Put another container in the place of one.
    Recreate {
        /// Service.
        service: String,
        /// Number.
        number: u32,
        /// Name.
        name: String,
        /// The old one.
        id: String,
        /// Why.
        why: &'static str,
    },
    /// Start the container of that name.
    Start(String),
    /// Stop and start it.
    Restart(String),
    /// Wait for all containers of a service.
    Wait {
        /// Service.
        service: String,
        /// Names of its containers.
        containers: Vec<String>,
        /// Until when.
        condition: Condition,
    },
    /// Stop a container.
    Stop(String),
    /// Stop and remove a container.
    Remove {
        /// Name.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// Remove a network.
    RemoveNetwork(String),
    /// Remove a volume.
    RemoveVolume(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateNetwork(_, name) => write!(f, "create network {name}"),
            Self::CreateVolume(_, name) => write!(f, "create volume {name}"),
            Self::Create { name, .. } => write!(f, "create container {name}"),
            Self::Recreate { name, why, .. } => write!(f, "recreate container {name}: {why}"),
            Self::Start(name) => write!(f, "start {name}"),
            Self::Restart(name) => write!(f, "restart {name}"),
            Self::Wait { service, condition, .. } => {
                let until = match condition {
                    Condition::Started => "running",
                    Condition::Healthy => "healthy",
                    Condition::Completed => "done",
                };
                write!(f, "wait until {service} is {until}")
            }
            Self::Stop(name) => write!(f, "stop {name}"),
            Self::Remove { name, why } => write!(f, "remove container {name}: {why}"),
            Self::RemoveNetwork(name) => write!(f, "remove network {name}"),
            Self::RemoveVolume(name) => write!(f, "remove volume {name}"),
        }
    }
}

/// Steps, each with those that must be done before it. Those come earlier in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<(Step, Vec<usize>)>,
}

impl Plan {
    /// Whether there is nothing to change. Waiting changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|(step, _)| matches!(step, Step::Wait { .. }))
    }

    fn add(&mut self, step: Step, after: impl IntoIterator<Item = usize>) -> usize {
        let after: BTreeSet<usize> = after.into_iter().collect();
        self.steps.push((step, after.into_iter().collect()));
        self.steps.len() - 1
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (step, after)) in self.steps.iter().enumerate() {
            write!(f, "{:>3}  {step}", index + 1)?;
            if !after.is_empty() {
                let after: Vec<String> = after.iter().map(|step| (step + 1).to_string()).collect();
                write!(f, "  (after {})", after.join(", "))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// The hash of a service's configuration, without what its containers do not depend on.
#[must_use]
pub fn config_hash(project: &Project, service: &Service) -> String {
    let mut node = service.node.clone();
    for field in ["build", "depends_on", "develop", "profiles", "pull_policy", "scale", "attach"] {
        node.remove(field);
    }
    if let Some(mut deploy) = node.remove("deploy") {
        deploy.remove("replicas");
        deploy.remove("mode");
        if !deploy.entries().is_empty() {
            node.set("deploy", deploy);
        }
    }
    // What stands behind the names that it uses counts too.
    let mut behind = Vec::new();
    for (field, all) in [("secrets", &project.secrets), ("configs", &project.configs)] {
        for grant in service.at(field).map(Node::items).unwrap_or_default() {
            let name = grant.get("source").and_then(Node::as_str).unwrap_or_default();
            behind.extend(all.get(name).map(Node::to_json));
        }
    }
    let mut names = Vec::new();
    for name in service.at("networks").map(Node::entries).unwrap_or_default() {
        names.extend(project.networks.get(&name.0).and_then(|network| network.get("name")));
    }
    let names: Vec<serde_json::Value> = names.into_iter().map(Node::to_json).collect();
    let whole = serde_json::json!([node.to_json(), behind, names]);
    Digest::sha256(whole.to_string().as_bytes()).hex().to_owned()
}

/// The name of a service's container.
#[must_use]
pub fn container_name(project: &Project, service: &Service, number: u32) -> String {
    match service.text("container_name") {
        Some(name) => name.to_owned(),
        None => format!("{}-{}-{number}", project.name, service.name),
    }
}

/// Services in the order in which they are started, those that are named and what they need.
#[must_use]
pub fn ordered<'a>(project: &'a Project, named: &[String], no_deps: bool) -> Vec<&'a Service> {
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    let mut pending: Vec<&str> = match named {
        [] => project.services.keys().map(String::as_str).collect(),
        named => named.iter().map(String::as_str).collect(),
    };
    while let Some(name) = pending.pop() {
        let Some((name, service)) = project.services.get_key_value(name) else { continue };
        if wanted.insert(name) && !no_deps {
            for dependency in service.dependencies() {
                if let Some((name, _)) = project.services.get_key_value(&dependency.service) {
                    pending.push(name);
                }
            }
        }
    }
    let mut out: Vec<&Service> = Vec::new();
    // The circle was refused when the project was read: each round finds one.
    while out.len() < wanted.len() {
        let before = out.len();
        for name in &wanted {
            let service = &project.services[*name];
            let placed = |name: &str| out.iter().any(|known| known.name == name);
            let ready = service.dependencies().iter().all(|dependency| {
                placed(&dependency.service) || !wanted.contains(dependency.service.as_str())
            });
            if ready && !placed(name) {
                out.push(service);
                break;
            }
        }
        if out.len() == before {
            break;
        }
    }
    out
}

/// What must be done to bring a project up.
#[must_use]
pub fn up(project: &Project, observed: &Observed, options: &UpOptions) -> Plan {
    let mut plan = Plan::default();
    let services = ordered(project, &options.services, options.no_deps);
    let mut networks: BTreeMap<&str, usize> = BTreeMap::new();
    let mut volumes: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, node) in &project.networks {
        if let Some(name) = missing(node, &observed.networks)
            && services.iter().any(|service| uses_network(service, key))
        {
            let step = Step::CreateNetwork(key.clone(), name.to_owned());
            networks.insert(key, plan.add(step, []));
        }
    }
    for (key, node) in &project.volumes {
        if let Some(name) = missing(node, &observed.volumes)
            && services.iter().any(|service| uses_volume(service, key))
        {
            let step = Step::CreateVolume(key.clone(), name.to_owned());
            volumes.insert(key, plan.add(step, []));
        }
    }
    if options.remove_orphans {
        for container in &observed.containers {
            let known = project.services.contains_key(&container.service)
                || project.disabled.contains_key(&container.service);
            if !known {
                let why = "its service is not in the project";
                plan.add(Step::Remove { name: container.name.clone(), why }, []);
            }
        }
    }
    let mut done: BTreeMap<&str, Outcome> = BTreeMap::new();
    for service in services {
        let needs = Needs {
            networks: networks
                .iter()
                .filter(|(key, _)| uses_network(service, key))
                .map(|(_, s)| *s),
            volumes: volumes.iter().filter(|(key, _)| uses_volume(service, key)).map(|(_, s)| *s),
        };
        let mut after: Vec<usize> = needs.networks.chain(needs.volumes).collect();
        after.extend(wait_for_dependencies(&mut plan, service, &mut done, options));
        if options.prepare && options.services.contains(&service.name) {
            continue;
        }
        let outcome = containers(&mut plan, project, observed, options, service, &after, &done);
        done.insert(&service.name, outcome);
    }
    if options.wait {
        for (name, outcome) in &done {
            let checked = project.services[*name]
                .at("healthcheck")
                .is_some_and(|check| check.get("disable").and_then(Node::as_bool) != Some(true));
            let condition = if checked { Condition::Healthy } else { Condition::Started };
            // What others waited for to end need not run.
            let known = outcome
                .waits
                .iter()
                .any(|(known, _)| *known == condition || *known == Condition::Completed);
            if !known && !outcome.containers.is_empty() {
                let containers = outcome.containers.clone();
                let step = Step::Wait { service: (*name).to_owned(), containers, condition };
                plan.add(step, outcome.steps.iter().copied());
            }
        }
    }
    plan
}

struct Needs<N, V> {
    networks: N,
    volumes: V,
}

/// What came of a service in a plan.
#[derive(Debug, Default)]
struct Outcome {
    /// Its last steps.
    steps: Vec<usize>,
    /// Names of its containers.
    containers: Vec<String>,
    /// Steps that wait for it.
    waits: Vec<(Condition, usize)>,
    /// Whether a container was made anew.
    renewed: bool,
}

fn wait_for_dependencies(
    plan: &mut Plan,
    service: &Service,
    done: &mut BTreeMap<&str, Outcome>,
    options: &UpOptions,
) -> Vec<usize> {
    let mut after = Vec::new();
    for dependency in service.dependencies() {
        let Some(outcome) = done.get_mut(dependency.service.as_str()) else { continue };
        let condition = dependency.condition;
        if options.no_start || condition == Condition::Started {
            after.extend(&outcome.steps);
            continue;
        }
        let known = outcome.waits.iter().find(|(known, _)| *known == condition);
        let step = match known {
            Some((_, step)) => *step,
            None => {
                let step = Step::Wait {
                    service: dependency.service.clone(),
                    containers: outcome.containers.clone(),
                    condition,
                };
                let step = plan.add(step, outcome.steps.iter().copied());
                outcome.waits.push((condition, step));
                step
            }
        };
        after.push(step);
    }
    after
}

/// Adds the steps for a service's containers.
fn containers(
    plan: &mut Plan,
    project: &Project,
    observed: &Observed,
    options: &UpOptions,
    service: &Service,
    after: &[usize],
    done: &BTreeMap<&str, Outcome>,
) -> Outcome {
    let hash = config_hash(project, service);
    let wanted = options.scale.get(&service.name).copied().unwrap_or_else(|| service.scale());
    let mut outcome = Outcome::default();
    let mut there: Vec<&ObservedContainer> =
        observed.containers.iter().filter(|known| known.service == service.name).collect();
    there.sort_by_key(|known| (known.number, known.id.clone()));
    let too_many = there.split_off(there.len().min(wanted as usize));
    for container in too_many {
        let why = "the service has fewer containers now";
        plan.add(Step::Remove { name: container.name.clone(), why }, []);
    }
    let renewed_below = |restart_only: bool| {
        service.dependencies().iter().any(|dependency| {
            let shared = ["network_mode", "ipc", "pid"].iter().any(|field| {
                service.text(field) == Some(&format!("service:{}", dependency.service))
            });
            let counts = if restart_only { dependency.restart } else { shared };
            counts && done.get(dependency.service.as_str()).is_some_and(|outcome| outcome.renewed)
        })
    };
    // A job that others waited for is done once, until something about it changes.
    let job = project.services.values().flat_map(Service::dependencies).any(|dependency| {
        dependency.service == service.name && dependency.condition == Condition::Completed
    });
    let named = options.services.is_empty() || options.services.contains(&service.name);
    for container in &there {
        let image = observed.images.get(&service.name);
        let why = if options.no_recreate {
            None
        } else if options.force_recreate && named {
            Some("it was asked for")
        } else if container.config_hash != hash {
            Some("its configuration has changed")
        } else if image.is_some_and(|image| *image != container.image) {
            Some("its image has changed")
        } else if renewed_below(false) {
            Some("the container whose namespaces it uses is another one")
        } else {
            None
        };
        outcome.containers.push(container.name.clone());
        let last = match why {
            Some(why) => {
                outcome.renewed = true;
                let step = Step::Recreate {
                    service: service.name.clone(),
                    number: container.number,
                    name: container.name.clone(),
                    id: container.id.clone(),
                    why,
                };
                let made = plan.add(step, after.iter().copied());
                start(plan, options, &container.name, made)
            }
            None if options.no_start || (job && container.completed) => continue,
            None if !container.running => {
                plan.add(Step::Start(container.name.clone()), after.iter().copied())
            }
            None if renewed_below(true) => {
                plan.add(Step::Restart(container.name.clone()), after.iter().copied())
            }
            None => continue,
        };
        outcome.steps.push(last);
    }
    let mut numbers = (1..).filter(|number| !there.iter().any(|known| known.number == *number));
    for _ in there.len()..wanted as usize {
        let number = numbers.next().expect("numbers do not end");
        let name = container_name(project, service, number);
        outcome.containers.push(name.clone());
        outcome.renewed = true;
        let step = Step::Create { service: service.name.clone(), number, name: name.clone() };
        let made = plan.add(step, after.iter().copied());
        let last = start(plan, options, &name, made);
        outcome.steps.push(last);
    }
    outcome
}

fn start(plan: &mut Plan, options: &UpOptions, name: &str, made: usize) -> usize {
    if options.no_start {
        return made;
    }
    plan.add(Step::Start(name.to_owned()), [made])
}

/// What must be done to take a project down: dependents first.
#[must_use]
pub fn down(project: &Project, observed: &Observed, volumes: bool, orphans: bool) -> Plan {
    let mut plan = Plan::default();
    let mut services = ordered(project, &[], false);
    services.reverse();
    let mut removed: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut all = Vec::new();
    for service in services {
        let dependents: Vec<usize> = project
            .services
            .values()
            .filter(|other| other.dependencies().iter().any(|d| d.service == service.name))
            .flat_map(|other| removed.get(other.name.as_str()).cloned().unwrap_or_default())
            .collect();
        for container in observed.containers.iter().filter(|known| known.service == service.name) {
            let step = Step::Remove { name: container.name.clone(), why: "the project goes down" };
            let step = plan.add(step, dependents.iter().copied());
            removed.entry(&service.name).or_default().push(step);
            all.push(step);
        }
    }
    for container in &observed.containers {
        let disabled = project.disabled.contains_key(&container.service);
        if disabled || (orphans && !project.services.contains_key(&container.service)) {
            let step = Step::Remove { name: container.name.clone(), why: "the project goes down" };
            all.push(plan.add(step, []));
        }
    }
    for node in project.networks.values().filter(|node| node.get("external").is_none()) {
        let name = node.get("name").and_then(Node::as_str).unwrap_or_default();
        if observed.networks.contains(name) {
            plan.add(Step::RemoveNetwork(name.to_owned()), all.iter().copied());
        }
    }
    for node in project.volumes.values().filter(|node| volumes && node.get("external").is_none()) {
        let name = node.get("name").and_then(Node::as_str).unwrap_or_default();
        if observed.volumes.contains(name) {
            plan.add(Step::RemoveVolume(name.to_owned()), all.iter().copied());
        }
    }
    plan
}

/// The name of a network or volume that must be made.
fn missing<'a>(node: &'a Node, there: &BTreeSet<String>) -> Option<&'a str> {
    let external = node.get("external").is_some_and(|node| node.kind == Kind::Bool(true));
    let name = node.get("name").and_then(Node::as_str)?;
    (!external && !there.contains(name)).then_some(name)
}

fn uses_network(service: &Service, key: &str) -> bool {
    service.at("networks").is_some_and(|networks| networks.get(key).is_some())
}

fn uses_volume(service: &Service, key: &str) -> bool {
    service.at("volumes").map(Node::items).unwrap_or_default().iter().any(|mount| {
        mount.get("type").and_then(Node::as_str) == Some("volume")
            && mount.get("source").and_then(Node::as_str) == Some(key)
    })
}
