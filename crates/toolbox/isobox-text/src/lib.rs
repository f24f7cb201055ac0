//! The toolbox's applets that work on text and bytes, one file each.

use isobox_applet::Applet;

mod cat;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[cat::CAT];
