//! Exec sessions.

use crate::call::{Call, Reply};
use crate::convert::signed;
use crate::detach::DetachKeys;
use crate::error::{ApiError, ApiResult};
use crate::hijack::Hijack;
use crate::routes::containers::terminal_size;
use crate::version::ApiVersion;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use isopod_docker_types as wire;

/// `POST /containers/{name}/exec`.
pub(crate) async fn create(mut call: Call) -> ApiResult<Reply> {
    let request: wire::ExecCreateRequest = call.json().await?;
    if request.cmd.is_empty() {
        return Err(ApiError::bad_request("No exec command specified"));
    }
    DetachKeys::parse(&request.detach_keys)?;
    let request = isopod_engine::CreateExec {
        cmd: request.cmd,
        user: request.user,
        env: request.env,
        working_dir: request.working_dir,
        tty: request.tty,
        attach_stdin: request.attach_stdin,
        attach_stdout: request.attach_stdout,
        attach_stderr: request.attach_stderr,
        privileged: request.privileged,
        detach_keys: request.detach_keys,
        console_size: request.console_size.unwrap_or_default(),
    };
    if let Some(scope) = call.scope() {
        scope.check_exec(&request)?;
    }
    let id = call.api.engine.create_exec(&call.name, request).await?;
    Reply::json(StatusCode::CREATED, &wire::IdResponse { id })
}

/// `POST /exec/{id}/start`.
pub(crate) async fn start(mut call: Call) -> ApiResult<Reply> {
    let request: wire::ExecStartRequest = call.json().await?;
    let session = call.api.engine.exec(&call.name).await?;
    if request.console_size.is_some() && !request.tty && call.version >= ApiVersion::new(1, 42) {
        return Err(ApiError::bad_request("Tty must be set when ConsoleSize is specified"));
    }
    let options =
        isopod_engine::StartExec { detach: request.detach, console_size: request.console_size };
    let keys = DetachKeys::parse(&session.request.detach_keys)?;
    let hijack = match call.api.engine.start_exec(&call.name, options).await {
        Ok(None) => return Reply::empty(StatusCode::OK),
        Ok(Some(attached)) => Hijack::attach(&call.headers, call.version, attached, keys),
        Err(error) if request.detach => return Err(error.into()),
        Err(error) => {
            let message = error.full_message();
            tracing::debug!(exec = call.name, "{message}");
            Hijack::refusal(&call.headers, call.version, session.request.tty, message)
        }
    };
    Ok(Reply::Hijack(hijack))
}

/// `POST /exec/{id}/resize`.
pub(crate) async fn resize(call: Call) -> ApiResult<Reply> {
    let (height, width) = terminal_size(&call.query)?;
    call.api.engine.resize_exec(&call.name, height, width).await?;
    Reply::empty(StatusCode::OK)
}

/// `GET /exec/{id}/json`.
pub(crate) async fn inspect(call: Call) -> ApiResult<Reply> {
    let session = call.api.engine.exec(&call.name).await?;
    let request = session.request;
    let mut words = request.cmd.into_iter();
    Reply::ok(&wire::ExecInspect {
        id: session.id,
        running: session.running,
        exit_code: session.exit_code.map(i64::from),
        process_config: Some(wire::ExecProcessConfig {
            tty: request.tty,
            entrypoint: words.next().unwrap_or_default(),
            arguments: words.collect(),
            privileged: Some(request.privileged),
            user: request.user,
        }),
        open_stdin: request.attach_stdin,
        open_stderr: request.attach_stderr,
        open_stdout: request.attach_stdout,
        can_remove: session.exit_code.is_some(),
        container_id: session.container_id,
        detach_keys: STANDARD.encode(&request.detach_keys),
        pid: signed(session.pid),
    })
}
