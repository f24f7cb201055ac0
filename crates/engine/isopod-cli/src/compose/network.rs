//! Networks and volumes of a project.

use anyhow::{Context, Result};
use http::Method;
use isopod_compose::{Node, Project, labels};
use isopod_docker_types::{
    EndpointSettings, Ipam, IpamConfig, NetworkCreateRequest, VolumeCreateRequest,
};
use std::collections::BTreeMap;

use crate::session::Session;
use isopod_client::{Payload, segment};

fn pairs(node: &Node, field: &str) -> BTreeMap<String, String> {
    let entries = node.get(field).map(Node::entries).unwrap_or_default();
    let text = |value: &Node| value.as_str().unwrap_or_default().to_owned();
    entries.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn own_labels(project: &Project, node: &Node, kind: &str, key: &str) -> BTreeMap<String, String> {
    let mut all = pairs(node, "labels");
    all.insert(labels::PROJECT.to_owned(), project.name.clone());
    all.insert(kind.to_owned(), key.to_owned());
    all.insert(labels::VERSION.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    all
}

/// Makes a network.
pub(super) async fn create_network(session: &Session, project: &Project, key: &str) -> Result<()> {
    let node = project.networks.get(key).context("the network is planned and not there")?;
    let text = |node: &Node, name: &str| {
        node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned()
    };
    let on = |name: &str| node.get(name).and_then(Node::as_bool);
    let ipam = node.get("ipam").map(|ipam| Ipam {
        driver: match ipam.get("driver").and_then(Node::as_str) {
            Some(driver) => driver.to_owned(),
            None => "default".to_owned(),
        },
        options: pairs(ipam, "options"),
        config: ipam
            .get("config")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .map(|subnet| IpamConfig {
                subnet: text(subnet, "subnet"),
                ip_range: text(subnet, "ip_range"),
                gateway: text(subnet, "gateway"),
                auxiliary_addresses: pairs(subnet, "aux_addresses"),
            })
            .collect(),
    });
    let driver = node.get("driver").and_then(Node::as_str).unwrap_or("bridge");
    let request = NetworkCreateRequest {
        name: text(node, "name"),
        driver: driver.to_owned(),
        enable_ipv4: on("enable_ipv4"),
        enable_ipv6: on("enable_ipv6"),
        ipam,
        internal: on("internal").unwrap_or(false),
        attachable: on("attachable").unwrap_or(false),
        options: pairs(node, "driver_opts"),
        labels: own_labels(project, node, labels::NETWORK, key),
        ..NetworkCreateRequest::default()
    };
    Ok(session.client.call(Method::POST, "/networks/create", Payload::json(&request)?).await?)
}

/// Makes a volume.
pub(super) async fn create_volume(session: &Session, project: &Project, key: &str) -> Result<()> {
    let node = project.volumes.get(key).context("the volume is planned and not there")?;
    let text = |name: &str| node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned();
    let request = VolumeCreateRequest {
        driver: text("driver"),
        driver_opts: pairs(node, "driver_opts"),
        labels: own_labels(project, node, labels::VOLUME, key),
        name: text("name"),
    };
    Ok(session.client.call(Method::POST, "/volumes/create", Payload::json(&request)?).await?)
}

/// Puts a container into another network.
pub(super) async fn connect(
    session: &Session,
    network: &str,
    container: &str,
    endpoint: &EndpointSettings,
) -> Result<()> {
    let body = serde_json::json!({ "Container": container, "EndpointConfig": endpoint });
    let path = format!("/networks/{}/connect", segment(network));
    Ok(session.client.call(Method::POST, &path, Payload::json(&body)?).await?)
}
