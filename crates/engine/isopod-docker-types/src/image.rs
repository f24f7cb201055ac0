//! Images as the engine reports them.

use crate::go::{is_empty, null_if_empty};
use crate::{ContainerConfig, Descriptor, GraphDriver};
use std::collections::BTreeMap;

document! {
    /// `GET /images/{name}/json`.
    pub struct ImageInspect {
        /// Id, `sha256:…`.
        pub id: String,
        /// `name:tag`.
        pub repo_tags: Vec<String>,
        /// `name@sha256:…`.
        pub repo_digests: Vec<String>,
        /// Id of the image it was built from, if local.
        pub parent: String,
        /// Message of its commit or import.
        pub comment: String,
        /// RFC 3339 time.
        #[serde(skip_serializing_if = "is_empty")]
        pub created: String,
        /// Version of the engine that built it.
        pub docker_version: String,
        /// Author.
        pub author: String,
        /// What it runs; what concerns containers alone is empty, which older clients expect.
        pub config: Option<ContainerConfig>,
        /// `amd64`, ...
        pub architecture: String,
        /// `v7`, ...
        #[serde(skip_serializing_if = "is_empty")]
        pub variant: String,
        /// `linux`.
        pub os: String,
        /// Windows only.
        #[serde(skip_serializing_if = "is_empty")]
        pub os_version: String,
        /// Bytes of all layers.
        pub size: i64,
        /// The same, before API 1.44.
        #[serde(skip_serializing_if = "is_empty")]
        pub virtual_size: Option<i64>,
        /// Storage.
        pub graph_driver: GraphDriver,
        /// Layers.
        #[serde(rename = "RootFS")]
        pub root_fs: ImageRootFs,
        /// Of the engine, not of the image.
        pub metadata: ImageMetadata,
        /// The manifest or index.
        #[serde(skip_serializing_if = "is_empty")]
        pub descriptor: Option<Descriptor>,
    }

    /// The layers of an image.
    pub struct ImageRootFs {
        /// `layers`.
        #[serde(rename = "Type", skip_serializing_if = "is_empty")]
        pub kind: String,
        /// Digests of the unpacked layers.
        #[serde(skip_serializing_if = "is_empty")]
        pub layers: Vec<String>,
    }

    /// What the engine knows beside the image.
    pub struct ImageMetadata {
        /// RFC 3339 time; `0001-01-01T00:00:00Z` for never.
        #[serde(skip_serializing_if = "is_empty")]
        pub last_tag_time: String,
    }

    /// An entry of `GET /images/json`.
    pub struct ImageSummary {
        /// Containers that use it, -1 when not counted.
        pub containers: i64,
        /// Unix time.
        pub created: i64,
        /// Id.
        pub id: String,
        /// Labels.
        #[serde(serialize_with = "null_if_empty")]
        pub labels: BTreeMap<String, String>,
        /// Id of the image it was built from, if local.
        pub parent_id: String,
        /// The manifest or index.
        #[serde(skip_serializing_if = "is_empty")]
        pub descriptor: Option<Descriptor>,
        /// `name@sha256:…`.
        pub repo_digests: Vec<String>,
        /// `name:tag`.
        pub repo_tags: Vec<String>,
        /// Bytes shared with other images, -1 when not counted.
        pub shared_size: i64,
        /// Bytes of all layers.
        pub size: i64,
        /// The same, before API 1.44.
        #[serde(skip_serializing_if = "is_empty")]
        pub virtual_size: Option<i64>,
    }

    /// An entry of `GET /images/{name}/history`.
    pub struct ImageHistoryItem {
        /// Comment.
        pub comment: String,
        /// Unix time.
        pub created: i64,
        /// Command.
        pub created_by: String,
        /// Id, `<missing>` for a layer that is no local image.
        pub id: String,
        /// Bytes.
        pub size: i64,
        /// Tags.
        #[serde(serialize_with = "null_if_empty")]
        pub tags: Vec<String>,
    }

    /// An entry of `DELETE /images/{name}`.
    pub struct ImageDeleteItem {
        /// Id of what is gone.
        #[serde(skip_serializing_if = "is_empty")]
        pub deleted: String,
        /// Name that is gone.
        #[serde(skip_serializing_if = "is_empty")]
        pub untagged: String,
    }

    /// `POST /images/prune`.
    pub struct ImagesPruneReport {
        /// What went.
        #[serde(serialize_with = "null_if_empty")]
        pub images_deleted: Vec<ImageDeleteItem>,
        /// Bytes freed.
        pub space_reclaimed: u64,
    }
}

document! {
    "snake_case";

    /// An entry of `GET /images/search`.
    pub struct SearchResult {
        /// Stars.
        pub star_count: i64,
        /// Official.
        pub is_official: bool,
        /// Name.
        pub name: String,
        /// Legacy.
        pub is_automated: bool,
        /// Description.
        pub description: String,
    }
}
