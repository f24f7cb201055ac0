//! Why a store does not open, or refuses.

use std::path::PathBuf;

use crate::checkpoint::CheckpointError;
use crate::log::LogError;

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting makes no sense.
    #[error("setting {name}: {reason}")]
    Setting {
        /// Which.
        name: &'static str,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// Another process has it open.
    #[error("{} is in use by another process", dir.display())]
    InUse {
        /// The data folder.
        dir: PathBuf,
    },
    /// The folder is that of another program.
    #[error(
        "{} holds the data of etcd itself: restore a snapshot of it into an empty folder instead",
        dir.display()
    )]
    Foreign {
        /// The data folder.
        dir: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("data folder {}", dir.display())]
    Folder {
        /// The data folder.
        dir: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// There is a log and no checkpoint to begin with.
    #[error("{} holds a log but no checkpoint; restore this member from a snapshot", dir.display())]
    NoCheckpoint {
        /// The data folder.
        dir: PathBuf,
    },
    /// The checkpoint cannot be read or written.
    #[error("checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// The log cannot be read or written.
    #[error("write-ahead log")]
    Log(#[from] LogError),
    /// Log and checkpoint contradict each other.
    #[error("log and checkpoint of {} do not fit together", dir.display())]
    Consensus {
        /// The data folder.
        dir: PathBuf,
        /// What Raft found.
        #[source]
        source: raft::Error,
    },
    /// The machine has no thread left.
    #[error("thread {name}")]
    Thread {
        /// Which.
        name: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// Why the store refuses a request. What the state itself refuses is in
/// [`isopod_mvcc::Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The state would refuse it; it was not proposed.
    #[error(transparent)]
    State(#[from] isopod_mvcc::Error),
    /// No leader is known.
    #[error("no leader")]
    NoLeader,
    /// No answer in time. Whether a proposal takes effect is unknown.
    #[error("request timed out")]
    Timeout,
    /// No answer in time, and the leader was lost meanwhile. Whether a proposal takes effect is
    /// unknown.
    #[error("request timed out, possibly due to previous leader failure")]
    TimeoutLeaderFail,
    /// The store is stopping or has stopped.
    #[error("server stopped")]
    Stopped,
    /// This member does not lead.
    #[error("not leader")]
    NotLeader,
    /// More requests wait than the store keeps.
    #[error("too many requests")]
    TooManyRequests,
    /// The request is larger than `max_request_bytes`.
    #[error("request is too large")]
    RequestTooLarge,
    /// The disk is full: nothing is written until it has space again.
    #[error("no space left on the disk of the data folder")]
    DiskFull,
    /// There is no such member.
    #[error("member not found")]
    MemberNotFound,
    /// The member is there already.
    #[error("member ID already exist")]
    MemberExists,
    /// Another member has the address.
    #[error("Peer URLs already exists")]
    PeerUrlExists,
    /// The learner has not caught up with the leader.
    #[error("can only promote a learner member which is in sync with leader")]
    LearnerNotReady,
    /// The member votes already.
    #[error("can only promote a learner member")]
    MemberNotLearner,
    /// A cluster has one learner at a time.
    #[error("too many learner members in cluster")]
    TooManyLearners,
    /// The change would leave too few members that are up.
    #[error("unhealthy cluster")]
    Unhealthy,
    /// Another change of the members is under way.
    #[error("another change of the members is under way")]
    ChangePending,
    /// Leadership cannot go to that member.
    #[error("bad leader transferee")]
    BadLeaderTransferee,
    /// The log failed, and the member with it, until it is started again.
    #[error("this member's log failed: {0}")]
    LogFailed(String),
}
