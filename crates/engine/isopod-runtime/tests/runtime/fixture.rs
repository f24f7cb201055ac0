//! A bundle with a busybox root file system, and running it.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use isopod_oci::runtime::Spec;
use isopod_runtime::{CreateOptions, Created, Error, ExecOptions, Runtime, Stdio};
use isopod_testkit::TempDir;
use rustix::process::{Signal, WaitId, WaitIdOptions};

/// What every case starts from.
const BASE: &str = r#"{
  "ociVersion": "1.2.0",
  "root": {"path": "rootfs"},
  "hostname": "test",
  "process": {
    "user": {"uid": 0, "gid": 0},
    "args": ["true"],
    "env": ["PATH=/bin", "TERM=xterm"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SETGID"],
      "effective": ["CAP_CHOWN", "CAP_KILL"],
      "permitted": ["CAP_CHOWN", "CAP_KILL"]
    },
    "noNewPrivileges": true
  },
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}
  ],
  "linux": {
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                   {"type": "mount"}, {"type": "cgroup"}],
    "maskedPaths": ["/proc/kcore", "/proc/keys", "/sys/firmware", "/proc/scsi"],
    "readonlyPaths": ["/proc/sys", "/proc/bus"]
  }
}"#;

/// A bundle of one container, with the runtime that it is for; removed on drop.
pub(crate) struct Fixture {
    dir: TempDir,
    pub(crate) runtime: Runtime,
    pub(crate) id: String,
    pub(crate) spec: Spec,
}

/// How a process ended and what it printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Exit status, or minus the signal.
    pub(crate) status: i32,
    pub(crate) output: String,
}

/// The root file system that every bundle's is copied from.
static TEMPLATE: Mutex<Option<TempDir>> = Mutex::new(None);

fn template() -> PathBuf {
    let mut template = TEMPLATE.lock().unwrap();
    template
        .get_or_insert_with(|| {
            let dir = isopod_testkit::temp_dir("runtime-template").unwrap();
            isopod_testkit::busybox_rootfs(dir.path())
                .unwrap()
                .expect("busybox-static is installed");
            dir
        })
        .path()
        .to_path_buf()
}

/// Removes what all cases share; statics are never dropped.
pub(crate) fn clean_up() {
    TEMPLATE.lock().unwrap().take();
}

impl Fixture {
    /// A container that runs a shell script.
    pub(crate) fn new(script: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let dir = isopod_testkit::temp_dir("runtime").unwrap();
        let rootfs = dir.path().join("rootfs");
        copy_tree(&template(), &rootfs);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let id = format!("isopod-rt-{}-{number}", std::process::id());
        let mut spec = Spec::parse(BASE.as_bytes()).unwrap();
        spec.process.as_mut().unwrap().args = ["sh", "-c", script].map(str::to_owned).to_vec();
        spec.linux.as_mut().unwrap().cgroups_path = Some(format!("/{id}"));
        let runtime = Runtime::new(dir.path().join("root"));
        Self { dir, runtime, id, spec }
    }

    /// The same with changes, given as JSON to be merged into the configuration.
    pub(crate) fn with(mut self, json: &str) -> Self {
        let mut value = serde_json::to_value(&self.spec).unwrap();
        merge(&mut value, serde_json::from_str(json).expect("valid JSON"));
        self.spec = serde_json::from_value(value).unwrap();
        self
    }

    /// The same with one more mount.
    pub(crate) fn mount(mut self, json: &str) -> Self {
        self.spec.mounts.push(serde_json::from_str(json).expect("valid JSON"));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn rootfs(&self) -> PathBuf {
        self.path().join("rootfs")
    }

    pub(crate) fn options(&self, stdio: Stdio) -> CreateOptions {
        CreateOptions { stdio, ..CreateOptions::parsed(self.spec.clone(), self.path()) }
    }

    pub(crate) fn create(&self, stdio: Stdio) -> Result<Created, Error> {
        self.runtime.create(&self.id, self.options(stdio))
    }

    /// Runs the container to its end and removes it.
    pub(crate) fn try_run(&self) -> Result<Outcome, Error> {
        let (stdio, output) = piped();
        let created = self.runtime.run(&self.id, self.options(stdio))?;
        let outcome = Outcome { output: read(output), status: wait(&created.pidfd) };
        self.runtime.load(&self.id)?.delete(false)?;
        Ok(outcome)
    }

    /// Runs a container that must be fine, and gives what it printed.
    pub(crate) fn run(&self) -> String {
        let outcome = self.try_run().unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert_eq!(outcome.status, 0, "{}", outcome.output);
        outcome.output
    }

    /// Makes a container that must be refused, and gives the error.
    pub(crate) fn refused(&self) -> String {
        let error = match self.try_run() {
            Ok(outcome) => panic!("it ran: {outcome:?}"),
            Err(error) => chain(&error),
        };
        self.assert_gone();
        error
    }

    /// Starts the container in the background.
    pub(crate) fn start(&self) -> Created {
        let (stdio, _output) = piped();
        self.runtime
            .run(&self.id, self.options(stdio))
            .unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// Runs one more process in the container to its end.
    pub(crate) fn exec(&self, edit: impl FnOnce(&mut ExecOptions)) -> Result<Outcome, Error> {
        let (stdio, output) = piped();
        let mut process = self.spec.process.clone().unwrap();
        process.capabilities = None;
        let mut options = ExecOptions { stdio, ..ExecOptions::new(process) };
        edit(&mut options);
        let exec = self.runtime.load(&self.id)?.exec(options)?;
        Ok(Outcome { output: read(output), status: wait(&exec.pidfd) })
    }

    pub(crate) fn exec_sh(&self, script: &str) -> Outcome {
        self.exec(|options| {
            options.process.args = ["sh", "-c", script].map(str::to_owned).to_vec();
        })
        .unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// Nothing of the container may be left.
    pub(crate) fn assert_gone(&self) {
        assert!(!self.path().join("root").join(&self.id).exists(), "state is left");
        assert_eq!(cgroups_of(&self.id), Vec::<PathBuf>::new(), "cgroups are left");
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(&*self.path().to_string_lossy()), "mounts are left");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Ok(container) = self.runtime.load(&self.id) {
            let pid = container.state().pid;
            let deleted = container.delete(true);
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
            }
            if !std::thread::panicking() {
                deleted.unwrap();
            }
        }
        if !std::thread::panicking() {
            self.assert_gone();
        }
    }
}

/// Directories of cgroups whose name contains `id`.
pub(crate) fn cgroups_of(id: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(hierarchies) = std::fs::read_dir("/sys/fs/cgroup") else { return found };
    let mut directories: Vec<PathBuf> =
        hierarchies.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    directories.push("/sys/fs/cgroup".into());
    for directory in directories {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        found.extend(entries.map(|e| e.path()).filter(|path| path.ends_with(id) && path.is_dir()));
    }
    found
}

pub(crate) fn chain(error: &Error) -> String {
    isopod_base::chain(error).to_string()
}

/// Streams of which the output can be read.
pub(crate) fn piped() -> (Stdio, OwnedFd) {
    let (output, stdout) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let stdio = Stdio::Fds {
        stdin: File::open("/dev/null").unwrap().into(),
        stderr: stdout.try_clone().unwrap(),
        stdout,
    };
    (stdio, output)
}

pub(crate) fn read(output: OwnedFd) -> String {
    let mut bytes = Vec::new();
    File::from(output).read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

pub(crate) fn wait(pidfd: &OwnedFd) -> i32 {
    let status = rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
        .unwrap()
        .expect("it was waited for");
    status.exit_status().unwrap_or_else(|| -status.terminating_signal().expect("a signal"))
}

pub(crate) fn kill(created: &Created) {
    rustix::process::pidfd_send_signal(&created.pidfd, Signal::KILL).unwrap();
    wait(&created.pidfd);
}

/// Merges `from` into `into`, objects key by key, everything else as a whole.
fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match (into, from) {
        (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Copies a tree; files are hard links, since nobody writes to them.
fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_tree(&source, &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source).unwrap(), target).unwrap();
        } else {
            std::fs::hard_link(&source, &target).unwrap();
        }
    }
}
