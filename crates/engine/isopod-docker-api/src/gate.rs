//! Limited sockets: which requests pass, what is added to them, and what is recorded.

use crate::api::Api;
use crate::audit::{Audit, Entry};
use crate::call::Call;
use crate::connection::Connection;
use crate::error::{ApiError, ApiResult};
use crate::listen::{ListenError, Listener, Owner};
use crate::router::Rule;
use http::{Method, StatusCode};
use isopod_base::times::Timestamp;
use isopod_docker_types::Filters;
use isopod_engine::{Engine, Permission, Scope, Socket};
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long connections may take to end when their socket is removed.
const CLOSING: Duration = Duration::from_secs(2);

/// Who is at the other end.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Peer {
    /// Process; 0 where that is unknown.
    pid: i32,
    uid: u32,
    gid: u32,
}

impl Peer {
    pub(crate) fn of(connection: &Connection) -> Self {
        match connection {
            Connection::Unix(stream) => stream.peer_cred().map_or_else(
                |_| Self::default(),
                |peer| Self { pid: peer.pid().unwrap_or(0), uid: peer.uid(), gid: peer.gid() },
            ),
            Connection::Tls(_) => Self::default(),
        }
    }
}

/// A limited socket at work.
#[derive(Debug)]
pub(crate) struct Gate {
    socket: Socket,
    audit: Audit,
    shut: watch::Sender<bool>,
}

impl Gate {
    /// Waits until it is shut.
    pub(crate) async fn shut(&self) {
        let _ = self.shut.subscribe().wait_for(|shut| *shut).await;
    }
}

/// The limited sockets at work, by name.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    /// Held by who makes or removes a socket.
    pub(crate) turn: tokio::sync::Mutex<()>,
    by_name: Mutex<HashMap<String, Arc<Gate>>>,
}

impl Gates {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Gate>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens on every limited socket that there is. One that cannot be had keeps no others away.
pub(crate) fn open_all(api: &Arc<Api>) {
    for socket in api.engine.sockets() {
        let name = socket.name.clone();
        if let Err(error) = open(api, socket) {
            let error = isopod_base::chain(&error);
            tracing::error!(socket = name, %error, "a limited socket cannot be served");
        }
    }
}

/// Listens on a limited socket.
pub(crate) fn open(api: &Arc<Api>, socket: Socket) -> Result<(), ListenError> {
    let owner = Owner { user: socket.owner, group: socket.group };
    let listener = Listener::bind(&socket.path, owner)?;
    let name = socket.name.clone();
    let audit = Audit::new(audit_path(&api.engine, &name));
    let gate = Arc::new(Gate { socket, audit, shut: watch::Sender::new(false) });
    api.doors.open(api, listener, Some(gate.clone()));
    api.gates.lock().insert(name, gate);
    Ok(())
}

/// Listens no longer on a limited socket and ends its connections.
pub(crate) async fn close(api: &Api, name: &str) {
    let Some(gate) = api.gates.lock().remove(name) else { return };
    let _ = gate.shut.send(true);
    // Everybody who waits for it holds a receiver.
    let _ = tokio::time::timeout(CLOSING, gate.shut.closed()).await;
}

/// Where the requests through a socket are recorded.
pub(crate) fn audit_path(engine: &Engine, name: &str) -> PathBuf {
    engine.config().data_root.join("audit").join(format!("{name}.log"))
}

/// One request's passage through a gate.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    peer: Peer,
    verb: OnceLock<Permission>,
    object: OnceLock<String>,
}

impl Pass {
    pub(crate) fn new(gate: Arc<Gate>, peer: Peer) -> Self {
        Self { gate, peer, verb: OnceLock::new(), object: OnceLock::new() }
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.gate.socket.scope
    }

    /// What the request concerns; the first that is said counts.
    pub(crate) fn concerns(&self, object: &str) {
        if !object.is_empty() {
            let _ = self.object.set(object.to_owned());
        }
    }

    /// Writes the request into the audit log.
    pub(crate) fn record(&self, method: &Method, path: &str, status: StatusCode) {
        self.gate.audit.record(&Entry {
            time: Timestamp::now().rfc3339_nanos(),
            socket: &self.gate.socket.name,
            peer: self.peer,
            verb: self.verb.get().map_or("", |verb| verb.as_str()),
            object: self.object.get().map_or("", String::as_str),
            request: format!("{method} {path}"),
            status: status.as_u16(),
        });
    }
}

/// Lets a request pass, or refuses it. Names in its path become ids, so that no renaming changes
/// what is meant; filters get the socket's labels.
pub(crate) async fn admit(rule: Rule, call: &mut Call) -> ApiResult<()> {
    let Some(pass) = call.pass.clone() else { return Ok(()) };
    pass.concerns(&call.name);
    let (scope, api) = (pass.scope(), call.api.clone());
    let engine = &*api.engine;
    let permission = match rule {
        Rule::Open => return Ok(()),
        Rule::Closed => {
            return Err(ApiError::forbidden("this request is not permitted on a limited socket"));
        }
        Rule::Plain(permission)
        | Rule::Whole(permission)
        | Rule::Filtered(permission)
        | Rule::Container(permission)
        | Rule::Exec(permission)
        | Rule::Image(permission)
        | Rule::Network(permission)
        | Rule::Volume(permission)
        | Rule::Confined(permission) => permission,
    };
    let _ = pass.verb.set(permission);
    // An import has a permission of its own, which its handler asks for.
    let import = permission == Permission::ImagesPull && call.query.get("fromSrc").is_some();
    if !import {
        scope.require(permission)?;
    }
    match rule {
        Rule::Whole(permission) => scope.require_unlimited(permission)?,
        Rule::Filtered(permission) => filter(scope, permission, call)?,
        Rule::Container(_) => call.name = scope.container(engine, &call.name)?,
        Rule::Exec(_) => scope.exec(engine, &call.name).await?,
        Rule::Network(_) => call.name = scope.network(engine, &call.name)?,
        Rule::Volume(_) => scope.volume(engine, &call.name)?,
        Rule::Image(Permission::ImagesRead) => scope.usable_image(engine, &call.name).await?,
        Rule::Image(_) => scope.own_image(engine, &call.name).await?,
        Rule::Open | Rule::Closed | Rule::Plain(_) | Rule::Confined(_) => {}
    }
    Ok(())
}

/// Limits a list, a prune or events to what has the socket's labels.
fn filter(scope: &Scope, permission: Permission, call: &mut Call) -> ApiResult<()> {
    let all_images =
        permission == Permission::ImagesList && scope.permits(Permission::ImagesUnlabelled);
    if scope.labels.is_empty() || all_images {
        return Ok(());
    }
    let mut filters = Filters::parse(call.query.get("filters").unwrap_or_default())
        .map_err(|error| ApiError::bad_request(isopod_base::chain(&error).to_string()))?;
    for (key, value) in &scope.labels {
        filters.add("label", format!("{key}={value}"));
    }
    call.query.set("filters", filters.to_json());
    Ok(())
}
