//! containerd, by `ctr run --runc-binary`.

use std::fs::File;
use std::process::Command;

use anyhow::Result;
use isopod_testkit::{Limited, ProcessGuard};

use crate::host::{Host, RUNTIME, expect, output, wait_for_socket};

#[test]
fn containerd_runs_containers() -> Result<()> {
    let Some(host) = Host::new("containerd", &["containerd", "ctr", "containerd-shim-runc-v2"])?
    else {
        return Ok(());
    };
    let (socket, log) = (host.path("containerd.sock"), host.path("containerd.log"));
    let config = host.path("config.toml");
    std::fs::write(
        &config,
        format!(
            "version = 2\nroot = {:?}\nstate = {:?}\n[grpc]\naddress = {socket:?}\n[ttrpc]\naddress = {:?}\n",
            host.path("root"),
            host.path("state"),
            host.path("containerd.ttrpc"),
        ),
    )?;
    let mut command = host.command("containerd");
    command.arg("--config").arg(&config);
    command.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
    let mut daemon = ProcessGuard::spawn(&mut command)?;
    wait_for_socket(&socket, &log)?;
    let ctr = || {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(&socket);
        command
    };
    use_it(&host, &ctr)?;
    daemon.signal(rustix::process::Signal::TERM)?;
    Limited::seconds(30).wait(&mut daemon)?;
    Ok(())
}

fn use_it(host: &Host, ctr: &impl Fn() -> Command) -> Result<()> {
    let run = |id: &str, flags: &[&str], program: &[&str]| {
        let mut command = ctr();
        command.args([
            "run",
            "--runc-binary",
            RUNTIME,
            "--cgroup",
            &format!("/{}/{id}", host.group),
        ]);
        command.args(flags).arg("--rootfs").arg(host.path("rootfs")).arg(id).args(program);
        command
    };
    expect(&mut run("c1", &["--detach"], &["/bin/sleep", "100"]), 0)?;
    let task = |arguments: &[&str]| {
        let mut command = ctr();
        command.arg("task").args(arguments);
        command
    };
    assert_eq!(
        expect(&mut task(&["exec", "--exec-id", "e1", "c1", "/bin/echo", "hello"]), 0)?,
        "hello"
    );
    expect(&mut task(&["exec", "--exec-id", "e2", "c1", "/bin/sh", "-c", "exit 7"]), 7)?;
    expect(&mut task(&["pause", "c1"]), 0)?;
    let list = expect(&mut task(&["ls"]), 0)?;
    assert!(list.contains("PAUSED"), "{list}");
    expect(&mut task(&["resume", "c1"]), 0)?;
    let metrics = expect(&mut task(&["metrics", "c1"]), 0)?;
    assert!(metrics.contains("memory"), "{metrics}");
    expect(&mut task(&["kill", "--signal", "KILL", "c1"]), 0)?;
    Limited::seconds(10).until("the task has stopped", || {
        expect(&mut task(&["ls"]), 0).is_ok_and(|list| list.contains("STOPPED"))
    })?;
    let removed = output(&mut task(&["rm", "c1"]))?;
    let said = String::from_utf8_lossy(&removed.stderr);
    assert!(removed.status.success() && said.contains("exit code 137"), "{said}");
    expect(ctr().args(["container", "rm", "c1"]), 0)?;
    let out = expect(&mut run("c2", &["--rm"], &["/bin/sh", "-c", "echo out; exit 5"]), 5)?;
    assert_eq!(out, "out");
    let error = expect(&mut run("c3", &["--rm"], &["/no-such-program"]), 1)?;
    assert_eq!(error, "");
    assert_eq!(host.containers_left(), Vec::<std::path::PathBuf>::new());
    Ok(())
}
