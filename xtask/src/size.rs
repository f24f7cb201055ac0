//! `cargo xtask size`: what each applet adds to the toolbox's binary, by the sizes of its symbols.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The crates whose modules are applets.
const GROUPS: [&str; 6] = [
    "isobox_applet",
    "isobox_text",
    "isobox_files",
    "isobox_shell",
    "isobox_archives",
    "isobox_system",
];

/// Builds the toolbox with its symbols and returns the report.
pub(crate) fn report(root: &Path) -> Result<String> {
    let status = Command::new("cargo")
        .current_dir(root)
        .args([
            "build",
            "--release",
            "--package",
            "isobox",
            "--config",
            "profile.release.strip=false",
        ])
        .args(["--target-dir", "target/size"])
        .status()
        .context("run cargo")?;
    if !status.success() {
        bail!("the toolbox does not build");
    }
    let host = Command::new("rustc").arg("-vV").output().context("run rustc")?;
    let host = String::from_utf8_lossy(&host.stdout);
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc's host")?;
    let binary = root.join("target/size").join(host).join("release/isobox");
    let bytes = std::fs::read(&binary).with_context(|| format!("read {}", binary.display()))?;
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for (name, size) in symbols(&bytes).context("the binary's table of symbols")? {
        *sizes.entry(owner(&name)).or_default() += size;
    }
    let mut rows: Vec<(String, u64)> = sizes.into_iter().collect();
    rows.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    Ok(rows.iter().map(|(name, size)| format!("{:>9}  {name}\n", size)).collect())
}

/// The group and module that a symbol belongs to.
fn owner(symbol: &str) -> String {
    for group in GROUPS {
        // Both ways to mangle names write each part after its length.
        let part = format!("{}{group}", group.len());
        if let Some(at) = symbol.find(&part) {
            let rest = &symbol[at + part.len()..];
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let length: usize = rest[..digits].parse().unwrap_or(0);
            let module = rest.get(digits..digits + length).unwrap_or("");
            return format!("{}::{module}", group);
        }
    }
    "everything else".to_owned()
}

/// Names and sizes of the symbols of a 64-bit little-endian ELF file.
fn symbols(bytes: &[u8]) -> Option<Vec<(String, u64)>> {
    let number = |at: usize, width: usize| -> Option<u64> {
        let part = bytes.get(at..at + width)?;
        Some(part.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    };
    let place =
        |at: usize, width: usize| number(at, width).and_then(|value| usize::try_from(value).ok());
    let (sections, size, count) = (place(0x28, 8)?, place(0x3a, 2)?, place(0x3c, 2)?);
    let header = |index: usize| sections + index * size;
    let table = (0..count).map(header).find(|&at| number(at + 4, 4) == Some(2))?;
    let (start, length) = (place(table + 0x18, 8)?, place(table + 0x20, 8)?);
    let names = place(header(place(table + 0x28, 4)?) + 0x18, 8)?;
    let mut found = Vec::new();
    for at in (start..start + length).step_by(24) {
        let name = bytes.get(names + place(at, 4)?..)?;
        let name = name.split(|&byte| byte == 0).next()?;
        found.push((String::from_utf8_lossy(name).into_owned(), number(at + 16, 8)?));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_belong_to_modules() {
        assert_eq!(owner("_ZN11isobox_text3cat6styled17h0123E"), "isobox_text::cat");
        assert_eq!(owner("_RNvNtCs1234_12isobox_files2ls4long"), "isobox_files::ls");
        assert_eq!(owner("memcpy"), "everything else");
    }
}
