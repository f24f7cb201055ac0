//! Containers as inspect and list show them.

use crate::convert::{create, host, network, signed, status, time};
use crate::error::ApiResult;
use crate::version::ApiVersion;
use isopod_base::times::Timestamp;
use isopod_docker_types as wire;
use isopod_engine as domain;

/// `GET /containers/{id}/json`.
pub(crate) fn inspect(
    details: domain::ContainerDetails,
    version: ApiVersion,
) -> wire::ContainerInspect {
    let network_settings = network::network_settings(&details, version);
    let state = state(&details.state);
    let size = details.size;
    wire::ContainerInspect {
        created: details.created.rfc3339(),
        path: details.path,
        args: details.args,
        state,
        image: details.image_id,
        resolv_conf_path: details.resolv_conf_path.display().to_string(),
        hostname_path: details.hostname_path.display().to_string(),
        hosts_path: details.hosts_path.display().to_string(),
        // As Docker has it, only this driver's file is for others to read.
        log_path: match details.host.log.driver.as_str() {
            "json-file" => details.log_path.display().to_string(),
            _ => String::new(),
        },
        name: format!("/{}", details.name),
        restart_count: details.state.restart_count.into(),
        graph_driver: Some(wire::GraphDriver {
            data: details.driver_data,
            name: details.driver.clone(),
        }),
        driver: details.driver,
        platform: details.platform,
        image_manifest_descriptor: None,
        mount_label: String::new(),
        process_label: String::new(),
        app_armor_profile: String::new(),
        exec_ids: details.exec_ids,
        host_config: host::to_wire(&details.host),
        size_rw: size.map(|size| signed(size.written_bytes)),
        size_root_fs: size.map(|size| signed(size.root_bytes)),
        mounts: details.mounts.iter().map(mount_point).collect(),
        config: create::to_wire(&details.config),
        network_settings,
        id: details.id,
    }
}

fn state(state: &domain::ContainerState) -> wire::ContainerState {
    use domain::Status;

    let status = state.status;
    wire::ContainerState {
        status: status.as_str().into(),
        // As Docker has it, a container that waits to be restarted counts as running.
        running: status.is_alive() || status == Status::Restarting,
        paused: status == Status::Paused,
        restarting: status == Status::Restarting,
        oom_killed: state.oom_killed,
        dead: status == Status::Dead,
        pid: state.pid.into(),
        exit_code: state.exit_code.into(),
        error: state.error.clone(),
        started_at: time(state.started_at),
        finished_at: time(state.finished_at),
        health: state.health.as_ref().map(health),
    }
}

fn health(health: &domain::Health) -> wire::Health {
    wire::Health {
        status: health.status.as_str().into(),
        failing_streak: health.failing_streak.into(),
        log: health
            .log
            .iter()
            .map(|result| wire::HealthcheckResult {
                start: result.start.rfc3339(),
                end: result.end.rfc3339(),
                exit_code: result.exit_code.into(),
                output: result.output.clone(),
            })
            .collect(),
    }
}

fn mount_point(point: &domain::MountPoint) -> wire::MountPoint {
    wire::MountPoint {
        kind: point.kind.as_str().into(),
        name: point.name.clone(),
        source: point.source.clone(),
        destination: point.destination.clone(),
        driver: point.driver.clone(),
        mode: point.mode.clone(),
        rw: point.writable,
        propagation: point.propagation.clone(),
    }
}

/// An entry of `GET /containers/json`.
pub(crate) fn summary(
    details: &domain::ContainerDetails,
    now: Timestamp,
) -> wire::ContainerSummary {
    let size = details.size.unwrap_or_default();
    wire::ContainerSummary {
        id: details.id.clone(),
        names: vec![format!("/{}", details.name)],
        image: details.config.image.clone(),
        image_id: details.image_id.clone(),
        image_manifest_descriptor: None,
        command: command(&details.path, &details.args),
        created: details.created.seconds(),
        ports: network::listed_ports(details),
        size_rw: signed(size.written_bytes),
        size_root_fs: signed(size.root_bytes),
        labels: details.config.labels.clone(),
        state: details.state.status.as_str().into(),
        status: status::text(&details.state, now),
        host_config: wire::ContainerListHostConfig {
            network_mode: details.host.network_mode.to_string(),
            annotations: details.host.annotations.clone(),
        },
        network_settings: wire::ContainerListNetworks { networks: network::of_container(details) },
        mounts: details.mounts.iter().map(mount_point).collect(),
    }
}

/// A command in one line; arguments with spaces are quoted as Docker does.
fn command(path: &str, args: &[String]) -> String {
    let mut line = path.to_owned();
    for arg in args {
        line.push(' ');
        if arg.contains(' ') {
            line.push('\'');
            line.push_str(arg);
            line.push('\'');
        } else {
            line.push_str(arg);
        }
    }
    line
}

/// A file of a container, with Go's idea of a file mode.
pub(crate) fn path_stat(stat: &domain::PathStat) -> wire::PathStat {
    wire::PathStat {
        name: stat.name.clone(),
        size: signed(stat.size),
        mode: go_mode(stat.mode),
        mtime: stat.mtime.rfc3339(),
        link_target: stat.link_target.clone(),
    }
}

/// Go's `os.FileMode` of an `st_mode`.
fn go_mode(mode: u32) -> u32 {
    let kind = match mode & 0o170_000 {
        0o040_000 => 1 << 31,
        0o120_000 => 1 << 27,
        0o060_000 => 1 << 26,
        0o020_000 => (1 << 26) | (1 << 21),
        0o010_000 => 1 << 25,
        0o140_000 => 1 << 24,
        _ => 0,
    };
    let bits = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    bits.iter()
        .filter(|(unix, _)| mode & unix != 0)
        .fold((mode & 0o777) | kind, |result, (_, go)| result | go)
}

/// Changes of a container's files.
pub(crate) fn changes(changes: Vec<domain::Change>) -> ApiResult<Vec<wire::FilesystemChange>> {
    Ok(changes
        .into_iter()
        .map(|change| wire::FilesystemChange {
            kind: match change.kind {
                domain::ChangeKind::Modified => wire::change_kind::MODIFIED,
                domain::ChangeKind::Added => wire::change_kind::ADDED,
                domain::ChangeKind::Deleted => wire::change_kind::DELETED,
            },
            path: change.path,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_gos() {
        assert_eq!(go_mode(0o100_644), 0o644);
        assert_eq!(go_mode(0o040_755), (1 << 31) | 0o755);
        assert_eq!(go_mode(0o041_777), (1 << 31) | (1 << 20) | 0o777);
        assert_eq!(go_mode(0o120_777), (1 << 27) | 0o777);
        assert_eq!(go_mode(0o020_620), (1 << 26) | (1 << 21) | 0o620);
        assert_eq!(go_mode(0o104_755), (1 << 23) | 0o755);
    }

    #[test]
    fn commands_in_one_line() {
        let args = ["-c".to_owned(), "echo hi".to_owned()];
        assert_eq!(command("sh", &args), "sh -c 'echo hi'");
    }
}
