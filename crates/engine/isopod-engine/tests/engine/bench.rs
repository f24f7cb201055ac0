//! An engine in directories of its own, with an image of busybox in it.

use isopod_engine::{
    Attached, Config, ContainerDetails, CreateContainer, Engine, ImportImage, NetworkMode,
    RemoveContainer, StreamKind, WaitCondition,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Ends a test that cannot run here, and says why.
macro_rules! skip_unless_possible {
    ($name:literal) => {
        if let Some(obstacle) = $crate::bench::obstacle() {
            return isopod_testkit::skip($name, &obstacle);
        }
    };
}
pub(crate) use skip_unless_possible;

/// An engine for one test.
pub(crate) struct Bench {
    pub(crate) engine: Arc<Engine>,
    pub(crate) dir: Arc<tempfile::TempDir>,
}

/// Why these tests cannot run here, if they cannot.
pub(crate) fn obstacle() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("needs root");
    }
    if !Path::new("/bin/busybox").exists() {
        return Some("needs /bin/busybox (Debian: busybox-static)");
    }
    None
}

pub(crate) fn config(dir: &Path) -> Config {
    let mut config = Config::in_directories(dir.join("data"), dir.join("exec"));
    // The machine's own network stays as it is.
    config.default_network = NetworkMode::None;
    config.program = Some(env!("CARGO_BIN_EXE_isopod-parts").into());
    config.cgroup_parent = format!("/isopod-engine-test-{}", std::process::id());
    config
}

impl Bench {
    /// Opens an engine and imports the image `box`.
    pub(crate) async fn new() -> Self {
        let dir = Arc::new(tempfile::tempdir().expect("directory"));
        let engine = Engine::open(config(dir.path())).await.expect("the engine opens");
        let bench = Self { engine, dir };
        bench.import().await;
        bench
    }

    async fn import(&self) {
        let mut archive = isopod_images::tar::Writer::new(Vec::new());
        for directory in ["bin", "etc", "tmp", "data", "proc", "sys", "dev"] {
            archive.directory(directory, 0).expect("writes");
        }
        archive.file("data/seed", 0, b"from the image\n").expect("writes");
        archive
            .file("etc/passwd", 0, b"root:x:0:0::/root:/bin/sh\nweb:x:33:33::/:/bin/sh\n")
            .expect("writes");
        archive.file("etc/group", 0, b"root:x:0:\nweb:x:33:\nssl:x:101:web\n").expect("writes");
        let busybox = std::fs::read("/bin/busybox").expect("busybox");
        let entry = isopod_images::tar::Entry {
            size: busybox.len() as u64,
            ..isopod_images::tar::Entry::plain(
                b"bin/busybox",
                isopod_images::tar::Kind::File,
                0o755,
            )
        };
        archive.copy(&entry, &mut &busybox[..]).expect("writes");
        for applet in [
            "sh", "true", "false", "echo", "cat", "sleep", "id", "ls", "mount", "touch", "seq",
            "kill", "env", "hostname", "dd", "yes", "test",
        ] {
            let link = isopod_images::tar::Entry {
                link: b"busybox".to_vec(),
                ..isopod_images::tar::Entry::plain(
                    format!("bin/{applet}").as_bytes(),
                    isopod_images::tar::Kind::Symlink,
                    0o777,
                )
            };
            archive.header(&link).expect("writes");
        }
        let bytes = archive.finish().expect("ends");
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let request = ImportImage {
            reference: "box:latest".into(),
            changes: vec!["ENV PATH=/bin".into()],
            ..ImportImage::default()
        };
        let mut progress = self.engine.import_image(request, receiver).await.expect("imports");
        sender.send(Ok(bytes.into())).await.expect("is read");
        drop(sender);
        while let Some(step) = progress.recv().await {
            step.expect("imports");
        }
    }

    pub(crate) async fn create(
        &self,
        words: &[&str],
        change: impl FnOnce(&mut CreateContainer),
    ) -> String {
        let mut request = request(words);
        change(&mut request);
        self.engine.create_container(request).await.expect("creates").id
    }

    /// Runs a container to its end; exit code and output.
    pub(crate) async fn run(
        &self,
        words: &[&str],
        change: impl FnOnce(&mut CreateContainer),
    ) -> (i32, String) {
        let id = self.create(words, change).await;
        let options = isopod_engine::AttachContainer {
            stdout: true,
            stderr: true,
            stream: true,
            ..isopod_engine::AttachContainer::default()
        };
        let mut attached = self.engine.attach_container(&id, options).await.expect("attaches");
        let wait = self.engine.wait_container(&id, WaitCondition::NextExit).await.expect("waits");
        self.engine
            .start_container(&id)
            .await
            .unwrap_or_else(|error| panic!("starts: {}", error.full_message()));
        let (out, err) = read_all(&mut attached).await;
        let exit = wait.result().await.exit_code;
        let _ = self
            .engine
            .remove_container(&id, RemoveContainer { volumes: true, ..RemoveContainer::default() })
            .await;
        (exit, out + &err)
    }

    /// After all containers are gone: no file, snapshot or cgroup of any is left.
    pub(crate) fn assert_nothing_left(&self) {
        for directory in ["data/containers", "exec/containers"] {
            let left = std::fs::read_dir(self.dir.path().join(directory)).expect("lists").count();
            assert_eq!(left, 0, "in {directory}");
        }
        let runtime = isopod_runtime::Runtime::new(self.dir.path().join("exec/runtime"));
        assert!(runtime.list().expect("lists").is_empty(), "containers of the runtime are left");
    }

    pub(crate) async fn details(&self, id: &str) -> ContainerDetails {
        self.engine.container(id, false).await.expect("inspects")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Containers of a test that failed must not stay.
        remove_containers(&self.dir.path().join("exec/runtime"));
        remove_cgroup_parent(&format!("/isopod-engine-test-{}", std::process::id()));
    }
}

/// Ends and removes all containers below a runtime's root.
pub(crate) fn remove_containers(root: &Path) {
    for (_, container) in isopod_runtime::Runtime::new(root).list().unwrap_or_default() {
        if let Ok(container) = container {
            let _ = container.delete(true);
        }
    }
}

/// Where a group can be: in each version 1 hierarchy, and in a version 2 tree.
pub(crate) fn cgroup_directories(group: &str) -> Vec<PathBuf> {
    let name = group.trim_start_matches('/');
    let mounted = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let mut directories: Vec<_> = mounted.map(|hierarchy| hierarchy.path().join(name)).collect();
    directories.push(Path::new("/sys/fs/cgroup").join(name));
    directories
}

/// Removes the group that containers had in each hierarchy, once it is empty: while other tests
/// have containers in it, it stays for them to remove.
pub(crate) fn remove_cgroup_parent(group: &str) {
    for directory in cgroup_directories(group) {
        let _ = std::fs::remove_dir(directory);
    }
}

pub(crate) fn request(words: &[&str]) -> CreateContainer {
    let mut request = CreateContainer::default();
    request.config.image = "box".into();
    request.config.cmd = Some(words.iter().map(|&word| word.to_owned()).collect());
    request.host.network_mode = NetworkMode::None;
    request
}

pub(crate) async fn read_all(attached: &mut Attached) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(frame) = attached.output.next().await {
        let frame = frame.expect("a frame");
        match frame.stream {
            StreamKind::Stdout => out.extend_from_slice(&frame.data),
            StreamKind::Stderr => err.extend_from_slice(&frame.data),
        }
    }
    (String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
}
