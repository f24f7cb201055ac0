//! Content store, snapshots, unpacking and archives of container images.
//!
//! [`Images`] is the whole: names, documents, layers and snapshots under one directory. Its parts
//! can be used by themselves: the [`ContentStore`], any [`snapshot::Snapshotter`], the [`tar`]
//! reader and writer, and [`layer::unpack`]. All of it is synchronous; share an [`Images`]
//! between threads by cloning it. It knows neither registries nor containers, and takes names
//! as they are: what `debian` is short for is for the caller to know.
//!
//! The layout on the disk and the order of syncs are in `DESIGN.md`.
//!
//! ```no_run
//! use isopod_images::{Images, LoadOptions, Options};
//!
//! let images = Images::open(Options::new("/var/lib/isopod/images"))?;
//! let mut archive = std::fs::File::open("debian.tar").expect("an archive");
//! for loaded in images.load(&mut archive, &LoadOptions::default(), &|_| {})? {
//!     let mounts = images.prepare("container-1", &loaded.image)?;
//!     let root = mounts.attach("/mnt".as_ref(), &Default::default())?;
//! }
//! # Ok::<(), isopod_images::ImageError>(())
//! ```

pub mod archive;
mod content;
mod error;
pub mod failpoint;
pub mod fuzzing;
mod image;
pub mod layer;
mod lease;
mod limits;
pub mod platform;
mod records;
mod repository;
pub mod snapshot;
pub mod tar;

pub use content::{Blob, BlobInfo, ContentStore, Ingest, Sealed};
pub use error::{ContentError, ImageError, LayerError, RecordError, SnapshotError};
pub use image::{
    CollectPolicy, Collected, CommitOptions, ContainerUse, DiskUsage, Evict, Fault, HistoryEntry,
    Image, ImageUsage, Images, ImportOptions, Incoming, LoadOptions, Loaded, Options, Progress,
    Removal, RemoveOptions, SaveItem, StepLayer, Transaction, apply_change, chain_ids,
    exposed_ports,
};
pub use layer::{LayerJob, UnpackedLayer};
pub use lease::{Lease, Leases};
pub use limits::Limits;
pub use repository::{Expired, ManifestInfo, PutManifest, Repositories, Stored};
pub use snapshot::{
    AttachedMount, Change, ChangeKind, MountOptions, Mounts, SnapshotterKind, Usage,
};
