//! End-to-end tests of the binary: dispatch, and every command that the documentation shows.

mod compose;
mod dispatch;
mod documentation;
mod kills;
mod machine;
mod soak;

use std::path::PathBuf;

/// The binary under test: the release build if the test command made one, else cargo's own.
fn isopod() -> PathBuf {
    std::env::var_os("ISOPOD_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_isopod").into(), PathBuf::from)
}
