//! A client of the OCI distribution protocol: resolve, pull, push, authentication, mirrors.
//!
//! Speaks distribution-spec 1.1 and what docker's registries did before it, over HTTP/1.1 with
//! its own small connection pool. It knows nothing of where content is stored: blobs leave it
//! as chunks ([`BlobReader`]) and enter it through [`BlobSource`].
//!
//! ```no_run
//! # async fn pull() -> Result<(), isopod_registry::Error> {
//! use isopod_registry::{Client, Config, Reference};
//! let client = Client::new(Config::from_environment()?)?;
//! let nginx = Reference::parse("nginx").expect("valid").with_default_tag();
//! let repository = client.repository(&nginx, None);
//! let document = repository.manifest(&nginx).await?;
//! let manifest = isopod_oci::image::Manifest::parse(&document.bytes).expect("an image");
//! for layer in &manifest.layers {
//!     let mut reader = repository.open_blob(layer, 0).await?;
//!     while let Some(chunk) = reader.chunk().await? {
//!         let _ = chunk; // hash, decompress, unpack
//!     }
//! }
//! # Ok(()) }
//! ```

mod answer;
mod auth;
mod blob;
mod body;
mod call;
mod challenge;
mod client;
mod config;
mod credentials;
mod dial;
mod dns;
mod docker_config;
mod download;
mod endpoint;
mod error;
mod helper;
mod list;
mod manifest;
mod pool;
mod proxy;
mod reference;
mod referrers;
mod source;
mod tls;
mod transport;
mod upload;
mod url;

pub use answer::Answer;
pub use blob::BlobReader;
pub use client::{Client, Login, Repository};
pub use config::{
    Config, ConfigError, InsecureRegistry, Mirror, ParallelDownload, RetryPolicy, Timeouts,
};
pub use credentials::{AuthConfig, Credentials};
pub use docker_config::{DockerConfig, DockerConfigError};
pub use download::Download;
pub use error::{Error, RequestError};
pub use helper::HelperError;
pub use manifest::Document;
pub use proxy::ProxySettings;
pub use reference::{DEFAULT_DOMAIN, DEFAULT_TAG, Reference, ReferenceError};
pub use source::BlobSource;
pub use upload::{PushProgress, Pushed};
pub use url::{Scheme, Url, UrlError};
