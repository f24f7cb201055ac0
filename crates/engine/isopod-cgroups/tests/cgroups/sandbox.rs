//! Groups for one test, and processes in them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use isopod_cgroups::{Config, Driver, Error, Hierarchy, Manager, Mode};
use isopod_oci::runtime::LinuxResources;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A machine that a test can use, and the groups that it makes.
pub(crate) struct Sandbox {
    pub(crate) hierarchy: Hierarchy,
    pub(crate) path: String,
    manager: Option<Manager>,
    children: Vec<Child>,
}

impl Sandbox {
    /// Nothing, and a line that says why, where the test cannot run.
    pub(crate) fn new(test: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip(test, "needs root");
            return None;
        }
        let hierarchy = match Hierarchy::detect() {
            Ok(hierarchy) => hierarchy,
            Err(error) => {
                skip(test, &error.to_string());
                return None;
            }
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = format!("/isopod-test-{}/{number}", std::process::id());
        Some(Self { hierarchy, path, manager: None, children: Vec::new() })
    }

    /// As [`Sandbox::new`], for what is particular to version 1.
    pub(crate) fn v1(test: &str) -> Option<Self> {
        Self::new(test).filter(|sandbox| {
            let v2 = sandbox.hierarchy.mode() == Mode::V2;
            if v2 {
                skip(test, "needs version 1 hierarchies");
            }
            !v2
        })
    }

    /// As [`Sandbox::new`], for what is particular to version 2.
    pub(crate) fn v2(test: &str) -> Option<Self> {
        Self::new(test).filter(|sandbox| {
            let v2 = sandbox.hierarchy.mode() == Mode::V2;
            if !v2 {
                skip(test, "needs a version 2 tree (runs in the virtual machine)");
            }
            v2
        })
    }

    /// Groups that are settled and not made.
    pub(crate) fn plan(&self, resources: &LinuxResources) -> Result<Manager, Error> {
        Manager::plan(
            &self.hierarchy,
            &Config {
                id: "test",
                path: Some(&self.path),
                resources,
                driver: Driver::Cgroupfs,
                rootless: false,
                owner: None,
                properties: &[],
            },
        )
    }

    pub(crate) fn try_create(&mut self, resources: &LinuxResources) -> Result<&Manager, Error> {
        let mut manager = self.plan(resources)?;
        manager.make()?;
        Ok(self.manager.insert(manager))
    }

    pub(crate) fn create(&mut self, resources: &LinuxResources) -> &Manager {
        self.try_create(resources).expect("groups are made")
    }

    pub(crate) fn manager(&self) -> &Manager {
        self.manager.as_ref().expect("created")
    }

    /// The content of a file of a controller's group.
    pub(crate) fn read(&self, controller: &str, file: &str) -> String {
        let path = self.manager().group_path(controller).expect("mounted").join(file);
        std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            .trim()
            .to_owned()
    }

    /// Starts a shell in the groups (or one below them) that runs `script`.
    pub(crate) fn spawn(&mut self, below: &str, script: &str) -> i32 {
        let file = if self.hierarchy.mode() == Mode::V2 { "cgroup.procs" } else { "tasks" };
        let mut directories: Vec<PathBuf> =
            self.manager().paths().groups.values().cloned().collect();
        directories.dedup();
        let mut enter = String::new();
        for directory in directories {
            let mut directory = directory;
            for part in below.split('/').filter(|part| !part.is_empty()) {
                let parent = directory.clone();
                directory.push(part);
                std::fs::create_dir_all(&directory).expect("a group below");
                for copied in ["cpuset.cpus", "cpuset.mems"] {
                    if self.hierarchy.mode() != Mode::V2
                        && let Ok(value) = std::fs::read_to_string(parent.join(copied))
                    {
                        std::fs::write(directory.join(copied), value.trim()).expect("cpuset");
                    }
                }
            }
            enter.push_str(&format!("echo 0 > {}/{file}\n", directory.display()));
        }
        let child = Command::new("/bin/sh")
            .args(["-ec", &format!("{enter}echo ready\n{script}")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let pid = i32::try_from(child.id()).expect("a process id");
        self.children.push(child);
        let mut line = String::new();
        let stdout = self.children.last_mut().and_then(|child| child.stdout.take()).expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("a line");
        assert_eq!(line, "ready\n");
        pid
    }

    /// Waits for every process that was started, for a while.
    pub(crate) fn wait_all(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        for child in &mut self.children {
            while child.try_wait().expect("a status").is_none() {
                assert!(Instant::now() < deadline, "process {} does not end", child.id());
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.children.clear();
    }

    fn directories(&self) -> Vec<PathBuf> {
        let mut roots: Vec<PathBuf> =
            self.hierarchy.v1_mounts().iter().map(|mount| mount.mountpoint.clone()).collect();
        roots.extend(self.hierarchy.v2().map(|mount| mount.mountpoint.clone()));
        roots.iter().map(|root| root.join(self.path.trim_start_matches('/'))).collect()
    }

    /// Whether any group of this test is left.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        self.directories().into_iter().filter(|directory| directory.exists()).collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(manager) = &self.manager {
            let _ = manager.kill_all(rustix::process::Signal::KILL);
        }
        if let Some(manager) = &self.manager {
            let _ = manager.thaw();
        }
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(manager) = &self.manager {
            let _ = manager.delete();
        }
        for directory in self.directories() {
            let _ = std::fs::remove_dir(&directory);
            // The parent is shared by the tests of this process; the last one removes it.
            let _ = directory.parent().map(std::fs::remove_dir);
        }
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skip(test: &str, reason: &str) {
    eprintln!("SKIP: {test}: {reason}");
}
