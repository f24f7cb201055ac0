//! What a filter does with a system call.

use crate::Error;

/// `EPERM`, the error of `SCMP_ACT_ERRNO` and the datum of `SCMP_ACT_TRACE` unless told otherwise.
const DEFAULT_ERRNO: u16 = 1;
/// `ENOSYS`, for calls newer than the profile.
pub(crate) const ENOSYS: u16 = 38;
/// The kernel caps what `SECCOMP_RET_ERRNO` returns at this.
const MAX_ERRNO: u32 = 4095;

/// An action of the specification, with the error number where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Kill the thread that made the call (`SCMP_ACT_KILL` is this one, too).
    KillThread,
    /// Kill the whole process.
    KillProcess,
    /// Send `SIGSYS`.
    Trap,
    /// Fail with this error number.
    Errno(u16),
    /// Hand the call to a tracer, with this datum.
    Trace(u16),
    /// Allow it and log it.
    Log,
    /// Allow it.
    Allow,
    /// Ask the listener.
    Notify,
}

impl Action {
    /// Reads an action's name and error number; `field` says where they stand.
    pub(crate) fn parse(
        name: &str,
        errno: Option<u32>,
        field: impl Fn() -> String,
    ) -> Result<Self, Error> {
        let datum = |max: u32| match errno {
            None => Ok(DEFAULT_ERRNO),
            Some(errno) if errno <= max => {
                Ok(u16::try_from(errno).expect("both limits fit 16 bits"))
            }
            Some(errno) => Err(Error::ErrnoRange { field: field(), errno, max }),
        };
        let action = match name {
            "SCMP_ACT_ERRNO" => return datum(MAX_ERRNO).map(Self::Errno),
            "SCMP_ACT_TRACE" => return datum(u32::from(u16::MAX)).map(Self::Trace),
            "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Self::KillThread,
            "SCMP_ACT_KILL_PROCESS" => Self::KillProcess,
            "SCMP_ACT_TRAP" => Self::Trap,
            "SCMP_ACT_ALLOW" => Self::Allow,
            "SCMP_ACT_LOG" => Self::Log,
            "SCMP_ACT_NOTIFY" => Self::Notify,
            _ => {
                return Err(Error::UnknownAction { field: field(), action: name.to_owned() });
            }
        };
        match errno {
            Some(errno) => {
                Err(Error::UnexpectedErrno { field: field(), action: name.to_owned(), errno })
            }
            None => Ok(action),
        }
    }

    /// Whether calls that the profile's author did not know of go through: then nothing is gained
    /// by telling the program that they do not exist. A tracer handles new calls by itself.
    pub(crate) fn is_permissive(self) -> bool {
        matches!(self, Self::Allow | Self::Log | Self::Trace(_))
    }

    /// The filter's return value (`SECCOMP_RET_*` of `linux/seccomp.h`).
    pub fn return_value(self) -> u32 {
        match self {
            Self::KillThread => 0x0000_0000,
            Self::KillProcess => 0x8000_0000,
            Self::Trap => 0x0003_0000,
            Self::Errno(errno) => 0x0005_0000 | u32::from(errno),
            Self::Notify => 0x7fc0_0000,
            Self::Trace(datum) => 0x7ff0_0000 | u32::from(datum),
            Self::Log => 0x7ffc_0000,
            Self::Allow => 0x7fff_0000,
        }
    }
}
