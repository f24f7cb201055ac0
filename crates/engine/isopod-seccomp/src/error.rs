//! What can be wrong with a profile.

/// A profile that cannot be compiled. Every variant names the rule or the field at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An action that the specification does not list.
    #[error(
        "{field}: unknown seccomp action {action:?} (expected one of SCMP_ACT_KILL, \
             SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, \
             SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_NOTIFY)"
    )]
    UnknownAction {
        /// Where in the profile.
        field: String,
        /// What stood there.
        action: String,
    },
    /// An error number for an action that returns none.
    #[error("{field}: action {action} takes no error number, but errnoRet is {errno}")]
    UnexpectedErrno {
        /// Where in the profile.
        field: String,
        /// The action.
        action: String,
        /// The number given.
        errno: u32,
    },
    /// An error number that the kernel cannot return.
    #[error("{field}: errnoRet {errno} is out of range (0 to {max})")]
    ErrnoRange {
        /// Where in the profile.
        field: String,
        /// The number given.
        errno: u32,
        /// The largest number that the action takes.
        max: u32,
    },
    /// An operator that the specification does not list.
    #[error(
        "{field}: unknown seccomp operator {op:?} (expected SCMP_CMP_NE, _LT, _LE, _EQ, _GE, \
             _GT or _MASKED_EQ)"
    )]
    UnknownOperator {
        /// Where in the profile.
        field: String,
        /// What stood there.
        op: String,
    },
    /// An argument index above 5.
    #[error("{field}: argument index {index} is out of range (system calls have arguments 0 to 5)")]
    ArgumentIndex {
        /// Where in the profile.
        field: String,
        /// The index given.
        index: u32,
    },
    /// An architecture that the specification does not list.
    #[error(
        "seccomp.architectures: unknown architecture {0:?} (expected a name such as \
             SCMP_ARCH_X86_64)"
    )]
    UnknownArchitecture(String),
    /// A flag that is not known.
    #[error("seccomp.flags: seccomp flag {0:?} is not known")]
    UnknownFlag(String),
    /// A rule without system calls, or with an empty name.
    #[error("{field}: empty string is not a valid syscall, and a rule needs at least one name")]
    EmptyName {
        /// Where in the profile.
        field: String,
    },
    /// `SCMP_ACT_NOTIFY` as the default: the runtime itself could not hand over the listener.
    #[error("seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action")]
    NotifyDefault,
    /// `SCMP_ACT_NOTIFY` for `write`: the runtime could not report the listener.
    #[error("{field}: SCMP_ACT_NOTIFY cannot be used for the write syscall")]
    NotifyWrite {
        /// Where in the profile.
        field: String,
    },
    /// A rule asks for a listener, but nobody would receive it.
    #[error("seccomp.listenerPath is not set, but {field} uses SCMP_ACT_NOTIFY")]
    ListenerMissing {
        /// The first rule that notifies.
        field: String,
    },
    /// Metadata for a listener that does not exist.
    #[error("seccomp.listenerMetadata is set, but seccomp.listenerPath is not")]
    MetadataWithoutListener,
    /// More instructions than the kernel loads.
    #[error("the profile compiles to {instructions} instructions; the kernel takes {max} at most")]
    TooLong {
        /// How many there would be.
        instructions: usize,
        /// The kernel's limit.
        max: usize,
    },
}
