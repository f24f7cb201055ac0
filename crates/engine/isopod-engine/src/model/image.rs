//! Images as the engine reports them.

use super::{ContainerConfig, Filters};
use isopod_base::times::Timestamp;
use std::collections::BTreeMap;

/// Credentials for a registry.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RegistryAuth {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// Token of a user who logged in by a browser or a helper.
    pub identity_token: String,
    /// Token to present as it is.
    pub registry_token: String,
    /// Registry that they are for, as the client wrote it.
    pub server_address: String,
}

impl std::fmt::Debug for RegistryAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryAuth")
            .field("username", &self.username)
            .field("server_address", &self.server_address)
            .finish_non_exhaustive()
    }
}

/// A request to pull.
#[derive(Clone, Debug, Default)]
pub struct PullImage {
    /// `name[:tag|@digest]` as the user wrote it.
    pub reference: String,
    /// `os/arch[/variant]`; `None` takes the host's.
    pub platform: Option<String>,
    /// Every tag of the repository.
    pub all_tags: bool,
    /// Credentials.
    pub auth: Option<RegistryAuth>,
}

/// A request to push.
#[derive(Clone, Debug, Default)]
pub struct PushImage {
    /// `name[:tag]`; without a tag every one of the name's.
    pub reference: String,
    /// Only this platform's manifest.
    pub platform: Option<String>,
    /// Credentials.
    pub auth: Option<RegistryAuth>,
}

/// A request to import a root file system.
#[derive(Clone, Debug, Default)]
pub struct ImportImage {
    /// `repository[:tag]`; empty leaves the image without a name.
    pub reference: String,
    /// Message of its history entry.
    pub message: String,
    /// Dockerfile instructions applied to its configuration.
    pub changes: Vec<String>,
    /// `os/arch[/variant]`; `None` takes the host's.
    pub platform: Option<String>,
}

/// A step of a pull, push, load or import, in Docker's vocabulary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Which layer (short digest) or tag; empty for the whole.
    pub id: String,
    /// `Downloading`, `Pull complete`, `Digest: sha256:…`, ...
    pub status: String,
    /// Bytes done and in all (0: unknown), when it is a matter of bytes.
    pub bytes: Option<(u64, u64)>,
    /// The final identity of a push: tag, digest, size.
    pub pushed: Option<(String, String, u64)>,
    /// A line for the log rather than a status (`Loaded image: …`).
    pub stream: Option<String>,
}

/// Progress of a running operation; it ends with the operation's outcome.
pub type ProgressStream = tokio::sync::mpsc::Receiver<crate::Result<Progress>>;

/// An image in a list.
#[derive(Clone, Debug, Default)]
pub struct ImageSummary {
    /// `sha256:…` of its configuration.
    pub id: String,
    /// `name:tag`, as docker shows it.
    pub repo_tags: Vec<String>,
    /// `name@sha256:…`.
    pub repo_digests: Vec<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Bytes of its unpacked layers.
    pub size_bytes: u64,
    /// Bytes shared with other images; `None` when not asked for.
    pub shared_bytes: Option<u64>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Containers made of it.
    pub containers: Option<usize>,
}

/// Everything about an image.
#[derive(Clone, Debug, Default)]
pub struct ImageDetails {
    /// As in a list.
    pub summary: ImageSummary,
    /// Message of the last history entry.
    pub comment: String,
    /// Author.
    pub author: String,
    /// Configuration that containers inherit.
    pub config: ContainerConfig,
    /// `amd64`, ...
    pub architecture: String,
    /// `v8`, ...
    pub variant: String,
    /// `linux`.
    pub os: String,
    /// Digests of the uncompressed layers.
    pub diff_ids: Vec<String>,
    /// When it was last tagged.
    pub last_tagged: Option<Timestamp>,
    /// Snapshot driver.
    pub driver: String,
    /// Media type, digest and size of the manifest or index that its name leads to.
    pub descriptor: Option<(String, String, u64)>,
}

/// An entry of an image's history, the newest first.
#[derive(Clone, Debug, Default)]
pub struct ImageHistory {
    /// Id of the image at that step, or `<missing>`.
    pub id: String,
    /// When.
    pub created: Option<Timestamp>,
    /// By which instruction.
    pub created_by: String,
    /// Bytes of its layer.
    pub size_bytes: u64,
    /// Comment.
    pub comment: String,
    /// Names of the image at that step.
    pub tags: Vec<String>,
}

/// Which images to list.
#[derive(Clone, Debug, Default)]
pub struct ListImages {
    /// Intermediate ones too.
    pub all: bool,
    /// With shared sizes.
    pub shared_size: bool,
    /// `reference label before since until dangling`.
    pub filters: Filters,
}

/// What removing an image did, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageRemoval {
    /// A name is gone.
    Untagged(String),
    /// An image or layer is gone.
    Deleted(String),
}

/// What pruning images did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagesPruned {
    /// In order.
    pub removed: Vec<ImageRemoval>,
    /// Bytes freed.
    pub reclaimed_bytes: u64,
}
