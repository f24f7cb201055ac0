//! The unmodified `docker` client against a running engine: what a user types, and what it
//! prints.
//!
//! The engine is the `isopod` binary that `ISOPOD_BIN` names; with `ISOPOD_CLIENT_PEER=dockerd`
//! the same tests run against Debian's dockerd instead, to know that the tests are right. They
//! need root, the `docker` command and a static busybox, and are skipped without.

mod daemon;

mod builds;
mod containers;
mod copy;
mod errors;
mod exec;
mod images;
mod inspect;
mod logs;
mod networks;
mod python;
mod run;
mod sockets;
mod streams;
mod system;
mod tls;
mod volumes;
mod wire;
