//! Turning users on and off, and logging in.

use isopod_etcd_client::proto::etcdserverpb::{
    AuthDisableRequest, AuthDisableResponse, AuthEnableRequest, AuthEnableResponse,
    AuthStatusRequest, AuthStatusResponse, AuthenticateRequest, AuthenticateResponse,
};
use isopod_mvcc::{AuthCommand, Error as Refusal, PasswordHash, Request};

use crate::error::AUTH_FAILED;
use crate::grpc::{Code, Status};
use crate::method::Call;

pub(crate) async fn enable(call: Call, _: AuthEnableRequest) -> Result<AuthEnableResponse, Status> {
    let done = call.propose(Request::Auth(AuthCommand::Enable)).await?;
    Ok(AuthEnableResponse { header: Some(call.header(done.revision)) })
}

pub(crate) async fn disable(
    call: Call,
    _: AuthDisableRequest,
) -> Result<AuthDisableResponse, Status> {
    call.require_admin()?;
    let done = call.propose(Request::Auth(AuthCommand::Disable)).await?;
    Ok(AuthDisableResponse { header: Some(call.header(done.revision)) })
}

pub(crate) async fn status(call: Call, _: AuthStatusRequest) -> Result<AuthStatusResponse, Status> {
    call.require_admin()?;
    let (enabled, auth_revision) =
        call.read(|state, _| Ok((state.auth().is_enabled(), state.auth().revision())))?;
    Ok(AuthStatusResponse { header: Some(call.header_now()), enabled, auth_revision })
}

pub(crate) async fn authenticate(
    call: Call,
    request: AuthenticateRequest,
) -> Result<AuthenticateResponse, Status> {
    call.linearize().await?;
    let hash = call.api.store.with_state(|state| {
        let auth = state.auth();
        if !auth.is_enabled() {
            return Err(Status::from(Refusal::AuthNotEnabled));
        }
        let user = auth.user(&request.name).filter(|user| !user.password.is_empty());
        user.map(|user| user.password.clone()).ok_or(AUTH_FAILED)
    })?;
    if !verify(request.password, hash.clone()).await? {
        return Err(AUTH_FAILED);
    }
    // The password may have changed while this one was checked.
    let token = call.api.store.with_state(|state| {
        let auth = state.auth();
        let current =
            auth.is_enabled() && auth.user(&request.name).is_some_and(|it| it.password == hash);
        current.then(|| call.api.tokens.issue(&request.name, auth)).ok_or(AUTH_FAILED)
    })?;
    Ok(AuthenticateResponse { header: Some(call.header_now()), token })
}

/// Hashes take a tenth of a second on purpose, so they are made and checked on other threads.
async fn verify(password: String, hash: PasswordHash) -> Result<bool, Status> {
    tokio::task::spawn_blocking(move || {
        let hash = std::str::from_utf8(&hash).unwrap_or_default();
        bcrypt::verify(password, hash).unwrap_or(false)
    })
    .await
    .map_err(|_| Status::new(Code::Internal, "checking the password was cut short"))
}

/// The hash to keep: made of the password, or given by the client in base64.
pub(crate) async fn hash(
    cost: u32,
    password: String,
    hashed: String,
) -> Result<PasswordHash, Status> {
    if !hashed.is_empty() {
        use base64::Engine;
        let hash = base64::engine::general_purpose::STANDARD.decode(hashed);
        return hash.map(PasswordHash::from).map_err(|error| {
            Status::new(Code::Unknown, format!("etcdserver: hashed password: {error}"))
        });
    }
    let hash = tokio::task::spawn_blocking(move || bcrypt::hash(password, cost)).await;
    match hash {
        Ok(Ok(hash)) => Ok(hash.into()),
        _ => Err(Status::new(Code::Internal, "the password cannot be hashed")),
    }
}
