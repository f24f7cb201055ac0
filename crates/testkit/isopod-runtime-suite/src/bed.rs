//! The test bed of one case: a bundle, a state directory, a cgroup's name, and the runtime.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use isopod_testkit::{Limited, ProcessGuard, TempDir, busybox_rootfs};
use serde_json::Value;

use crate::config::{self, Config};
use crate::machine;

/// No single call of a runtime takes longer than this.
const CALL_LIMIT_SECONDS: u64 = 30;

/// How a call ended.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    /// The exit status; 128 and the signal's number when one ended the runtime.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Called {
    /// The call has to have succeeded, without a word on stderr.
    pub(crate) fn ok(self) -> Result<String> {
        ensure!(
            self.status == 0 && self.stderr.is_empty(),
            "status {}, stderr {:?}, stdout {:?}",
            self.status,
            self.stderr.trim(),
            self.stdout.trim()
        );
        Ok(self.stdout)
    }

    /// The call has to have failed with one of `words` in what it said.
    pub(crate) fn failed(self, words: &[&str]) -> Result<Self> {
        ensure!(self.status != 0, "succeeded, printed {:?}", self.stdout);
        // A text log quotes what it prints.
        let text = self.stderr.replace("\\\"", "\"").to_lowercase();
        ensure!(
            words.is_empty() || words.iter().any(|word| text.contains(&word.to_lowercase())),
            "failed as it should (status {}), but {:?} names none of {words:?}",
            self.status,
            self.stderr.trim()
        );
        ensure!(
            !text.contains("panicked at") && !text.contains("goroutine "),
            "crashed: {}",
            self.stderr
        );
        Ok(self)
    }

    /// The call has to have ended with `status`.
    pub(crate) fn status(self, status: i32) -> Result<Self> {
        ensure!(
            self.status == status,
            "status {} instead of {status}; stderr {:?}, stdout {:?}",
            self.status,
            self.stderr.trim(),
            self.stdout.trim()
        );
        Ok(self)
    }
}

/// A test bed. Dropping it deletes its containers and its directory.
#[derive(Debug)]
pub(crate) struct Bed {
    dir: TempDir,
    runtime: PathBuf,
    id: String,
    calls: Cell<u32>,
    ids: RefCell<Vec<String>>,
    user: Cell<Option<u32>>,
}

impl Bed {
    /// Makes a bed; `marker` names its cgroup and its containers.
    pub(crate) fn new(runtime: &Path, marker: &str) -> Result<Self> {
        let dir = isopod_testkit::temp_dir("suite")?;
        // Users of a container's user namespace have to get to its root file system.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711))?;
        let bed = Self {
            runtime: runtime.to_owned(),
            id: marker.to_owned(),
            calls: Cell::new(0),
            ids: RefCell::new(Vec::new()),
            user: Cell::new(None),
            dir,
        };
        fs::create_dir_all(bed.rootfs())?;
        busybox_rootfs(&bed.rootfs())?
            .map_err(|_missing| anyhow::anyhow!("busybox (static) is not installed"))?;
        Ok(bed)
    }

    /// The id of the case's container, which is the name of its cgroup, too.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A second id.
    pub(crate) fn other(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.id)
    }

    /// A path in the bed's directory, outside of the bundle.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The same as text.
    pub(crate) fn text_path(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The bundle.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.path("bundle")
    }

    /// The root file system.
    pub(crate) fn rootfs(&self) -> PathBuf {
        self.path("bundle/rootfs")
    }

    /// The runtime's state directory.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("state")
    }

    /// The runtime under test.
    pub(crate) fn runtime(&self) -> &Path {
        &self.runtime
    }

    fn reachable_runtime(&self) -> PathBuf {
        self.dir.path().join(self.runtime.file_name().unwrap_or_default())
    }

    /// From now on the runtime is called as this user (and group), from a place that every user
    /// can reach.
    pub(crate) fn act_as(&self, uid: u32) -> Result<()> {
        fs::copy(&self.runtime, self.reachable_runtime())?;
        let mut command = Command::new("chown");
        command.arg("-R").arg(format!("{uid}:{uid}")).arg(self.dir.path());
        ensure!(Limited::seconds(20).output(&mut command)?.status.success());
        self.user.set(Some(uid));
        Ok(())
    }

    /// The base configuration for this bed.
    pub(crate) fn config(&self) -> Config {
        config::base(&format!("/{}", self.id))
    }

    /// The base configuration with a script to run.
    pub(crate) fn script(&self, script: &str) -> Config {
        let mut config = self.config();
        config::args(&mut config, &["/bin/sh", "-c", script]);
        config
    }

    /// The base configuration of a container that does nothing for long.
    pub(crate) fn sleeper(&self) -> Config {
        let mut config = self.config();
        config::args(&mut config, &["/bin/sleep", "1000"]);
        config
    }

    /// The same with a cgroup of its own for a second container.
    pub(crate) fn sleeper_at(&self, id: &str) -> Config {
        let mut config = self.sleeper();
        config["linux"]["cgroupsPath"] = serde_json::json!(format!("/{id}"));
        config
    }

    /// Writes `config.json`.
    pub(crate) fn write(&self, config: &Config) -> Result<()> {
        let text = serde_json::to_string_pretty(config)?;
        fs::write(self.bundle().join("config.json"), text)?;
        Ok(())
    }

    /// A call of the runtime with the bed's state directory, from inside the bundle.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let reachable = self.user.get().map(|_| self.reachable_runtime());
        let mut command = Command::new(reachable.as_ref().unwrap_or(&self.runtime));
        command.arg("--root").arg(self.root()).args(args);
        command.current_dir(self.bundle());
        if let Some(uid) = self.user.get() {
            command
                .uid(uid)
                .gid(uid)
                .env("XDG_RUNTIME_DIR", self.dir.path())
                .env("HOME", self.dir.path());
        }
        command
    }

    /// Notes an id to be deleted with the bed.
    pub(crate) fn remember(&self, id: &str) {
        let mut ids = self.ids.borrow_mut();
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }

    /// Calls the runtime.
    pub(crate) fn call(&self, args: &[&str]) -> Result<Called> {
        self.finish(self.command(args))
    }

    /// Carries a prepared call out. Its output goes to files: a container that it leaves behind
    /// holds them, too, and a pipe would have no end.
    pub(crate) fn finish(&self, mut command: Command) -> Result<Called> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        self.remember(&self.id);
        let out = self.path(&format!("out-{number}"));
        let err = self.path(&format!("err-{number}"));
        command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
        let mut guard = ProcessGuard::spawn(&mut command)?;
        let waited = wait(&mut guard);
        let text = |path: &Path| -> Result<String> {
            Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
        };
        let (stdout, stderr) = (text(&out)?, text(&err)?);
        let status = waited.with_context(|| {
            let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
            format!("runtime {} (stderr {:?})", args.join(" "), stderr.trim())
        })?;
        Ok(Called {
            status: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout,
            stderr,
        })
    }

    /// Runs the configuration in the foreground.
    pub(crate) fn run(&self, config: &Config) -> Result<Called> {
        self.write(config)?;
        self.call(&["run", &self.id])
    }

    /// Creates the container.
    pub(crate) fn create(&self, config: &Config) -> Result<()> {
        self.write(config)?;
        self.call(&["create", &self.id])?.ok().context("create")?;
        Ok(())
    }

    /// Creates and starts it.
    pub(crate) fn start(&self, config: &Config) -> Result<()> {
        self.create(config)?;
        self.call(&["start", &self.id])?.ok().context("start")?;
        Ok(())
    }

    /// What `state` prints.
    pub(crate) fn state(&self) -> Result<Value> {
        let text = self.call(&["state", &self.id])?.ok().context("state")?;
        serde_json::from_str(&text).with_context(|| format!("state printed {text:?}"))
    }

    /// The container's status.
    pub(crate) fn status(&self) -> Result<String> {
        Ok(self.state()?["status"].as_str().unwrap_or("").to_owned())
    }

    /// Waits for a status.
    pub(crate) fn wait_status(&self, status: &str) -> Result<()> {
        Limited::seconds(10)
            .until(&format!("status {status}"), || self.status().is_ok_and(|now| now == status))
    }

    /// Waits for a file to appear with something in it, and reads it.
    pub(crate) fn wait_file(&self, path: &Path) -> Result<String> {
        let mut text = String::new();
        Limited::seconds(10).until(&format!("{} has content", path.display()), || {
            text = fs::read_to_string(path).unwrap_or_default();
            !text.is_empty()
        })?;
        Ok(text)
    }

    /// The init's pid.
    pub(crate) fn pid(&self) -> Result<u64> {
        self.pid_of(&self.id)
    }

    /// The pid of another container's init.
    pub(crate) fn pid_of(&self, id: &str) -> Result<u64> {
        let text = self.call(&["state", id])?.ok().context("state")?;
        let state: Value = serde_json::from_str(&text)?;
        state["pid"].as_u64().context("state has no pid")
    }

    /// Runs a script by `exec` and returns what it printed.
    pub(crate) fn exec(&self, script: &str) -> Result<String> {
        let called = self.call(&["exec", &self.id, "/bin/sh", "-c", script])?;
        Ok(called.ok().context("exec")?.trim().to_owned())
    }

    /// Deletes the container, running or not.
    pub(crate) fn delete(&self) -> Result<()> {
        self.call(&["delete", "--force", &self.id])?.ok().context("delete --force")?;
        Ok(())
    }

    /// The directory of the container's cgroup for a controller: of its v1 hierarchy or in the v2
    /// tree.
    pub(crate) fn cgroup(&self, controller: &str) -> Result<PathBuf> {
        let mount = if machine::is_v2() {
            "/sys/fs/cgroup".to_owned()
        } else {
            machine::v1_mount(controller).with_context(|| format!("{controller} is not mounted"))?
        };
        Ok(Path::new(&mount).join(&self.id))
    }

    /// A file of that cgroup, without the newline at its end.
    pub(crate) fn cgroup_file(&self, controller: &str, file: &str) -> Result<String> {
        let path = self.cgroup(controller)?.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        Ok(text.trim_end().to_owned())
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let ids = self.ids.take();
        for id in &ids {
            let _ = self.call(&["delete", "--force", id]);
        }
    }
}

/// Waits for a call to end. Meanwhile it reaps processes of containers that have become children
/// of this one: the kernel keeps a container's first process until the others are reaped.
fn wait(guard: &mut ProcessGuard) -> Result<std::process::ExitStatus> {
    let deadline = Instant::now() + Duration::from_secs(CALL_LIMIT_SECONDS);
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = guard.child().try_wait()? {
            return Ok(status);
        }
        ensure!(Instant::now() < deadline, "did not end within {CALL_LIMIT_SECONDS} s");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
        if pause > Duration::from_millis(2) {
            reap_adopted();
        }
    }
}

/// Reaps children of this process that are of another pid namespace, so that none of them is one
/// that it started and waits for elsewhere.
fn reap_adopted() {
    let own = std::process::id();
    let children = fs::read_to_string(format!("/proc/self/task/{own}/children"));
    for pid in children.unwrap_or_default().split_whitespace() {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let dead = field("State:").is_some_and(|state| state.trim().starts_with('Z'));
        let foreign = field("NSpid:").is_some_and(|pids| pids.split_whitespace().count() > 1);
        if dead && foreign {
            let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
            let _ = rustix::process::waitpid(pid, rustix::process::WaitOptions::NOHANG);
        }
    }
}

/// Fails unless both are the same.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Result<()> {
    if got != wanted {
        bail!("{what}: {got:?} instead of {wanted:?}");
    }
    Ok(())
}
