//! isobox: the everyday commands in one small static binary.
//!
//! The name that it was called by decides, or the first argument. No thread, no async runtime.

mod front;

use std::process::ExitCode;

use isobox_applet::{Applet, Registry};

/// The groups that this binary was built with, and its own applets.
const GROUPS: &[&[Applet]] = &[
    front::APPLETS,
    #[cfg(feature = "shell")]
    isobox_shell::APPLETS,
    #[cfg(feature = "text")]
    isobox_text::APPLETS,
    #[cfg(feature = "awk")]
    isobox_awk::APPLETS,
    #[cfg(feature = "editors")]
    isobox_editors::APPLETS,
    #[cfg(feature = "files")]
    isobox_files::APPLETS,
    #[cfg(feature = "archives")]
    isobox_archives::APPLETS,
    #[cfg(feature = "system")]
    isobox_system::APPLETS,
];

fn main() -> ExitCode {
    ExitCode::from(front::main(Registry(GROUPS), std::env::args_os()))
}
