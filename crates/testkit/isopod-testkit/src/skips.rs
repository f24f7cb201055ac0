//! Skipped tests are said aloud, and counted.

use std::fs::OpenOptions;
use std::io::Write;

/// Names a file to which every skip is appended, one line each, for whoever sums up a run.
const SKIPS_FILE: &str = "ISOPOD_TEST_SKIPS";

/// Reports that the test `name` is skipped. The caller then returns.
pub fn skip(name: &str, reason: &str) {
    let line = format!("SKIP: {name}: {reason}\n");
    // Straight to the descriptor: the test harness captures what `eprintln!` prints.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os(SKIPS_FILE) {
        // One write in append mode, so that lines of parallel tests do not mix.
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            let _ =
                writeln!(std::io::stderr(), "cannot note the skip in {}: {error}", path.display());
        }
    }
}
