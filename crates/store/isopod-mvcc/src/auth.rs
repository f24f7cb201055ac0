//! Users, roles, and what each may do. Passwords come in hashed; tokens are not known here.

mod check;
mod command;

use std::collections::{BTreeMap, BTreeSet};

pub use command::{AuthCommand, Permission, PermissionKind};

use crate::{Error, KeyRange, PasswordHash};

/// The user without whom authentication cannot be on, and the role whose users may do everything.
pub const ROOT: &str = "root";

/// Users and roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    pub(crate) enabled: bool,
    pub(crate) revision: u64,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) roles: BTreeMap<String, Role>,
}

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The password as hashed by whoever added the user; empty for none.
    pub password: PasswordHash,
    /// The user's roles.
    pub roles: BTreeSet<String>,
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    /// What its users may do, ordered by range; a range occurs once.
    pub permissions: Vec<Permission>,
}

impl Default for Auth {
    fn default() -> Self {
        Self { enabled: false, revision: 1, users: BTreeMap::new(), roles: BTreeMap::new() }
    }
}

impl Auth {
    /// Whether users count.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Rises with every change of users and roles; 1 at first.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// A user.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// All users by name.
    pub fn users(&self) -> impl ExactSizeIterator<Item = (&str, &User)> {
        self.users.iter().map(|(name, user)| (name.as_str(), user))
    }

    /// A role.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// All roles by name.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = (&str, &Role)> {
        self.roles.iter().map(|(name, role)| (name.as_str(), role))
    }

    /// Carries out a change.
    pub(crate) fn change(&mut self, change: &AuthCommand) -> Result<(), Error> {
        let changed = match change {
            AuthCommand::Enable => self.enable()?,
            AuthCommand::Disable => std::mem::take(&mut self.enabled),
            AuthCommand::UserAdd { name, password } => self.add_user(name, password)?,
            AuthCommand::UserDelete(name) => self.delete_user(name)?,
            AuthCommand::UserChangePassword { name, password } => {
                self.user_mut(name)?.password = detached(password);
                true
            }
            AuthCommand::UserGrantRole { user, role } => self.grant_role(user, role)?,
            AuthCommand::UserRevokeRole { user, role } => self.revoke_role(user, role)?,
            AuthCommand::RoleAdd(name) => self.add_role(name)?,
            AuthCommand::RoleDelete(name) => self.delete_role(name)?,
            AuthCommand::RoleGrantPermission { role, permission } => {
                self.grant_permission(role, permission)?
            }
            AuthCommand::RoleRevokePermission { role, range } => {
                self.revoke_permission(role, range)?
            }
        };
        self.revision += u64::from(changed);
        Ok(())
    }

    /// Turning authentication on makes no token old, so that the revision stays.
    fn enable(&mut self) -> Result<bool, Error> {
        let root = self.users.get(ROOT).ok_or(Error::RootUserNotExist)?;
        if !root.roles.contains(ROOT) {
            return Err(Error::RootRoleNotExist);
        }
        self.enabled = true;
        Ok(false)
    }

    fn add_user(&mut self, name: &str, password: &PasswordHash) -> Result<bool, Error> {
        if name.is_empty() {
            return Err(Error::UserEmpty);
        }
        if self.users.contains_key(name) {
            return Err(Error::UserAlreadyExists(name.to_owned()));
        }
        let user = User { password: detached(password), roles: BTreeSet::new() };
        self.users.insert(name.to_owned(), user);
        Ok(true)
    }

    fn delete_user(&mut self, name: &str) -> Result<bool, Error> {
        if self.enabled && name == ROOT {
            return Err(Error::InvalidAuthManagement);
        }
        self.users.remove(name).ok_or_else(|| Error::UserNotFound(name.to_owned()))?;
        Ok(true)
    }

    /// The role `root` can be granted without having been added.
    fn grant_role(&mut self, user: &str, role: &str) -> Result<bool, Error> {
        let role_exists = role == ROOT || self.roles.contains_key(role);
        let user = self.user_mut(user)?;
        if !role_exists {
            return Err(Error::RoleNotFound(role.to_owned()));
        }
        Ok(user.roles.insert(role.to_owned()))
    }

    fn revoke_role(&mut self, user: &str, role: &str) -> Result<bool, Error> {
        if self.enabled && user == ROOT && role == ROOT {
            return Err(Error::InvalidAuthManagement);
        }
        if self.user_mut(user)?.roles.remove(role) { Ok(true) } else { Err(Error::RoleNotGranted) }
    }

    fn add_role(&mut self, name: &str) -> Result<bool, Error> {
        if name.is_empty() {
            return Err(Error::RoleEmpty);
        }
        if self.roles.contains_key(name) {
            return Err(Error::RoleAlreadyExists(name.to_owned()));
        }
        self.roles.insert(name.to_owned(), Role::default());
        Ok(true)
    }

    fn delete_role(&mut self, name: &str) -> Result<bool, Error> {
        if self.enabled && name == ROOT {
            return Err(Error::InvalidAuthManagement);
        }
        self.roles.remove(name).ok_or_else(|| Error::RoleNotFound(name.to_owned()))?;
        for user in self.users.values_mut() {
            user.roles.remove(name);
        }
        Ok(true)
    }

    fn grant_permission(&mut self, role: &str, permission: &Permission) -> Result<bool, Error> {
        let permissions = &mut self.role_mut(role)?.permissions;
        match permissions.binary_search_by(|each| each.range.cmp(&permission.range)) {
            Ok(at) => permissions[at].kind = permission.kind,
            Err(at) => {
                let range = permission.range.detached();
                permissions.insert(at, Permission { kind: permission.kind, range });
            }
        }
        Ok(true)
    }

    fn revoke_permission(&mut self, role: &str, range: &KeyRange) -> Result<bool, Error> {
        let permissions = &mut self.role_mut(role)?.permissions;
        let at = permissions.iter().position(|each| each.range == *range);
        permissions.remove(at.ok_or(Error::PermissionNotGranted)?);
        Ok(true)
    }

    fn user_mut(&mut self, name: &str) -> Result<&mut User, Error> {
        self.users.get_mut(name).ok_or_else(|| Error::UserNotFound(name.to_owned()))
    }

    fn role_mut(&mut self, name: &str) -> Result<&mut Role, Error> {
        self.roles.get_mut(name).ok_or_else(|| Error::RoleNotFound(name.to_owned()))
    }
}

/// A copy of its own: a command's bytes share the memory of a whole batch.
fn detached(bytes: &PasswordHash) -> PasswordHash {
    PasswordHash::copy_from_slice(bytes)
}
