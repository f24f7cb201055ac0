//! Control groups of containers: version 1, version 2 and both beside each other; made directly
//! or by systemd; limits, device rules, freezer, statistics.
//!
//! ```no_run
//! use isopod_cgroups::{Config, Driver, Hierarchy, Manager};
//! # fn main() -> Result<(), isopod_cgroups::Error> {
//! let resources = isopod_oci::runtime::LinuxResources::default();
//! let hierarchy = Hierarchy::detect()?;
//! let mut cgroup = Manager::create(
//!     &hierarchy,
//!     &Config {
//!         id: "c1",
//!         path: None,
//!         resources: &resources,
//!         driver: Driver::Cgroupfs,
//!         rootless: false,
//!         owner: None,
//!         properties: &[],
//!     },
//! )?;
//! let join = cgroup.join()?;
//! // clone3 with CLONE_INTO_CGROUP where `join.clone_into()` gives a descriptor;
//! // then in the child, while it has one thread:
//! join.enter()?;
//! // and in the parent, while the child waits if `cgroup.needs_attach()`:
//! let pid = 4711;
//! cgroup.attach(pid)?;
//! // Later, from what was stored:
//! let cgroup = Manager::load(cgroup.paths())?;
//! cgroup.kill_all(rustix::process::Signal::KILL)?;
//! cgroup.delete()?;
//! # Ok(())
//! # }
//! ```
//!
//! The crate is synchronous, starts no thread, prints nothing and keeps no state but what
//! [`Paths`] holds. It does not know containers, bundles or namespaces.

mod config;
mod devices;
mod error;
mod freezer;
mod group;
mod hierarchy;
mod join;
mod manager;
mod oom;
mod processes;
mod remove;
mod stats;
mod systemd;
mod v1;
mod v2;

pub use config::{Config, Driver, Paths};
pub use error::{Error, Result};
pub use freezer::FreezerState;
pub use hierarchy::{Hierarchy, Mode, ParseError, V1Mount, V2Mount};
pub use join::Join;
pub use manager::{Manager, SubGroup};
pub use oom::{OomEvents, OomNews};
pub use stats::{
    BlkioEntry, BlkioStats, CpuStats, CpusetStats, HugetlbStats, MemoryData, MemoryStats,
    NumaPages, PidsStats, Pressure, PressureShare, RdmaStats, Stats,
};
pub use systemd::{Error as SystemdError, Unit};
