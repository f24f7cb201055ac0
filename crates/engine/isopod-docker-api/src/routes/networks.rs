//! Networks: the two that need no set-up, the host's and none.

use crate::call::{Call, Reply};
use crate::convert::system::network_id;
use crate::error::{ApiError, ApiResult};
use isopod_base::times::Timestamp;
use isopod_docker_types as wire;

/// Names and drivers.
const NETWORKS: [(&str, &str); 2] = [("host", "host"), ("none", "null")];

async fn network(
    call: &Call,
    name: &str,
    driver: &str,
    full: bool,
) -> ApiResult<wire::NetworkInspect> {
    let info = call.api.engine.info().await?;
    let mut network = describe(name, driver, info.started_at);
    if full {
        network.containers = members(call, name).await?;
    }
    Ok(network)
}

fn describe(name: &str, driver: &str, created: Timestamp) -> wire::NetworkInspect {
    wire::NetworkInspect {
        name: name.into(),
        id: network_id(name),
        created: created.rfc3339(),
        scope: "local".into(),
        driver: driver.into(),
        enable_ipv4: true,
        ipam: wire::Ipam { driver: "default".into(), ..wire::Ipam::default() },
        ..wire::NetworkInspect::default()
    }
}

/// The running containers of a network.
async fn members(
    call: &Call,
    name: &str,
) -> ApiResult<std::collections::BTreeMap<String, wire::EndpointResource>> {
    let running = call.api.engine.containers(isopod_engine::ListContainers::default()).await?;
    Ok(running
        .into_iter()
        .filter(|container| match &container.host.network_mode {
            isopod_engine::NetworkMode::Default => name == "none",
            mode => mode.to_string() == name,
        })
        .map(|container| {
            let endpoint = wire::EndpointResource {
                name: container.name,
                ..wire::EndpointResource::default()
            };
            (container.id, endpoint)
        })
        .collect())
}

/// `GET /networks`.
pub(crate) async fn list(call: Call) -> ApiResult<Reply> {
    let known = ["dangling", "driver", "id", "label", "name", "scope", "type"];
    let filters = call.query.filters(&known)?;
    let created = call.api.engine.info().await?.started_at;
    let any = |key: &str, matches: &dyn Fn(&str) -> bool| {
        filters.get(key).is_none_or(|values| values.iter().any(|value| matches(value)))
    };
    let networks: Vec<wire::NetworkInspect> = NETWORKS
        .iter()
        .filter(|(name, driver)| {
            let id = network_id(name);
            any("driver", &|value| value == *driver)
                && any("id", &|value| id.starts_with(value))
                && any("name", &|value| name.contains(value))
                && any("scope", &|value| value == "local")
                && any("type", &|value| value == "builtin")
                && any("dangling", &|value| matches!(value, "0" | "false"))
                && !filters.contains_key("label")
        })
        .map(|(name, driver)| describe(name, driver, created))
        .collect();
    Reply::ok(&networks)
}

fn find(name: &str) -> ApiResult<(&'static str, &'static str)> {
    NETWORKS
        .into_iter()
        .find(|(network, _)| *network == name)
        .or_else(|| {
            NETWORKS
                .into_iter()
                .find(|(network, _)| name.len() >= 4 && network_id(network).starts_with(name))
        })
        .ok_or_else(|| ApiError::not_found(format!("network {name} not found")))
}

/// `GET /networks/{id}`.
pub(crate) async fn inspect(call: Call) -> ApiResult<Reply> {
    let (name, driver) = find(&call.name)?;
    Reply::ok(&network(&call, name, driver, true).await?)
}

/// `POST /networks/create`.
pub(crate) async fn create(mut call: Call) -> ApiResult<Reply> {
    let request: wire::NetworkCreateRequest = call.json().await?;
    if NETWORKS.iter().any(|(name, _)| *name == request.name) {
        return Err(ApiError::forbidden(format!(
            "operation is not permitted on predefined {} network",
            request.name
        )));
    }
    Err(ApiError::not_implemented(
        "networks cannot be created yet: use the predefined networks \"host\" and \"none\"",
    ))
}

/// `DELETE /networks/{id}`.
pub(crate) async fn remove(call: Call) -> ApiResult<Reply> {
    let (name, _) = find(&call.name)?;
    Err(ApiError::forbidden(format!("{name} is a pre-defined network and cannot be removed")))
}

/// `POST /networks/{id}/connect`.
pub(crate) async fn connect(call: Call) -> ApiResult<Reply> {
    let (name, _) = find(&call.name)?;
    Err(ApiError::forbidden(format!(
        "container cannot be connected to network \"{name}\" after its creation: create it with --network {name}"
    )))
}

/// `POST /networks/{id}/disconnect`.
pub(crate) async fn disconnect(call: Call) -> ApiResult<Reply> {
    let (name, _) = find(&call.name)?;
    Err(ApiError::forbidden(format!("container cannot be disconnected from {name} network")))
}

/// `POST /networks/prune`: the predefined ones stay.
pub(crate) async fn prune(call: Call) -> ApiResult<Reply> {
    call.query.filters(&["label", "label!", "until"])?;
    Reply::ok(&wire::NetworksPruneReport::default())
}
