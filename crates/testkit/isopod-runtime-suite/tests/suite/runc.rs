//! The original, with its list of exceptions.

use isopod_testkit::{is_root, peer, skip};

use crate::verdict;

/// Cases that runc is known to fail.
pub(crate) const EXCEPTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/exceptions-runc.txt");

#[test]
fn runc_passes_but_for_the_exceptions() {
    let name = "suite on runc";
    if !is_root() {
        return skip(name, "needs root");
    }
    match peer("runc") {
        Some(runc) => verdict::run(name, &runc, Some(EXCEPTIONS)),
        None => skip(name, "runc is not installed"),
    }
}
