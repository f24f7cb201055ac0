//! The cases, which are scripts ([`script`]) in `cases/*.txt`.
//!
//! Their commands run in a directory of the case's own and have these variables,
//!
//! | variable | |
//! | --- | --- |
//! | `EP` | the server's address for clients, `127.0.0.1:PORT` |
//! | `T` | the case's directory |
//!
//! and these commands beside those of the machine:
//!
//! - `grpc`: calls by gRPC, see [the tool](crate::grpc);
//! - `gw`: calls by HTTP and JSON, see [the tool](crate::gateway);
//! - `etcdctl`, which finds the server by its environment, and `etcdutl` if the machine has one;
//! - `await COMMAND`: waits until the command succeeds;
//! - `lines COUNT COMMAND...`: prints what a command prints until there are so many lines, then
//!   ends it;
//! - `secured`: turns authentication on; `root` and `u` (who may read and write what begins with
//!   `a`) are users, and the files of these names hold their tokens;
//! - `server start [FLAG...]`, `server kill` (as `kill -9` does), `server stop` (by the signal
//!   that asks it to end), `server restart [FLAG...]` (kill, then start), alone on a line. A case
//!   that does not begin with one of them has a running server.
//!
//! Answers are shown without what differs from run to run: the header's ids and term.
//!
//! Needs: `server>=3.5`, `server<3.5`, `etcdctl>=3.5`, `etcdctl<3.5` (versions), `etcdutl`.

use anyhow::Result;
use isopod_testkit::suite::script::{self, Case};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../cases/", $name, ".txt")))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "kv",
    "txn",
    "watch",
    "lease",
    "auth",
    "cluster",
    "maintenance",
    "locks",
    "restart",
    "gateway",
    "etcdctl",
];

/// All cases, in order.
pub fn all() -> Result<Vec<Case>> {
    script::all(FILES)
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_as_many_as_promised() {
        assert!(super::all().expect("well-formed").len() >= 300);
    }
}
