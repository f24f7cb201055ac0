//! The commands that scripts have beside those of the machine.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use isopod_testkit::{peer, suite::script};

use crate::api;

/// What Python scripts begin with.
const PRELUDE: &str = "\
import docker, io, json, os, sys, tarfile, time
client = docker.DockerClient(base_url='unix://' + os.environ['SOCK'], timeout=60)
P, IMG, T = os.environ['P'], os.environ['IMG'], os.environ['T']
";

/// Does what one of the tools does if this program was called by a tool's name.
pub fn run_tool() -> Option<Result<()>> {
    let mut args = std::env::args_os();
    let name = PathBuf::from(args.next()?);
    (name.file_name()? == "api").then(|| api::main(args.collect()))
}

/// Puts the tools into a directory; tells whether Python has docker-py.
pub(crate) fn install(directory: &Path, program: &Path) -> Result<bool> {
    std::fs::create_dir_all(directory)?;
    symlink(program, directory.join("api"))?;
    script::install_await(directory)?;
    let docker = peer("docker").context("docker is not installed")?;
    symlink(docker, directory.join("docker"))?;
    std::fs::write(directory.join("prelude.py"), PRELUDE)?;
    let Some(python) = python() else { return Ok(false) };
    script::install(
        &directory.join("py"),
        &format!(
            "#!/bin/sh\ncat {0}/prelude.py - >\"$T/script.py\" && exec {1} \"$T/script.py\"\n",
            directory.display(),
            Path::new(&python).display()
        ),
    )?;
    Ok(true)
}

/// An interpreter with docker-py: what `ISOPOD_PYTHON` names, the machine's, or one of our own
/// beside this program, made by the package index's own client.
fn python() -> Option<OsString> {
    if let Some(named) = std::env::var_os("ISOPOD_PYTHON") {
        return Some(named);
    }
    let has_it = |python: &std::ffi::OsStr| {
        Command::new(python)
            .args(["-c", "import docker, sys; print(sys.executable)"])
            .output()
            .ok()
            .filter(|output| output.status.success())
            .map(|output| OsString::from(String::from_utf8_lossy(&output.stdout).trim()))
    };
    if let Some(found) = has_it("python3".as_ref()) {
        return Some(found);
    }
    let venv = std::env::current_exe().ok()?.parent()?.join("engine-suite-python");
    let own = venv.join("bin/python");
    if !own.exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).status().ok()?;
        let installed =
            Command::new(&own).args(["-m", "pip", "install", "--quiet", "docker"]).status().ok()?;
        if !made.success() || !installed.success() {
            let _ = std::fs::remove_dir_all(&venv);
            return None;
        }
    }
    has_it(own.as_os_str())
}
