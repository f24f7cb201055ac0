//! isopod's runtime, which has no exceptions.

use std::path::PathBuf;

use isopod_testkit::{TempDir, is_root, skip, temp_dir};

use crate::verdict;

/// The runtime under test: what `ISOPOD_RUNTIME` names, or what was built next to this test. The
/// directory has to live as long as the path is used.
pub(crate) fn runtime() -> Option<(PathBuf, TempDir)> {
    let dir = temp_dir("runtime").expect("a directory");
    if let Some(path) = std::env::var_os("ISOPOD_RUNTIME") {
        return Some((PathBuf::from(path), dir));
    }
    // target/TRIPLE/PROFILE/deps/suite-HASH
    let test = std::env::current_exe().expect("a test has a path");
    let built = test.parent()?.parent()?;
    let own = built.join("isopod-runtime");
    if own.is_file() {
        return Some((own, dir));
    }
    // One binary, called by the runtime's name.
    let isopod = built.join("isopod");
    isopod.is_file().then(|| {
        let link = dir.path().join("isopod-runtime");
        std::os::unix::fs::symlink(&isopod, &link).expect("linked");
        (link, dir)
    })
}

#[test]
fn isopod_passes() {
    let name = "suite on isopod";
    if !is_root() {
        return skip(name, "needs root");
    }
    match runtime() {
        Some((path, _dir)) => verdict::run(name, &path, None),
        None => skip(name, "no isopod-runtime is built; set ISOPOD_RUNTIME"),
    }
}
