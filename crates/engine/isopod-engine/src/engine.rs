//! The engine's parts, and how its operations reach the disk.

use crate::access::Sockets;
use crate::config::Config;
use crate::containers::{Containers, Record};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::exec::Execs;
use crate::networks::Networks;
use crate::supervision::Launcher;
use crate::system::Host;
use crate::volumes::Volumes;
use crate::{EventType, recovery};
use isopod_base::times::Timestamp;
use isopod_images::Images;
use isopod_journal::{Batch, Journal};
use isopod_runtime::Runtime;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long another engine may hold the data directory before that is an error.
const LOCK_LIMIT: Duration = Duration::from_secs(1);

/// A running engine. Its methods may be called at the same time from any number of tasks.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) journal: Arc<Journal>,
    pub(crate) store: Arc<Images>,
    pub(crate) image_service: crate::images::Service,
    pub(crate) builds: crate::builds::Service,
    pub(crate) containers: Containers,
    pub(crate) volumes: Volumes,
    pub(crate) networks: Networks,
    /// Held by who makes or removes a network.
    pub(crate) network_turn: std::sync::Mutex<()>,
    pub(crate) sockets: Sockets,
    pub(crate) execs: Execs,
    pub(crate) events: Events,
    pub(crate) runtime: Runtime,
    pub(crate) launcher: Launcher,
    pub(crate) host: Host,
    /// An id that stays with the data directory.
    pub(crate) id: String,
    pub(crate) started_at: Timestamp,
}

impl Engine {
    /// Opens the data directory, making it when absent, takes up containers that run, and
    /// finishes or undoes what a crash cut in half.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        let engine = blocking(move || Self::assemble(config)).await?;
        let engine = Arc::new(engine);
        recovery::recover(&engine).await?;
        Ok(engine)
    }

    fn assemble(config: Config) -> Result<Self> {
        make_directory(&config.data_root, 0o711)?;
        make_directory(&config.exec_root, 0o711)?;
        for (path, mode) in [
            (config.data_root.join("containers"), 0o710),
            (config.data_root.join("volumes"), 0o701),
            (config.exec_root.join("containers"), 0o700),
            (config.exec_root.join("runtime"), 0o700),
        ] {
            make_directory(&path, mode)?;
        }
        let journal = open_journal(&config)?;
        let journal = Arc::new(journal);
        let store = Images::open(isopod_images::Options::new(config.data_root.join("images")))
            .map_err(|source| Error::internal("open the image store").because(source))?;
        let runtime =
            Runtime::new(config.exec_root.join("runtime")).systemd_cgroup(config.systemd_cgroups);
        let id = engine_id(&config.data_root)?;
        Ok(Self {
            networks: Networks::load(&journal, &config, &id)?,
            network_turn: std::sync::Mutex::default(),
            image_service: crate::images::Service::new(&config)?,
            builds: crate::builds::Service::open(&config, &store)?,
            containers: Containers::load(&journal)?,
            volumes: Volumes::load(&journal, config.data_root.join("volumes"))?,
            sockets: Sockets::load(&journal)?,
            execs: Execs::default(),
            events: Events::default(),
            launcher: Launcher::new(&config)?,
            host: Host::detect()?,
            id,
            started_at: Timestamp::now(),
            store: Arc::new(store),
            runtime,
            journal,
            config,
        })
    }

    /// Ends the engine's own tasks: the listeners on events. Containers go on.
    pub async fn shutdown(&self) {
        self.events.close();
    }

    /// The configuration it was opened with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The store of images and snapshots. Its methods block.
    pub fn images_store(&self) -> &Arc<Images> {
        &self.store
    }

    /// Tells everybody who listens.
    pub(crate) fn emit(
        &self,
        kind: EventType,
        action: impl Into<String>,
        actor_id: &str,
        attributes: BTreeMap<String, String>,
    ) {
        self.events.emit(kind, action.into(), actor_id.to_owned(), attributes);
    }

    /// Makes changes durable; they are when this returns.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<()> {
        let journal = Arc::clone(&self.journal);
        blocking(move || Ok(journal.commit(batch)?)).await
    }

    /// Makes a container's record durable.
    pub(crate) async fn commit_record(&self, record: &Record) -> Result<()> {
        self.commit(Batch::new().put(record.key(), record.to_bytes())).await
    }

    /// The program that containers with an init have as process 1.
    pub(crate) fn init_program(&self) -> Result<PathBuf> {
        self.launcher.init_program(&self.config.data_root)
    }

    /// The durable directory of a container.
    pub(crate) fn data_dir(&self, id: &str) -> PathBuf {
        self.config.data_root.join("containers").join(id)
    }

    /// The run-time directory of a container.
    pub(crate) fn exec_dir(&self, id: &str) -> PathBuf {
        self.config.exec_root.join("containers").join(id)
    }
}

/// Opens the journal. A killed engine's lock may be held for a moment by a child of its that has
/// not executed its own program yet.
fn open_journal(config: &Config) -> Result<Journal> {
    let limit = std::time::Instant::now() + LOCK_LIMIT;
    loop {
        match Journal::open(&config.data_root.join("journal")) {
            Err(isopod_journal::Error::InUse { .. }) if std::time::Instant::now() < limit => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(isopod_journal::Error::InUse { .. }) => {
                return Err(Error::new(
                    crate::ErrorKind::Unavailable,
                    format_args!("another engine uses {}", config.data_root.display()),
                ));
            }
            opened => return Ok(opened?),
        }
    }
}

/// Runs what blocks on a thread for such things.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("a task of the engine failed").because(error)),
    }
}

pub(crate) fn make_directory(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(Error::io(format_args!("make directory {}", path.display())))
}

fn engine_id(data_root: &Path) -> Result<String> {
    let path = data_root.join("engine-id");
    match std::fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
        _ => {
            let bytes: [u8; 16] = isopod_base::id::random_bytes();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let id = format!(
                "{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            );
            isopod_base::files::replace(&path, id.as_bytes(), 0o600)
                .map_err(|source| Error::internal("store the engine's id").because(source))?;
            Ok(id)
        }
    }
}
