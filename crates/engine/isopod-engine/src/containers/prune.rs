//! Removing containers that do not run.

use crate::error::Result;
use crate::volumes::{check_filters, has_label};
use crate::{Engine, EventType, Filters, Pruned, RemoveContainer, Status};
use isopod_base::times::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Removes containers that do not run, by the filters `label label! until`.
    pub async fn prune_containers(self: &Arc<Self>, filters: &Filters) -> Result<Pruned> {
        check_filters(filters, &["label", "label!", "until"])?;
        let until = crate::times::until(filters)?;
        let mut pruned = Pruned::default();
        for container in self.containers.all() {
            let record = container.record();
            let dead =
                matches!(record.state.status, Status::Created | Status::Exited | Status::Dead);
            let labelled = |key| {
                filters.get(key).map(|values: &Vec<String>| {
                    values.iter().any(|v| has_label(&record.config.labels, v))
                })
            };
            let old =
                until.is_none_or(|until| record.created.unwrap_or_else(Timestamp::now) < until);
            if !dead
                || !old
                || !labelled("label").unwrap_or(true)
                || labelled("label!").unwrap_or(false)
            {
                continue;
            }
            let size = self.size_of(&container.id).await.map_or(0, |size| size.written_bytes);
            if self.remove_container(&container.id, RemoveContainer::default()).await.is_ok() {
                pruned.removed.push(container.id.clone());
                pruned.reclaimed_bytes += size;
            }
        }
        let attributes =
            BTreeMap::from([("reclaimed".to_owned(), pruned.reclaimed_bytes.to_string())]);
        self.emit(EventType::Container, "prune", "", attributes);
        Ok(pruned)
    }
}
