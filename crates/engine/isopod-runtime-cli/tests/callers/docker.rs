//! dockerd, by `--add-runtime`.

use std::fs::File;
use std::process::Command;

use anyhow::Result;
use isopod_testkit::{Limited, ProcessGuard};

use crate::host::{Host, RUNTIME, expect, output, wait_for_socket};

#[test]
fn dockerd_runs_containers() -> Result<()> {
    let Some(host) = Host::new("dockerd", &["dockerd", "docker", "containerd"])? else {
        return Ok(());
    };
    let (socket, log) = (host.path("docker.sock"), host.path("dockerd.log"));
    let mut command = host.command("dockerd");
    for (flag, name) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")] {
        command.arg(flag).arg(host.path(name));
    }
    command.arg(format!("--host=unix://{}", socket.display()));
    command.arg(format!("--add-runtime=isopod={RUNTIME}"));
    command.args(["--default-runtime", "isopod", "--storage-driver", "vfs", "--bridge", "none"]);
    command.args(["--iptables=false", "--ip-forward=false", "--cgroup-parent"]);
    command.arg(format!("/{}", host.group));
    command.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
    let mut daemon = ProcessGuard::spawn(&mut command)?;
    wait_for_socket(&socket, &log)?;
    let docker = || {
        let mut command = Command::new("docker");
        command.arg(format!("--host=unix://{}", socket.display()));
        command
    };
    use_it(&host, &docker)?;
    daemon.signal(rustix::process::Signal::TERM)?;
    Limited::seconds(30).wait(&mut daemon)?;
    Ok(())
}

fn use_it(host: &Host, docker: &impl Fn() -> Command) -> Result<()> {
    let archive = host.path("rootfs.tar");
    expect(
        Command::new("tar").arg("-C").arg(host.path("rootfs")).arg("-cf").arg(&archive).arg("."),
        0,
    )?;
    expect(docker().arg("import").arg(&archive).arg("box"), 0)?;
    let run = |arguments: &[&str]| {
        let mut command = docker();
        command.args(["run", "--network", "none"]).args(arguments);
        command
    };
    expect(&mut run(&["-d", "--name", "c1", "box", "sleep", "100"]), 0)?;
    assert_eq!(expect(docker().args(["exec", "c1", "echo", "hello"]), 0)?, "hello");
    expect(docker().args(["exec", "c1", "sh", "-c", "exit 7"]), 7)?;
    let missing = output(docker().args(["exec", "c1", "no-such-program"]))?;
    let said = [missing.stdout, missing.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("executable file not found in $PATH"), "{said}");
    expect(docker().args(["pause", "c1"]), 0)?;
    let state = ["inspect", "--format", "{{.State.Status}}", "c1"];
    assert_eq!(expect(docker().args(state), 0)?, "paused");
    expect(docker().args(["unpause", "c1"]), 0)?;
    expect(docker().args(["update", "--memory", "64m", "--memory-swap", "64m", "c1"]), 0)?;
    let limit = ["exec", "c1", "cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    if std::path::Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists() {
        assert_eq!(expect(docker().args(limit), 0)?, (64 << 20).to_string());
    }
    let top = expect(docker().args(["top", "c1"]), 0)?;
    assert!(top.contains("sleep 100"), "{top}");
    expect(docker().args(["kill", "c1"]), 0)?;
    assert_eq!(expect(docker().args(["wait", "c1"]), 0)?, "137");
    expect(docker().args(["rm", "c1"]), 0)?;
    assert_eq!(expect(&mut run(&["--rm", "box", "sh", "-c", "echo out; exit 5"]), 5)?, "out");
    assert_eq!(
        expect(&mut run(&["--rm", "-t", "box", "sh", "-c", "test -t 0 && echo yes"]), 0)?,
        "yes"
    );
    expect(
        &mut run(&[
            "--rm",
            "--memory",
            "32m",
            "--cpus",
            "0.5",
            "--pids-limit",
            "50",
            "--read-only",
            "--user",
            "1:1",
            "box",
            "true",
        ]),
        0,
    )?;
    expect(&mut run(&["--rm", "box", "no-such-program"]), 127)?;
    expect(&mut run(&["--rm", "box", "/etc/passwd"]), 126)?;
    assert_eq!(host.containers_left(), Vec::<std::path::PathBuf>::new());
    Ok(())
}
