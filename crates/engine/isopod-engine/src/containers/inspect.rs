//! What is known of a container, for its user.

use super::{Container, Record};
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{ContainerDetails, ContainerSize, Engine};
use isopod_base::times::Timestamp;
use isopod_images::Mounts;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Everything about a container; with sizes, which takes a walk through its files.
    pub async fn container(&self, name: &str, size: bool) -> Result<ContainerDetails> {
        let container = self.containers.find(name)?;
        let mut details = self.details(&container);
        details.driver_data = self.driver_data(&container.id);
        if size {
            details.size = Some(self.size_of(&container.id).await?);
        }
        Ok(details)
    }

    pub(crate) fn details(&self, container: &Container) -> ContainerDetails {
        let record = container.record();
        let directory = self.data_dir(&record.id);
        let mut words = record.command_line().into_iter();
        let path = words.next().unwrap_or_default();
        let log_path = self.log_path(&record);
        let Record { id, name, created, mut config, host, image_id, mounts, networks, mut state } =
            record.clone();
        config.hostname = self.hostname_of(&record);
        state.health = container.health_now();
        ContainerDetails {
            path,
            args: words.collect(),
            created: created.unwrap_or_else(Timestamp::now),
            resolv_conf_path: directory.join("resolv.conf"),
            hostname_path: directory.join("hostname"),
            hosts_path: directory.join("hosts"),
            log_path,
            exec_ids: self.execs.running_in(&id),
            driver: self.store.snapshots().name().to_owned(),
            platform: "linux".into(),
            driver_data: BTreeMap::new(),
            size: None,
            id,
            name,
            state,
            image_id,
            config,
            host,
            mounts,
            networks,
        }
    }

    /// Paths of the snapshot by role.
    fn driver_data(&self, id: &str) -> BTreeMap<String, String> {
        let Ok(mounts) = self.store.snapshots().mounts(id) else {
            return BTreeMap::new();
        };
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        match mounts {
            Mounts::Overlay(overlay) => {
                let lower: Vec<_> = overlay.lower.iter().map(|path| text(path)).collect();
                let mut data = BTreeMap::from([("LowerDir".to_owned(), lower.join(":"))]);
                if let Some(writable) = &overlay.writable {
                    data.insert("UpperDir".into(), text(&writable.join("fs")));
                    data.insert("WorkDir".into(), text(&writable.join("work")));
                }
                data
            }
            Mounts::Directory { path, .. } => {
                BTreeMap::from([("Directory".to_owned(), text(&path))])
            }
        }
    }

    /// How much a container stores.
    pub(crate) async fn size_of(&self, id: &str) -> Result<ContainerSize> {
        let (store, id) = (Arc::clone(&self.store), id.to_owned());
        blocking(move || {
            let failed =
                |source| Error::internal(format_args!("measure container {id}")).because(source);
            let snapshots = store.snapshots();
            let written = snapshots.usage(&id).map_err(failed)?.bytes;
            let mut below = 0;
            let mut parent = snapshots.stat(&id).map_err(failed)?.and_then(|info| info.parent);
            while let Some(key) = parent {
                below += snapshots.usage(&key).map_err(failed)?.bytes;
                parent = snapshots.stat(&key).map_err(failed)?.and_then(|info| info.parent);
            }
            Ok(ContainerSize { written_bytes: written, root_bytes: written + below })
        })
        .await
    }
}
