//! Named volumes: directories that outlive containers.
//!
//! The directory is made before the record is committed and emptied after the record is gone;
//! a removal first moves it aside, so that a crash leaves either a whole volume or rubbish that
//! the next start of the engine clears away.

use crate::engine::{blocking, make_directory};
use crate::error::{Error, ErrorKind, Result};
use crate::{CreateVolume, Engine, EventType, Filters, Pruned, Volume, VolumeUsage};
use isopod_base::times::Timestamp;
use isopod_journal::{Batch, Journal};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const PREFIX: &str = "volume/";
/// Where removed volumes wait for their files to be removed.
const TRASH: &str = ".removed";

/// The volumes of an engine.
#[derive(Debug)]
pub(crate) struct Volumes {
    root: PathBuf,
    by_name: Mutex<BTreeMap<String, Volume>>,
}

impl Volumes {
    pub(crate) fn load(journal: &Journal, root: PathBuf) -> Result<Self> {
        let mut by_name = BTreeMap::new();
        for (key, bytes) in journal.scan(PREFIX) {
            let volume: Volume = serde_json::from_slice(&bytes).map_err(|source| {
                Error::internal(format_args!("the journal's record {key} is damaged"))
                    .because(source)
            })?;
            by_name.insert(volume.name.clone(), volume);
        }
        Ok(Self { root, by_name: Mutex::new(by_name) })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Volume>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Volume> {
        self.lock().get(name).cloned()
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Makes the directory; without its record the volume is not one yet.
    fn make(&self, name: String, anonymous: bool, request: &CreateVolume) -> Result<Volume> {
        let volume = Volume {
            mountpoint: self.directory(&name).join("_data"),
            name,
            driver: "local".into(),
            created: Some(Timestamp::now()),
            labels: request.labels.clone(),
            options: request.options.clone(),
            anonymous,
        };
        make_directory(&self.directory(&volume.name), 0o701)?;
        make_directory(&volume.mountpoint, 0o755)?;
        crate::failpoint::reach("volume.made");
        Ok(volume)
    }

    /// Adds the records of a container's own volumes to the batch with the container's.
    pub(crate) fn record(&self, names: &[String], mut batch: Batch) -> Batch {
        let volumes = self.lock();
        for volume in names.iter().filter_map(|name| volumes.get(name)) {
            batch = batch.put(key(&volume.name), to_bytes(volume));
        }
        batch
    }

    /// Moves a volume's directory to where nothing finds it, before its record goes.
    fn move_aside(&self, name: &str) -> Result<PathBuf> {
        let trash = self.root.join(TRASH);
        let moved = trash.join(name);
        make_directory(&trash, 0o700)?;
        match std::fs::rename(self.directory(name), &moved) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(format_args!("remove volume {name}"))(error))
            }
            _ => Ok(moved),
        }
    }

    /// Clears away what crashes left: trash, and directories without a record that are empty.
    pub(crate) fn clean(&self) {
        let known = self.lock().clone();
        for volume in known.values().filter(|volume| volume.options.contains_key("size")) {
            if let Err(error) = crate::volume_files::mount(volume) {
                tracing::error!(volume = %volume.name, error = %error.full_message(), "not mounted");
            }
        }
        let trash = self.root.join(TRASH);
        for entry in std::fs::read_dir(&trash).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if known.contains_key(&name) && !self.directory(&name).exists() {
                let _ = std::fs::rename(entry.path(), self.directory(&name));
            } else {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        for entry in std::fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != TRASH && !known.contains_key(&name) {
                // Only what is empty: files of a user are never thrown away by guessing.
                let _ = std::fs::remove_dir(entry.path().join("_data"));
                let _ = std::fs::remove_dir(entry.path());
            }
        }
    }
}

impl Engine {
    /// Makes a volume; one of that name that exists already is returned as it is.
    pub async fn create_volume(&self, request: CreateVolume) -> Result<Volume> {
        let anonymous = request.name.is_empty();
        let name = if anonymous { isopod_base::id::full() } else { request.name.clone() };
        self.make_volume(name, anonymous, request).await
    }

    pub(crate) async fn make_volume(
        &self,
        name: String,
        anonymous: bool,
        request: CreateVolume,
    ) -> Result<Volume> {
        check(&name, &request)?;
        if let Some(volume) = self.volumes.get(&name) {
            return existing(volume, &request);
        }
        let original = match request.options.get("from") {
            Some(from) => Some(self.volumes.get(from).ok_or_else(|| Error::no_volume(from))?),
            None => None,
        };
        let volume = self.volumes.make(name, anonymous, &request)?;
        if let Err(error) = fill(volume.clone(), original).await {
            crate::volume_files::unmount_if_mounted(&volume);
            let _ = std::fs::remove_dir_all(self.volumes.directory(&volume.name));
            return Err(error);
        }
        self.commit(Batch::new().put(key(&volume.name), to_bytes(&volume))).await?;
        self.add_volume(&volume);
        Ok(volume)
    }

    /// Makes a volume that a container is to have for itself. Its record is committed with the
    /// container's, so that a crash leaves either both or none.
    pub(crate) fn make_anonymous_volume(&self) -> Result<Volume> {
        let volume = self.volumes.make(isopod_base::id::full(), true, &CreateVolume::default())?;
        self.add_volume(&volume);
        Ok(volume)
    }

    fn add_volume(&self, volume: &Volume) {
        let first = self.volumes.lock().insert(volume.name.clone(), volume.clone()).is_none();
        if first {
            self.volume_event("create", &volume.name);
        }
    }

    /// One volume.
    pub async fn volume(&self, name: &str) -> Result<Volume> {
        self.volumes.get(name).ok_or_else(|| Error::no_volume(name))
    }

    /// Volumes by the filters `name label dangling driver`.
    pub async fn volumes(&self, filters: &Filters) -> Result<Vec<Volume>> {
        check_filters(filters, &["name", "label", "dangling", "driver"])?;
        for value in filters.get("dangling").into_iter().flatten() {
            if !is_true(value) && !is_false(value) {
                return Err(Error::invalid(format_args!("invalid filter 'dangling=[{value}]'")));
            }
        }
        let names = filters.get("name").into_iter().flatten();
        let names: Vec<_> =
            names.map(|value| crate::pattern::read("name", value)).collect::<Result<_>>()?;
        let volumes: Vec<_> = self.volumes.lock().values().cloned().collect();
        Ok(volumes
            .into_iter()
            .filter(|volume| {
                filters.iter().all(|(key, values)| {
                    if key == "label" {
                        return values.iter().all(|value| has_label(&volume.labels, value));
                    }
                    values.iter().any(|value| match key.as_str() {
                        "name" => names.iter().any(|pattern| pattern.is_match(&volume.name)),
                        "driver" => volume.driver == *value,
                        _ => is_true(value) == self.volume_users(&volume.name).is_empty(),
                    })
                })
            })
            .collect())
    }

    /// Removes a volume that no container has. With `force` one that does not exist is fine.
    pub async fn remove_volume(&self, name: &str, force: bool) -> Result<()> {
        let Some(volume) = self.volumes.get(name) else {
            return if force { Ok(()) } else { Err(Error::no_volume(name)) };
        };
        let users = self.volume_users(name);
        if !users.is_empty() {
            return Err(Error::conflict(format_args!(
                "remove {name}: volume is in use - [{}]",
                users.join(", ")
            )));
        }
        self.discard_volume(&volume).await
    }

    /// Removes volumes that no container has: anonymous ones, with the filter `all=true` also
    /// those with a name.
    pub async fn prune_volumes(&self, filters: &Filters) -> Result<Pruned> {
        check_filters(filters, &["label", "label!", "all"])?;
        let all = filters.get("all").is_some_and(|values| values.iter().any(|v| is_true(v)));
        let mut pruned = Pruned::default();
        let volumes: Vec<_> = self.volumes.lock().values().cloned().collect();
        for volume in volumes {
            let labelled = |key| {
                filters
                    .get(key)
                    .map(|values: &Vec<String>| values.iter().any(|v| has_label(&volume.labels, v)))
            };
            let wanted = (all || volume.anonymous)
                && labelled("label").unwrap_or(true)
                && !labelled("label!").unwrap_or(false)
                && self.volume_users(&volume.name).is_empty();
            if !wanted {
                continue;
            }
            let size = size_of(volume.mountpoint.clone()).await?;
            self.discard_volume(&volume).await?;
            pruned.reclaimed_bytes += size;
            pruned.removed.push(volume.name);
        }
        let attributes =
            BTreeMap::from([("reclaimed".to_owned(), pruned.reclaimed_bytes.to_string())]);
        self.emit(EventType::Volume, "prune", "", attributes);
        Ok(pruned)
    }

    pub(crate) async fn volumes_usage(&self) -> Result<Vec<VolumeUsage>> {
        let volumes: Vec<_> = self.volumes.lock().values().cloned().collect();
        let mut usage = Vec::with_capacity(volumes.len());
        for volume in volumes {
            usage.push(VolumeUsage {
                size_bytes: size_of(volume.mountpoint.clone()).await?,
                references: self.volume_users(&volume.name).len(),
                volume,
            });
        }
        Ok(usage)
    }

    async fn discard_volume(&self, volume: &Volume) -> Result<()> {
        self.discard_volumes(vec![volume.name.clone()], Batch::new()).await
    }

    /// Removes volumes, and in the same commit what else is in the batch.
    pub(crate) async fn discard_volumes(&self, names: Vec<String>, mut batch: Batch) -> Result<()> {
        let mut moved = Vec::with_capacity(names.len());
        for name in &names {
            if let Some(volume) = self.volumes.get(name) {
                crate::volume_files::unmount_if_mounted(&volume);
            }
            moved.push(self.volumes.move_aside(name)?);
            batch = batch.delete(key(name));
        }
        if !names.is_empty() {
            crate::failpoint::reach("volume.moved");
        }
        if let Err(error) = self.commit(batch).await {
            for (name, moved) in names.iter().zip(moved) {
                let _ = std::fs::rename(moved, self.volumes.directory(name));
            }
            return Err(error);
        }
        if names.is_empty() {
            return Ok(());
        }
        crate::failpoint::reach("volume.unrecorded");
        for name in &names {
            self.volumes.lock().remove(name);
        }
        blocking(move || {
            for path in moved {
                match std::fs::remove_dir_all(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        tracing::warn!(path = %path.display(), %error, "files of a removed volume stay until the next start");
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await?;
        for name in &names {
            self.volume_event("destroy", name);
        }
        Ok(())
    }

    /// Of the volumes of a container those that were made for it and that no other has.
    pub(crate) fn own_volumes(&self, record: &crate::containers::Record) -> Vec<String> {
        record
            .mounts
            .iter()
            .filter(|mount| !mount.name.is_empty())
            .filter(|mount| self.volumes.get(&mount.name).is_some_and(|volume| volume.anonymous))
            .filter(|mount| self.volume_users(&mount.name).iter().all(|user| *user == record.id))
            .map(|mount| mount.name.clone())
            .collect()
    }

    /// Tells that a container's volumes are mounted, or no longer are.
    pub(crate) fn mount_events(&self, record: &crate::containers::Record, mounted: bool) {
        let action = if mounted { "mount" } else { "unmount" };
        for point in record.mounts.iter().filter(|point| !point.name.is_empty()) {
            let Some(volume) = self.volumes.get(&point.name) else { continue };
            let mut attributes = BTreeMap::from([
                ("driver".to_owned(), volume.driver),
                ("container".to_owned(), record.id.clone()),
            ]);
            if mounted {
                attributes.insert("destination".into(), point.destination.clone());
                attributes.insert("read/write".into(), point.writable.to_string());
                attributes.insert("propagation".into(), point.propagation.clone());
            }
            self.emit(EventType::Volume, action, &point.name, attributes);
        }
    }

    pub(crate) fn volume_event(&self, action: &str, name: &str) {
        let attributes = BTreeMap::from([("driver".to_owned(), "local".to_owned())]);
        self.emit(EventType::Volume, action, name, attributes);
    }
}

fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

fn to_bytes(volume: &Volume) -> Vec<u8> {
    serde_json::to_vec(volume).expect("plain data")
}

fn check(name: &str, request: &CreateVolume) -> Result<()> {
    let driver = request.driver.as_str();
    if !driver.is_empty() && driver != "local" {
        return Err(Error::not_found(format_args!(
            "create {name}: error looking up volume plugin {driver}: plugin {driver:?} not found"
        )));
    }
    let mut characters = name.chars();
    let valid = characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && characters.clone().count() > 0
        && characters.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && name.len() <= 255;
    if !valid {
        return Err(Error::invalid(format_args!(
            "create {name}: {name:?} includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
        )));
    }
    for key in request.options.keys() {
        if !matches!(key.as_str(), "type" | "device" | "o" | "size" | "from") {
            return Err(Error::invalid(format_args!("create {name}: invalid option: {key:?}")));
        }
    }
    if let Some(size) = request.options.get("size") {
        crate::volume_files::parse_size(name, size)?;
        if request.options.contains_key("device") {
            return Err(Error::invalid(format_args!(
                "create {name}: the options size and device exclude each other (a tmpfs takes o=size=…)"
            )));
        }
    }
    if request.options.contains_key("from") && request.options.contains_key("device") {
        return Err(Error::invalid(format_args!(
            "create {name}: the options from and device exclude each other"
        )));
    }
    if request.options.contains_key("o") && !request.options.contains_key("device") {
        return Err(Error::invalid(format_args!(
            "create {name}: missing required option: \"device\""
        )));
    }
    Ok(())
}

/// Makes the file system of a volume with a size, and copies what it is to begin with.
async fn fill(volume: Volume, original: Option<Volume>) -> Result<()> {
    if volume.options.get("size").or(volume.options.get("from")).is_none() {
        return Ok(());
    }
    blocking(move || {
        if let Some(bytes) = crate::volume_files::size(&volume)? {
            crate::volume_files::format(&volume, bytes)?;
        }
        match original {
            Some(original) => crate::volume_files::clone(&original, &volume),
            None => Ok(()),
        }
    })
    .await
}

/// A volume that exists serves a request unless it asks for something else.
fn existing(volume: Volume, request: &CreateVolume) -> Result<Volume> {
    if !request.options.is_empty() && request.options != volume.options {
        return Err(Error::new(
            ErrorKind::Conflict,
            format_args!("volume {} exists with other options", volume.name),
        ));
    }
    Ok(volume)
}

/// Bytes of the files below a directory.
async fn size_of(path: PathBuf) -> Result<u64> {
    blocking(move || Ok(tree_size(&path))).await
}

fn tree_size(path: &Path) -> u64 {
    let mut total = 0;
    let mut pending = vec![path.to_path_buf()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => pending.push(entry.path()),
                Ok(metadata) => total += metadata.len(),
                Err(_) => {}
            }
        }
    }
    total
}

/// Whether a label filter (`key` or `key=value`) matches.
pub(crate) fn has_label(labels: &BTreeMap<String, String>, filter: &str) -> bool {
    match filter.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|v| v == value),
        None => labels.contains_key(filter),
    }
}

fn is_false(value: &str) -> bool {
    matches!(value, "0" | "false" | "False" | "FALSE" | "f" | "F")
}

pub(crate) fn is_true(value: &str) -> bool {
    matches!(value, "1" | "true" | "True" | "TRUE" | "t" | "T")
}

/// Refuses filters that a list does not have.
pub(crate) fn check_filters(filters: &Filters, known: &[&str]) -> Result<()> {
    match filters.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Error::invalid(format_args!("invalid filter '{key}'"))),
        None => Ok(()),
    }
}
