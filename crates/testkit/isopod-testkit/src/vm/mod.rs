//! Virtual machines: Debian's cloud kernel under QEMU, in software, with an init of our own.
//!
//! A job is a set of files and a list of commands. [`Vm::run`] packs them into an initrd, boots
//! it, and reads the results from the serial console. The guest has cgroup v2 with every
//! controller, which the machines that build and test this project do not.
//!
//! ```no_run
//! use isopod_testkit::vm::{Job, Vm};
//! let vm = Vm::prepare()?;
//! let report = vm.run(&Job::new("/path/to/vm-init").command(["/bin/busybox", "uname", "-r"]))?;
//! assert_eq!(report.results[0].status, 0);
//! # Ok::<(), anyhow::Error>(())
//! ```

mod console;
mod cpio;
mod init;
mod kernel;
mod modules;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

pub use console::{CommandResult, Report};
pub use init::{init, is_init};

use crate::{ProcessGuard, peer};

/// On a busy machine the guest's timers are starved: when it measures its clock or waits for
/// interrupts to prove themselves, it can hang for good. So it is told instead, and takes the time
/// from the board (which is why this is a q35 and not the smaller microvm).
const KERNEL_ARGUMENTS: &str = "console=ttyS0 quiet panic=-1 reboot=t \
     tsc_early_khz=1000000 tsc=unstable lpj=1000000 no_timer_check";

/// A kernel that can be booted.
#[derive(Debug, Clone)]
pub struct Vm {
    kernel: kernel::Kernel,
    qemu: PathBuf,
}

/// What a virtual machine is to do.
#[derive(Debug, Clone)]
pub struct Job {
    init: PathBuf,
    files: Vec<(PathBuf, String)>,
    modules: Vec<String>,
    commands: Vec<Vec<String>>,
    memory_mib: u32,
    limit: Duration,
}

impl Job {
    /// A job whose first process is the static binary `init` (this crate's `vm-init`).
    pub fn new(init: impl Into<PathBuf>) -> Self {
        Self {
            init: init.into(),
            files: Vec::new(),
            modules: Vec::new(),
            commands: Vec::new(),
            memory_mib: 1024,
            limit: Duration::from_secs(300),
        }
    }

    /// Puts the file `from` of this machine at `to` in the guest, with its mode.
    #[must_use]
    pub fn file(mut self, from: impl Into<PathBuf>, to: &str) -> Self {
        self.files.push((from.into(), to.to_owned()));
        self
    }

    /// Puts the program `from` at `to`, together with the shared libraries that it loads.
    pub fn program(mut self, from: &Path, to: &str) -> Result<Self> {
        let listed = crate::Limited::seconds(10).output(Command::new("ldd").arg(from))?;
        // For a static program ldd fails, and there is nothing to add.
        for line in String::from_utf8_lossy(&listed.stdout).lines() {
            let path = line.split_ascii_whitespace().find(|word| word.starts_with('/'));
            if let Some(path) = path {
                self.files.push((PathBuf::from(path), path.to_owned()));
            }
        }
        Ok(self.file(from, to))
    }

    /// Loads a kernel module, and before it those that it needs.
    #[must_use]
    pub fn module(mut self, name: &str) -> Self {
        self.modules.push(name.to_owned());
        self
    }

    /// Adds a command; commands run one after the other.
    #[must_use]
    pub fn command<S: Into<String>>(mut self, argv: impl IntoIterator<Item = S>) -> Self {
        self.commands.push(argv.into_iter().map(Into::into).collect());
        self
    }

    /// How long the whole machine may run.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How much memory it has.
    #[must_use]
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }
}

impl Vm {
    /// Finds QEMU and a kernel; the kernel is downloaded from Debian and unpacked into a cache
    /// when it is not there yet. Nothing is installed.
    pub fn prepare() -> Result<Self> {
        let qemu = peer("qemu-system-x86_64").context("qemu-system-x86 is not installed")?;
        Ok(Self { kernel: kernel::obtain()?, qemu })
    }

    /// The guest kernel's release, such as `6.1.0-56-cloud-amd64`.
    pub fn release(&self) -> &str {
        &self.kernel.release
    }

    /// Boots, runs the job, and returns what the console said.
    pub fn run(&self, job: &Job) -> Result<Report> {
        let dir = crate::temp_dir("vm")?;
        let initrd = dir.path().join("initrd");
        std::fs::write(&initrd, self.initrd(job)?).context("cannot write the initrd")?;
        let mut command = Command::new(&self.qemu);
        command
            .args(["-M", "q35", "-accel", "tcg,thread=multi"])
            .args(["-cpu", "max", "-smp", "2"])
            .args(["-m", &job.memory_mib.to_string()])
            .args(["-nodefaults", "-no-user-config", "-no-reboot"])
            .args(["-display", "none", "-serial", "stdio"])
            .arg("-kernel")
            .arg(&self.kernel.image)
            .arg("-initrd")
            .arg(&initrd)
            .args(["-append", KERNEL_ARGUMENTS])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut guard = ProcessGuard::spawn(&mut command)?;
        let output = guard.child().stdout.take().context("stdout was piped")?;
        console::read(output, &mut guard, job.commands.len(), job.limit)
    }

    fn initrd(&self, job: &Job) -> Result<Vec<u8>> {
        let mut archive = cpio::Archive::default();
        archive.file("init", &read(&job.init)?, 0o755);
        for (from, to) in &job.files {
            archive.file(to.trim_start_matches('/'), &read(from)?, 0o755);
        }
        let ordered = modules::closure(&self.kernel.modules, &job.modules)?;
        let mut paths = Vec::new();
        for (name, file) in ordered {
            let path = format!("lib/modules/{name}.ko");
            archive.file(&path, &read(&file)?, 0o644);
            paths.push(format!("/{path}"));
        }
        let plan = json!({ "modules": paths, "commands": job.commands });
        archive.file("vm-plan.json", plan.to_string().as_bytes(), 0o644);
        Ok(archive.finish())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
