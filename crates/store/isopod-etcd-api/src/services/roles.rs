//! Roles and their permissions.

use isopod_etcd_client::proto::authpb;
use isopod_etcd_client::proto::authpb::permission::Type;
use isopod_etcd_client::proto::etcdserverpb::{
    AuthRoleAddRequest, AuthRoleAddResponse, AuthRoleDeleteRequest, AuthRoleDeleteResponse,
    AuthRoleGetRequest, AuthRoleGetResponse, AuthRoleGrantPermissionRequest,
    AuthRoleGrantPermissionResponse, AuthRoleListRequest, AuthRoleListResponse,
    AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse,
};
use isopod_mvcc::{AuthCommand, Error as Refusal, KeyRange, Permission, PermissionKind};

use super::users::change;
use crate::grpc::Status;
use crate::method::Call;

pub(crate) async fn add(
    call: Call,
    request: AuthRoleAddRequest,
) -> Result<AuthRoleAddResponse, Status> {
    let header = change(&call, AuthCommand::RoleAdd(request.name)).await?;
    Ok(AuthRoleAddResponse { header: Some(header) })
}

/// Users may ask about roles that they have.
pub(crate) async fn get(
    call: Call,
    request: AuthRoleGetRequest,
) -> Result<AuthRoleGetResponse, Status> {
    call.linearize().await?;
    let perm = call.read(|state, actor| {
        let auth = state.auth();
        let own = actor.and_then(|actor| auth.user(&actor.user));
        if !own.is_some_and(|user| user.roles.contains(&request.role)) {
            state.check_admin(actor)?;
        }
        let role = auth.role(&request.role).ok_or(Refusal::RoleNotFound(request.role))?;
        Ok(role.permissions.iter().map(permission_message).collect())
    })?;
    Ok(AuthRoleGetResponse { header: Some(call.header_now()), perm })
}

fn permission_message(permission: &Permission) -> authpb::Permission {
    let kind = match permission.kind {
        PermissionKind::Read => Type::Read,
        PermissionKind::Write => Type::Write,
        PermissionKind::ReadWrite => Type::Readwrite,
    };
    authpb::Permission {
        perm_type: kind.into(),
        range_end: permission.range.range_end(),
        key: permission.range.key.clone(),
    }
}

pub(crate) async fn list(
    call: Call,
    _: AuthRoleListRequest,
) -> Result<AuthRoleListResponse, Status> {
    call.linearize().await?;
    call.require_admin()?;
    let roles =
        call.read(|state, _| Ok(state.auth().roles().map(|(name, _)| name.to_owned()).collect()))?;
    Ok(AuthRoleListResponse { header: Some(call.header_now()), roles })
}

pub(crate) async fn delete(
    call: Call,
    request: AuthRoleDeleteRequest,
) -> Result<AuthRoleDeleteResponse, Status> {
    let header = change(&call, AuthCommand::RoleDelete(request.role)).await?;
    Ok(AuthRoleDeleteResponse { header: Some(header) })
}

pub(crate) async fn grant_permission(
    call: Call,
    request: AuthRoleGrantPermissionRequest,
) -> Result<AuthRoleGrantPermissionResponse, Status> {
    call.require_admin()?;
    let permission = request.perm.ok_or(Refusal::PermissionNotGiven)?;
    let kind = match Type::try_from(permission.perm_type) {
        Ok(Type::Read) => PermissionKind::Read,
        Ok(Type::Write) => PermissionKind::Write,
        Ok(Type::Readwrite) => PermissionKind::ReadWrite,
        Err(_) => return Err(Refusal::PermissionNotGiven.into()),
    };
    let range = KeyRange::new(permission.key, permission.range_end);
    let permission = Permission { kind, range };
    let command = AuthCommand::RoleGrantPermission { role: request.name, permission };
    Ok(AuthRoleGrantPermissionResponse { header: Some(change(&call, command).await?) })
}

pub(crate) async fn revoke_permission(
    call: Call,
    request: AuthRoleRevokePermissionRequest,
) -> Result<AuthRoleRevokePermissionResponse, Status> {
    let range = KeyRange::new(request.key, request.range_end);
    let command = AuthCommand::RoleRevokePermission { role: request.role, range };
    Ok(AuthRoleRevokePermissionResponse { header: Some(change(&call, command).await?) })
}
