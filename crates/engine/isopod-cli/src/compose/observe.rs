//! What is there of a project.

use std::collections::BTreeSet;

use anyhow::Result;
use isopod_compose::{Node, Observed, ObservedContainer, Project, labels};
use isopod_docker_types::{ContainerSummary, ImageInspect, NetworkInspect, VolumeListResponse};

use super::build::image_of;
use crate::session::{Session, answered};
use isopod_client::{filters, image_path, query};

/// The containers of a project, whatever their state.
pub(super) async fn containers(session: &Session, project: &str) -> Result<Vec<ContainerSummary>> {
    let filter = filters(&[format!("label={}={project}", labels::PROJECT)]);
    let path = format!("/containers/json{}", query(&[("all", "1"), ("filters", &filter)]));
    let mut found: Vec<ContainerSummary> = session.client.get(&path).await?;
    found.retain(|container| {
        container
            .labels
            .get(labels::ONE_OFF)
            .is_none_or(|value| !value.eq_ignore_ascii_case("true"))
    });
    found.sort_by_key(|container| (service_of(container), number_of(container)));
    Ok(found)
}

pub(super) fn service_of(container: &ContainerSummary) -> String {
    container.labels.get(labels::SERVICE).cloned().unwrap_or_default()
}

pub(super) fn number_of(container: &ContainerSummary) -> u32 {
    let number = container.labels.get(labels::NUMBER);
    number.and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// A container's name without its slash.
pub(super) fn name_of(container: &ContainerSummary) -> String {
    let name = container.names.first().map_or(container.id.as_str(), String::as_str);
    name.trim_start_matches('/').to_owned()
}

/// Everything that a plan looks at.
pub(super) async fn observe(session: &Session, project: &Project) -> Result<Observed> {
    let mut observed = Observed::default();
    for container in containers(session, &project.name).await? {
        let label = |name: &str| container.labels.get(name).cloned().unwrap_or_default();
        observed.containers.push(ObservedContainer {
            id: container.id.clone(),
            name: name_of(&container),
            service: service_of(&container),
            number: number_of(&container),
            config_hash: label(labels::CONFIG_HASH),
            image: container.image_id.clone(),
            completed: container.status.starts_with("Exited (0)"),
            running: matches!(container.state.as_str(), "running" | "paused" | "restarting"),
        });
    }
    let networks: Vec<NetworkInspect> = session.client.get("/networks").await?;
    observed.networks = known(&project.networks, networks.into_iter().map(|network| network.name));
    let volumes: VolumeListResponse = session.client.get("/volumes").await?;
    let names = volumes.volumes.into_iter().map(|volume| volume.name);
    observed.volumes = known(&project.volumes, names);
    for (name, service) in &project.services {
        let path = format!("/images/{}/json", image_path(&image_of(project, service)));
        match session.client.get::<ImageInspect>(&path).await {
            Ok(image) => {
                observed.images.insert(name.clone(), image.id);
            }
            Err(error) if answered(&error, 404) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(observed)
}

fn known(
    wanted: &std::collections::BTreeMap<String, Node>,
    there: impl Iterator<Item = String>,
) -> BTreeSet<String> {
    let names: BTreeSet<&str> =
        wanted.values().filter_map(|node| node.get("name")).filter_map(Node::as_str).collect();
    there.filter(|name| names.contains(name.as_str())).collect()
}
