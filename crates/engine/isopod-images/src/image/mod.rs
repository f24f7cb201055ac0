//! Images: names, documents, layers and snapshots brought together.

mod archive;
mod chain;
mod change;
mod collect;
mod commit;
mod compress;
mod derived;
mod documents;
mod import;
mod layout;
mod load;
mod query;
mod referrers;
mod remove;
mod save;
mod step;
mod transaction;

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use isopod_base::Digest;
use isopod_base::files::FileError;
use isopod_base::times::Timestamp;
use isopod_journal::{Batch, Journal};
use isopod_oci::image::{Descriptor, ImageConfig, Platform};
use serde::{Deserialize, Serialize};

use crate::content::ContentStore;
use crate::error::ImageError;
use crate::layer::Slots;
use crate::lease::Leases;
use crate::limits::Limits;
use crate::records;
use crate::snapshot::{
    CopySnapshotter, Mounts, OverlaySnapshotter, Snapshotter, SnapshotterKind, Table,
};

pub use chain::chain_ids;
pub use change::{apply as apply_change, exposed_ports};
pub use collect::{CollectPolicy, Collected, DiskUsage, Evict, Fault, ImageUsage};
pub use commit::CommitOptions;
pub(crate) use documents::{Document, Documents, read_document};
pub use import::ImportOptions;
pub use load::{LoadOptions, Loaded, Progress};
pub use query::HistoryEntry;
pub use remove::{ContainerUse, Removal, RemoveOptions};
pub use save::SaveItem;
pub use step::StepLayer;
pub use transaction::{Incoming, Transaction};

/// The format of the store that this version writes.
const FORMAT: u32 = 1;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory that holds everything.
    pub root: PathBuf,
    /// How layers are kept.
    pub snapshotter: SnapshotterKind,
    /// Bounds on input.
    pub limits: Limits,
    /// The platform whose images are meant when none is named.
    pub platform: Platform,
    /// Which run of the kernel this is. What another one left in memory only is not trusted.
    pub boot: String,
}

impl Options {
    /// The defaults, for a store at `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            snapshotter: SnapshotterKind::Auto,
            limits: Limits::default(),
            platform: crate::platform::host(),
            boot: this_boot(),
        }
    }
}

/// A store of images. Clones are handles of the same store.
#[derive(Debug, Clone)]
pub struct Images {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    journal: Arc<Journal>,
    content: ContentStore,
    snapshots: Box<dyn Snapshotter>,
    leases: Arc<Leases>,
    limits: Limits,
    platform: Platform,
    slots: Arc<Slots>,
    /// Readers add things and hold them; the one writer collects.
    gate: RwLock<()>,
    /// Held while an operation publishes what it brought.
    publish: Mutex<()>,
    /// Held while an image is compressed.
    compress: Mutex<()>,
    /// The root directory, open since before the first write: syncing its file system reports
    /// every write that failed since.
    root_fd: OwnedFd,
    tree_sync: derived::TreeSync,
}

/// What is recorded of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    pub(crate) target: Descriptor,
    /// The platform that it was brought for.
    pub(crate) platform: Platform,
    pub(crate) stored: Timestamp,
    pub(crate) used: Timestamp,
}

/// What is recorded of a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NameRecord {
    pub(crate) target: Digest,
    pub(crate) tagged: Timestamp,
}

/// An image, for one platform.
#[derive(Debug, Clone)]
pub struct Image {
    /// What people know it by: the digest of its configuration, or of its manifest if it is an
    /// artifact.
    pub id: Digest,
    /// What its names point at: an index or a manifest.
    pub target: Descriptor,
    /// The manifest for the platform.
    pub manifest: Descriptor,
    /// Its configuration, as far as it is known; the default for artifacts.
    pub config: ImageConfig,
    /// The configuration as it is stored, with all that is not known.
    pub config_bytes: Vec<u8>,
    /// Digests of the decompressed layers, the lowest first.
    pub diff_ids: Vec<Digest>,
    /// Name of the snapshot of all layers; absent for an image without layers.
    pub chain: Option<Digest>,
    /// The layers as they are stored, the lowest first.
    pub layers: Vec<Descriptor>,
    /// Canonical names.
    pub names: Vec<String>,
    /// When it came into the store.
    pub stored: Timestamp,
    /// When a container was last made of it.
    pub used: Timestamp,
    /// When it last got a name.
    pub tagged: Option<Timestamp>,
    /// Bytes that its unpacked layers take.
    pub size: u64,
    /// Type, if it is an artifact and no image.
    pub artifact_type: Option<String>,
}

impl Images {
    /// Opens the store, making it if there is none, and finishes what a crash left.
    pub fn open(options: Options) -> Result<Self, ImageError> {
        let root = options.root;
        fs::create_dir_all(&root).map_err(FileError::at("create", &root))?;
        let root_fd = OwnedFd::from(fs::File::open(&root).map_err(FileError::at("open", &root))?);
        let journal = Arc::new(Journal::open(&root.join("journal"))?);
        check_format(&root, &journal)?;
        let content = ContentStore::open(root.join("content"), Arc::clone(&journal))?;
        let snapshots = open_snapshots(&root, &journal, options.snapshotter, options.boot)?;
        let leases = Arc::new(Leases::new(Arc::clone(&journal)));
        let images = Self {
            inner: Arc::new(Inner {
                root,
                journal,
                content,
                snapshots,
                leases,
                limits: options.limits,
                platform: options.platform,
                slots: Arc::new(Slots::for_this_machine()),
                gate: RwLock::new(()),
                publish: Mutex::new(()),
                compress: Mutex::new(()),
                root_fd,
                tree_sync: derived::TreeSync::default(),
            }),
        };
        images.restore_trees()?;
        Ok(images)
    }

    /// The blobs.
    #[must_use]
    pub fn content(&self) -> &ContentStore {
        &self.inner.content
    }

    /// The snapshots.
    #[must_use]
    pub fn snapshots(&self) -> &dyn Snapshotter {
        &*self.inner.snapshots
    }

    /// The leases.
    #[must_use]
    pub fn leases(&self) -> &Leases {
        &self.inner.leases
    }

    /// The bounds on input.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Where the store is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Makes a writable snapshot of an image, named `key`, for a container.
    pub fn prepare(&self, key: &str, image: &Image) -> Result<Mounts, ImageError> {
        self.ensure_unpacked(image)?;
        let _gate = self.read_gate();
        let parent = image.chain.as_ref().map(Digest::to_string);
        let mounts = self.snapshots().prepare(key, parent.as_deref())?;
        drop(_gate);
        self.touch(&image.target.digest)?;
        Ok(mounts)
    }

    /// Makes a read-only snapshot that shows an image, named `key`.
    pub fn view(&self, key: &str, image: &Image) -> Result<Mounts, ImageError> {
        self.ensure_unpacked(image)?;
        let gate = self.read_gate();
        let parent = image.chain.as_ref().map(Digest::to_string);
        let mounts = self.snapshots().view(key, parent.as_deref())?;
        drop(gate);
        self.touch(&image.target.digest)?;
        Ok(mounts)
    }

    /// Notes that an image is being used, which puts its eviction off. Kept to the minute, so
    /// that a burst of containers does not write once for each.
    fn touch(&self, target: &Digest) -> Result<(), ImageError> {
        let key = format!("{}{target}", records::IMAGE);
        let Some(mut record) = records::get::<ImageRecord>(&self.inner.journal, &key)? else {
            return Ok(());
        };
        let now = Timestamp::now();
        if record.used.elapsed_at(now).as_secs() < 60 {
            return Ok(());
        }
        record.used = now;
        let batch = Batch::new().put(key, records::encode(&record));
        Ok(self.inner.journal.commit(batch)?)
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    pub(crate) fn read_gate(&self) -> RwLockReadGuard<'_, ()> {
        self.inner.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while something is put into its place and recorded.
    pub(crate) fn publish_lock(&self) -> MutexGuard<'_, ()> {
        self.inner.publish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn documents(&self) -> Documents<'_> {
        Documents { content: &self.inner.content, limits: &self.inner.limits, pending: None }
    }
}

/// The kernel's name for its present run. Where it cannot be read, one that no other has.
fn this_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(
        |_| format!("unknown-{}-{}", Timestamp::now().rfc3339(), std::process::id()),
        |text| text.trim().to_owned(),
    )
}

fn check_format(root: &Path, journal: &Journal) -> Result<(), ImageError> {
    match records::get::<u32>(journal, records::FORMAT)? {
        None => {
            let batch = Batch::new().put(records::FORMAT, records::encode(&FORMAT));
            Ok(journal.commit(batch)?)
        }
        Some(found) if found <= FORMAT => Ok(()),
        Some(found) => Err(ImageError::Format { root: root.to_path_buf(), found, known: FORMAT }),
    }
}

/// Opens the kind of snapshots that was asked for. A store keeps the kind that it began with.
fn open_snapshots(
    root: &Path,
    journal: &Arc<Journal>,
    kind: SnapshotterKind,
    boot: String,
) -> Result<Box<dyn Snapshotter>, ImageError> {
    const KEY: &str = "snapshotter";
    let before: Option<String> = records::get(journal, KEY)?;
    let kind = match before.as_deref() {
        Some("copy") if kind == SnapshotterKind::Auto => SnapshotterKind::Copy,
        Some("overlay") if kind == SnapshotterKind::Auto => SnapshotterKind::Overlay,
        _ => kind,
    };
    let table = Table::open(root.join("snapshots"), Arc::clone(journal), boot)?;
    let refuse = |reason: String| crate::error::SnapshotError::Unsupported {
        key: root.display().to_string(),
        reason,
    };
    let snapshots: Box<dyn Snapshotter> = match kind {
        SnapshotterKind::Copy => Box::new(CopySnapshotter::open(table)),
        SnapshotterKind::Auto | SnapshotterKind::Overlay => {
            match OverlaySnapshotter::open(table, root.join("empty")) {
                Ok(overlay) => Box::new(overlay),
                Err((table, error)) if kind == SnapshotterKind::Auto => {
                    tracing::info!(%error, "no overlays here: layers are copied");
                    Box::new(CopySnapshotter::open(table))
                }
                Err((_, error)) => {
                    return Err(refuse(format!("overlays cannot be used: {error}")).into());
                }
            }
        }
    };
    match before {
        Some(before) if before != snapshots.name() => {
            return Err(refuse(format!(
                "its snapshots are of the kind {before}, not {}",
                snapshots.name()
            ))
            .into());
        }
        Some(_) => {}
        None => {
            let name = snapshots.name();
            journal.commit(Batch::new().put(KEY, records::encode(&name)))?;
        }
    }
    Ok(snapshots)
}
