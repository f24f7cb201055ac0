//! The node's engine: it owns containers, images, volumes and events, in memory over a small
//! journal, and speaks no wire format.
//!
//! Containers outlive it: each has a supervisor process of its own, and an engine that starts
//! again takes up what runs. `DESIGN.md` tells what is durable, in which order it is written, and
//! what a restart does with operations that a crash cut in half.
//!
//! ```no_run
//! # async fn example() -> isopod_engine::Result<()> {
//! use isopod_engine::{Config, CreateContainer, Engine, WaitCondition};
//!
//! let engine = Engine::open(Config::for_host()?).await?;
//! let mut request = CreateContainer::default();
//! request.config.image = "debian".into();
//! request.config.cmd = Some(vec!["true".into()]);
//! let id = engine.create_container(request).await?.id;
//! let exit = engine.wait_container(&id, WaitCondition::NextExit).await?;
//! engine.start_container(&id).await?;
//! assert_eq!(exit.result().await.exit_code, 0);
//! # Ok(())
//! # }
//! ```

mod access;
mod builds;
mod byte_stream;
mod config;
mod containers;
mod engine;
mod error;
mod events;
mod exec;
pub mod failpoint;
mod images;
mod model;
mod names;
mod networks;
mod pattern;
mod readiness;
mod recovery;
mod signal;
mod spec;
mod streams;
mod supervision;
mod system;
mod times;
mod tree;
mod volume_files;
mod volumes;

pub use access::{CreateSocket, Permission, Scope, Socket};
pub use builds::{BuildImage, BuildProgress, BuildStream};
pub use config::Config;
pub use containers::ContainerWait;
pub use engine::Engine;
pub use error::{Error, ErrorKind, Result};
pub use isopod_network::Subnet;
pub use isopod_network::pools::Pool as AddressPool;
pub use model::*;
pub use networks::{NetworkOptions, predefined_network_id};
pub use streams::{Attached, InputSink, OutputStream};
pub use times::parse as parse_time;
