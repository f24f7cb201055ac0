//! Carries a plan out: each step as soon as those before it are done, several at once.

use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http::Method;
use isopod_compose::{Condition, Plan, Project, Service, Step};
use isopod_docker_types::{
    ContainerCreateRequest, ContainerCreateResponse, ContainerInspect, EndpointSettings,
    ImageInspect,
};
use tokio::task::JoinSet;

use super::build::image_of;
use super::network::{connect, create_network, create_volume};
use super::observe;
use super::project::Found;
use super::request::{Surroundings, endpoints, request};
use super::secrets::copy_texts;
use crate::output::stderr;
use crate::session::{Session, answered};
use isopod_client::{Payload, image_path, query, segment};

/// Steps that are under way at once.
const AT_ONCE: usize = 16;
/// How often a container that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How to carry out.
#[derive(Debug, Clone, Default)]
pub(super) struct How {
    /// Seconds until a container that is stopped is killed.
    pub(super) timeout: Option<String>,
    /// Remove anonymous volumes with containers.
    pub(super) volumes: bool,
    /// Give new containers new anonymous volumes.
    pub(super) renew_volumes: bool,
    /// How long to wait for services.
    pub(super) wait: Option<Duration>,
}

/// Carries out all steps. After a failure nothing new is begun.
pub(super) async fn execute(
    session: &Rc<Session>,
    found: &Rc<Found>,
    plan: &Plan,
    how: &How,
) -> Result<()> {
    let mut waiting: Vec<usize> = (0..plan.steps.len()).collect();
    let mut done = vec![false; plan.steps.len()];
    let mut running: JoinSet<(usize, Result<()>)> = JoinSet::new();
    let mut failure = None;
    loop {
        if failure.is_none() {
            waiting.retain(|index| {
                let (step, after) = &plan.steps[*index];
                if running.len() >= AT_ONCE || !after.iter().all(|before| done[*before]) {
                    return true;
                }
                let work = perform(session.clone(), found.clone(), step.clone(), how.clone());
                let index = *index;
                running.spawn_local(async move { (index, work.await) });
                false
            });
        }
        let Some(ended) = running.join_next().await else { break };
        let (index, result) = ended.context("a step broke off")?;
        match result {
            Ok(()) => done[index] = true,
            Err(error) => {
                let error = error.context(format!("cannot {}", plan.steps[index].0));
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

fn say(kind: &str, name: &str, what: &str) -> Result<()> {
    writeln!(stderr(), " {kind} {name}  {what}").context("write to standard error")
}

async fn perform(session: Rc<Session>, found: Rc<Found>, step: Step, how: How) -> Result<()> {
    let project = &found.project;
    let post = |name: &str, action: &str| {
        let timeout = how.timeout.clone().unwrap_or_default();
        let query = if action == "start" { String::new() } else { query(&[("t", &timeout)]) };
        format!("/containers/{}/{action}{query}", segment(name))
    };
    match step {
        Step::CreateNetwork(key, name) => {
            create_network(&session, project, &key).await?;
            say("Network", &name, "Created")
        }
        Step::CreateVolume(key, name) => {
            create_volume(&session, project, &key).await?;
            say("Volume", &name, "Created")
        }
        Step::Create { service, number, name } => {
            let service = &project.services[&service];
            create(&session, &found, service, number, &name, Vec::new()).await?;
            say("Container", &name, "Created")
        }
        Step::Recreate { service, number, name, id, .. } => {
            let service = &project.services[&service];
            recreate(&session, &found, service, number, &name, &id, &how).await?;
            say("Container", &name, "Recreated")
        }
        Step::Start(name) => {
            session.client.call(Method::POST, &post(&name, "start"), Payload::Empty).await?;
            say("Container", &name, "Started")
        }
        Step::Restart(name) => {
            session.client.call(Method::POST, &post(&name, "restart"), Payload::Empty).await?;
            say("Container", &name, "Restarted")
        }
        Step::Stop(name) => {
            session.client.call(Method::POST, &post(&name, "stop"), Payload::Empty).await?;
            say("Container", &name, "Stopped")
        }
        Step::Wait { service, containers, condition } => {
            wait(&session, &service, &containers, condition, how.wait).await
        }
        Step::Remove { name, .. } => {
            remove(&session, &name, &how).await?;
            say("Container", &name, "Removed")
        }
        Step::RemoveNetwork(name) => {
            let path = format!("/networks/{}", segment(&name));
            match session.client.call(Method::DELETE, &path, Payload::Empty).await {
                Err(error) if answered(&error, 404) => Ok(()),
                Err(error) => Err(error.into()),
                Ok(()) => say("Network", &name, "Removed"),
            }
        }
        Step::RemoveVolume(name) => {
            let path = format!("/volumes/{}", segment(&name));
            match session.client.call(Method::DELETE, &path, Payload::Empty).await {
                Err(error) if answered(&error, 404) => Ok(()),
                Err(error) => Err(error.into()),
                Ok(()) => say("Volume", &name, "Removed"),
            }
        }
    }
}

async fn create(
    session: &Session,
    found: &Found,
    service: &Service,
    number: u32,
    name: &str,
    volumes: Vec<(String, String)>,
) -> Result<()> {
    let project = &found.project;
    let around = Surroundings { volumes, ..surroundings(session, project, service).await? };
    let body = request(found, service, number, &around)?;
    let endpoints = endpoints(project, service, number);
    make(session, found, service, name, &body, &endpoints).await
}

/// What a container of a service needs of what is there.
pub(super) async fn surroundings(
    session: &Session,
    project: &Project,
    service: &Service,
) -> Result<Surroundings> {
    let path = format!("/images/{}/json", image_path(&image_of(project, service)));
    let image: ImageInspect = session.client.get(&path).await?;
    let mut around = Surroundings { image: image.id, ..Surroundings::default() };
    if !service.dependencies().is_empty() {
        for container in observe::containers(session, &project.name).await? {
            around.containers.entry(observe::service_of(&container)).or_insert(container.id);
        }
    }
    Ok(around)
}

/// Makes a container and gives it what can only be given to one that is there.
pub(super) async fn make(
    session: &Session,
    found: &Found,
    service: &Service,
    name: &str,
    body: &ContainerCreateRequest,
    endpoints: &[(String, EndpointSettings)],
) -> Result<()> {
    let project = &found.project;
    let platform = service.text("platform").unwrap_or_default();
    let path = format!("/containers/create{}", query(&[("name", name), ("platform", platform)]));
    let created: ContainerCreateResponse = session.client.post(&path, body).await?;
    for warning in &created.warnings {
        writeln!(stderr(), "warning: {name}: {warning}").context("write to standard error")?;
    }
    let rest = async {
        if service.text("network_mode").is_none() {
            for (network, endpoint) in endpoints.iter().skip(1) {
                connect(session, network, &created.id, endpoint).await?;
            }
        }
        copy_texts(session, project, service, &created.id).await
    };
    if let Err(error) = rest.await {
        // A container that is not whole must not be started by the next `up`.
        let path = format!("/containers/{}{}", segment(&created.id), query(&[("force", "1")]));
        let _ = session.client.call(Method::DELETE, &path, Payload::Empty).await;
        return Err(error);
    }
    Ok(())
}

/// Puts a new container in the place of one. The old one stays aside until the new one is there.
async fn recreate(
    session: &Session,
    found: &Found,
    service: &Service,
    number: u32,
    name: &str,
    id: &str,
    how: &How,
) -> Result<()> {
    let path = format!("/containers/{}/json", segment(id));
    let old: ContainerInspect = session.client.get(&path).await?;
    let mut volumes = Vec::new();
    if !how.renew_volumes {
        let own = old.mounts.iter().filter(|mount| mount.kind == "volume");
        volumes = own.map(|mount| (mount.destination.clone(), mount.name.clone())).collect();
    }
    let path = format!(
        "/containers/{}/stop{}",
        segment(id),
        query(&[("t", how.timeout.as_deref().unwrap_or_default())])
    );
    session.client.call(Method::POST, &path, Payload::Empty).await?;
    let aside = format!("{}_{name}", id.get(..12).unwrap_or(id));
    rename(session, id, &aside).await?;
    let wanted = isopod_compose::container_name(&found.project, service, number);
    if let Err(error) = create(session, found, service, number, &wanted, volumes).await {
        rename(session, id, name).await?;
        if old.state.running {
            let path = format!("/containers/{}/start", segment(id));
            session.client.call(Method::POST, &path, Payload::Empty).await?;
        }
        return Err(error);
    }
    let path = format!("/containers/{}{}", segment(id), query(&[("force", "1")]));
    Ok(session.client.call(Method::DELETE, &path, Payload::Empty).await?)
}

async fn rename(session: &Session, id: &str, name: &str) -> Result<()> {
    let path = format!("/containers/{}/rename{}", segment(id), query(&[("name", name)]));
    Ok(session.client.call(Method::POST, &path, Payload::Empty).await?)
}

async fn remove(session: &Session, name: &str, how: &How) -> Result<()> {
    let timeout = how.timeout.as_deref().unwrap_or_default();
    let path = format!("/containers/{}/stop{}", segment(name), query(&[("t", timeout)]));
    match session.client.call(Method::POST, &path, Payload::Empty).await {
        Err(error) if answered(&error, 404) => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(()) => {}
    }
    let volumes = if how.volumes { "1" } else { "" };
    let query = query(&[("force", "1"), ("v", volumes)]);
    let path = format!("/containers/{}{query}", segment(name));
    match session.client.call(Method::DELETE, &path, Payload::Empty).await {
        Err(error) if !answered(&error, 404) => Err(error.into()),
        _ => Ok(()),
    }
}

async fn wait(
    session: &Session,
    service: &str,
    containers: &[String],
    condition: Condition,
    limit: Option<Duration>,
) -> Result<()> {
    let began = Instant::now();
    for name in containers {
        let path = format!("/containers/{}/json", segment(name));
        loop {
            let state = session.client.get::<ContainerInspect>(&path).await?.state;
            let health = state.health.as_ref().map(|health| health.status.as_str());
            let ended = !state.running && !state.restarting && state.status != "created";
            match condition {
                Condition::Started if state.running => break,
                Condition::Healthy if health == Some("healthy") => break,
                Condition::Completed if ended && state.exit_code == 0 => break,
                Condition::Completed if ended => bail!(
                    "service \"{service}\" didn't complete successfully: {name} exit {}",
                    state.exit_code
                ),
                Condition::Completed => {}
                Condition::Healthy if health == Some("unhealthy") => {
                    bail!("container {name} is unhealthy");
                }
                Condition::Healthy if state.running && matches!(health, None | Some("none")) => {
                    bail!("container {name} has no healthcheck configured");
                }
                _ if ended => bail!("container {name} exited ({})", state.exit_code),
                _ => {}
            }
            if limit.is_some_and(|limit| began.elapsed() > limit) {
                bail!("container {name} was not ready in time");
            }
            tokio::time::sleep(LOOK).await;
        }
        let what = match condition {
            Condition::Started => "Running",
            Condition::Healthy => "Healthy",
            Condition::Completed => "Exited",
        };
        say("Container", name, what)?;
    }
    Ok(())
}
