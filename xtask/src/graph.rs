//! The workspace's crates, their layers, and who depends on whom.
//!
//! Each crate states its layer under `[package.metadata.isopod]`:
//! 4 binary and test tools, 3 front ends, 2 services, 1 pure cores, 0 vocabulary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What a crate may depend on when the graph alone would allow more.
const PURE_LAYERS: [u64; 2] = [0, 1];

struct Package {
    layer: u64,
    directory: PathBuf,
    /// Crates of the workspace that it needs to be built, without those for its tests.
    needs: Vec<String>,
    /// Crates from elsewhere that it names.
    foreign: Vec<String>,
}

/// Every crate of the workspace by name.
pub(crate) struct Graph(BTreeMap<String, Package>);

impl Graph {
    /// Asks cargo.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
            .current_dir(root)
            .output()
            .context("run cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
        let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
        let names: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
        let parsed = packages.iter().map(|package| parse(package, &names));
        Ok(Self(parsed.collect::<Result<_>>()?))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Dependencies point down; to the side only among services, where the golden graph lists them.
    pub(crate) fn check_layers(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for (name, package) in &self.0 {
            for need in &package.needs {
                let Some(below) = self.0.get(need) else { continue };
                let level = package.layer == below.layer;
                if below.layer > package.layer || (level && matches!(package.layer, 1 | 3)) {
                    findings.push(format!(
                        "{name} (layer {}) must not depend on {need} (layer {})",
                        package.layer, below.layer
                    ));
                }
            }
            let asynchronous = package.foreign.iter().any(|f| f == "tokio" || f == "hyper");
            if PURE_LAYERS.contains(&package.layer) && asynchronous {
                findings.push(format!(
                    "{name} (layer {}) must do without an async runtime",
                    package.layer
                ));
            }
        }
        findings
    }

    /// A crate is called as the folder that it lives in.
    pub(crate) fn check_names(&self) -> Vec<String> {
        let misnamed = self.0.iter().filter(|(name, p)| !p.directory.ends_with(name));
        misnamed.map(|(name, p)| format!("{name} lives in {}", p.directory.display())).collect()
    }

    /// Compares the graph with the committed one, or rewrites that.
    pub(crate) fn check_golden(&self, root: &Path) -> Result<Option<String>> {
        let path = root.join("xtask/golden/dependencies.txt");
        let text = self.render();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            return Ok(None);
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        let difference = first_difference(&golden, &text);
        Ok(difference.map(|line| {
            format!("xtask/golden/dependencies.txt differs: {line}; UPDATE_EXPECT=1 cargo xtask tidy rewrites it for review")
        }))
    }

    fn render(&self) -> String {
        let mut text = String::from(
            "# Crates by layer: what each needs of the workspace | and from elsewhere.\n",
        );
        for layer in (0..=4).rev() {
            text.push_str(&format!("\nlayer {layer}\n"));
            for (name, package) in self.0.iter().filter(|(_, p)| p.layer == layer) {
                let (needs, foreign) = (package.needs.join(" "), package.foreign.join(" "));
                text.push_str(format!("{name}: {needs} | {foreign}").trim_end());
                text.push('\n');
            }
        }
        text
    }
}

fn parse(package: &Value, names: &[&str]) -> Result<(String, Package)> {
    let name = package["name"].as_str().context("a package without a name")?.to_owned();
    let layer = package["metadata"]["isopod"]["layer"]
        .as_u64()
        .filter(|layer| *layer <= 4)
        .with_context(|| format!("{name}: [package.metadata.isopod] layer must be 0 to 4"))?;
    let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let built = dependencies.iter().filter(|d| d["kind"].as_str() != Some("dev"));
    let mut used: Vec<&str> = built.filter_map(|d| d["name"].as_str()).collect();
    used.sort_unstable();
    used.dedup();
    let (needs, foreign) =
        used.into_iter().map(str::to_owned).partition(|n| names.contains(&n.as_str()));
    let directory = manifest.parent().unwrap_or(manifest).to_path_buf();
    Ok((name, Package { layer, directory, needs, foreign }))
}

fn first_difference(golden: &str, text: &str) -> Option<String> {
    let (mut old, mut new) = (golden.lines(), text.lines());
    loop {
        match (old.next(), new.next()) {
            (None, None) => return None,
            (old, new) if old == new => {}
            (old, new) => {
                return Some(format!(
                    "expected {:?}, found {:?}",
                    old.unwrap_or(""),
                    new.unwrap_or("")
                ));
            }
        }
    }
}
