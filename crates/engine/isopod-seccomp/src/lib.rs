//! Compiles OCI seccomp profiles to classic BPF.
//!
//! The crate is pure: a profile goes in, the instructions for `seccomp(2)` come out. It makes no
//! system call and knows nothing of containers; whoever loads the program decides when.
//!
//! ```
//! use isopod_oci::runtime::{LinuxSeccomp, SeccompRule};
//! use isopod_seccomp::{Arch, compile};
//!
//! let profile = LinuxSeccomp {
//!     default_action: "SCMP_ACT_ALLOW".into(),
//!     syscalls: vec![SeccompRule {
//!         names: vec!["mkdir".into()],
//!         action: "SCMP_ACT_ERRNO".into(),
//!         ..Default::default()
//!     }],
//!     ..Default::default()
//! };
//! let program = compile(&profile, Arch::X86_64)?;
//! assert!(!program.wants_listener());
//! assert_eq!(program.as_bytes().len(), program.instructions().len() * 8);
//! # Ok::<(), isopod_seccomp::Error>(())
//! ```

mod action;
mod arch;
mod assemble;
mod compile;
mod docker;
mod error;
mod flags;
mod program;
mod rules;
mod syscalls;
#[cfg(test)]
mod tests;

pub use action::Action;
pub use arch::Arch;
pub use compile::compile;
pub use docker::{KernelVersion, docker_default};
pub use error::Error;
pub use program::{Instruction, Program};
pub use syscalls::number;
