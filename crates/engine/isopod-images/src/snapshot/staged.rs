//! A layer that has been unpacked, but is no snapshot yet.
//!
//! Layers of one image are unpacked at the same time, each without knowing those below it. What
//! can only be settled with them in sight is written down as [`Fixups`].

use std::path::{Path, PathBuf};

use isopod_base::Digest;

use super::tree::make_dir;
use super::{Table, Usage};
use crate::error::SnapshotError;

/// How the unpacker is to mark what a layer hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhiteoutStyle {
    /// As overlayfs reads it: devices 0:0 and an attribute on opaque directories.
    Overlay {
        /// Whether the attributes are those that need no privilege.
        userxattr: bool,
    },
    /// Written down in [`Fixups`], for a snapshotter that merges trees.
    Recorded,
}

/// What is left to do once the layers below are known. Paths are relative to the layer's root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixups {
    /// Directories that the layer does not list, but has something in: their attributes are
    /// those of the layers below.
    pub implicit: Vec<Vec<u8>>,
    /// Hard links to files of the layers below: link, target.
    pub links: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names to hide ([`WhiteoutStyle::Recorded`] only).
    pub whiteouts: Vec<Vec<u8>>,
    /// Directories whose content below is to be hidden ([`WhiteoutStyle::Recorded`] only).
    pub opaque: Vec<Vec<u8>>,
}

/// A directory with an unpacked layer; removed when dropped, unless a snapshotter adopted it.
#[derive(Debug)]
pub struct StagedLayer {
    pub(super) dir: PathBuf,
    pub(super) number: u64,
    pub(super) style: WhiteoutStyle,
    pub(super) adopted: bool,
    pub(crate) fixups: Fixups,
    pub(crate) usage: Usage,
    /// What it was unpacked from, where that is kept.
    pub(super) blob: Option<Digest>,
}

impl StagedLayer {
    /// An empty one, of the next number.
    pub(super) fn new(table: &Table, style: WhiteoutStyle) -> Result<Self, SnapshotError> {
        let number = table.number();
        let dir = table.dir(number);
        make_dir(&dir, 0o700)?;
        make_dir(&dir.join("fs"), 0o755)?;
        Ok(Self {
            dir,
            number,
            style,
            adopted: false,
            fixups: Fixups::default(),
            usage: Usage::default(),
            blob: None,
        })
    }

    /// The directory to unpack into.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.join("fs")
    }

    /// How to mark what the layer hides.
    #[must_use]
    pub fn style(&self) -> WhiteoutStyle {
        self.style
    }

    /// What the unpacker found.
    pub fn set_outcome(&mut self, fixups: Fixups, usage: Usage) {
        self.fixups = fixups;
        self.usage = usage;
    }

    /// The blob that it was unpacked from is durable, or will be before the layer's record is: so
    /// the layer itself need not be, since it can be unpacked again.
    pub(crate) fn derives_from(&mut self, blob: Digest) {
        self.blob = Some(blob);
    }

    /// The records are committed: the files stay.
    pub fn keep(&mut self) {
        self.adopted = true;
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for StagedLayer {
    fn drop(&mut self) {
        if !self.adopted
            && let Err(error) = super::tree::remove(&self.dir)
        {
            // It goes when the store is opened.
            tracing::warn!(dir = %self.dir.display(), %error, "unpacked layer not removed");
        }
    }
}
