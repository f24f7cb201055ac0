//! Space: who takes it, and getting it back.
//!
//! Held are images and their names, what active snapshots stand on, leases, and running
//! operations; everything that those reach is kept. The rest goes, or, under a budget, the part
//! of it that was unused for longest.

use std::collections::{BTreeMap, BTreeSet};

use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_journal::Batch;
use isopod_oci::image::Descriptor;
use std::sync::PoisonError;

use super::{Image, ImageRecord, Images};
use crate::content::{BlobInfo, ContentStore};
use crate::error::ImageError;
use crate::failpoint;
use crate::records;
use crate::snapshot::{SnapshotInfo, SnapshotKind, Usage};

/// Which images a collection may remove to meet its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Evict {
    /// None.
    #[default]
    Nothing,
    /// Those without a name.
    Unnamed,
    /// All that no container stands on.
    Unused,
}

/// What a collection is to do.
#[derive(Debug, Clone, Default)]
pub struct CollectPolicy {
    /// Bytes that blobs and layers may take in all. What nobody refers to is kept as a cache as
    /// long as they take less; without a budget it goes.
    pub budget_bytes: Option<u64>,
    /// Which images may go, the least recently used first, if that is not enough.
    pub evict: Evict,
    /// Remove parts of downloads that were given up.
    pub partials: bool,
}

/// What a collection removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Images.
    pub images: Vec<Digest>,
    /// Snapshots, each before the one that it stood upon.
    pub snapshots: Vec<String>,
    /// Blobs.
    pub blobs: Vec<Digest>,
    /// Bytes freed.
    pub bytes: u64,
}

/// Space that one image takes.
#[derive(Debug, Clone)]
pub struct ImageUsage {
    /// The image.
    pub image: Image,
    /// Bytes of its unpacked layers that other images have too.
    pub shared: u64,
    /// Bytes of its unpacked layers that it alone has.
    pub unique: u64,
    /// Bytes of its documents and layers as they are stored.
    pub stored: u64,
}

/// Space that the store takes.
#[derive(Debug, Clone, Default)]
pub struct DiskUsage {
    /// By image.
    pub images: Vec<ImageUsage>,
    /// Bytes of unpacked layers, each counted once.
    pub layers_bytes: u64,
    /// Bytes of blobs.
    pub blobs_bytes: u64,
    /// Bytes written by containers, by snapshot.
    pub active: BTreeMap<String, Usage>,
    /// Bytes of partial downloads.
    pub partials_bytes: u64,
    /// Bytes that a collection without a budget would free.
    pub unreferenced_bytes: u64,
}

/// Something in the store that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The blob or snapshot.
    pub object: String,
    /// What is wrong.
    pub reason: String,
}

/// What is there, and what of it is held.
struct Marked {
    blobs: BTreeMap<Digest, BlobInfo>,
    snapshots: BTreeMap<String, SnapshotInfo>,
    live_blobs: BTreeSet<Digest>,
    live_snapshots: BTreeSet<String>,
}

impl Images {
    /// Removes what nobody refers to, within a budget if one is given.
    pub fn collect(&self, policy: &CollectPolicy) -> Result<Collected, ImageError> {
        let gate = self.inner.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut collected = Collected::default();
        self.sweep(policy, &mut collected)?;
        if let Some(budget) = policy.budget_bytes
            && policy.evict != Evict::Nothing
        {
            while self.total_bytes()? > budget {
                let Some(image) = self.least_recent(policy.evict)? else {
                    break;
                };
                let mut batch =
                    Batch::new().delete(format!("{}{}", records::IMAGE, image.target.digest));
                for name in &image.names {
                    batch = batch.delete(format!("{}{name}", records::NAME));
                }
                self.inner.journal.commit(batch)?;
                collected.images.push(image.id);
                self.sweep(policy, &mut collected)?;
            }
        }
        drop(gate);
        if policy.partials {
            collected.bytes += self.content().remove_partials()?;
        }
        self.release_expired()?;
        Ok(collected)
    }

    /// Space taken, exactly: bytes of all files of the store but its journal.
    pub fn df(&self) -> Result<DiskUsage, ImageError> {
        let _gate = self.read_gate();
        let marked = self.mark()?;
        let mut usage =
            DiskUsage { partials_bytes: self.content().partial_bytes()?, ..DiskUsage::default() };
        for (digest, info) in &marked.blobs {
            usage.blobs_bytes += info.size;
            if !marked.live_blobs.contains(digest) {
                usage.unreferenced_bytes += info.size;
            }
        }
        let mut sizes = BTreeMap::new();
        for (key, info) in &marked.snapshots {
            let own = self.snapshots().usage(key)?;
            if info.kind != SnapshotKind::Committed {
                usage.active.insert(key.clone(), own);
                continue;
            }
            usage.layers_bytes += own.bytes;
            if !marked.live_snapshots.contains(key) {
                usage.unreferenced_bytes += own.bytes;
            }
            sizes.insert(key.clone(), own.bytes);
        }
        usage.images = self.image_usage(&sizes, &marked)?;
        Ok(usage)
    }

    /// Checks every blob against its digest, and that every snapshot has its files.
    pub fn verify(&self) -> Result<Vec<Fault>, ImageError> {
        let mut faults = Vec::new();
        for digest in self.content().list()?.into_keys() {
            if let Err(error) = self.content().blob(&digest).and_then(|blob| blob.verify()) {
                faults.push(Fault {
                    object: digest.to_string(),
                    reason: isopod_base::chain(&error).to_string(),
                });
            }
        }
        for snapshot in self.snapshots().list()? {
            for fault in self.snapshots().check(&snapshot.key)? {
                faults.push(Fault { object: snapshot.key.clone(), reason: fault });
            }
        }
        for image in records::scan::<ImageRecord>(&self.inner.journal, records::IMAGE)? {
            if let Err(error) = self.image(&image.1.target.digest) {
                faults.push(Fault {
                    object: image.0,
                    reason: isopod_base::chain(&error).to_string(),
                });
            }
        }
        Ok(faults)
    }

    fn image_usage(
        &self,
        sizes: &BTreeMap<String, u64>,
        marked: &Marked,
    ) -> Result<Vec<ImageUsage>, ImageError> {
        let images = self.list()?;
        let mut users: BTreeMap<String, usize> = BTreeMap::new();
        let chains: Vec<Vec<String>> = images
            .iter()
            .map(|image| {
                let chain = super::chain_ids(&image.diff_ids);
                chain.iter().map(Digest::to_string).collect()
            })
            .collect();
        for key in chains.iter().flatten() {
            *users.entry(key.clone()).or_default() += 1;
        }
        let mut usage = Vec::with_capacity(images.len());
        for (image, chain) in images.into_iter().zip(chains) {
            let (mut shared, mut unique) = (0, 0);
            for key in &chain {
                let size = sizes.get(key).copied().unwrap_or(0);
                if users.get(key).copied().unwrap_or(0) > 1 {
                    shared += size;
                } else {
                    unique += size;
                }
            }
            let label = image.target.digest.to_string();
            let reachable: BTreeSet<Digest> = self
                .documents()
                .reachable(&label, &image.target)?
                .into_iter()
                .map(|descriptor| descriptor.digest)
                .collect();
            let stored =
                reachable.iter().filter_map(|digest| Some(marked.blobs.get(digest)?.size)).sum();
            usage.push(ImageUsage { image, shared, unique, stored });
        }
        Ok(usage)
    }

    fn total_bytes(&self) -> Result<u64, ImageError> {
        let mut total: u64 = self.content().list()?.values().map(|info| info.size).sum();
        for snapshot in self.snapshots().list()? {
            if snapshot.kind == SnapshotKind::Committed {
                total += self.snapshots().usage(&snapshot.key)?.bytes;
            }
        }
        Ok(total)
    }

    /// The image that may go first.
    fn least_recent(&self, evict: Evict) -> Result<Option<Image>, ImageError> {
        let held: BTreeSet<String> = self
            .snapshots()
            .list()?
            .into_iter()
            .filter(|snapshot| snapshot.kind != SnapshotKind::Committed)
            .filter_map(|snapshot| snapshot.parent)
            .collect();
        let images = self.list()?;
        Ok(images
            .into_iter()
            .filter(|image| evict == Evict::Unused || image.names.is_empty())
            .filter(|image| {
                image.chain.as_ref().is_none_or(|chain| !held.contains(&chain.to_string()))
            })
            .min_by_key(|image| image.used))
    }

    /// Finds out what is held. The gate must be taken.
    fn mark(&self) -> Result<Marked, ImageError> {
        let snapshots: BTreeMap<String, SnapshotInfo> =
            self.snapshots().list()?.into_iter().map(|info| (info.key.clone(), info)).collect();
        let mut marked = Marked {
            blobs: self.content().list()?,
            snapshots,
            live_blobs: BTreeSet::new(),
            live_snapshots: BTreeSet::new(),
        };
        for (_, record) in records::scan::<ImageRecord>(&self.inner.journal, records::IMAGE)? {
            self.mark_target(&record.target, &mut marked)?;
            let label = record.target.digest.to_string();
            // Every platform of it that happens to be unpacked.
            for descriptor in self.documents().reachable(&label, &record.target)? {
                self.mark_chain(&label, &descriptor, &mut marked)?;
            }
        }
        let leases =
            self.inner.leases.list()?.into_iter().map(|(_, lease)| (lease.blobs, lease.snapshots));
        let held = self.inner.leases.held().into_iter().map(|held| (held.blobs, held.snapshots));
        for (blobs, snapshots) in leases.chain(held) {
            for digest in blobs {
                let small = marked
                    .blobs
                    .get(&digest)
                    .is_some_and(|info| info.size <= self.limits().document_bytes);
                marked.live_blobs.insert(digest.clone());
                // It may be a document that refers to others; what it is, nobody says.
                let target = Descriptor::new("", digest, 0);
                if small && let Ok(reachable) = self.documents().reachable("lease", &target) {
                    marked.live_blobs.extend(reachable.into_iter().map(|d| d.digest));
                }
            }
            for key in snapshots {
                marked.hold_snapshot(&key);
            }
        }
        marked.live_blobs.extend(crate::repository::held(&self.inner.journal));
        let active: Vec<String> = marked
            .snapshots
            .values()
            .filter(|info| info.kind != SnapshotKind::Committed)
            .map(|info| info.key.clone())
            .collect();
        for key in active {
            marked.hold_snapshot(&key);
        }
        Ok(marked)
    }

    /// Marks the blobs of an image, and those of manifests that refer to it.
    fn mark_target(&self, target: &Descriptor, marked: &mut Marked) -> Result<(), ImageError> {
        let mut pending = vec![target.clone()];
        while let Some(target) = pending.pop() {
            let label = target.digest.to_string();
            for descriptor in self.documents().reachable(&label, &target)? {
                if marked.live_blobs.insert(descriptor.digest.clone()) {
                    pending.extend(self.referrers(&descriptor.digest, None)?);
                }
            }
        }
        Ok(())
    }

    fn mark_chain(
        &self,
        label: &str,
        descriptor: &Descriptor,
        marked: &mut Marked,
    ) -> Result<(), ImageError> {
        let media_type = &descriptor.media_type;
        if !isopod_oci::image::media_type::is_manifest(media_type) {
            return Ok(());
        }
        let platform = &self.inner.platform;
        let resolved = match self.documents().resolve(label, descriptor, platform) {
            Ok(resolved) => resolved,
            // Another platform's, whose configuration was never fetched.
            Err(ImageError::Document { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        if let Some((config, _)) = resolved.config {
            for chain in super::chain_ids(&config.rootfs.diff_ids) {
                marked.live_snapshots.insert(chain.to_string());
            }
        }
        Ok(())
    }

    fn sweep(&self, policy: &CollectPolicy, collected: &mut Collected) -> Result<(), ImageError> {
        let marked = self.mark()?;
        failpoint::reach("collect.marked");
        let doomed = self.doomed(&marked, policy.budget_bytes)?;
        if doomed.blobs.is_empty() && doomed.snapshots.is_empty() {
            return Ok(());
        }
        if self.needs_blob(&doomed)? {
            self.sync_trees_within_gate()?;
        }
        let mut batch = Batch::new();
        let mut files = Vec::new();
        for key in &doomed.snapshots {
            let (next, path) = self.snapshots().unrecord(key, batch)?;
            batch = next;
            files.push(path);
        }
        for digest in &doomed.blobs {
            batch = ContentStore::unrecord(batch, digest);
            let prefix = format!("{}{digest}/", records::REFERRER);
            for (key, _) in self.inner.journal.scan(&prefix) {
                batch = batch.delete(key);
            }
        }
        for (key, _) in self.inner.journal.scan(records::REFERRER) {
            if doomed.blobs.iter().any(|digest| key.ends_with(&format!("/{digest}"))) {
                batch = batch.delete(key);
            }
        }
        self.inner.journal.commit(batch)?;
        failpoint::reach("collect.unrecorded");
        for path in files {
            self.snapshots().discard(path)?;
        }
        for digest in &doomed.blobs {
            self.content().unlink(digest)?;
        }
        failpoint::reach("collect.removed");
        collected.snapshots.extend(doomed.snapshots);
        collected.blobs.extend(doomed.blobs);
        collected.bytes += doomed.bytes;
        Ok(())
    }

    /// Whether a tree that stays may have to be unpacked again from a blob that goes.
    fn needs_blob(&self, doomed: &Collected) -> Result<bool, ImageError> {
        let unsynced = self.snapshots().table().unsynced()?;
        Ok(unsynced.iter().any(|(key, record)| {
            !doomed.snapshots.contains(key)
                && record.unsynced.as_ref().is_some_and(|tree| doomed.blobs.contains(&tree.blob))
        }))
    }

    /// What nobody holds; under a budget, the oldest of it.
    fn doomed(&self, marked: &Marked, budget: Option<u64>) -> Result<Collected, ImageError> {
        let mut doomed = Collected::default();
        // (age, is a blob, name): snapshots of one image have one time, and go from the top.
        let mut candidates: Vec<(Timestamp, u64, Option<Digest>, Option<String>)> = Vec::new();
        for (digest, info) in &marked.blobs {
            if !marked.live_blobs.contains(digest) {
                candidates.push((info.created, info.size, Some(digest.clone()), None));
            }
        }
        for key in marked.dead_snapshots() {
            let size = self.snapshots().usage(&key)?.bytes;
            let created = marked.snapshots[&key].created;
            candidates.push((created, size, None, Some(key)));
        }
        let mut excess = match budget {
            None => u64::MAX,
            Some(budget) => self.total_bytes()?.saturating_sub(budget),
        };
        if budget.is_some() {
            candidates.sort_by_key(|(created, ..)| *created);
        }
        for (_, size, digest, key) in candidates {
            if excess == 0 {
                break;
            }
            if let Some(key) = &key
                && marked.has_child_outside(key, &doomed.snapshots)
            {
                continue;
            }
            doomed.blobs.extend(digest);
            doomed.snapshots.extend(key);
            doomed.bytes += size;
            excess = excess.saturating_sub(size);
        }
        Ok(doomed)
    }

    fn release_expired(&self) -> Result<(), ImageError> {
        for id in self.inner.leases.expired()? {
            self.inner.leases.release(&id)?;
        }
        Ok(())
    }
}

impl Marked {
    /// Marks a snapshot and all below it.
    fn hold_snapshot(&mut self, key: &str) {
        let mut next = Some(key.to_owned());
        while let Some(key) = next {
            next = self.snapshots.get(&key).and_then(|info| info.parent.clone());
            self.live_snapshots.insert(key);
        }
    }

    /// Snapshots that nobody holds, each before the one that it stands upon.
    fn dead_snapshots(&self) -> Vec<String> {
        let depth = |key: &String| {
            let mut depth = 0;
            let mut next = self.snapshots.get(key).and_then(|info| info.parent.as_ref());
            while let Some(parent) = next {
                depth += 1;
                next = self.snapshots.get(parent).and_then(|info| info.parent.as_ref());
            }
            depth
        };
        let mut dead: Vec<String> = self
            .snapshots
            .keys()
            .filter(|key| !self.live_snapshots.contains(*key))
            .cloned()
            .collect();
        dead.sort_by_cached_key(|key| std::cmp::Reverse(depth(key)));
        dead
    }

    fn has_child_outside(&self, key: &str, doomed: &[String]) -> bool {
        self.snapshots
            .values()
            .any(|info| info.parent.as_deref() == Some(key) && !doomed.contains(&info.key))
    }
}
