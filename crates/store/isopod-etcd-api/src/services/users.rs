//! Users.

use isopod_etcd_client::proto::etcdserverpb::{
    AuthUserAddRequest, AuthUserAddResponse, AuthUserChangePasswordRequest,
    AuthUserChangePasswordResponse, AuthUserDeleteRequest, AuthUserDeleteResponse,
    AuthUserGetRequest, AuthUserGetResponse, AuthUserGrantRoleRequest, AuthUserGrantRoleResponse,
    AuthUserListRequest, AuthUserListResponse, AuthUserRevokeRoleRequest,
    AuthUserRevokeRoleResponse, ResponseHeader,
};
use isopod_mvcc::{AuthCommand, Error as Refusal, PasswordHash, Request};

use super::auth::hash;
use crate::grpc::Status;
use crate::method::Call;

/// Has users or roles changed on behalf of an administrator.
pub(super) async fn change(call: &Call, command: AuthCommand) -> Result<ResponseHeader, Status> {
    call.require_admin()?;
    let done = call.propose(Request::Auth(command)).await?;
    Ok(call.header(done.revision))
}

pub(crate) async fn add(
    call: Call,
    request: AuthUserAddRequest,
) -> Result<AuthUserAddResponse, Status> {
    call.require_admin()?;
    if request.name.is_empty() {
        return Err(Refusal::UserEmpty.into());
    }
    let password = match request.options {
        Some(options) if options.no_password => PasswordHash::new(),
        _ => {
            let cost = call.api.limits.bcrypt_cost;
            hash(cost, request.password, request.hashed_password).await?
        }
    };
    let command = AuthCommand::UserAdd { name: request.name, password };
    Ok(AuthUserAddResponse { header: Some(change(&call, command).await?) })
}

/// Users may ask about themselves.
pub(crate) async fn get(
    call: Call,
    request: AuthUserGetRequest,
) -> Result<AuthUserGetResponse, Status> {
    call.linearize().await?;
    let roles = call.read(|state, actor| {
        if actor.is_none_or(|actor| actor.user != request.name) {
            state.check_admin(actor)?;
        }
        let user = state.auth().user(&request.name);
        let user = user.ok_or(Refusal::UserNotFound(request.name))?;
        Ok(user.roles.iter().cloned().collect())
    })?;
    Ok(AuthUserGetResponse { header: Some(call.header_now()), roles })
}

pub(crate) async fn list(
    call: Call,
    _: AuthUserListRequest,
) -> Result<AuthUserListResponse, Status> {
    call.linearize().await?;
    call.require_admin()?;
    let users =
        call.read(|state, _| Ok(state.auth().users().map(|(name, _)| name.to_owned()).collect()))?;
    Ok(AuthUserListResponse { header: Some(call.header_now()), users })
}

pub(crate) async fn delete(
    call: Call,
    request: AuthUserDeleteRequest,
) -> Result<AuthUserDeleteResponse, Status> {
    let header = change(&call, AuthCommand::UserDelete(request.name)).await?;
    Ok(AuthUserDeleteResponse { header: Some(header) })
}

pub(crate) async fn change_password(
    call: Call,
    request: AuthUserChangePasswordRequest,
) -> Result<AuthUserChangePasswordResponse, Status> {
    call.require_admin()?;
    let cost = call.api.limits.bcrypt_cost;
    let password = hash(cost, request.password, request.hashed_password).await?;
    let command = AuthCommand::UserChangePassword { name: request.name, password };
    Ok(AuthUserChangePasswordResponse { header: Some(change(&call, command).await?) })
}

pub(crate) async fn grant_role(
    call: Call,
    request: AuthUserGrantRoleRequest,
) -> Result<AuthUserGrantRoleResponse, Status> {
    let command = AuthCommand::UserGrantRole { user: request.user, role: request.role };
    Ok(AuthUserGrantRoleResponse { header: Some(change(&call, command).await?) })
}

pub(crate) async fn revoke_role(
    call: Call,
    request: AuthUserRevokeRoleRequest,
) -> Result<AuthUserRevokeRoleResponse, Status> {
    let command = AuthCommand::UserRevokeRole { user: request.name, role: request.role };
    Ok(AuthUserRevokeRoleResponse { header: Some(change(&call, command).await?) })
}
