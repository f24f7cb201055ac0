//! Why a request was refused. The variants are etcd's errors of the server, one to one.

use crate::{LeaseId, Revision};

/// Why the state refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A key is empty.
    #[error("key is not provided")]
    EmptyKey,
    /// A put keeps the value or lease of a key that does not exist.
    #[error("key not found")]
    KeyNotFound,
    /// A put that keeps the value has one.
    #[error("value is provided")]
    ValueProvided,
    /// A put that keeps the lease has one.
    #[error("lease is provided")]
    LeaseProvided,
    /// A transaction has more operations than allowed.
    #[error("too many operations in txn request")]
    TooManyOps,
    /// A transaction writes a key twice.
    #[error("duplicate key given in txn request")]
    DuplicateKey,
    /// A transaction is nested deeper than [`crate::MAX_TXN_DEPTH`]. etcd has no such bound and
    /// no error for it: a front end reports it as [`Error::TooManyOps`].
    #[error("txn request is nested too deeply")]
    TooDeep,
    /// The revision is forgotten.
    #[error("required revision has been compacted")]
    Compacted {
        /// The oldest revision that can be asked for.
        compact_revision: Revision,
    },
    /// The revision is not written yet.
    #[error("required revision is a future revision")]
    FutureRevision,
    /// The quota of space is used up.
    #[error("database space exceeded")]
    NoSpace,
    /// The members' data differ.
    #[error("corrupt cluster")]
    Corrupt,
    /// There is no such lease.
    #[error("requested lease not found: {0:016x}")]
    LeaseNotFound(LeaseId),
    /// There already is such a lease.
    #[error("lease already exists: {0:016x}")]
    LeaseExists(LeaseId),
    /// A lease lives at most [`crate::MAX_LEASE_TTL`] seconds.
    #[error("too large lease TTL: {0}")]
    LeaseTtlTooLarge(i64),
    /// Authentication needs a user `root`.
    #[error("root user does not exist")]
    RootUserNotExist,
    /// Authentication needs the user `root` to have the role `root`.
    #[error("root user does not have root role")]
    RootRoleNotExist,
    /// The user exists.
    #[error("user name already exists: {0}")]
    UserAlreadyExists(String),
    /// A user needs a name.
    #[error("user name is empty")]
    UserEmpty,
    /// There is no such user.
    #[error("user name not found: {0}")]
    UserNotFound(String),
    /// The role exists.
    #[error("role name already exists: {0}")]
    RoleAlreadyExists(String),
    /// There is no such role.
    #[error("role name not found: {0}")]
    RoleNotFound(String),
    /// A role needs a name.
    #[error("role name is empty")]
    RoleEmpty,
    /// A permission was not given.
    #[error("permission not given")]
    PermissionNotGiven,
    /// The user may not do that.
    #[error("permission denied")]
    PermissionDenied,
    /// The user does not have the role.
    #[error("role is not granted to the user")]
    RoleNotGranted,
    /// The role does not have the permission.
    #[error("permission is not granted to the role")]
    PermissionNotGranted,
    /// Authentication is off.
    #[error("authentication is not enabled")]
    AuthNotEnabled,
    /// `root` cannot be deleted or deprived while authentication is on.
    #[error("invalid auth management")]
    InvalidAuthManagement,
    /// Users or roles changed since the request was accepted.
    #[error("revision of auth store is old")]
    AuthOldRevision,
}
