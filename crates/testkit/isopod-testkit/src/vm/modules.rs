//! Which modules a module needs. The package comes without `modules.dep` (depmod makes that on
//! installation), so the names are read from the modules themselves: each carries a string
//! `depends=a,b` among its information.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The wanted modules and all they need, in the order in which they have to be loaded. A name
/// that is built into the kernel is left out.
pub(super) fn closure(dir: &Path, wanted: &[String]) -> Result<Vec<(String, PathBuf)>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let files = index(dir)?;
    let built_in = built_in(dir);
    let mut ordered = Vec::new();
    let mut done = BTreeSet::new();
    for name in wanted {
        visit(&normal(name), &files, &built_in, &mut done, &mut ordered)?;
    }
    Ok(ordered)
}

fn visit(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    built_in: &BTreeSet<String>,
    done: &mut BTreeSet<String>,
    ordered: &mut Vec<(String, PathBuf)>,
) -> Result<()> {
    if built_in.contains(name) || !done.insert(name.to_owned()) {
        return Ok(());
    }
    let Some(file) = files.get(name) else {
        bail!("the kernel has no module {name}");
    };
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    for needed in depends(&bytes) {
        visit(&needed, files, built_in, done, ordered)?;
    }
    ordered.push((name.to_owned(), file.clone()));
    Ok(())
}

/// Names in files have dashes where the kernel has underscores.
fn normal(name: &str) -> String {
    name.replace('-', "_")
}

fn depends(module: &[u8]) -> Vec<String> {
    let key = b"\0depends=";
    let Some(at) = module.windows(key.len()).position(|window| window == key) else {
        return Vec::new();
    };
    let value = &module[at + key.len()..];
    let end = value.iter().position(|&byte| byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&value[..end])
        .split(',')
        .filter(|name| !name.is_empty())
        .map(normal)
        .collect()
}

fn index(dir: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut pending = vec![dir.join("kernel")];
    while let Some(dir) = pending.pop() {
        let entries =
            fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                pending.push(path);
            } else if let Some(name) = entry.file_name().to_string_lossy().strip_suffix(".ko") {
                files.insert(normal(name), path);
            }
        }
    }
    Ok(files)
}

fn built_in(dir: &Path) -> BTreeSet<String> {
    let list = fs::read_to_string(dir.join("modules.builtin")).unwrap_or_default();
    list.lines()
        .filter_map(|line| line.rsplit('/').next()?.strip_suffix(".ko"))
        .map(normal)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_follows_needs() {
        let dir = crate::temp_dir("modules").expect("a directory");
        let kernel = dir.path().join("kernel/net");
        fs::create_dir_all(&kernel).expect("made");
        let write = |name: &str, needs: &str| {
            let bytes = format!("\x7fELF\0license=GPL\0depends={needs}\0name=x\0");
            fs::write(kernel.join(format!("{name}.ko")), bytes).expect("written");
        };
        write("br-idge", "stp,llc");
        write("stp", "llc");
        write("llc", "core");
        fs::write(dir.path().join("modules.builtin"), "kernel/net/core.ko\n").expect("written");
        let order = closure(dir.path(), &["br_idge".to_owned()]).expect("resolves");
        let names: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["llc", "stp", "br_idge"]);
        assert!(closure(dir.path(), &["nope".to_owned()]).is_err());
    }
}
