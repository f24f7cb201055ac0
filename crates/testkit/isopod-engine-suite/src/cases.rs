//! The cases, which are scripts ([`script`]) in `cases/*.txt`.
//!
//! Their commands have these variables,
//!
//! | variable | |
//! | --- | --- |
//! | `P` | a prefix for names that no other case has |
//! | `T` | a directory for the case's files |
//! | `IMG` | an image of busybox with `/bin/sh` as its command |
//! | `SOCK` | the path of the engine's socket |
//! | `REGISTRY` | address of a registry (with the need `registry`) |
//!
//! and these commands beside those of the machine: `docker`; `api METHOD PATH [BODY]`, which
//! prints the answer's status and body; `py`, which runs Python with `client` and `docker` of
//! docker-py; `await COMMAND`, which waits until the command succeeds.
//!
//! Needs: `py`, `registry`, `alone` (no other case runs meanwhile), `api1.44` (the engine speaks
//! at least this version), `cli1.44` (the `docker` command does, too), `isopod` (what no other engine has).

use anyhow::Result;
use isopod_testkit::suite::script::{self, Case};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../cases/", $name, ".txt")))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "system",
    "containers",
    "create",
    "exec",
    "images",
    "volumes",
    "events",
    "logs",
    "python"
];

/// All cases, in order.
pub fn all() -> Result<Vec<Case>> {
    script::all(FILES)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_file_is_read() {
        let cases = super::all().expect("well-formed");
        assert!(cases.len() > 100);
    }
}
