//! What the tests stand on: sandboxes, real peers, virtual machines, fault injection.
//!
//! Nothing here is part of the product. Every helper cleans up after itself when it is dropped,
//! and touches only what it made.
//!
//! ```no_run
//! use isopod_testkit::{Limited, NetworkSandbox, peer, skip};
//!
//! let Some(registry) = peer("docker-registry") else {
//!     skip("registry", "docker-registry is not installed");
//!     return Ok(());
//! };
//! let network = NetworkSandbox::new()?;
//! let output = Limited::seconds(10).output(network.command(registry).arg("--version"))?;
//! assert!(output.status.success());
//! # Ok::<(), anyhow::Error>(())
//! ```

mod busybox;
pub mod http;
mod leaks;
mod peers;
mod processes;
mod sandbox;
mod skips;
pub mod suite;
pub mod vm;

pub use busybox::{BusyboxMissing, busybox_rootfs};
pub use leaks::{Leaks, Snapshot, descendant_pids, remove_cgroups};
pub use peers::{is_root, peer};
pub use processes::{Limited, ProcessGuard};
pub use sandbox::{MountSandbox, NetworkSandbox};
pub use skips::skip;
pub use tempfile::TempDir;

/// A directory for one test, removed when dropped; its name begins with `isopod-`.
pub fn temp_dir(purpose: &str) -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix(&format!("isopod-{purpose}-")).tempdir()
}
