//! The toolbox's applets that search and edit text by regular expressions.

use isobox_applet::Applet;

mod grep;
mod sed;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[grep::GREP, grep::EGREP, grep::FGREP, sed::SED];
