//! Volumes.

use crate::call::{Call, Reply};
use crate::convert::volume;
use crate::error::{ApiError, ApiResult};
use crate::version::ApiVersion;
use http::StatusCode;
use isopod_docker_types as wire;

/// `GET /volumes`.
pub(crate) async fn list(call: Call) -> ApiResult<Reply> {
    let filters = call.query.filters(&["dangling", "driver", "label", "name"])?;
    let volumes = call.api.engine.volumes(&filters).await?;
    Reply::ok(&wire::VolumeListResponse {
        volumes: volumes.into_iter().map(volume::volume).collect(),
        warnings: Vec::new(),
    })
}

/// `GET /volumes/{name}`.
pub(crate) async fn inspect(call: Call) -> ApiResult<Reply> {
    Reply::ok(&volume::volume(call.api.engine.volume(&call.name).await?))
}

/// `POST /volumes/create`.
pub(crate) async fn create(mut call: Call) -> ApiResult<Reply> {
    let request: wire::VolumeCreateRequest = call.json().await?;
    let mut request = isopod_engine::CreateVolume {
        name: request.name,
        driver: request.driver,
        options: request.driver_opts,
        labels: request.labels,
    };
    call.concerns(&request.name);
    if let Some(scope) = call.scope() {
        scope.confine_volume(&call.api.engine, &mut request)?;
    }
    let made = call.api.engine.create_volume(request).await?;
    Reply::json(StatusCode::CREATED, &volume::volume(made))
}

/// `PUT /volumes/{name}`: only swarm's cluster volumes can be updated.
pub(crate) async fn update(_call: Call) -> ApiResult<Reply> {
    Err(ApiError::bad_request(
        "volume update is only valid for cluster volumes, but swarm is unavailable",
    ))
}

/// `DELETE /volumes/{name}`.
pub(crate) async fn remove(call: Call) -> ApiResult<Reply> {
    call.api.engine.remove_volume(&call.name, call.query.switch("force")).await?;
    Reply::no_content()
}

/// `POST /volumes/prune`. Named volumes stay unless the filter `all` is set (since 1.42).
pub(crate) async fn prune(call: Call) -> ApiResult<Reply> {
    let mut filters = call.query.filters(&["all", "label", "label!"])?;
    if call.version < ApiVersion::new(1, 42) {
        filters.insert("all".into(), vec!["true".into()]);
    }
    let pruned = call.api.engine.prune_volumes(&filters).await?;
    Reply::ok(&wire::VolumesPruneReport {
        volumes_deleted: pruned.removed,
        space_reclaimed: pruned.reclaimed_bytes,
    })
}
