//! podman, by `--runtime`.

use std::process::Command;

use anyhow::Result;

use crate::host::{Host, RUNTIME, expect};

fn podman(host: &Host) -> Command {
    let mut command = host.command("podman");
    for (flag, name) in [("--root", "root"), ("--runroot", "runroot"), ("--tmpdir", "tmp")] {
        command.arg(flag).arg(host.path(name));
    }
    command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
    command.args(["--events-backend", "file", "--runtime", RUNTIME]);
    command
}

/// `run` with what podman needs where root may not raise limits.
fn run(host: &Host) -> Command {
    let mut command = podman(host);
    command.args(["run", "--network", "none", "--cgroup-parent", &format!("/{}", host.group)]);
    command.args(["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]);
    command
}

#[test]
fn podman_runs_containers() -> Result<()> {
    let Some(host) = Host::new("podman", &["podman", "conmon"])? else { return Ok(()) };
    let rootfs = host.path("rootfs");
    let id = expect(
        run(&host).args(["-d", "--name", "c1", "--rootfs"]).arg(&rootfs).args(["sleep", "100"]),
        0,
    )?;
    assert_eq!(id.len(), 64);
    assert_eq!(expect(podman(&host).args(["exec", "c1", "echo", "hello"]), 0)?, "hello");
    expect(podman(&host).args(["exec", "c1", "sh", "-c", "exit 7"]), 7)?;
    expect(podman(&host).args(["exec", "c1", "no-such-program"]), 127)?;
    expect(podman(&host).args(["pause", "c1"]), 0)?;
    let state = ["inspect", "--format", "{{.State.Status}}", "c1"];
    assert_eq!(expect(podman(&host).args(state), 0)?, "paused");
    expect(podman(&host).args(["unpause", "c1"]), 0)?;
    assert_eq!(expect(podman(&host).args(state), 0)?, "running");
    expect(podman(&host).args(["kill", "c1"]), 0)?;
    assert_eq!(expect(podman(&host).args(["wait", "c1"]), 0)?, "137");
    expect(podman(&host).args(["rm", "c1"]), 0)?;
    expect(run(&host).args(["--rm", "--rootfs"]).arg(&rootfs).args(["sh", "-c", "exit 5"]), 5)?;
    let terminal = expect(
        run(&host).args(["--rm", "-t", "--rootfs"]).arg(&rootfs).args([
            "sh",
            "-c",
            "test -t 0 && echo yes",
        ]),
        0,
    )?;
    assert_eq!(terminal, "yes");
    expect(run(&host).args(["--rm", "--rootfs"]).arg(&rootfs).arg("no-such-program"), 127)?;
    assert_eq!(host.containers_left(), Vec::<std::path::PathBuf>::new());
    Ok(())
}
