//! Containers: what is known of each, and how they are found.

mod archive;
mod attach;
mod changes;
mod commit;
mod create;
mod files;
mod health;
mod inspect;
mod list;
mod log_options;
mod log_reader;
mod logs;
pub(crate) mod merge;
mod monitor;
mod mounts;
mod pause;
mod prune;
mod remove;
mod rename;
mod restart;
mod start;
mod stats;
mod stop;
mod top;
mod update;
mod wait;

pub(crate) use archive::{copy_up, running_root};
pub(crate) use log_options::Driver as LogDriver;
pub(crate) use monitor::{recorded_exit, subscribe};
pub(crate) use restart::wants_restart;
pub use wait::ContainerWait;

use crate::error::{Error, Result};
use crate::supervision::Link;
use crate::{
    ContainerConfig, ContainerNetworks, ContainerState, EventType, HostConfig, MountPoint, Status,
};
use isopod_base::times::Timestamp;
use isopod_journal::Journal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::watch;

const PREFIX: &str = "container/";

/// What is durable of a container: a record of the journal under `container/ID`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(with = "crate::model::nanos")]
    pub(crate) created: Option<Timestamp>,
    pub(crate) config: ContainerConfig,
    pub(crate) host: HostConfig,
    pub(crate) image_id: String,
    pub(crate) mounts: Vec<MountPoint>,
    pub(crate) networks: ContainerNetworks,
    pub(crate) state: ContainerState,
}

impl Record {
    pub(crate) fn key(&self) -> String {
        format!("{PREFIX}{}", self.id)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data")
    }

    /// The program and its arguments: entry point, then command.
    pub(crate) fn command_line(&self) -> Vec<String> {
        let parts = [&self.config.entrypoint, &self.config.cmd];
        parts.into_iter().flatten().flatten().cloned().collect()
    }

    pub(crate) fn stop_signal(&self) -> Result<i32> {
        if self.config.stop_signal.is_empty() {
            return Ok(15);
        }
        crate::signal::parse(&self.config.stop_signal)
    }
}

/// What others wait for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) alive: bool,
    /// How often it has ended.
    pub(crate) exits: u64,
    pub(crate) exit_code: i32,
    pub(crate) removed: bool,
    pub(crate) remove_error: Option<String>,
}

/// A container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: String,
    record: Mutex<Record>,
    /// Held by whoever changes its state; everything else only reads.
    pub(crate) operation: tokio::sync::Mutex<()>,
    pub(crate) life: watch::Sender<Life>,
    /// The way to its supervisor, while it runs.
    pub(crate) link: Mutex<Option<Arc<Link>>>,
    /// Clients that attached before the start.
    pub(crate) waiting: Mutex<Vec<crate::streams::Pending>>,
    pub(crate) health: Mutex<Option<health::Monitor>>,
    /// Ends a wait for a restart.
    pub(crate) restart: Mutex<restart::Restarts>,
}

impl Container {
    pub(crate) fn new(record: Record) -> Arc<Self> {
        let life = Life {
            alive: record.state.status.is_alive(),
            exit_code: record.state.exit_code,
            ..Life::default()
        };
        Arc::new(Self {
            id: record.id.clone(),
            record: Mutex::new(record),
            operation: tokio::sync::Mutex::new(()),
            life: watch::channel(life).0,
            link: Mutex::new(None),
            waiting: Mutex::new(Vec::new()),
            health: Mutex::new(None),
            restart: Mutex::new(restart::Restarts::default()),
        })
    }

    /// A copy of what is known now.
    pub(crate) fn record(&self) -> Record {
        self.lock().clone()
    }

    /// Looks at what is known now, without a copy of it.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Record) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn status(&self) -> Status {
        self.lock().state.status
    }

    pub(crate) fn name(&self) -> String {
        self.lock().name.clone()
    }

    /// Changes the record in memory and returns a copy to be committed.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Record)) -> Record {
        let mut record = self.lock();
        change(&mut record);
        record.clone()
    }

    /// Tells who waits whether the container is alive.
    pub(crate) fn set_alive(&self, alive: bool) {
        self.life.send_modify(|life| life.alive = alive);
    }

    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_link(&self, link: Option<Arc<Link>>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// The way to the supervisor of a container that must run.
    pub(crate) fn running_link(&self) -> Result<Arc<Link>> {
        if !self.status().is_alive() {
            return Err(Error::not_running(&self.id));
        }
        self.link().ok_or_else(|| {
            Error::new(
                crate::ErrorKind::Unavailable,
                format_args!(
                    "the supervisor of container {} is being replaced: try again",
                    self.id
                ),
            )
        })
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All containers.
#[derive(Debug)]
pub(crate) struct Containers {
    index: RwLock<Index>,
}

#[derive(Debug, Default)]
struct Index {
    by_id: BTreeMap<String, Arc<Container>>,
    /// Names of containers, and of those that are being created (without an entry by id).
    by_name: HashMap<String, String>,
}

impl Containers {
    pub(crate) fn load(journal: &Journal) -> Result<Self> {
        let mut index = Index::default();
        for (key, bytes) in journal.scan(PREFIX) {
            let record: Record = serde_json::from_slice(&bytes).map_err(|source| {
                Error::internal(format_args!("the journal's record {key} is damaged"))
                    .because(source)
            })?;
            index.by_name.insert(record.name.clone(), record.id.clone());
            index.by_id.insert(record.id.clone(), Container::new(record));
        }
        Ok(Self { index: RwLock::new(index) })
    }

    /// Finds by id, by name (with or without the slash), or by the beginning of an id.
    pub(crate) fn find(&self, name: &str) -> Result<Arc<Container>> {
        if name.is_empty() {
            return Err(Error::invalid("No container name or ID supplied"));
        }
        let index = self.read();
        if let Some(container) = index.by_id.get(name) {
            return Ok(Arc::clone(container));
        }
        let plain = name.strip_prefix('/').unwrap_or(name);
        if let Some(container) = index.by_name.get(plain).and_then(|id| index.by_id.get(id)) {
            return Ok(Arc::clone(container));
        }
        let mut matches =
            index.by_id.range(name.to_owned()..).take_while(|(id, _)| id.starts_with(name));
        match (matches.next(), matches.next()) {
            (Some((_, container)), None) => Ok(Arc::clone(container)),
            (Some(_), Some(_)) => {
                Err(Error::invalid(format_args!("multiple IDs found with provided prefix: {name}")))
            }
            (None, _) => Err(Error::no_container(name)),
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Container>> {
        self.read().by_id.values().cloned().collect()
    }

    /// Takes a name for a container to come. On failure: who has it.
    pub(crate) fn reserve_name(&self, name: &str, id: &str) -> Result<()> {
        let mut index = self.write();
        match index.by_name.get(name) {
            Some(owner) => Err(Error::conflict(format_args!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{owner}\". You have to remove (or rename) that container to be able to reuse that name."
            ))),
            None => {
                index.by_name.insert(name.to_owned(), id.to_owned());
                Ok(())
            }
        }
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.read().by_name.contains_key(name)
    }

    pub(crate) fn release_name(&self, name: &str) {
        self.write().by_name.remove(name);
    }

    pub(crate) fn insert(&self, container: Arc<Container>) {
        self.write().by_id.insert(container.id.clone(), container);
    }

    /// Forgets a container and its name.
    pub(crate) fn remove(&self, container: &Container) {
        let name = container.name();
        let mut index = self.write();
        index.by_id.remove(&container.id);
        if index.by_name.get(&name).is_some_and(|id| *id == container.id) {
            index.by_name.remove(&name);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl crate::Engine {
    /// Tells of something that happened to a container, with its labels, image and name.
    pub(crate) fn container_event(
        &self,
        container: &Container,
        action: impl Into<String>,
        more: &[(&str, String)],
    ) {
        let record = container.lock();
        let mut attributes = record.config.labels.clone();
        attributes.insert("name".into(), record.name.clone());
        attributes.insert("image".into(), record.config.image.clone());
        drop(record);
        attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        self.emit(EventType::Container, action, &container.id, attributes);
    }

    /// Ids of the containers that have a volume.
    pub(crate) fn volume_users(&self, volume: &str) -> Vec<String> {
        let has = |container: &Arc<Container>| {
            container.lock().mounts.iter().any(|mount| mount.name == volume)
        };
        self.containers.all().iter().filter(|c| has(c)).map(|c| c.id.clone()).collect()
    }
}
