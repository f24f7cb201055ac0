//! A bundle and a state directory for tests that call the runtime themselves.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use isopod_oci::runtime::Spec;
use isopod_testkit::{TempDir, busybox_rootfs, is_root, remove_cgroups, skip, temp_dir};

use crate::host::{RUNTIME, output};

/// A bundle whose containers are removed when the test ends.
pub(crate) struct Bundle {
    directory: TempDir,
    group: String,
}

impl Bundle {
    /// Nothing, and a line that says why, where the test cannot run.
    pub(crate) fn new(test: &str) -> Result<Option<Self>> {
        if !is_root() {
            skip(test, "needs root");
            return Ok(None);
        }
        let bundle = Self {
            directory: temp_dir("cli")?,
            group: format!("isopod-test-cli-{}-{test}", std::process::id()),
        };
        if let Err(missing) = busybox_rootfs(&bundle.path("rootfs"))? {
            skip(test, &format!("{missing:?}"));
            return Ok(None);
        }
        let status =
            Command::new(RUNTIME).arg("spec").arg("--bundle").arg(bundle.path("")).status()?;
        assert!(status.success());
        bundle.change(|spec| {
            let linux = spec.linux.as_mut().expect("in the template");
            linux.cgroups_path = Some(format!("/{}/{{id}}", bundle.group));
        })?;
        Ok(Some(bundle))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Changes the configuration.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Spec)) -> Result<()> {
        let path = self.path("config.json");
        let mut spec = Spec::parse(&std::fs::read(&path)?)?;
        change(&mut spec);
        Ok(std::fs::write(&path, serde_json::to_vec(&spec)?)?)
    }

    /// Sets what the container runs, without a terminal.
    pub(crate) fn program(&self, arguments: &[&str]) -> Result<()> {
        self.change(|spec| {
            let process = spec.process.as_mut().expect("in the template");
            process.terminal = false;
            process.args = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        })
    }

    /// Gives the next container groups of its own.
    pub(crate) fn group_for(&self, id: &str) -> Result<()> {
        self.change(|spec| {
            let linux = spec.linux.as_mut().expect("in the template");
            linux.cgroups_path = Some(format!("/{}/{id}", self.group));
        })
    }

    /// The runtime with the test's state directory.
    pub(crate) fn runtime(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(RUNTIME);
        command.arg("--root").arg(self.path("state")).args(arguments).current_dir(self.path(""));
        command
    }

    /// Runs the runtime to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output> {
        output(&mut self.runtime(arguments))
    }

    /// Standard output of a command that succeeds without a word on standard error.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments)?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}: {stderr}", output.status);
        assert_eq!(stderr, "", "{arguments:?}");
        String::from_utf8(output.stdout).context("not text")
    }

    /// Exit status and last words of a command that fails.
    pub(crate) fn fails(&self, arguments: &[&str]) -> Result<(i32, String)> {
        let output = self.run(arguments)?;
        assert!(!output.status.success(), "{arguments:?} should fail");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((output.status.code().unwrap_or(-1), stderr))
    }

    /// The status that `state` shows.
    pub(crate) fn status(&self, id: &str) -> Result<String> {
        let output = self.run(&["state", id])?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let state: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        Ok(state["status"].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.path("state")).into_iter().flatten().flatten() {
            if let Some(id) = entry.file_name().to_str() {
                let _ = self.run(&["delete", "--force", id]);
            }
        }
        remove_cgroups(&self.group);
    }
}
