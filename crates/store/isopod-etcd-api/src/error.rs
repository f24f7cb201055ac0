//! Refusals in etcd's words: codes and messages that its clients compare.

use isopod_mvcc::Error as Refusal;
use isopod_store::StoreError;

use crate::grpc::Code::{self, *};
use crate::grpc::Status;

macro_rules! statuses {
    ($($name:ident = $code:ident $message:literal;)*) => {
        $(pub(crate) const $name: Status =
            Status::fixed(Code::$code, concat!("etcdserver: ", $message));)*
    };
}

statuses! {
    INVALID_SORT_OPTION = InvalidArgument "invalid sort option";
    REQUEST_TOO_LARGE = InvalidArgument "request is too large";
    MEMBER_BAD_URLS = InvalidArgument "given member URLs are invalid";
    AUTH_FAILED = InvalidArgument "authentication failed, invalid user ID or password";
    INVALID_AUTH_TOKEN = Unauthenticated "invalid auth token";
    NOT_SUPPORTED_FOR_LEARNER = FailedPrecondition "rpc not supported for learner";
    NO_LEADER = Unavailable "no leader";
    NOT_LEADER = FailedPrecondition "not leader";
    WRONG_DOWNGRADE_VERSION = InvalidArgument "wrong downgrade target version format";
    INVALID_DOWNGRADE_TARGET = InvalidArgument "invalid downgrade target version";
    INTERNAL_MISMATCH = Internal "the answer is not one to this request";
    NO_INFLIGHT_DOWNGRADE = FailedPrecondition "no inflight downgrade job";
}

/// What etcd says where the state refuses.
pub(crate) fn refused(refusal: &Refusal) -> Status {
    let (code, message) = match refusal {
        Refusal::EmptyKey => (InvalidArgument, "etcdserver: key is not provided"),
        Refusal::KeyNotFound => (InvalidArgument, "etcdserver: key not found"),
        Refusal::ValueProvided => (InvalidArgument, "etcdserver: value is provided"),
        Refusal::LeaseProvided => (InvalidArgument, "etcdserver: lease is provided"),
        Refusal::TooManyOps | Refusal::TooDeep => {
            (InvalidArgument, "etcdserver: too many operations in txn request")
        }
        Refusal::DuplicateKey => {
            (InvalidArgument, "etcdserver: duplicate key given in txn request")
        }
        Refusal::Compacted { .. } => {
            (OutOfRange, "etcdserver: mvcc: required revision has been compacted")
        }
        Refusal::FutureRevision => {
            (OutOfRange, "etcdserver: mvcc: required revision is a future revision")
        }
        Refusal::NoSpace => (ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
        Refusal::Corrupt => (DataLoss, "etcdserver: corrupt cluster"),
        Refusal::LeaseNotFound(_) => (NotFound, "etcdserver: requested lease not found"),
        Refusal::LeaseExists(_) => (FailedPrecondition, "etcdserver: lease already exists"),
        Refusal::LeaseTtlTooLarge(_) => (OutOfRange, "etcdserver: too large lease TTL"),
        Refusal::RootUserNotExist => (FailedPrecondition, "etcdserver: root user does not exist"),
        Refusal::RootRoleNotExist => {
            (FailedPrecondition, "etcdserver: root user does not have root role")
        }
        Refusal::UserAlreadyExists(_) => {
            (FailedPrecondition, "etcdserver: user name already exists")
        }
        Refusal::UserEmpty => (InvalidArgument, "etcdserver: user name is empty"),
        Refusal::UserNotFound(_) => (FailedPrecondition, "etcdserver: user name not found"),
        Refusal::RoleAlreadyExists(_) => {
            (FailedPrecondition, "etcdserver: role name already exists")
        }
        Refusal::RoleNotFound(_) => (FailedPrecondition, "etcdserver: role name not found"),
        Refusal::RoleEmpty => (InvalidArgument, "etcdserver: role name is empty"),
        Refusal::PermissionNotGiven => (InvalidArgument, "etcdserver: permission not given"),
        Refusal::PermissionDenied => (PermissionDenied, "etcdserver: permission denied"),
        Refusal::RoleNotGranted => {
            (FailedPrecondition, "etcdserver: role is not granted to the user")
        }
        Refusal::PermissionNotGranted => {
            (FailedPrecondition, "etcdserver: permission is not granted to the role")
        }
        Refusal::AuthNotEnabled => {
            (FailedPrecondition, "etcdserver: authentication is not enabled")
        }
        Refusal::InvalidAuthManagement => (InvalidArgument, "etcdserver: invalid auth management"),
        Refusal::AuthOldRevision => (InvalidArgument, "etcdserver: revision of auth store is old"),
    };
    Status::fixed(code, message)
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refused(&refusal)
    }
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        let (code, message) = match &error {
            StoreError::State(refusal) => return refused(refusal),
            StoreError::NoLeader => (Unavailable, "etcdserver: no leader"),
            StoreError::Timeout => (Unavailable, "etcdserver: request timed out"),
            StoreError::TimeoutLeaderFail => (
                Unavailable,
                "etcdserver: request timed out, possibly due to previous leader failure",
            ),
            StoreError::Stopped => (Unavailable, "etcdserver: server stopped"),
            StoreError::NotLeader => (FailedPrecondition, "etcdserver: not leader"),
            StoreError::TooManyRequests => (ResourceExhausted, "etcdserver: too many requests"),
            StoreError::RequestTooLarge => return REQUEST_TOO_LARGE,
            StoreError::MemberNotFound => (NotFound, "etcdserver: member not found"),
            StoreError::MemberExists => (FailedPrecondition, "etcdserver: member ID already exist"),
            StoreError::PeerUrlExists => {
                (FailedPrecondition, "etcdserver: Peer URLs already exists")
            }
            StoreError::LearnerNotReady => (
                FailedPrecondition,
                "etcdserver: can only promote a learner member which is in sync with leader",
            ),
            StoreError::MemberNotLearner => {
                (FailedPrecondition, "etcdserver: can only promote a learner member")
            }
            StoreError::TooManyLearners => {
                (FailedPrecondition, "etcdserver: too many learner members in cluster")
            }
            StoreError::Unhealthy => (Unavailable, "etcdserver: unhealthy cluster"),
            StoreError::BadLeaderTransferee => {
                (FailedPrecondition, "etcdserver: bad leader transferee")
            }
            // What etcd has no word for.
            StoreError::DiskFull => return Status::new(ResourceExhausted, told(&error)),
            _ => return Status::new(Unavailable, told(&error)),
        };
        Status::fixed(code, message)
    }
}

fn told(error: &StoreError) -> String {
    format!("etcdserver: {error}")
}
