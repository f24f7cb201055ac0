//! Changing the limits and the restart policy of containers.

use crate::error::{Error, Result};
use crate::{Engine, Resources, RestartPolicy, UpdateContainer, spec};

impl Engine {
    /// Changes what the request names; returns what the user should know.
    pub async fn update_container(
        &self,
        name: &str,
        update: UpdateContainer,
    ) -> Result<Vec<String>> {
        let container = self.containers.find(name)?;
        let _operation = container.operation.lock().await;
        let before = container.record();
        if let Some(policy) = update.restart_policy
            && before.host.auto_remove
            && policy != RestartPolicy::No
        {
            return Err(Error::invalid(
                "Restart policy cannot be updated because AutoRemove is enabled for the container",
            ));
        }
        let mut resources = before.host.resources.clone();
        overlay(&mut resources, &update.resources)?;
        let warnings = spec::check_resources(&resources)?;
        if before.state.status.is_alive() {
            let limits = spec::updated_resources(self, &update.resources, &resources)?;
            self.with_runtime(&container, move |running| running.update(&limits)).await?;
        }
        let record = container.change(|record| {
            record.host.resources = resources;
            if let Some(policy) = update.restart_policy {
                record.host.restart_policy = policy;
            }
        });
        self.commit_record(&record).await?;
        self.container_event(&container, "update", &[]);
        Ok(warnings)
    }
}

/// Takes over what an update names.
fn overlay(to: &mut Resources, from: &Resources) -> Result<()> {
    if from.nano_cpus > 0 && to.cpu_quota_us > 0 {
        return Err(Error::conflict(
            "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set.",
        ));
    }
    if from.cpu_quota_us > 0 && to.nano_cpus > 0 {
        return Err(Error::conflict(
            "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
        ));
    }
    // Raising the memory above the swap limit needs that one raised as well.
    if from.memory_bytes > 0
        && from.memory_swap_bytes == 0
        && to.memory_swap_bytes > 0
        && from.memory_bytes > to.memory_swap_bytes
    {
        return Err(Error::invalid(
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
        ));
    }
    let numbers = [
        (&mut to.cpu_shares, from.cpu_shares),
        (&mut to.memory_bytes, from.memory_bytes),
        (&mut to.nano_cpus, from.nano_cpus),
        (&mut to.cpu_period_us, from.cpu_period_us),
        (&mut to.cpu_quota_us, from.cpu_quota_us),
        (&mut to.cpu_realtime_period_us, from.cpu_realtime_period_us),
        (&mut to.cpu_realtime_runtime_us, from.cpu_realtime_runtime_us),
        (&mut to.memory_reservation_bytes, from.memory_reservation_bytes),
        (&mut to.memory_swap_bytes, from.memory_swap_bytes),
    ];
    for (to, from) in numbers {
        if from != 0 {
            *to = from;
        }
    }
    if from.blkio_weight != 0 {
        to.blkio_weight = from.blkio_weight;
    }
    for (to, from) in
        [(&mut to.cpuset_cpus, &from.cpuset_cpus), (&mut to.cpuset_mems, &from.cpuset_mems)]
    {
        if !from.is_empty() {
            to.clone_from(from);
        }
    }
    if from.pids_limit.is_some() {
        to.pids_limit = from.pids_limit;
    }
    Ok(())
}
