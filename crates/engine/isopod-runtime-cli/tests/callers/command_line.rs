//! Commands by hand: life, messages, exit statuses, JSON.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use anyhow::Result;
use isopod_testkit::{Limited, ProcessGuard};
use rustix::process::Signal;

use crate::bundle::Bundle;

#[test]
fn a_container_lives_and_dies() -> Result<()> {
    let Some(bundle) = Bundle::new("life")? else { return Ok(()) };
    bundle.program(&["sleep", "100"])?;
    bundle.group_for("c1")?;
    let pid_file = bundle.path("pid");
    let pid_flag = format!("--pid-file={}", pid_file.display());
    assert_eq!(bundle.ok(&["create", "c1", &pid_flag])?, "");
    assert_eq!(bundle.status("c1")?, "created");
    let state: serde_json::Value = serde_json::from_str(&bundle.ok(&["state", "c1"])?)?;
    assert_eq!(state["pid"].to_string(), std::fs::read_to_string(&pid_file)?);
    assert_eq!(state["bundle"].as_str(), bundle.path("").to_str().map(|p| p.trim_end_matches('/')));
    let (status, said) = bundle.fails(&["create", "c1"])?;
    assert_eq!(status, 1);
    assert!(said.contains("already exists"), "{said}");
    assert_eq!(bundle.ok(&["start", "c1"])?, "");
    assert_eq!(bundle.status("c1")?, "running");
    assert!(
        bundle.fails(&["start", "c1"])?.1.contains("cannot start an already running container")
    );
    assert!(
        bundle
            .fails(&["delete", "c1"])?
            .1
            .contains("cannot delete container c1 that is not stopped: running")
    );
    assert!(bundle.ok(&["ps", "c1"])?.contains("sleep 100"));
    let pids: Vec<i32> = serde_json::from_str(&bundle.ok(&["ps", "-f", "json", "c1"])?)?;
    assert_eq!(pids.len(), 1);
    assert_eq!(bundle.ok(&["pause", "c1"])?, "");
    assert_eq!(bundle.status("c1")?, "paused");
    let (status, said) = bundle.fails(&["exec", "c1", "true"])?;
    assert_eq!(status, 255);
    assert!(
        said.contains("cannot exec in a paused container (use --ignore-paused to override)"),
        "{said}"
    );
    assert_eq!(bundle.ok(&["resume", "c1"])?, "");
    let (_, said) = bundle.fails(&["resume", "c1"])?;
    assert!(said.contains("container not paused"), "{said}");
    assert_eq!(bundle.ok(&["kill", "c1", "KILL"])?, "");
    Limited::seconds(10).until("stopped", || bundle.status("c1").is_ok_and(|s| s == "stopped"))?;
    assert!(bundle.fails(&["kill", "c1"])?.1.contains("container not running"));
    assert_eq!(bundle.ok(&["kill", "--all", "c1", "9"])?, "");
    assert!(
        bundle.fails(&["start", "c1"])?.1.contains("cannot start a container that has stopped")
    );
    assert_eq!(bundle.ok(&["delete", "c1"])?, "");
    assert!(bundle.fails(&["state", "c1"])?.1.contains("container does not exist"));
    assert_eq!(bundle.ok(&["delete", "--force", "c1"])?, "");
    Ok(())
}

#[test]
fn exit_statuses_are_passed_on() -> Result<()> {
    let Some(bundle) = Bundle::new("statuses")? else { return Ok(()) };
    for (script, expected) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("exit 255", 255)]
    {
        // As process 1 a shell cannot be killed by itself, so it does it in a child.
        let script = script.replace("kill -9 $$", "sh -c 'kill -9 $$'; exit $?");
        bundle.program(&["sh", "-c", &script])?;
        bundle.group_for("c1")?;
        let output = bundle.run(&["run", "c1"])?;
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    bundle.program(&["no-such-program"])?;
    let (status, said) = bundle.fails(&["run", "c1"])?;
    assert_eq!(status, 1);
    assert!(said.contains("executable file not found in $PATH"), "{said}");
    assert_eq!(bundle.ok(&["list", "-q"])?, "");
    bundle.program(&["sleep", "100"])?;
    bundle.ok(&["run", "-d", "c1"])?;
    for (arguments, expected) in [
        (&["exec", "c1", "true"][..], 0),
        (&["exec", "c1", "sh", "-c", "exit 7"], 7),
        (&["exec", "c1", "sh", "-c", "kill -9 $$"], 137),
        (&["exec", "c1", "no-such-program"], 255),
        (&["exec", "c1"], 255),
        (&["exec", "none", "true"], 255),
        (&["exec", "--pid-file", "/no/such/directory/pid", "c1", "true"], 255),
        (&["exec", "--cwd", "relative", "c1", "true"], 255),
    ] {
        let output = bundle.run(arguments)?;
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

#[test]
fn exec_takes_what_the_flags_say() -> Result<()> {
    let Some(bundle) = Bundle::new("exec")? else { return Ok(()) };
    bundle.program(&["sleep", "100"])?;
    bundle.group_for("c1")?;
    bundle.ok(&["run", "--detach", "c1"])?;
    let out = bundle.ok(&[
        "exec",
        "--env",
        "A=x y",
        "-e",
        "B=1",
        "--cwd",
        "/tmp",
        "--user",
        "7:8",
        "-g",
        "9",
        "-g",
        "10",
        "c1",
        "sh",
        "-c",
        "echo $A $B; pwd; id -u; id -G",
    ])?;
    assert_eq!(out, "x y 1\n/tmp\n7\n8 9 10\n");
    let process = bundle.path("process.json");
    std::fs::write(
        &process,
        r#"{"args":["sh","-c","echo $Z"],"cwd":"/","env":["Z=zet","PATH=/bin"],"user":{"uid":0,"gid":0}}"#,
    )?;
    assert_eq!(bundle.ok(&["exec", "--process", process.to_str().expect("text"), "c1"])?, "zet\n");
    let capabilities = |flags: &[&str]| -> Result<u64> {
        let arguments = [&["exec"], flags, &["c1", "grep", "CapEff", "/proc/self/status"]].concat();
        let out = bundle.ok(&arguments)?;
        Ok(u64::from_str_radix(out.trim_start_matches("CapEff:").trim(), 16)?)
    };
    const SYS_PTRACE: u64 = 1 << 19;
    assert_eq!(capabilities(&[])? & SYS_PTRACE, 0);
    assert_ne!(capabilities(&["--cap", "CAP_SYS_PTRACE"])? & SYS_PTRACE, 0);
    let pid_file = bundle.path("exec-pid");
    bundle.ok(&[
        "exec",
        "-d",
        "--pid-file",
        pid_file.to_str().expect("text"),
        "c1",
        "sleep",
        "50",
    ])?;
    let pid: i32 = std::fs::read_to_string(&pid_file)?.parse()?;
    let pids: Vec<i32> = serde_json::from_str(&bundle.ok(&["ps", "--format", "json", "c1"])?)?;
    assert!(pids.contains(&pid), "{pids:?} {pid}");
    Ok(())
}

#[test]
fn logs_are_written_where_callers_look() -> Result<()> {
    let Some(bundle) = Bundle::new("logs")? else { return Ok(()) };
    let log = bundle.path("log.json");
    let log_flag = log.to_str().expect("text");
    let (status, said) =
        bundle.fails(&["--log", log_flag, "--log-format=json", "state", "none"])?;
    assert_eq!((status, said.as_str()), (1, "container does not exist\n"));
    let line: serde_json::Value = serde_json::from_str(std::fs::read_to_string(&log)?.trim())?;
    assert_eq!(line["level"], "error");
    assert_eq!(line["msg"], "container does not exist");
    let (_, said) = bundle.fails(&["state", "none"])?;
    assert!(said.starts_with("time=\""), "{said}");
    assert!(said.ends_with("level=error msg=\"container does not exist\"\n"), "{said}");
    assert!(bundle.fails(&["--log-format", "xml", "list"])?.1.contains("invalid log-format: xml"));
    Ok(())
}

#[test]
fn signals_reach_a_container_in_the_foreground() -> Result<()> {
    let Some(bundle) = Bundle::new("signals")? else { return Ok(()) };
    bundle.program(&[
        "sh",
        "-c",
        "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done",
    ])?;
    bundle.group_for("c1")?;
    let mut child =
        bundle.runtime(&["run", "c1"]).stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
    let mut out = child.stdout.take().expect("piped");
    let mut guard = ProcessGuard::new(child);
    let mut ready = [0; 6];
    out.read_exact(&mut ready)?;
    assert_eq!(&ready, b"ready\n");
    guard.signal(Signal::TERM)?;
    let status = Limited::seconds(20).wait(&mut guard)?;
    let mut rest = String::new();
    out.read_to_string(&mut rest)?;
    assert_eq!((status.code(), rest.as_str()), (Some(3), "got\n"));
    assert_eq!(bundle.ok(&["list", "-q"])?, "", "the container is removed");
    Ok(())
}

#[test]
fn keep_keeps_a_stopped_container() -> Result<()> {
    let Some(bundle) = Bundle::new("keep")? else { return Ok(()) };
    bundle.program(&["true"])?;
    bundle.group_for("c1")?;
    bundle.ok(&["run", "--keep", "c1"])?;
    assert_eq!(bundle.status("c1")?, "stopped");
    bundle.ok(&["delete", "c1"])?;
    Ok(())
}

#[test]
fn update_changes_limits_and_events_show_them() -> Result<()> {
    let Some(bundle) = Bundle::new("update")? else { return Ok(()) };
    bundle.program(&["sleep", "100"])?;
    bundle.group_for("c1")?;
    bundle.ok(&["run", "-d", "c1"])?;
    let limits = || -> Result<(u64, u64)> {
        let event: serde_json::Value =
            serde_json::from_str(&bundle.ok(&["events", "--stats", "c1"])?)?;
        assert_eq!((&event["type"], &event["id"]), (&"stats".into(), &"c1".into()));
        let data = &event["data"];
        Ok((
            data["memory"]["usage"]["limit"].as_u64().unwrap_or(0),
            data["pids"]["limit"].as_u64().unwrap_or(0),
        ))
    };
    bundle.ok(&["update", "c1", "--memory", "64m", "--pids-limit", "77", "--cpu-share", "512"])?;
    assert_eq!(limits()?, (64 << 20, 77));
    let mut child = bundle.runtime(&["update", "-r", "-", "c1"]).stdin(Stdio::piped()).spawn()?;
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(br#"{"memory":{"limit":33554432},"pids":{"limit":-1}}"#)?;
    assert!(child.wait()?.success());
    assert_eq!(limits()?, (32 << 20, 0));
    let (status, said) = bundle.fails(&["update", "--memory", "lots", "c1"])?;
    assert_eq!(status, 1);
    assert!(said.contains("invalid value"), "{said}");
    let (_, said) = bundle.fails(&["update", "-r", "/no/such/file", "c1"])?;
    assert!(said.contains("/no/such/file"), "{said}");
    Ok(())
}

#[test]
fn descriptors_are_kept_and_counted() -> Result<()> {
    let Some(bundle) = Bundle::new("descriptors")? else { return Ok(()) };
    bundle.program(&["sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; cat <&3"])?;
    bundle.group_for("c1")?;
    std::fs::write(bundle.path("kept"), "from outside")?;
    let script = format!(
        "exec 3< kept; exec {} --root {} --log {} run --preserve-fds 1 c1",
        crate::host::RUNTIME,
        bundle.path("state").display(),
        bundle.path("log").display(),
    );
    let output = crate::host::output(
        std::process::Command::new("/bin/sh").args(["-c", &script]).current_dir(bundle.path("")),
    )?;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // 4 is the directory that `ls` reads.
    assert_eq!(out, "0 1 2 3 4 from outside");
    let (status, said) = bundle.fails(&["run", "--preserve-fds", "40", "c1"])?;
    assert_eq!(status, 1);
    assert!(said.contains("unable to stat preserved-fd"), "{said}");
    Ok(())
}

#[test]
fn readiness_is_told_to_the_service_manager() -> Result<()> {
    let Some(bundle) = Bundle::new("notify")? else { return Ok(()) };
    // Without a program for datagrams in the container, the test speaks for it.
    bundle.program(&["sleep", "100"])?;
    bundle.group_for("c1")?;
    let path = bundle.path("host.sock");
    let host = UnixDatagram::bind(&path)?;
    host.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    let mut command = bundle.runtime(&["run", "--detach", "c1"]);
    command.env("NOTIFY_SOCKET", &path);
    let mut guard = ProcessGuard::new(command.spawn()?);
    let inside = bundle.path("state/.notify/c1/notify.sock");
    let client = UnixDatagram::unbound()?;
    Limited::seconds(10).until("started", || bundle.status("c1").is_ok_and(|s| s == "running"))?;
    let environment = bundle.ok(&["exec", "c1", "cat", "/proc/1/environ"])?;
    assert!(environment.contains("NOTIFY_SOCKET=/run/notify/notify.sock"), "{environment:?}");
    assert!(bundle.ok(&["exec", "c1", "ls", "/run/notify"])?.contains("notify.sock"));
    client.send_to(b"STATUS=warming up", &inside)?;
    client.send_to(b"STATUS=done\nREADY=1", &inside)?;
    let mut buffer = [0; 100];
    let length = host.recv(&mut buffer)?;
    assert_eq!(&buffer[..length], b"READY=1\n");
    let length = host.recv(&mut buffer)?;
    let state: serde_json::Value = serde_json::from_str(&bundle.ok(&["state", "c1"])?)?;
    assert_eq!(String::from_utf8_lossy(&buffer[..length]), format!("MAINPID={}\n", state["pid"]));
    // Receiving it without its descriptor closes the descriptor.
    let length = host.recv(&mut buffer)?;
    assert_eq!(&buffer[..length], b"BARRIER=1");
    assert!(Limited::seconds(10).wait(&mut guard)?.success());
    bundle.ok(&["delete", "--force", "c1"])?;
    assert!(!bundle.path("state/.notify").exists());
    Ok(())
}

#[test]
fn lists_show_every_container() -> Result<()> {
    let Some(bundle) = Bundle::new("list")? else { return Ok(()) };
    // Before the first container there is no directory either.
    assert_eq!(bundle.ok(&["list"])?.lines().count(), 1);
    assert_eq!(bundle.ok(&["list", "-q"])?, "");
    assert_eq!(bundle.ok(&["list", "-f", "json"])?, "null\n");
    bundle.program(&["sleep", "100"])?;
    for id in ["c1", "c2"] {
        bundle.group_for(id)?;
        bundle.ok(&["run", "-d", id])?;
    }
    assert_eq!(bundle.ok(&["list", "--quiet"])?, "c1\nc2\n");
    let table = bundle.ok(&["list"])?;
    assert!(table.starts_with("ID          PID         STATUS      BUNDLE"), "{table}");
    assert_eq!(table.lines().count(), 3);
    let list: serde_json::Value = serde_json::from_str(&bundle.ok(&["list", "-f", "json"])?)?;
    assert_eq!(
        (&list[1]["id"], &list[1]["status"], &list[1]["owner"]),
        (&"c2".into(), &"running".into(), &"root".into())
    );
    assert!(bundle.fails(&["list", "-f", "yaml"])?.1.contains("invalid format option"));
    bundle.ok(&["delete", "-f", "c1"])?;
    bundle.ok(&["delete", "-f", "c2"])?;
    assert_eq!(bundle.ok(&["list", "-f", "json"])?, "null\n");
    Ok(())
}

#[test]
fn what_is_not_supported_says_so() -> Result<()> {
    let Some(bundle) = Bundle::new("unsupported")? else { return Ok(()) };
    for command in ["checkpoint", "restore"] {
        let (status, said) = bundle.fails(&[command, "--image-path", "/x", "c1"])?;
        assert_eq!(status, 1);
        assert!(said.contains(&format!("{command} is not supported")), "{said}");
    }
    Ok(())
}

/// CVE-2019-5736: a container may find our file by `/proc/PID/exe` of whoever gets into it.
#[test]
fn the_runtimes_own_file_is_out_of_reach() -> Result<()> {
    use rustix::fs::StatVfsMountFlags;
    let Some(bundle) = Bundle::new("seal")? else { return Ok(()) };
    bundle.program(&["sleep", "100"])?;
    bundle.group_for("c1")?;
    bundle.ok(&["create", "c1"])?;
    let state: serde_json::Value = serde_json::from_str(&bundle.ok(&["state", "c1"])?)?;
    let exe = format!("/proc/{}/exe", state["pid"]);
    // The init still is our own program; it waits for `start`.
    let (own, seen) = (std::fs::metadata(crate::host::RUNTIME)?, std::fs::metadata(&exe)?);
    assert_eq!(own.len(), seen.len());
    let sealed = rustix::fs::statvfs(&exe)?.f_flag.contains(StatVfsMountFlags::RDONLY);
    assert!(sealed, "the file could be written to through {exe}");
    Ok(())
}
