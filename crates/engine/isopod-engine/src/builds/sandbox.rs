//! `RUN` in a container: the same confinement as any container of the engine, under a helper
//! process that ends with the engine.

use crate::containers::Record;
use crate::engine::make_directory;
use crate::error::{Error, Result};
use crate::{
    ContainerConfig, ContainerState, Engine, HostConfig, NetworkMode, PutArchive, spec, tree,
};
use isopod_base::times::Timestamp;
use isopod_build::{
    BorderError, Cancel, Exit, Fetched, Launch, MountSource, Sandbox, Sandboxes, Stream, Unpack,
};
use isopod_dockerfile::{Network, Security};
use isopod_oci::runtime::Mount;
use std::io::{Read, Write};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// The engine as builds see it.
pub(super) struct Border {
    pub(super) engine: Arc<Engine>,
    /// What every container of the build gets.
    pub(super) host: HostConfig,
    pub(super) runtime: tokio::runtime::Handle,
}

fn text(error: Error) -> BorderError {
    BorderError::new(error.full_message())
}

impl Sandboxes for Border {
    fn run(
        &self,
        sandbox: Sandbox<'_>,
        cancel: &Cancel,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Exit, BorderError> {
        let place = Place::make(&self.engine, sandbox.id).map_err(text)?;
        let mut record = self.record(&sandbox).map_err(text)?;
        let joined = self.runtime.block_on(self.engine.join_step(&mut record)).map_err(text)?;
        let outcome = self.engine.run_step(&place, &record, sandbox, cancel, output);
        self.runtime.block_on(self.engine.leave_step(&joined));
        outcome
    }

    fn owner(&self, root: BorrowedFd<'_>, user: &str) -> Result<(u32, u32), BorderError> {
        spec::owner(root, user).map_err(text)
    }

    fn unpack(
        &self,
        root: BorrowedFd<'_>,
        target: &str,
        archive: &mut (dyn Read + Send),
        how: Unpack,
    ) -> Result<(), BorderError> {
        let options = PutArchive { copy_owners: how.owner.is_none(), ..PutArchive::default() };
        tree::unpack_owned(root, target, archive, options, how.owner)
            .map_err(|error| BorderError::new(isopod_base::chain(&error).to_string()))
    }

    fn fetch(
        &self,
        url: &str,
        out: &mut dyn Write,
        cancel: &Cancel,
    ) -> Result<Fetched, BorderError> {
        let mut download = self.runtime.block_on(self.engine.download(url)).map_err(text)?;
        let fetched = Fetched {
            name: download.name.clone(),
            modified: download.modified.as_deref().and_then(crate::times::http_date),
        };
        loop {
            if cancel.is_cancelled() {
                return Err(BorderError::new("the build was cancelled"));
            }
            let piece = self
                .runtime
                .block_on(download.chunk())
                .map_err(|error| BorderError::new(isopod_base::chain(&error).to_string()))?;
            let Some(piece) = piece else { return Ok(fetched) };
            out.write_all(&piece).map_err(|error| BorderError::new(error.to_string()))?;
        }
    }

    fn scratch(&self) -> PathBuf {
        self.engine.builds.scratch.clone()
    }
}

impl Border {
    /// The container that a command runs in; it is never recorded.
    fn record(&self, sandbox: &Sandbox<'_>) -> Result<Record> {
        let mut host = self.host.clone();
        match sandbox.network {
            Network::Default => {}
            Network::None => host.network_mode = NetworkMode::None,
            Network::Host => host.network_mode = NetworkMode::Host,
        }
        host.network_mode = self.engine.step_network(&host)?;
        host.privileged = sandbox.security == Security::Insecure;
        if host.shm_size_bytes == 0 {
            host.shm_size_bytes = self.engine.config().shm_size_bytes;
        }
        Ok(Record {
            id: sandbox.id.to_owned(),
            name: String::new(),
            created: Some(Timestamp::now()),
            image_id: String::new(),
            config: ContainerConfig {
                user: sandbox.user.clone(),
                env: sandbox.env.clone(),
                cmd: Some(sandbox.args.clone()),
                working_dir: sandbox.cwd.clone(),
                ..ContainerConfig::default()
            },
            host,
            mounts: Vec::new(),
            networks: crate::ContainerNetworks::default(),
            state: ContainerState::default(),
        })
    }
}

impl Engine {
    /// The network that a step gets.
    fn step_network(&self, host: &HostConfig) -> Result<NetworkMode> {
        let mode = match &host.network_mode {
            NetworkMode::Default => self.config.default_network.clone(),
            other => other.clone(),
        };
        if let NetworkMode::Named(name) = &mode {
            self.networks.find(name)?;
        }
        Ok(mode)
    }

    pub(super) fn check_step_network(&self, host: &HostConfig) -> Result<()> {
        self.step_network(host).map(|_| ())
    }

    fn run_step(
        &self,
        place: &Place<'_>,
        record: &Record,
        sandbox: Sandbox<'_>,
        cancel: &Cancel,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Exit, BorderError> {
        use std::os::fd::AsFd;
        self.write_files(record).map_err(text)?;
        let (mut spec, shared) = spec::build(self, record, sandbox.root.as_fd()).map_err(text)?;
        // Mounts of images and of other containers' memory, which a step has none of.
        if !shared.is_empty() {
            return Err(BorderError::new("a build step cannot share mounts of containers"));
        }
        let mut mounts = Vec::new();
        for mounted in sandbox.mounts {
            let mount = match mounted.source {
                MountSource::Tree(fd, path) => {
                    let source = Launch::mount_path(&place.bundle, mounts.len());
                    mounts.push((fd, path));
                    bind(&source.to_string_lossy(), mounted.target, mounted.read_only)
                }
                MountSource::Tmpfs(size) => tmpfs(mounted.target, size),
            };
            spec.mounts.push(mount);
        }
        let config = place.bundle.join(isopod_supervisor::file::SPEC);
        let bytes = serde_json::to_vec(&spec).expect("plain data");
        std::fs::write(&config, bytes)
            .map_err(|error| BorderError::new(format!("write {}: {error}", config.display())))?;
        let launch = Launch {
            program: &self.launcher.program_path(),
            id: sandbox.id,
            runtime_root: self.runtime.root().to_path_buf(),
            systemd_cgroup: self.config.systemd_cgroups,
            bundle: &place.bundle,
            root: sandbox.root,
            mounts,
        };
        isopod_build::launch_step(launch, cancel, output)
    }
}

fn bind(source: &str, target: String, read_only: bool) -> Mount {
    let mut options = vec!["rbind".to_owned(), "rprivate".to_owned()];
    if read_only {
        options.push("ro".to_owned());
    }
    Mount {
        destination: target,
        kind: Some("bind".into()),
        source: Some(source.to_owned()),
        options,
        ..Mount::default()
    }
}

fn tmpfs(target: String, size: Option<u64>) -> Mount {
    let mut options = vec!["nosuid".to_owned(), "nodev".to_owned(), "mode=1777".to_owned()];
    options.extend(size.map(|size| format!("size={size}")));
    Mount {
        destination: target,
        kind: Some("tmpfs".into()),
        source: Some("tmpfs".into()),
        options,
        ..Mount::default()
    }
}

/// The directories of a step; like those of a container that no record names, so that the next
/// start of the engine removes what a crash leaves.
struct Place<'a> {
    engine: &'a Engine,
    id: String,
    bundle: PathBuf,
}

impl<'a> Place<'a> {
    fn make(engine: &'a Engine, id: &str) -> Result<Self> {
        let bundle = engine.exec_dir(id);
        make_directory(&bundle, 0o700)?;
        let place = Self { engine, id: id.to_owned(), bundle };
        make_directory(&engine.data_dir(id), 0o710)?;
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        for path in [self.engine.data_dir(&self.id), self.bundle.clone()] {
            if let Err(error) = std::fs::remove_dir_all(&path) {
                tracing::warn!(path = %path.display(), %error, "stays until the next start");
            }
        }
    }
}
