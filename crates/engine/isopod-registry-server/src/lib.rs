//! Serves the OCI distribution protocol 1.1 from the content store: wire format only.
//!
//! What a repository is and what keeps its content is decided in `isopod_images`. The crate also
//! holds the registry's outside: command line, sockets, TLS, users, and the copy of an upstream.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use isopod_images::{Images, Options};
//! use isopod_registry_server::{Registry, Settings};
//!
//! let images = Images::open(Options::new("/srv/registry"))?;
//! let registry = Registry::bind(&images, Settings::default()).await?;
//! registry.serve(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod api;
mod auth;
mod blobs;
mod body;
mod command;
mod error;
mod lists;
mod manifests;
mod path;
mod query;
mod ride;
mod scope;
mod server;
mod sessions;
mod settings;
mod token;
mod uploads;
mod upstream;

pub use command::main;
pub use error::{ApiError, Code, ServeError};
pub use path::{Reference, Resource};
pub use query::{Query, Wanted, chunk_range};
pub use ride::ride;
pub use server::Registry;
pub use settings::{AuthKind, Settings};
