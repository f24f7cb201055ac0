//! Compose files: reading, merging, checking, and planning what must change.
//!
//! Pure: what a project is read from is a [`Source`], what is there is an [`Observed`], and what
//! must be done is a [`Plan`] that can be printed. Who does it is elsewhere.
//!
//! ```
//! use std::path::Path;
//! use isopod_compose::{LoadOptions, Observed, Source, UpOptions, load, up};
//!
//! struct One;
//! impl Source for One {
//!     fn read(&self, _: &Path) -> std::io::Result<String> {
//!         Ok("services: {web: {image: nginx}}".to_owned())
//!     }
//!     fn exists(&self, path: &Path) -> bool {
//!         path.ends_with("compose.yaml")
//!     }
//!     fn variable(&self, _: &str) -> Option<String> {
//!         None
//!     }
//! }
//!
//! let options = LoadOptions {
//!     directory: "/srv/shop".into(),
//!     files: vec!["/srv/shop/compose.yaml".into()],
//!     ..LoadOptions::default()
//! };
//! let (project, _warnings) = load(&One, &options)?;
//! let plan = up(&project, &Observed::default(), &UpOptions::default());
//! assert_eq!(plan.to_string().lines().next(), Some("  1  create network shop_default"));
//! # Ok::<(), isopod_compose::ComposeError>(())
//! ```

mod emit;
mod env_file;
mod error;
mod interpolate;
mod load;
mod merge;
mod node;
mod plan;
mod project;
mod schema;
mod shape;
mod short;
mod yaml;

pub use error::{ComposeError, Warning};
pub use load::{FILE_NAMES, LoadOptions, Source, load};
pub use node::{Kind, Node, Place, Tag};
pub use plan::{
    Observed, ObservedContainer, Plan, Step, UpOptions, config_hash, container_name, down, labels,
    ordered, up,
};
pub use project::{Condition, Dependency, Project, Service};
pub use yaml::{FILE_LIMIT_BYTES, parse as parse_yaml};
