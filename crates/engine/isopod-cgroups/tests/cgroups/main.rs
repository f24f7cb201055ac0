//! The crate against the control groups of this machine, in groups of its own that are removed
//! afterwards, whatever happens. Needs root; says so and passes otherwise.

mod devices;
mod lifecycle;
mod limits;
mod processes;
mod sandbox;
mod systemd;
mod v2;
