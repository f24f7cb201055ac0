//! Rules for source files: unsafe code in one crate, a document on every module, bounded size.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The one crate that may hold `unsafe`.
const UNSAFE_CRATE: &str = "crates/foundation/isopod-sys/";
/// A file longer than this says why, on a line that begins `// Long:`.
const LONG_LINES: usize = 800;

/// A Rust file, its path relative to the root.
pub(crate) struct RustFile {
    pub(crate) path: PathBuf,
    pub(crate) lines: usize,
    text: String,
}

/// All Rust files of the workspace, the fuzz targets included.
pub(crate) fn rust_files(root: &Path) -> Result<Vec<RustFile>> {
    let mut files = Vec::new();
    for directory in ["crates", "xtask", "fuzz"] {
        collect(root, &root.join(directory), &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The files with the most lines.
pub(crate) fn largest(files: &[RustFile], count: usize) -> Vec<&RustFile> {
    let mut sorted: Vec<&RustFile> = files.iter().collect();
    sorted.sort_by_key(|file| std::cmp::Reverse(file.lines));
    sorted.truncate(count);
    sorted
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<RustFile>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", directory.display()))?;
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != "target" {
                collect(root, &path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("read {}", path.display()))?;
            let lines = text.lines().count();
            files.push(RustFile { path: path.strip_prefix(root)?.to_path_buf(), lines, text });
        }
    }
    Ok(())
}

impl RustFile {
    /// What is wrong with this file.
    pub(crate) fn check(&self) -> Vec<String> {
        let path = self.path.display();
        let mut findings = Vec::new();
        if !self.path.starts_with(UNSAFE_CRATE) {
            let at = self.text.lines().position(has_unsafe);
            findings
                .extend(at.map(|line| format!("{path}:{}: unsafe outside isopod-sys", line + 1)));
        }
        if !self.text.lines().any(|line| line.starts_with("//!")) {
            findings.push(format!("{path}: no module documentation (//!)"));
        }
        if self.lines > LONG_LINES && !self.text.contains("\n// Long: ") {
            findings.push(format!(
                "{path}: {} lines without a `// Long:` line that says why",
                self.lines
            ));
        }
        findings
    }
}

/// Whether a line of code opens an unsafe block, function or implementation.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or(line);
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|form| {
        code.match_indices(form).any(|(at, _)| {
            !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        RustFile { path: path.into(), lines: text.lines().count(), text: text.into() }.check()
    }

    #[test]
    fn unsafe_is_found_only_where_it_is_code() {
        let block = ["//! Doc.\nfn f() { unsafe", " { g() } }\n"].concat();
        assert_eq!(check("crates/a/src/b.rs", &block).len(), 1);
        assert!(check("crates/foundation/isopod-sys/src/b.rs", &block).is_empty());
        assert!(check("crates/a/src/b.rs", "//! No unsafe {.\n// unsafe { }\n").is_empty());
    }

    #[test]
    fn modules_need_documentation_and_long_files_a_reason() {
        assert_eq!(check("crates/a/src/b.rs", "fn f() {}\n").len(), 1);
        let long = format!("//! Doc.\n{}", "// x\n".repeat(LONG_LINES));
        assert_eq!(check("crates/a/src/b.rs", &long).len(), 1);
        assert!(check("crates/a/src/b.rs", &format!("{long}// Long: a table.\n")).is_empty());
    }
}
