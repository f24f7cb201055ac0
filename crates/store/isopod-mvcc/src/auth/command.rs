//! What changes users and roles.

use crate::{KeyRange, PasswordHash};

/// A change of users and roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthCommand {
    /// From now on users count.
    Enable,
    /// From now on they do not.
    Disable,
    /// Add a user.
    UserAdd {
        /// Its name.
        name: String,
        /// Its password; empty for a user who comes without one, by certificate.
        password: PasswordHash,
    },
    /// Delete a user.
    UserDelete(String),
    /// Give a user another password.
    UserChangePassword {
        /// Its name.
        name: String,
        /// Its password; empty for none.
        password: PasswordHash,
    },
    /// Give a role to a user.
    UserGrantRole {
        /// The user.
        user: String,
        /// The role.
        role: String,
    },
    /// Take a role from a user.
    UserRevokeRole {
        /// The user.
        user: String,
        /// The role.
        role: String,
    },
    /// Add a role.
    RoleAdd(String),
    /// Delete a role, and take it from all users.
    RoleDelete(String),
    /// Let a role's users do something with keys. A second permission for the same range
    /// replaces the first.
    RoleGrantPermission {
        /// The role.
        role: String,
        /// The permission.
        permission: Permission,
    },
    /// Take back what was granted for a range.
    RoleRevokePermission {
        /// The role.
        role: String,
        /// The range, exactly as granted.
        range: KeyRange,
    },
}

/// What a role's users may do with a range of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// What they may do.
    pub kind: PermissionKind,
    /// With which keys.
    pub range: KeyRange,
}

/// What a permission allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PermissionKind {
    /// Reading and watching.
    Read,
    /// Writing and deleting.
    Write,
    /// Both.
    ReadWrite,
}
