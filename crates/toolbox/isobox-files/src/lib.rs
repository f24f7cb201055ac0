//! The toolbox's applets that work on files, and that start other programs; one file each.

use isobox_applet::Applet;

mod basename;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[basename::BASENAME];
