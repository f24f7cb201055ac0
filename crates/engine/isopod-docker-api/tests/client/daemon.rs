//! A daemon of a test's own, with an image called `bb`.

use isopod_testkit::NetworkSandbox;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a daemon may take to answer.
const START: Duration = Duration::from_secs(30);

/// How long a client's command may take.
pub(crate) const COMMAND: Duration = Duration::from_secs(60);

/// What a command gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running daemon.
pub(crate) struct Daemon {
    process: Child,
    directory: TempDir,
    peer: bool,
}

/// Prints why a test does not run.
pub(crate) fn skip(why: &str) {
    isopod_testkit::skip(std::thread::current().name().unwrap_or("test"), why);
}

/// Starts the daemon, in a network of its own if one is given. Its log goes on where it was.
fn spawn(directory: &Path, peer: bool, network: Option<&NetworkSandbox>) -> Option<Child> {
    let mut command = if peer { dockerd(directory, network) } else { isopod(directory, network) }?;
    let log = fs::OpenOptions::new().create(true).append(true).open(directory.join("log"));
    let log = log.expect("writable");
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a descriptor")).stderr(log);
    Some(command.spawn().expect("the daemon starts"))
}

fn find(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

impl Daemon {
    /// Starts a daemon with the image `bb`; `None` (with a reason) where that is impossible.
    pub(crate) fn start() -> Option<Self> {
        let daemon = Self::start_empty()?;
        daemon.import("bb");
        Some(daemon)
    }

    /// Starts a daemon without images.
    pub(crate) fn start_empty() -> Option<Self> {
        Self::start_with(None, |_| {})
    }

    /// Starts a daemon in a network that the test has made, networks and all; with the image `bb`.
    pub(crate) fn start_in(network: &NetworkSandbox) -> Option<Self> {
        let daemon = Self::start_with(Some(network), |_| {})?;
        daemon.import("bb");
        Some(daemon)
    }

    /// Likewise, by a configuration: `configure` writes `daemon.json` in the daemon's directory,
    /// where the socket `api.sock` is among the hosts.
    pub(crate) fn start_configured(
        network: &NetworkSandbox,
        configure: impl FnOnce(&Path),
    ) -> Option<Self> {
        let daemon = Self::start_with(Some(network), configure)?;
        daemon.import("bb");
        Some(daemon)
    }

    fn start_with(network: Option<&NetworkSandbox>, configure: impl FnOnce(&Path)) -> Option<Self> {
        let missing =
            ["docker", "busybox", "unshare", "tar"].into_iter().find(|tool| find(tool).is_none());
        if let Some(tool) = missing {
            skip(&format!("{tool} is not installed"));
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            skip("needs root");
            return None;
        }
        let directory = tempfile::Builder::new()
            .prefix("isopod-client")
            .tempdir()
            .expect("temporary directory");
        let peer = std::env::var("ISOPOD_CLIENT_PEER").is_ok_and(|name| name == "dockerd");
        configure(directory.path());
        let process = spawn(directory.path(), peer, network)?;
        let mut daemon = Self { process, directory, peer };
        daemon.await_ready();
        Some(daemon)
    }

    /// Kills the daemon, as a crash would, and starts it again.
    pub(crate) fn crash(&mut self, network: &NetworkSandbox) {
        self.kill();
        self.process =
            spawn(self.directory.path(), self.peer, Some(network)).expect("it ran before");
        self.await_ready();
    }

    /// Kills the daemon, as the kernel does when memory is short. What ran under it may go on.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("our child");
        self.process.wait().expect("our child");
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        let _ = fs::remove_file(self.socket());
        self.process = spawn(self.directory.path(), self.peer, None).expect("it ran before");
        self.await_ready();
    }

    /// A path in the daemon's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn await_ready(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < START {
            let ended = self.process.try_wait().expect("our child").is_some();
            assert!(!ended, "the daemon ended at once:\n{}", self.log());
            if UnixStream::connect(self.socket()).is_ok() && self.docker(&["version"]).code == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the daemon does not answer:\n{}", self.log());
    }

    /// What the daemon logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Whether this is Debian's dockerd (20.10), which lacks what came later.
    pub(crate) fn is_peer(&self) -> bool {
        self.peer
    }

    /// The newest version of the API that the docker client speaks.
    pub(crate) fn client_version(&self) -> (u32, u32) {
        let text = self.ok(&["version", "--format", "{{.Client.DefaultAPIVersion}}"]);
        let (major, minor) = text.split_once('.').expect("a version");
        (major.parse().expect("a number"), minor.parse().expect("a number"))
    }

    /// The API's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("api.sock")
    }

    /// A place for the test's own files.
    pub(crate) fn scratch(&self) -> PathBuf {
        let path = self.directory.path().join("scratch");
        fs::create_dir_all(&path).expect("writable");
        path
    }

    /// A client's command, ready to be spawned.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command
            .arg(COMMAND.as_secs().to_string())
            .arg("docker")
            .args(args)
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a client's command.
    pub(crate) fn docker(&self, args: &[&str]) -> Outcome {
        outcome(self.command(args).output().expect("docker runs"))
    }

    /// Runs a client's command that reads `input`.
    pub(crate) fn docker_with(&self, args: &[&str], input: &[u8]) -> Outcome {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("docker runs");
        let mut stdin = child.stdin.take().expect("piped");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("our child");
        writer.join().expect("the writer does not panic");
        outcome(output)
    }

    /// Runs a command that must succeed and returns what it printed, without the last line feed.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let outcome = self.docker(args);
        assert_eq!(
            outcome.code,
            0,
            "docker {}: {}\n{}",
            args.join(" "),
            outcome.stderr,
            self.log()
        );
        outcome.stdout.trim_end_matches('\n').to_owned()
    }

    /// Runs a command that must fail and returns its exit code and message.
    #[track_caller]
    pub(crate) fn fails(&self, args: &[&str]) -> (i32, String) {
        let outcome = self.docker(args);
        assert_ne!(outcome.code, 0, "docker {} succeeded: {}", args.join(" "), outcome.stdout);
        (outcome.code, outcome.stderr)
    }

    /// Makes an image of a static busybox.
    fn import(&self, name: &str) {
        let root = self.directory.path().join("root");
        for directory in ["bin", "etc", "tmp", "root", "data"] {
            fs::create_dir_all(root.join(directory)).expect("writable");
        }
        let busybox = find("busybox").expect("checked at the start");
        fs::copy(&busybox, root.join("bin/busybox")).expect("readable");
        let applets = Command::new(&busybox).arg("--list").output().expect("busybox runs").stdout;
        for applet in String::from_utf8_lossy(&applets).lines().filter(|name| *name != "busybox") {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).expect("writable");
        }
        fs::write(
            root.join("etc/passwd"),
            "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n",
        )
        .expect("writable");
        fs::write(root.join("etc/group"), "root:x:0:\nuser:x:1000:\n").expect("writable");
        fs::write(root.join("data/given"), "of the image\n").expect("writable");
        let archive = self.directory.path().join("root.tar");
        let made =
            Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".").status();
        assert!(made.expect("tar runs").success());
        let archive = archive.to_str().expect("text").to_owned();
        self.ok(&["import", "-c", "CMD [\"sh\"]", "-c", "ENV PATH=/bin", &archive, name]);
        let _ = fs::remove_dir_all(root);
    }

    /// Sends one request and returns the whole answer, head included.
    pub(crate) fn raw(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("the daemon listens");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A connection for hand-written HTTP.
    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).expect("the daemon listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        stream
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Containers outlive an engine on purpose: they go first.
        let ids = self.docker(&["ps", "-aq", "--no-trunc"]).stdout;
        let mut remove = vec!["rm", "-fv"];
        remove.extend(ids.lines());
        if remove.len() > 2 {
            self.docker(&remove);
        }
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let begin = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) {
            if begin.elapsed() > Duration::from_secs(20) {
                let _ = self.process.kill();
                let _ = self.process.wait();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // The parent of the containers' cgroups is this daemon's alone.
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        for hierarchy in hierarchies {
            let _ = fs::remove_dir(hierarchy.path().join(cgroup_parent(self.directory.path())));
        }
    }
}

pub(crate) fn outcome(output: Output) -> Outcome {
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A name for the parent cgroup that no other daemon has.
fn cgroup_parent(directory: &Path) -> String {
    directory.file_name().expect("a temporary directory").to_string_lossy().into_owned()
}

/// Into a mount namespace of its own, and a network of its own or the one that is given.
fn unshare(network: Option<&NetworkSandbox>) -> Command {
    match network {
        Some(network) => {
            let mut command = network.command("unshare");
            command.arg("--mount");
            command
        }
        None => {
            let mut command = Command::new("unshare");
            command.args(["--mount", "--net"]);
            command
        }
    }
}

/// The engine under test, in mount and network namespaces of its own.
fn isopod(directory: &Path, network: Option<&NetworkSandbox>) -> Option<Command> {
    let Some(binary) = std::env::var_os("ISOPOD_BIN") else {
        skip("ISOPOD_BIN does not name the isopod binary");
        return None;
    };
    let mut command = unshare(network);
    command
        .args(["sh", "-c", "ip link set lo up; exec \"$0\" \"$@\""])
        .arg(binary)
        .arg("engine")
        .arg("--data-root")
        .arg(directory.join("data"))
        .arg("--exec-root")
        .arg(directory.join("run"))
        .arg("--cgroup-parent")
        .arg(format!("/{}", cgroup_parent(directory)));
    let config = directory.join("daemon.json");
    if config.exists() {
        command.arg("--config-file").arg(config);
    } else {
        let socket = directory.join("api.sock");
        command.arg("--host").arg(format!("unix://{}", socket.display()));
    }
    Some(command)
}

/// Debian's dockerd, in namespaces of its own so that it touches nobody's network or mounts.
fn dockerd(directory: &Path, network: Option<&NetworkSandbox>) -> Option<Command> {
    if find("dockerd").is_none() {
        skip("dockerd is not installed");
        return None;
    }
    fs::write(directory.join("daemon.json"), "{}").expect("writable");
    let mut command = unshare(network);
    command.arg("dockerd");
    if network.is_none() {
        command.args(["--iptables=false", "--bridge=none"]);
    }
    command
        .arg("--config-file")
        .arg(directory.join("daemon.json"))
        .arg("--host")
        .arg(format!("unix://{}", directory.join("api.sock").display()))
        .arg("--data-root")
        .arg(directory.join("data"))
        .arg("--exec-root")
        .arg(directory.join("run"))
        .arg("--pidfile")
        .arg(directory.join("pid"));
    Some(command)
}
