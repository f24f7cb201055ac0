//! `unzip`: lists and unpacks zip archives.

mod format;
mod unzip;

pub(crate) use format::File;
pub(crate) use unzip::{UNZIP, contents};
