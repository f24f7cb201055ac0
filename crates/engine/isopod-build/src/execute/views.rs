//! Snapshots that a build makes to read from or to work in, removed when they are not needed.

use crate::error::BuildError;
use isopod_base::Digest;
use isopod_images::{Images, MountOptions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How the snapshots of builds are called, so that those of a killed engine can be told.
pub(super) const PREFIX: &str = "build-";

/// A snapshot and its mount, which stands nowhere.
#[derive(Debug)]
pub(super) struct View {
    images: Images,
    key: String,
    mount: Option<OwnedFd>,
    kept: bool,
}

impl View {
    /// A writable snapshot upon a chain of layers.
    pub(super) fn writable(images: &Images, chain: Option<&Digest>) -> Result<Self, BuildError> {
        Self::make(images, chain, true)
    }

    /// A read-only one.
    pub(super) fn readable(images: &Images, chain: Option<&Digest>) -> Result<Self, BuildError> {
        Self::make(images, chain, false)
    }

    fn make(images: &Images, chain: Option<&Digest>, writable: bool) -> Result<Self, BuildError> {
        let key = format!("{PREFIX}{}", isopod_base::id::full());
        let parent = chain.map(Digest::to_string);
        let snapshots = images.snapshots();
        let mounts = if writable {
            snapshots.prepare(&key, parent.as_deref())?
        } else {
            snapshots.view(&key, parent.as_deref())?
        };
        let mut view = Self { images: images.clone(), key, mount: None, kept: false };
        view.mount = Some(mounts.open(&MountOptions::default())?);
        Ok(view)
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The root directory.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.mount.as_ref().expect("mounted until it is closed").as_fd()
    }

    /// A second descriptor of the mount.
    pub(super) fn share(&self) -> Result<OwnedFd, BuildError> {
        self.root()
            .try_clone_to_owned()
            .map_err(BuildError::io("share the mount of", self.key.as_str()))
    }

    /// Unmounts it; the snapshot stays.
    pub(super) fn close(&mut self) {
        self.mount = None;
    }

    /// The snapshot has become something else.
    pub(super) fn keep(mut self) {
        self.mount = None;
        self.kept = true;
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.mount = None;
        if !self.kept
            && let Err(error) = self.images.snapshots().remove(&self.key)
        {
            tracing::warn!(snapshot = %self.key, error = %isopod_base::chain(&error), "stays until the next start");
        }
    }
}
