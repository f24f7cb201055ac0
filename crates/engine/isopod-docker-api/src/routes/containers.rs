//! Containers: what is answered by a document or a status. Streams are next door.

use crate::call::{Call, Reply};
use crate::convert::{container, create as request, host};
use crate::error::{ApiError, ApiResult};
use crate::query::Query;
use crate::version::ApiVersion;
use http::StatusCode;
use isopod_base::times::Timestamp;
use isopod_docker_types as wire;
use isopod_engine as domain;

/// The filters of a container list.
const LIST_FILTERS: [&str; 14] = [
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
];

/// `GET /containers/json`.
pub(crate) async fn list(call: Call) -> ApiResult<Reply> {
    let known: Vec<&str> = LIST_FILTERS.iter().copied().chain(["volume"]).collect();
    let filters = call.query.filters(&known)?;
    check_states(&filters)?;
    let limit: Option<i64> = call.query.number("limit")?;
    let options = domain::ListContainers {
        all: call.query.switch("all"),
        limit: limit.filter(|limit| *limit > 0).and_then(|limit| usize::try_from(limit).ok()),
        size: call.query.switch("size"),
        filters,
    };
    let now = Timestamp::now();
    let containers = call.api.engine.containers(options).await?;
    let list: Vec<wire::ContainerSummary> =
        containers.iter().map(|details| container::summary(details, now)).collect();
    Reply::ok(&list)
}

fn check_states(filters: &domain::Filters) -> ApiResult<()> {
    const STATES: [&str; 7] =
        ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
    let asked = filters.get("status").into_iter().flatten();
    match asked.into_iter().find(|state| !STATES.contains(&state.as_str())) {
        Some(state) => Err(ApiError::bad_request(format!(
            "invalid filter 'status={state}': invalid value for state ({state}): must be one of {}",
            STATES.join(", ")
        ))),
        None => Ok(()),
    }
}

/// `POST /containers/create`.
pub(crate) async fn create(mut call: Call) -> ApiResult<Reply> {
    let body: Option<wire::ContainerCreateRequest> = call.optional_json().await?;
    let body = body.ok_or_else(|| {
        ApiError::bad_request("config cannot be empty in order to create a container")
    })?;
    let (name, platform) = (call.query.text("name"), call.query.text("platform"));
    let mut request = request::request(body, name, platform, call.version)?;
    call.concerns(request.name.as_deref().unwrap_or_default());
    if let Some(scope) = call.scope() {
        scope.confine_container(&call.api.engine, &mut request).await?;
    }
    let made = call.api.engine.create_container(request).await?;
    Reply::json(
        StatusCode::CREATED,
        &wire::ContainerCreateResponse { id: made.id, warnings: made.warnings },
    )
}

/// `GET /containers/{name}/json`.
pub(crate) async fn inspect(call: Call) -> ApiResult<Reply> {
    let details = call.api.engine.container(&call.name, call.query.switch("size")).await?;
    Reply::ok(&container::inspect(details, call.version))
}

/// `POST /containers/{name}/start`.
pub(crate) async fn start(call: Call) -> ApiResult<Reply> {
    if call.query.text("checkpoint").is_some() {
        return Err(ApiError::not_implemented("checkpoints are not supported by isopod"));
    }
    call.api.engine.start_container(&call.name).await?;
    Reply::no_content()
}

/// The signal and the timeout of a stop or restart.
fn stop_options(call: &Call) -> ApiResult<(Option<String>, Option<i64>)> {
    // The signal came with 1.42.
    let signal = call.query.text("signal").filter(|_| call.version >= ApiVersion::new(1, 42));
    Ok((signal, call.query.number("t")?))
}

/// `POST /containers/{name}/stop`.
pub(crate) async fn stop(call: Call) -> ApiResult<Reply> {
    let (signal, timeout) = stop_options(&call)?;
    call.api.engine.stop_container(&call.name, signal.as_deref(), timeout).await?;
    Reply::no_content()
}

/// `POST /containers/{name}/restart`.
pub(crate) async fn restart(call: Call) -> ApiResult<Reply> {
    let (signal, timeout) = stop_options(&call)?;
    call.api.engine.restart_container(&call.name, signal.as_deref(), timeout).await?;
    Reply::no_content()
}

/// `POST /containers/{name}/kill`.
pub(crate) async fn kill(call: Call) -> ApiResult<Reply> {
    call.api.engine.kill_container(&call.name, call.query.text("signal").as_deref()).await?;
    Reply::no_content()
}

/// `POST /containers/{name}/pause`.
pub(crate) async fn pause(call: Call) -> ApiResult<Reply> {
    call.api.engine.pause_container(&call.name).await?;
    Reply::no_content()
}

/// `POST /containers/{name}/unpause`.
pub(crate) async fn unpause(call: Call) -> ApiResult<Reply> {
    call.api.engine.unpause_container(&call.name).await?;
    Reply::no_content()
}

/// `POST /containers/{name}/rename`.
pub(crate) async fn rename(call: Call) -> ApiResult<Reply> {
    let new_name = call.query.get("name").unwrap_or_default().trim_start_matches('/');
    if new_name.is_empty() {
        return Err(ApiError::bad_request("Neither old nor new names may be empty"));
    }
    call.api.engine.rename_container(&call.name, new_name).await?;
    Reply::no_content()
}

/// `POST /containers/{name}/update`.
pub(crate) async fn update(mut call: Call) -> ApiResult<Reply> {
    let body: wire::UpdateRequest = call.json().await?;
    let restart_policy = match body.restart_policy.name.as_str() {
        "" => None,
        _ => Some(host::restart_policy(&body.restart_policy)?),
    };
    let update = domain::UpdateContainer {
        resources: host::resources(body.resources, call.version)?,
        restart_policy,
    };
    if let Some(scope) = call.scope() {
        scope.check_resources(&update.resources)?;
    }
    let warnings = call.api.engine.update_container(&call.name, update).await?;
    Reply::ok(&wire::UpdateResponse { warnings })
}

/// The size of a terminal: height and width.
pub(crate) fn terminal_size(query: &Query) -> ApiResult<(u16, u16)> {
    let side = |key: &str| -> ApiResult<u16> {
        let text = query.get(key).unwrap_or_default();
        text.parse().map_err(|_| {
            ApiError::bad_request(format!(
                "invalid resize {}: \"{text}\" is no number from 0 to 65535",
                if key == "h" { "height" } else { "width" }
            ))
        })
    };
    Ok((side("h")?, side("w")?))
}

/// `POST /containers/{name}/resize`.
pub(crate) async fn resize(call: Call) -> ApiResult<Reply> {
    let (height, width) = terminal_size(&call.query)?;
    call.api.engine.resize_container(&call.name, height, width).await?;
    Reply::empty(StatusCode::OK)
}

/// `DELETE /containers/{name}`.
pub(crate) async fn remove(call: Call) -> ApiResult<Reply> {
    if call.query.switch("link") {
        return Err(ApiError::bad_request(
            "links are not supported by isopod, so that none can be removed",
        ));
    }
    let options = domain::RemoveContainer {
        force: call.query.switch("force"),
        volumes: call.query.switch("v"),
    };
    call.api.engine.remove_container(&call.name, options).await?;
    Reply::no_content()
}

/// `GET /containers/{name}/top`.
pub(crate) async fn top(call: Call) -> ApiResult<Reply> {
    let ps_args = call.query.text("ps_args").unwrap_or_else(|| "-ef".into());
    let top = call.api.engine.container_top(&call.name, &ps_args).await?;
    Reply::ok(&wire::ContainerTopResponse { processes: top.processes, titles: top.titles })
}

/// `GET /containers/{name}/changes`.
pub(crate) async fn changes(call: Call) -> ApiResult<Reply> {
    let changes = call.api.engine.container_changes(&call.name).await?;
    if changes.is_empty() {
        // A nil slice in Go's eyes.
        return Reply::ok(&());
    }
    Reply::ok(&container::changes(changes)?)
}

/// `POST /containers/prune`.
pub(crate) async fn prune(call: Call) -> ApiResult<Reply> {
    let filters = call.query.filters(&["label", "label!", "until"])?;
    let pruned = call.api.engine.prune_containers(&filters).await?;
    Reply::ok(&wire::ContainersPruneReport {
        containers_deleted: pruned.removed,
        space_reclaimed: pruned.reclaimed_bytes,
    })
}

/// `POST /commit`.
pub(crate) async fn commit(mut call: Call) -> ApiResult<Reply> {
    let config: Option<wire::ContainerConfig> = call.optional_json().await?;
    let mut container = call
        .query
        .text("container")
        .ok_or_else(|| ApiError::bad_request("the parameter \"container\" is missing"))?;
    let mut commit = domain::CommitContainer {
        reference: reference(call.query.text("repo"), call.query.text("tag")),
        comment: call.query.text("comment").unwrap_or_default(),
        author: call.query.text("author").unwrap_or_default(),
        pause: call.query.switch_or("pause", true),
        changes: call.query.all("changes"),
        config: config.map(request::config).transpose()?,
    };
    call.concerns(&container);
    if let Some(scope) = call.scope() {
        scope.confine_commit(&call.api.engine, &mut container, &mut commit).await?;
    }
    let id = call.api.engine.commit_container(&container, commit).await?;
    Reply::json(StatusCode::CREATED, &wire::IdResponse { id })
}

/// `repository[:tag]` of the two parameters that requests split it into.
pub(crate) fn reference(repository: Option<String>, tag: Option<String>) -> String {
    match (repository, tag) {
        (None, _) => String::new(),
        (Some(name), None) => name,
        (Some(name), Some(tag)) if tag.contains(':') => format!("{name}@{tag}"),
        (Some(name), Some(tag)) => format!("{name}:{tag}"),
    }
}
