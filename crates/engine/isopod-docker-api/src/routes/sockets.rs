//! Limited sockets: isopod's own part of the API.

use crate::call::{Call, Reply};
use crate::daemon::settings::id_of;
use crate::error::{ApiError, ApiResult};
use crate::gate;
use http::StatusCode;
use isopod_docker_types as wire;
use isopod_engine::{self as domain, Engine, Permission};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// `GET /isopod/sockets`.
pub(crate) async fn list(call: Call) -> ApiResult<Reply> {
    let engine = &call.api.engine;
    let list: Vec<_> = engine.sockets().into_iter().map(|one| document(engine, one)).collect();
    Reply::ok(&list)
}

/// `GET /isopod/sockets/{name}`.
pub(crate) async fn inspect(call: Call) -> ApiResult<Reply> {
    Reply::ok(&document(&call.api.engine, call.api.engine.socket(&call.name)?))
}

/// `POST /isopod/sockets/create`.
pub(crate) async fn create(mut call: Call) -> ApiResult<Reply> {
    let request: wire::SocketCreateRequest = call.json().await?;
    let mut allow = BTreeSet::new();
    for text in &request.allow {
        allow.extend(Permission::parse_list(text)?);
    }
    let engine = &call.api.engine;
    let _turn = call.api.gates.turn.lock().await;
    let socket = engine.plan_socket(domain::CreateSocket {
        name: request.name,
        path: Some(PathBuf::from(request.path)).filter(|path| !path.as_os_str().is_empty()),
        owner: id("user", "/etc/passwd", &request.user)?,
        group: id("group", "/etc/group", &request.group)?,
        scope: domain::Scope { allow, labels: request.labels },
    })?;
    gate::open(&call.api, socket.clone())
        .map_err(|error| ApiError::conflict(isopod_base::chain(&error).to_string()))?;
    if let Err(error) = engine.keep_socket(socket.clone()).await {
        gate::close(&call.api, &socket.name).await;
        return Err(error.into());
    }
    Reply::json(StatusCode::CREATED, &document(engine, socket))
}

/// `DELETE /isopod/sockets/{name}`: its connections end at once. The audit log stays.
pub(crate) async fn remove(call: Call) -> ApiResult<Reply> {
    let _turn = call.api.gates.turn.lock().await;
    call.api.engine.remove_socket(&call.name).await?;
    gate::close(&call.api, &call.name).await;
    Reply::no_content()
}

/// A number, or a name that a file of the system has; none if the text is empty.
fn id(what: &str, file: &str, text: &str) -> ApiResult<Option<u32>> {
    if text.is_empty() {
        return Ok(None);
    }
    let names = || std::fs::read_to_string(file).unwrap_or_default();
    match text.parse().ok().or_else(|| id_of(&names(), text)) {
        Some(id) => Ok(Some(id)),
        None => Err(ApiError::bad_request(format!("{what} {text} not found in {file}"))),
    }
}

fn document(engine: &Engine, socket: domain::Socket) -> wire::Socket {
    wire::Socket {
        audit_log: gate::audit_path(engine, &socket.name).display().to_string(),
        name: socket.name,
        path: socket.path.display().to_string(),
        user: socket.owner,
        group: socket.group,
        allow: socket.scope.allow.iter().map(|one| one.as_str().to_owned()).collect(),
        labels: socket.scope.labels,
        created: socket.created.map(|time| time.rfc3339_nanos()).unwrap_or_default(),
    }
}
