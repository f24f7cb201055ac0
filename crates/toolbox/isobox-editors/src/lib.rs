//! The toolbox's applets that search and edit text by regular expressions.

use isobox_applet::Applet;

mod diff;
mod ed;
mod grep;
mod patch;
mod save;
mod sed;

/// The applets of this group.
pub static APPLETS: &[Applet] =
    &[diff::DIFF, ed::ED, grep::GREP, grep::EGREP, grep::FGREP, patch::PATCH, sed::SED];

/// Reads a patch and says what is wrong with it, for those who only check it.
pub fn check_patch(text: &[u8]) -> isobox_applet::Result<()> {
    patch::check(text)
}
