//! What can go wrong, by family: content, layers, snapshots, images.

use std::io;
use std::path::{Path, PathBuf};

use isopod_base::Digest;
use isopod_base::files::FileError;

/// A record in the store's journal does not read back.
#[derive(Debug, thiserror::Error)]
#[error("record {key:?} of the image store is damaged")]
pub struct RecordError {
    /// Its key.
    pub key: String,
    /// Where it went wrong.
    #[source]
    pub source: serde_json::Error,
}

/// The content store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The content is not here.
    #[error("content {digest} is not in the store")]
    NotFound {
        /// What was looked for.
        digest: Digest,
    },
    /// What arrived is not what was announced.
    #[error("content {expected} arrived as {actual}: it was damaged or forged on the way")]
    WrongDigest {
        /// What was announced.
        expected: Digest,
        /// What the bytes hash to.
        actual: Digest,
    },
    /// More or fewer bytes arrived than were announced.
    #[error("content {digest} has {actual} bytes, expected {expected}")]
    WrongSize {
        /// What was announced.
        digest: Digest,
        /// Bytes announced.
        expected: u64,
        /// Bytes that came (at least, when there were too many).
        actual: u64,
    },
    /// A document is too large to be one.
    #[error("content {digest} of {size} bytes is over the limit of {limit} for a document")]
    TooLarge {
        /// Which document.
        digest: Digest,
        /// Its size.
        size: u64,
        /// The most that is read.
        limit: u64,
    },
    /// The lease is unknown or has run out.
    #[error("lease {id:?} does not exist or has expired")]
    NoLease {
        /// Which lease.
        id: String,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store's records could not be read or written.
    #[error("records of the image store")]
    Journal(#[from] isopod_journal::Error),
    /// A record does not read back.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// A layer could not be read or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The archive does not follow the tar format.
    #[error("bad tar archive at byte {offset}: {reason}")]
    Tar {
        /// Offset in the decompressed layer.
        offset: u64,
        /// What was found and expected.
        reason: String,
    },
    /// The archive ends in the middle of something.
    #[error("the archive ends early, in {place}")]
    Truncated {
        /// In what.
        place: String,
    },
    /// One entry cannot be unpacked.
    #[error("entry {entry:?}: {reason}")]
    Entry {
        /// The entry's name as the archive has it.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused an entry.
    #[error("entry {entry:?}: {action}")]
    EntryIo {
        /// The entry's name as the archive has it.
        entry: String,
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A bound was passed.
    #[error("{what} is over the limit of {limit}")]
    Limit {
        /// What there was too much of.
        what: String,
        /// The bound.
        limit: u64,
    },
    /// The decompressed layer is not the one that the configuration lists.
    #[error("the layer unpacks to {actual}, but the image's configuration lists {expected}")]
    WrongDiffId {
        /// As listed.
        expected: Digest,
        /// As found.
        actual: Digest,
    },
    /// The layer's compression is broken.
    #[error("the layer does not decompress ({compression})")]
    Compression {
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What the decoder says.
        #[source]
        source: io::Error,
    },
    /// The bytes that were to be unpacked never came.
    #[error("the layer's content did not arrive whole")]
    Abandoned,
    /// Reading or writing failed.
    #[error("{action}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<isopod_tar::Error> for LayerError {
    fn from(error: isopod_tar::Error) -> Self {
        match error {
            isopod_tar::Error::Format { offset, reason } => Self::Tar { offset, reason },
            isopod_tar::Error::Truncated { place } => Self::Truncated { place },
            isopod_tar::Error::Limit { what, limit } => Self::Limit { what, limit },
            // Errors of our own that travelled through `io::Error` come out as themselves.
            isopod_tar::Error::Io(source) => match source.downcast::<Self>() {
                Ok(own) => own,
                Err(source) => Self::Io { action: "read the archive", source },
            },
        }
    }
}

impl LayerError {
    pub(crate) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

/// A snapshot could not be made, mounted or removed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is none of that name.
    #[error("snapshot {key} does not exist")]
    NotFound {
        /// The name.
        key: String,
    },
    /// The name is taken.
    #[error("snapshot {key} already exists")]
    Exists {
        /// The name.
        key: String,
    },
    /// The snapshot is of the wrong kind.
    #[error("snapshot {key} is {actual}, expected {expected}")]
    Kind {
        /// The name.
        key: String,
        /// What it is.
        actual: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Others stand upon it.
    #[error("snapshot {key} is the parent of {child}")]
    HasChildren {
        /// The name.
        key: String,
        /// One of those above it.
        child: String,
    },
    /// A mount could not be made.
    #[error("mount {what} of snapshot {key}")]
    Mount {
        /// The name.
        key: String,
        /// Which step.
        what: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// What was asked does not exist for this kind of snapshot.
    #[error("snapshot {key}: {reason}")]
    Unsupported {
        /// The name.
        key: String,
        /// What and why.
        reason: String,
    },
    /// A tree could not be walked or copied.
    #[error("{action} {}", path.display())]
    Tree {
        /// What was being done.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store's records could not be written.
    #[error("records of the image store")]
    Journal(#[from] isopod_journal::Error),
    /// A record does not read back.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl SnapshotError {
    pub(crate) fn tree(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Tree { action, path: path.to_path_buf(), source }
    }
}

/// An operation on images failed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// There is no such image; the words are docker's.
    #[error("No such image: {name}")]
    NotFound {
        /// What was asked for.
        name: String,
    },
    /// More than one image has an identifier that begins so.
    #[error("image id prefix {prefix:?} is ambiguous: more than one image begins with it")]
    Ambiguous {
        /// The prefix.
        prefix: String,
    },
    /// The last name of an image that containers were made of.
    #[error(
        "conflict: unable to remove repository reference {name:?} (must force) - container {container} is using its referenced image {image}"
    )]
    NameInUse {
        /// The name, as it was given.
        name: String,
        /// Short id of a container.
        container: String,
        /// Short id of the image.
        image: String,
    },
    /// Removal is held up by names or containers; the words are docker's.
    #[error("conflict: {reason}")]
    Conflict {
        /// Why, and what to do.
        reason: String,
    },
    /// The index has nothing for the platform.
    #[error("image {image}: no manifest for platform {platform}; it has {available}")]
    NoPlatform {
        /// Name or digest.
        image: String,
        /// The platform asked for.
        platform: String,
        /// Those that there are.
        available: String,
    },
    /// A document of the image is not what it should be.
    #[error("image {image}: {what} {digest}: {reason}")]
    Document {
        /// Name or digest of the image.
        image: String,
        /// `manifest`, `index`, `configuration` or `layer`.
        what: &'static str,
        /// Of which document.
        digest: Digest,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// A layer of the image could not be taken in.
    #[error("image {image}: layer {layer}")]
    Layer {
        /// Name or digest of the image, or the file in the archive.
        image: String,
        /// The layer's digest, or its file in the archive.
        layer: String,
        /// Why.
        #[source]
        source: LayerError,
    },
    /// An archive of images is not one.
    #[error("image archive: {reason}")]
    Archive {
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The archive's own tar stream is broken.
    #[error("image archive")]
    ArchiveTar(#[source] LayerError),
    /// Reading the input or writing the output failed.
    #[error("{action}")]
    Stream {
        /// What was being done.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A file of a layout is missing or unreadable.
    #[error(transparent)]
    File(#[from] FileError),
    /// A `--change` instruction cannot be applied.
    #[error("change {instruction:?}: {reason}")]
    Change {
        /// As given.
        instruction: String,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// A name was refused.
    #[error("invalid image name {name:?}: {reason}")]
    Name {
        /// As given.
        name: String,
        /// Why.
        reason: String,
    },
    /// The content store failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A snapshot failed.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The store's records could not be written.
    #[error("records of the image store")]
    Journal(#[from] isopod_journal::Error),
    /// A record does not read back.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store was written by a newer isopod.
    #[error("image store {} has format {found}; this isopod reads up to {known}", root.display())]
    Format {
        /// The store.
        root: PathBuf,
        /// What it is.
        found: u32,
        /// What is known.
        known: u32,
    },
}

impl ImageError {
    pub(crate) fn stream(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Stream { action, source }
    }
}
