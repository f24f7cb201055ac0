//! Debian's cloud kernel, unpacked into a cache and never installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::Limited;

/// The package that depends on the newest kernel.
const META_PACKAGE: &str = "linux-image-cloud-amd64";

/// A bootable kernel and where its modules lie.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    pub(super) release: String,
    pub(super) image: PathBuf,
    pub(super) modules: PathBuf,
}

/// The cached kernel, or a fresh one from Debian's archive.
pub(super) fn obtain() -> Result<Kernel> {
    let cache = cache_dir()?;
    if let Some(kernel) = find(&cache) {
        return Ok(kernel);
    }
    // Unpacked next to the cache and renamed, so that a cut download leaves no half kernel.
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let work = tempfile::Builder::new()
        .prefix("download-")
        .tempdir_in(&cache)
        .context("cannot make a directory for the download")?;
    let package = package_name()?;
    run(Command::new("apt-get").args(["download", &package]).current_dir(work.path()))?;
    let file = fs::read_dir(work.path())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ext| ext == "deb"))
        .with_context(|| format!("apt-get download {package} left no .deb file"))?;
    let tree = work.path().join("tree");
    run(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&tree))?;
    let target = cache.join(&package);
    if let Err(error) = fs::rename(&tree, &target)
        && find(&cache).is_none()
    {
        return Err(error)
            .with_context(|| format!("cannot move the kernel to {}", target.display()));
    }
    find(&cache).with_context(|| format!("{package} holds no kernel image"))
}

/// `$XDG_CACHE_HOME/isopod-testkit/kernels`, or the same under `~/.cache`.
fn cache_dir() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir),
        _ => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(base.join("isopod-testkit/kernels"))
}

fn find(cache: &Path) -> Option<Kernel> {
    fs::read_dir(cache)
        .ok()?
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with("download-"))
        .find_map(|entry| {
            let boot = fs::read_dir(entry.path().join("boot")).ok()?.flatten();
            boot.map(|file| file.path()).find_map(|image| {
                let name = image.file_name()?.to_str()?;
                let release = name.strip_prefix("vmlinuz-")?.to_owned();
                let usr_merged = entry.path().join("usr/lib/modules").join(&release);
                let modules = Some(usr_merged)
                    .filter(|dir| dir.is_dir())
                    .unwrap_or_else(|| entry.path().join("lib/modules").join(&release));
                Some(Kernel { release, image: image.clone(), modules })
            })
        })
}

fn package_name() -> Result<String> {
    let output = run(Command::new("apt-cache").args(["depends", META_PACKAGE]))?;
    output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("linux-image-"))
        .map(str::to_owned)
        .with_context(|| format!("apt knows no {META_PACKAGE}; run apt-get update first"))
}

fn run(command: &mut Command) -> Result<String> {
    let output = Limited::seconds(300).output(command)?;
    ensure!(
        output.status.success(),
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
