//! Making images of containers.

use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{CommitContainer, ContainerConfig, Engine, Status};
use isopod_images::CommitOptions;
use isopod_oci::image::{Empty, ExecutionConfig, Healthcheck};
use std::sync::Arc;

impl Engine {
    /// Makes an image of what a container is; returns the image's id.
    pub async fn commit_container(
        self: &Arc<Self>,
        name: &str,
        request: CommitContainer,
    ) -> Result<String> {
        let container = self.containers.find(name)?;
        let record = container.record();
        let image_name = if request.reference.is_empty() {
            None
        } else {
            let parsed = isopod_registry::Reference::parse(&request.reference)
                .map_err(|source| Error::invalid(source.to_string()))?;
            Some(parsed.with_default_tag().to_string())
        };
        let parent = self.find_image(&record.image_id, None).await.ok();
        let pause = request.pause && record.state.status == Status::Running;
        let operation = container.operation.lock().await;
        if pause {
            self.with_runtime(&container, isopod_runtime::Container::pause).await?;
            self.container_event(&container, "pause", &[]);
        }
        let config = execution(request.config.as_ref().unwrap_or(&record.config), &record.config);
        let (store, id) = (Arc::clone(&self.store), container.id.clone());
        let created_by = record.command_line().join(" ");
        let named = image_name.clone();
        let outcome = blocking(move || {
            let options = CommitOptions {
                snapshot: &id,
                parent: parent.as_deref(),
                config,
                changes: request.changes,
                author: request.author,
                message: request.comment,
                created_by,
                platform: None,
                name: named,
            };
            Ok(store.commit(&options)?.id.to_string())
        })
        .await;
        if pause {
            self.with_runtime(&container, isopod_runtime::Container::resume).await?;
            self.container_event(&container, "unpause", &[]);
        }
        drop(operation);
        let image_id = outcome?;
        let more = [
            ("comment", String::new()),
            ("imageID", image_id.clone()),
            ("imageRef", image_name.unwrap_or_default()),
        ];
        self.container_event(&container, "commit", &more);
        Ok(image_id)
    }
}

/// A container's configuration as an image has it; what `own` leaves out is the container's.
fn execution(own: &ContainerConfig, container: &ContainerConfig) -> ExecutionConfig {
    let mut config = own.clone();
    let text =
        |own: &str, other: &str| if own.is_empty() { other.to_owned() } else { own.to_owned() };
    config.user = text(&own.user, &container.user);
    config.working_dir = text(&own.working_dir, &container.working_dir);
    config.stop_signal = text(&own.stop_signal, &container.stop_signal);
    config.cmd = own.cmd.clone().or_else(|| container.cmd.clone());
    config.entrypoint = own.entrypoint.clone().or_else(|| container.entrypoint.clone());
    if config.env.is_empty() {
        config.env.clone_from(&container.env);
    }
    for (key, value) in &container.labels {
        config.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    config.exposed_ports.extend(container.exposed_ports.iter().cloned());
    config.volumes.extend(container.volumes.iter().cloned());
    let check = own.healthcheck.as_ref().or(container.healthcheck.as_ref());
    let some = |number: i64| (number != 0).then_some(number);
    ExecutionConfig {
        user: config.user,
        exposed_ports: config.exposed_ports.into_iter().map(|port| (port, Empty {})).collect(),
        env: config.env,
        entrypoint: config.entrypoint,
        cmd: config.cmd,
        volumes: config.volumes.into_iter().map(|path| (path, Empty {})).collect(),
        working_dir: config.working_dir,
        labels: config.labels,
        stop_signal: Some(config.stop_signal).filter(|signal| !signal.is_empty()),
        stop_timeout: config.stop_timeout,
        args_escaped: config.args_escaped,
        healthcheck: check.map(|check| Healthcheck {
            test: check.test.clone(),
            interval: some(check.interval_ns),
            timeout: some(check.timeout_ns),
            start_period: some(check.start_period_ns),
            start_interval: some(check.start_interval_ns),
            retries: some(check.retries),
        }),
        on_build: config.on_build,
        shell: config.shell,
    }
}
