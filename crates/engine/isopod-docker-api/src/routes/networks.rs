//! Networks.

use crate::call::{Call, Reply};
use crate::convert::network;
use crate::error::{ApiError, ApiResult};
use crate::version::ApiVersion;
use http::StatusCode;
use isopod_docker_types as wire;

/// `GET /networks`. Before 1.28 it told the containers too.
pub(crate) async fn list(call: Call) -> ApiResult<Reply> {
    let filters =
        call.query.filters(&["dangling", "driver", "id", "label", "name", "scope", "type"])?;
    let networks = call.api.engine.networks(&filters)?;
    let full = call.version < ApiVersion::new(1, 28);
    let networks: Vec<_> = networks.into_iter().map(|one| network::network(one, full)).collect();
    Reply::ok(&networks)
}

/// `GET /networks/{id}`.
pub(crate) async fn inspect(call: Call) -> ApiResult<Reply> {
    if call.query.text("scope").is_some_and(|scope| !matches!(scope.as_str(), "" | "local")) {
        return Err(ApiError::not_found(format!("network {} not found", call.name)));
    }
    Reply::ok(&network::network(call.api.engine.network(&call.name)?, true))
}

/// `POST /networks/create`.
pub(crate) async fn create(mut call: Call) -> ApiResult<Reply> {
    let request: wire::NetworkCreateRequest = call.json().await?;
    let mut request = network::create(request)?;
    call.concerns(&request.name);
    if let Some(scope) = call.scope() {
        scope.confine_network(&mut request)?;
    }
    let made = call.api.engine.create_network(request).await?;
    let response = wire::NetworkCreateResponse { id: made.id, warning: String::new() };
    Reply::json(StatusCode::CREATED, &response)
}

/// `DELETE /networks/{id}`.
pub(crate) async fn remove(call: Call) -> ApiResult<Reply> {
    call.api.engine.remove_network(&call.name).await?;
    Reply::no_content()
}

/// `POST /networks/{id}/connect`.
pub(crate) async fn connect(mut call: Call) -> ApiResult<Reply> {
    let mut request: wire::NetworkConnectRequest = call.json().await?;
    let settings = network::settings(request.endpoint_config.unwrap_or_default())?;
    if let Some(scope) = call.scope() {
        request.container = scope.container(&call.api.engine, &request.container)?;
        scope.check_endpoint(&call.api.engine, &settings)?;
    }
    call.api.engine.connect_network(&call.name, &request.container, settings).await?;
    Reply::empty(StatusCode::OK)
}

/// `POST /networks/{id}/disconnect`.
pub(crate) async fn disconnect(mut call: Call) -> ApiResult<Reply> {
    let mut request: wire::NetworkDisconnectRequest = call.json().await?;
    if let Some(scope) = call.scope() {
        request.container = scope.container(&call.api.engine, &request.container)?;
    }
    call.api.engine.disconnect_network(&call.name, &request.container, request.force).await?;
    Reply::empty(StatusCode::OK)
}

/// `POST /networks/prune`: the predefined ones stay.
pub(crate) async fn prune(call: Call) -> ApiResult<Reply> {
    let filters = call.query.filters(&["label", "label!", "until"])?;
    let networks_deleted = call.api.engine.prune_networks(&filters).await?;
    Reply::ok(&wire::NetworksPruneReport { networks_deleted })
}
