//! Creating containers.
//!
//! Order of writes: directory, snapshot, record. A crash before the record leaves a directory and
//! a snapshot that no record names, which the next start of the engine removes.

use super::{Container, Record, merge};
use crate::engine::{blocking, make_directory};
use crate::error::{Error, Result};
use crate::{
    ContainerState, CreateContainer, CreatedContainer, Engine, MountKind, NetworkMode,
    RestartPolicy, names, signal, spec,
};
use isopod_base::times::Timestamp;
use isopod_images::Image;
use isopod_journal::Batch;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Makes a container; nothing of it runs yet.
    pub async fn create_container(
        self: &Arc<Self>,
        mut request: CreateContainer,
    ) -> Result<CreatedContainer> {
        let mut warnings = self.check(&mut request)?;
        let image = self.find_image(&request.config.image, request.platform.as_deref()).await?;
        merge::merge(&mut request.config, &image.config.config);
        let networks = self.plan_endpoints(
            &request.host.network_mode,
            std::mem::take(&mut request.networks),
            &request.host.links,
        )?;
        let id = isopod_base::id::full();
        let name = self.take_name(request.name.take(), &id)?;
        let record = Record {
            id: id.clone(),
            name: name.clone(),
            created: Some(Timestamp::now()),
            image_id: image.id.to_string(),
            config: request.config,
            host: request.host,
            mounts: Vec::new(),
            networks,
            state: ContainerState::default(),
        };
        match self.build(record, &image, &mut warnings).await {
            Ok(container) => {
                self.containers.insert(Arc::clone(&container));
                self.container_event(&container, "create", &[]);
                Ok(CreatedContainer { id, warnings })
            }
            Err(error) => {
                self.containers.release_name(&name);
                self.unbuild(&id).await;
                Err(error)
            }
        }
    }

    /// Makes everything that a container stands on.
    async fn build(
        self: &Arc<Self>,
        mut record: Record,
        image: &Arc<Image>,
        warnings: &mut Vec<String>,
    ) -> Result<Arc<Container>> {
        if record.command_line().is_empty() {
            return Err(Error::invalid("no command specified"));
        }
        let id = record.id.clone();
        make_directory(&self.data_dir(&id), 0o710)?;
        crate::failpoint::reach("create.directory");
        record.mounts = self.resolve_mounts(&record).await?;
        let prepared = {
            let (store, image, id) = (Arc::clone(&self.store), Arc::clone(image), id.clone());
            blocking(move || {
                store.prepare(&id, &image).map_err(|source| {
                    Error::internal(format_args!("prepare the root file system of {id}"))
                        .because(source)
                })
            })
        };
        let mounts = match prepared.await {
            Ok(mounts) => mounts,
            Err(error) => {
                self.discard_new_volumes(&record).await;
                return Err(error);
            }
        };
        crate::failpoint::reach("create.snapshot");
        let outcome = async {
            self.fill_volumes(&record, mounts).await?;
            // Whatever cannot be started is refused now, as far as that can be known.
            crate::networks::wanted_ports(&record)?;
            warnings.extend(spec::check(self, &record)?);
            let batch = Batch::new().put(record.key(), record.to_bytes());
            self.commit(self.volumes.record(&anonymous_volumes(&record), batch)).await
        }
        .await;
        if let Err(error) = outcome {
            self.discard_new_volumes(&record).await;
            return Err(error);
        }
        crate::failpoint::reach("create.recorded");
        Ok(Container::new(record))
    }

    async fn discard_new_volumes(&self, record: &Record) {
        if let Err(error) = self.discard_volumes(anonymous_volumes(record), Batch::new()).await {
            tracing::warn!(container = %record.id, error = %error.full_message(), "volumes of a failed creation stay");
        }
    }

    /// Removes what a creation that failed has made.
    async fn unbuild(&self, id: &str) {
        let (store, directory, id) = (Arc::clone(&self.store), self.data_dir(id), id.to_owned());
        let _ = blocking(move || {
            if matches!(store.snapshots().stat(&id), Ok(Some(_)))
                && let Err(error) = store.snapshots().remove(&id) {
                    tracing::warn!(container = %id, error = %isopod_base::chain(&error), "snapshot of a failed creation stays");
                }
            let _ = std::fs::remove_dir_all(&directory);
            Ok(())
        })
        .await;
    }

    fn take_name(&self, name: Option<String>, id: &str) -> Result<String> {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            let plain = name.strip_prefix('/').unwrap_or(&name).to_owned();
            check_name(&plain)?;
            self.containers.reserve_name(&plain, id)?;
            return Ok(plain);
        }
        loop {
            let name = names::choose(|name| self.containers.has_name(name));
            if self.containers.reserve_name(&name, id).is_ok() {
                return Ok(name);
            }
        }
    }

    /// Checks what can be told from the request alone, and fills in defaults.
    fn check(&self, request: &mut CreateContainer) -> Result<Vec<String>> {
        let (config, host) = (&mut request.config, &mut request.host);
        if config.image.is_empty() {
            return Err(Error::invalid("no image given"));
        }
        if host.network_mode == NetworkMode::Default {
            host.network_mode = self.config.default_network.clone();
        }
        if config.network_disabled {
            host.network_mode = NetworkMode::None;
        }
        if let NetworkMode::Named(name) = &mut host.network_mode {
            // An id or a part of it becomes the name, by which it is shown.
            let found = self.networks.find(name).map_err(crate::networks::no_image_missing);
            *name = found?.name;
        }
        if host.auto_remove && host.restart_policy != RestartPolicy::No {
            return Err(Error::invalid("can't create 'AutoRemove' container with restart policy"));
        }
        if !config.stop_signal.is_empty() {
            signal::parse(&config.stop_signal)?;
        }
        if !config.working_dir.is_empty() && !config.working_dir.starts_with('/') {
            return Err(Error::invalid(format_args!(
                "the working directory '{}' is invalid, it needs to be an absolute path",
                config.working_dir
            )));
        }
        for entry in &config.env {
            if entry.is_empty() || entry.starts_with('=') {
                return Err(Error::invalid(format_args!("invalid environment variable: {entry}")));
            }
        }
        check_health(config.healthcheck.as_ref())?;
        if !host.runtime.is_empty()
            && !["isopod", "runc", "io.containerd.runc.v2"].contains(&host.runtime.as_str())
        {
            return Err(Error::invalid(format_args!(
                "unknown or invalid runtime name: {}",
                host.runtime
            )));
        }
        if host.resources.device_requests > 0 {
            return Err(Error::invalid(
                "could not select device driver \"\" with capabilities: [[gpu]]",
            ));
        }
        if host.log.driver.is_empty() {
            host.log.driver.clone_from(&self.config.log_driver);
            if host.log.options.is_empty() {
                host.log.options.clone_from(&self.config.log_options);
            }
        }
        super::log_options::Settings::read(&host.log)?;
        if let Some(option) = host.storage_opt.keys().next() {
            return Err(Error::invalid(format_args!(
                "--storage-opt {option} is not supported: containers have no quota of their own"
            )));
        }
        check_hosts(host)?;
        if host.shm_size_bytes == 0 {
            host.shm_size_bytes = self.config.shm_size_bytes;
        }
        spec::fill_hidden_paths(host)?;
        let mut warnings = spec::check_resources(&host.resources)?;
        let publishes = !host.port_bindings.is_empty() || host.publish_all_ports;
        if publishes && !matches!(host.network_mode, NetworkMode::Named(_)) {
            warnings.push(format!(
                "Published ports are discarded when using {} network mode",
                host.network_mode
            ));
        }
        Ok(warnings)
    }
}

/// Checks the addresses of hosts and name servers.
fn check_hosts(host: &crate::HostConfig) -> Result<()> {
    let is_address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    for entry in &host.extra_hosts {
        let Some((_, address)) = entry.split_once(['=', ':']).filter(|(name, _)| !name.is_empty())
        else {
            return Err(Error::invalid(format_args!("bad format for add-host: {entry:?}")));
        };
        let plain = address.trim_start_matches('[').trim_end_matches(']');
        if address != "host-gateway" && !is_address(plain) {
            return Err(Error::invalid(format_args!(
                "invalid IP address in add-host: {address:?}"
            )));
        }
    }
    match host.dns.iter().find(|server| !is_address(server)) {
        Some(server) => Err(Error::invalid(format_args!("invalid IP address for DNS: {server:?}"))),
        None => Ok(()),
    }
}

fn anonymous_volumes(record: &Record) -> Vec<String> {
    let own =
        record.mounts.iter().filter(|mount| mount.kind == MountKind::Volume && mount.anonymous);
    own.map(|mount| mount.name.clone()).collect()
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    let mut characters = name.chars();
    let valid = characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && name.len() >= 2
        && name.len() <= 255
        && characters.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if valid {
        Ok(())
    } else {
        Err(Error::invalid(format_args!(
            "Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )))
    }
}

fn check_health(check: Option<&crate::Healthcheck>) -> Result<()> {
    let Some(check) = check else {
        return Ok(());
    };
    let durations = BTreeMap::from([
        ("Interval", check.interval_ns),
        ("Timeout", check.timeout_ns),
        ("StartPeriod", check.start_period_ns),
        ("StartInterval", check.start_interval_ns),
    ]);
    for (name, nanos) in durations {
        if nanos != 0 && nanos < 1_000_000 {
            return Err(Error::invalid(format_args!(
                "{name} in Healthcheck cannot be less than 1ms"
            )));
        }
    }
    if check.retries < 0 {
        return Err(Error::invalid("Retries in Healthcheck cannot be negative"));
    }
    match check.test.first().map(String::as_str) {
        None | Some("" | "NONE" | "CMD" | "CMD-SHELL") => Ok(()),
        Some(other) => {
            Err(Error::invalid(format_args!("Unknown healthcheck type '{other}' (expected 'CMD')")))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_checked() {
        for name in ["ab", "a.b-c_d", "0x"] {
            assert!(super::check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a", "-ab", "a b", "a/b", "é1"] {
            assert!(super::check_name(name).is_err(), "{name}");
        }
    }
}
