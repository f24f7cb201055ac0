//! The image that cases run: busybox and a few files.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use isopod_testkit::{Limited, busybox_rootfs};

/// Its name.
pub(crate) const NAME: &str = "suite:base";

/// Writes its root file system as an archive.
pub(crate) fn archive(directory: &Path) -> Result<std::path::PathBuf> {
    let root = directory.join("root");
    fs::create_dir_all(root.join("data/below"))?;
    fs::create_dir_all(root.join("mnt"))?;
    if busybox_rootfs(&root)?.is_err() {
        anyhow::bail!("busybox-static is not installed");
    }
    // A copy of its own: another test that links the same file changes it while tar reads it.
    let busybox = root.join("bin/busybox");
    fs::copy(&busybox, directory.join("busybox"))?;
    fs::rename(directory.join("busybox"), &busybox)?;
    fs::create_dir_all(root.join("home/isopod"))?;
    fs::write(root.join("data/given"), "of the image\n")?;
    fs::write(root.join("data/below/deep"), "deep\n")?;
    let archive = directory.join("root.tar");
    let status =
        Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".").status()?;
    ensure!(status.success(), "tar failed");
    fs::remove_dir_all(&root)?;
    Ok(archive)
}

/// Imports it.
pub(crate) fn import(directory: &Path, docker: impl Fn() -> Command) -> Result<()> {
    let archive = archive(directory)?;
    let output = Limited::seconds(60).output(
        docker()
            .args(["import", "-c", "CMD [\"/bin/sh\"]", "-c", "ENV PATH=/bin"])
            .arg(&archive)
            .arg(NAME),
    )?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "import: {stderr}");
    fs::remove_file(&archive).context("cannot remove the archive")
}
