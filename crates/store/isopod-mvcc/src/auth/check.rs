//! Who may do what.

use std::collections::BTreeSet;

use super::{Auth, PermissionKind, ROOT, User};
use crate::state::State;
use crate::{
    Actor, Command, DeleteRequest, Error, KeyRange, LeaseId, Operation, PutRequest, RangeEnd,
    Request, TxnRequest,
};

/// What is done to keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// What a caller is, once it is known to be one.
enum Caller<'a> {
    /// May do everything: the store itself, a user with the role `root`, everybody while
    /// authentication is off.
    Unbounded,
    User(&'a User),
}

impl State {
    /// Users and roles.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Whether the caller may read these keys.
    ///
    /// # Errors
    /// Why not.
    pub fn check_range(&self, actor: Option<&Actor>, range: &KeyRange) -> Result<(), Error> {
        self.auth.caller(actor)?.check(&self.auth, Access::Read, range)
    }

    /// Whether the caller may change users and roles, and see those of others.
    ///
    /// # Errors
    /// Why not.
    pub fn check_admin(&self, actor: Option<&Actor>) -> Result<(), Error> {
        match self.auth.caller(actor)? {
            Caller::Unbounded => Ok(()),
            Caller::User(_) => Err(Error::PermissionDenied),
        }
    }

    /// Whether the caller is somebody, which suffices to ask for what is nobody's.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check_user(&self, actor: Option<&Actor>) -> Result<(), Error> {
        self.auth.caller(actor).map(|_| ())
    }

    /// Whether the caller may read all keys of a lease.
    ///
    /// # Errors
    /// Why not.
    pub fn check_lease_keys(&self, actor: Option<&Actor>, lease: LeaseId) -> Result<(), Error> {
        let caller = self.auth.caller(actor)?;
        self.check_lease(&caller, Access::Read, lease)
    }

    /// Whether the caller may do all that a command asks for, whatever its branch. Applying the
    /// command checks it again: users may change before its turn comes.
    ///
    /// # Errors
    /// Why not.
    pub fn check_command(&self, command: &Command) -> Result<(), Error> {
        let caller = self.auth.caller(command.actor.as_ref())?;
        match &command.request {
            Request::Put(put) => self.check_put_access(&caller, put),
            Request::Delete(delete) => self.check_delete_access(&caller, delete),
            Request::Txn(txn) => self.check_txn_access(&caller, txn),
            Request::LeaseRevoke(id) => self.check_lease(&caller, Access::Write, *id),
            Request::Auth(_) => match caller {
                Caller::Unbounded => Ok(()),
                Caller::User(_) => Err(Error::PermissionDenied),
            },
            Request::Compact(_)
            | Request::LeaseGrant(_)
            | Request::LeaseCheckpoint(_)
            | Request::Alarm(_)
            | Request::Nothing => Ok(()),
        }
    }

    fn check_put_access(&self, caller: &Caller<'_>, put: &PutRequest) -> Result<(), Error> {
        if matches!(caller, Caller::Unbounded) {
            return Ok(());
        }
        let key = KeyRange::single(put.key.clone());
        caller.check(&self.auth, Access::Write, &key)?;
        if put.prev_kv {
            caller.check(&self.auth, Access::Read, &key)?;
        }
        // Who puts a key into a lease could see to the end of all the lease's keys.
        self.check_lease(caller, Access::Write, put.lease)
    }

    fn check_delete_access(
        &self,
        caller: &Caller<'_>,
        delete: &DeleteRequest,
    ) -> Result<(), Error> {
        caller.check(&self.auth, Access::Write, &delete.range)?;
        if delete.prev_kv { caller.check(&self.auth, Access::Read, &delete.range) } else { Ok(()) }
    }

    fn check_txn_access(&self, caller: &Caller<'_>, txn: &TxnRequest) -> Result<(), Error> {
        for compare in &txn.compare {
            caller.check(&self.auth, Access::Read, &compare.range)?;
        }
        for operation in txn.success.iter().chain(&txn.failure) {
            match operation {
                Operation::Range(range) => caller.check(&self.auth, Access::Read, &range.range)?,
                Operation::Put(put) => self.check_put_access(caller, put)?,
                Operation::Delete(delete) => self.check_delete_access(caller, delete)?,
                Operation::Txn(txn) => self.check_txn_access(caller, txn)?,
            }
        }
        Ok(())
    }

    fn check_lease(&self, caller: &Caller<'_>, access: Access, id: LeaseId) -> Result<(), Error> {
        let (Caller::User(_), Some(lease)) = (caller, self.leases.get(id)) else { return Ok(()) };
        lease
            .keys()
            .try_for_each(|key| caller.check(&self.auth, access, &KeyRange::single(key.to_vec())))
    }
}

impl Auth {
    fn caller(&self, actor: Option<&Actor>) -> Result<Caller<'_>, Error> {
        let Some(actor) = actor.filter(|_| self.enabled) else { return Ok(Caller::Unbounded) };
        if actor.user.is_empty() {
            return Err(Error::UserEmpty);
        }
        if actor.auth_revision < self.revision {
            return Err(Error::AuthOldRevision);
        }
        let user = self.users.get(&actor.user).ok_or(Error::PermissionDenied)?;
        Ok(if user.roles.contains(ROOT) { Caller::Unbounded } else { Caller::User(user) })
    }

    /// Whether the permissions of these roles together cover a range.
    fn covers(&self, roles: &BTreeSet<String>, access: Access, range: &KeyRange) -> bool {
        let permissions = || {
            let roles = roles.iter().filter_map(|role| self.roles.get(role));
            let permissions = roles.flat_map(|role| &role.permissions);
            permissions.filter(|each| each.kind.allows(access)).map(|each| &each.range)
        };
        if permissions().any(|permission| permission.covers(range)) {
            return true;
        }
        let (RangeEnd::Before(_) | RangeEnd::Unbounded) = range.end else { return false };
        // Several may cover it one after the other: go on from the end of each that reaches
        // furthest.
        let mut rest = range.clone();
        loop {
            let next = permissions()
                .filter_map(|permission| match &permission.end {
                    RangeEnd::Before(end) if permission.key <= rest.key => Some(end),
                    _ => None,
                })
                .max();
            match next {
                Some(end) if *end > rest.key => rest.key = end.clone(),
                _ => return false,
            }
            if permissions().any(|permission| permission.covers(&rest)) {
                return true;
            }
        }
    }
}

impl Caller<'_> {
    fn check(&self, auth: &Auth, access: Access, range: &KeyRange) -> Result<(), Error> {
        match self {
            Caller::Unbounded => Ok(()),
            Caller::User(user) if auth.covers(&user.roles, access, range) => Ok(()),
            Caller::User(_) => Err(Error::PermissionDenied),
        }
    }
}

impl PermissionKind {
    fn allows(self, access: Access) -> bool {
        match access {
            Access::Read => matches!(self, Self::Read | Self::ReadWrite),
            Access::Write => matches!(self, Self::Write | Self::ReadWrite),
        }
    }
}
