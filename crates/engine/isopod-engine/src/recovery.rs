//! What an engine does when it starts: it compares its records with what there is, takes up what
//! runs, and finishes or undoes what was cut in half. See `DESIGN.md`.

use crate::containers::{Container, recorded_exit, subscribe, wants_restart};
use crate::engine::blocking;
use crate::error::Result;
use crate::supervision::{Link, end_supervisor};
use crate::{Engine, RestartPolicy, Status};
use isopod_base::times::Timestamp;
use isopod_images::snapshot::SnapshotKind;
use isopod_supervisor::{Mode, file};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Takes up and cleans up.
pub(crate) async fn recover(engine: &Arc<Engine>) -> Result<()> {
    remove_orphans(engine).await?;
    for container in engine.containers.all() {
        if let Err(error) = take_up(engine, &container).await {
            tracing::error!(container = %container.id, error = %error.full_message(), "could not be taken up");
        }
    }
    forget_networks(engine).await?;
    if let Err(error) = engine.reconcile_networks().await {
        tracing::error!(error = %error.full_message(), "networks could not be brought in line");
    }
    engine.watch_rules();
    start_by_policy(engine);
    Ok(())
}

/// Containers that do not run have no addresses and ports.
async fn forget_networks(engine: &Arc<Engine>) -> Result<()> {
    for container in engine.containers.all() {
        let record = container.record();
        let holds = !record.networks.published.is_empty()
            || record.networks.endpoints.values().any(|endpoint| endpoint.active.is_some());
        if holds && !record.state.status.is_alive() {
            let record = container.change(|record| {
                record.networks.published.clear();
                record.networks.endpoints.values_mut().for_each(|e| e.active = None);
            });
            engine.commit_record(&record).await?;
        }
    }
    Ok(())
}

/// Removes what no record names.
async fn remove_orphans(engine: &Arc<Engine>) -> Result<()> {
    let known: BTreeSet<_> =
        engine.containers.all().iter().map(|container| container.id.clone()).collect();
    let engine = Arc::clone(engine);
    blocking(move || {
        for id in names_in(&engine.config.exec_root.join("containers")) {
            if !known.contains(&id) {
                let directory = engine.exec_dir(&id);
                end_supervisor(&directory);
                remove_from_runtime(&engine, &id);
                let _ = std::fs::remove_dir_all(directory);
            }
        }
        for id in names_in(engine.runtime.root()) {
            if is_id(&id) && !known.contains(&id) {
                remove_from_runtime(&engine, &id);
            }
        }
        for snapshot in engine.store.snapshots().list().unwrap_or_default() {
            if snapshot.kind == SnapshotKind::Active && is_id(&snapshot.key) && !known.contains(&snapshot.key)
                && let Err(error) = engine.store.snapshots().remove(&snapshot.key) {
                    tracing::warn!(snapshot = %snapshot.key, error = %isopod_base::chain(&error), "orphan stays");
                }
        }
        for id in names_in(&engine.config.data_root.join("containers")) {
            if is_id(&id) && !known.contains(&id) {
                let _ = std::fs::remove_dir_all(engine.data_dir(&id));
            }
        }
        engine.volumes.clean();
        Ok(())
    })
    .await
}

/// Brings a container's record in line with what there is of it.
async fn take_up(engine: &Arc<Engine>, container: &Arc<Container>) -> Result<()> {
    let directory = engine.exec_dir(&container.id);
    if !directory.exists() {
        return not_running(engine, container).await;
    }
    let link = Arc::new(Link::open(&directory)?);
    if let Ok((control, state)) = subscribe(&link).await {
        if let Some(running) = state.running.filter(|_| state.exited.is_none()) {
            note_running(engine, container, &running).await?;
            container.set_link(Some(Arc::clone(&link)));
            engine.begin_health(container);
            tokio::spawn(Arc::clone(engine).monitor(Arc::clone(container), link, control, None));
            return Ok(());
        }
        if let Some(exited) = state.exited {
            engine.ended(container, exited).await;
            return Ok(());
        }
        // It waits to be told to start, by an engine that is gone.
    }
    if let Some(exited) = recorded_exit(&link) {
        if container.status().is_alive() || container.status() == Status::Created {
            engine.ended(container, exited).await;
        }
        end_supervisor(&directory);
        let _ = std::fs::remove_dir_all(&directory);
        return Ok(());
    }
    if let Ok(bytes) = std::fs::read(directory.join(file::RUNNING))
        && let Ok(running) = serde_json::from_slice(&bytes)
        && !is_over(container, &running)
    {
        return adopt(engine, container, link, running).await;
    }
    // A start that was cut off before anything ran.
    let (target, id) = (Arc::clone(engine), container.id.clone());
    blocking(move || {
        end_supervisor(&directory);
        remove_from_runtime(&target, &id);
        let _ = std::fs::remove_dir_all(&directory);
        Ok(())
    })
    .await?;
    not_running(engine, container).await
}

/// Whether the record knows of that run's end: then the engine died over clearing away its files.
fn is_over(container: &Container, running: &isopod_supervisor::protocol::Running) -> bool {
    let state = container.record().state;
    state.status == Status::Exited
        && state.started_at == Some(Timestamp::from_nanos(running.started_at_ns.into()))
}

/// The supervisor is dead, the container may run: another supervisor finds out.
async fn adopt(
    engine: &Arc<Engine>,
    container: &Arc<Container>,
    link: Arc<Link>,
    running: isopod_supervisor::protocol::Running,
) -> Result<()> {
    note_running(engine, container, &running).await?;
    container.set_link(Some(Arc::clone(&link)));
    let (target, path) = (Arc::clone(engine), link.path().to_path_buf());
    let launched = blocking(move || {
        end_supervisor(&path);
        target.launcher.launch(&path, Mode::Adopt, None)
    })
    .await?;
    let (control, _) = subscribe(&link).await?;
    engine.begin_health(container);
    tokio::spawn(Arc::clone(engine).monitor(Arc::clone(container), link, control, Some(launched)));
    Ok(())
}

async fn note_running(
    engine: &Arc<Engine>,
    container: &Arc<Container>,
    running: &isopod_supervisor::protocol::Running,
) -> Result<()> {
    let runtime = engine.runtime.clone();
    let id = container.id.clone();
    let paused = blocking(move || {
        let status = runtime.load(&id).and_then(|loaded| loaded.status());
        Ok(matches!(status, Ok(isopod_oci::runtime::Status::Paused)))
    })
    .await?;
    let status = if paused { Status::Paused } else { Status::Running };
    let before = container.record();
    let started = Some(Timestamp::from_nanos(running.started_at_ns.into()));
    let same = before.state.status == status
        && before.state.pid == running.pid
        && before.state.started_at == started;
    if !same {
        let record = container.change(|record| {
            record.state.status = status;
            record.state.pid = running.pid;
            record.state.started_at = started;
            record.state.exit_code = 0;
        });
        engine.commit_record(&record).await?;
    }
    container.set_alive(true);
    Ok(())
}

/// There is nothing of it at run time: after a reboot, or because it does not run.
async fn not_running(engine: &Arc<Engine>, container: &Arc<Container>) -> Result<()> {
    let record = container.record();
    if record.state.status.is_alive() {
        let record = container.change(|record| {
            record.state.status = Status::Exited;
            record.state.pid = 0;
            record.state.exit_code = 255;
            record.state.finished_at = Some(Timestamp::now());
            record.state.error = "the host went down while the container ran".into();
        });
        engine.commit_record(&record).await?;
        container.set_alive(false);
    } else if record.state.status == Status::Restarting {
        container.change(|record| record.state.status = Status::Exited);
    }
    if record.host.auto_remove && record.state.status != Status::Created {
        engine.discard(container, true).await?;
    }
    Ok(())
}

/// Starts containers whose policy wants them to run.
fn start_by_policy(engine: &Arc<Engine>) {
    for container in engine.containers.all() {
        let record = container.record();
        let state = &record.state;
        let wanted = state.status == Status::Exited
            && match record.host.restart_policy {
                RestartPolicy::Always => true,
                policy => wants_restart(
                    policy,
                    state.exit_code,
                    state.stopped_by_user,
                    state.restart_count,
                ),
            };
        if wanted {
            container.change(|record| record.state.status = Status::Restarting);
            engine.schedule_restart(&container, Duration::ZERO);
        }
    }
}

fn remove_from_runtime(engine: &Engine, id: &str) {
    let outcome = match engine.runtime.load(id) {
        Ok(loaded) => loaded.delete(true),
        Err(_) => engine.runtime.delete_remains(id).map(|_| ()),
    };
    if let Err(error) = outcome {
        tracing::warn!(container = %id, error = %isopod_base::chain(&error), "remains could not be removed");
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(PathBuf::from(directory)).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn is_id(name: &str) -> bool {
    name.len() == isopod_base::id::FULL_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
