//! Terminals: the caller's connected to the container's, and a console socket.

use std::io::{Read, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use isopod_testkit::{Limited, ProcessGuard, peer, skip};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use crate::bundle::Bundle;
use crate::host::RUNTIME;

/// Reads until `text` has been seen, for a while.
fn read_until(from: &mut (impl Read + AsFd), text: &str, seen: &mut String) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(15);
    let mut buffer = [0; 256];
    while !seen.contains(text) {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
        let ready = rustix::event::poll(&mut [PollFd::new(&*from, PollFlags::IN)], Some(&left))?;
        ensure!(ready > 0, "{text:?} has not come, only {seen:?}");
        let length = from.read(&mut buffer)?;
        ensure!(length > 0, "closed after {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    Ok(())
}

fn with_terminal(bundle: &Bundle, arguments: &[&str]) -> Result<()> {
    bundle.program(arguments)?;
    bundle.change(|spec| spec.process.as_mut().expect("in the template").terminal = true)
}

/// Receives the one descriptor that comes over a connection.
fn receive(listener: &UnixListener) -> Result<OwnedFd> {
    let (stream, _) = listener.accept()?;
    let mut bytes = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    rustix::net::recvmsg(
        &stream,
        &mut [std::io::IoSliceMut::new(&mut bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let received = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    received.context("no descriptor came")
}

#[test]
fn a_console_socket_gets_the_terminal() -> Result<()> {
    let Some(bundle) = Bundle::new("console")? else { return Ok(()) };
    with_terminal(&bundle, &["sh", "-c", "test -t 0 && echo is-a-terminal; read x; echo got $x"])?;
    bundle.group_for("c1")?;
    assert!(bundle.fails(&["run", "-d", "c1"])?.1.contains("without setting console socket"));
    let socket = bundle.path("console.sock");
    let listener = UnixListener::bind(&socket)?;
    let path = socket.to_str().expect("text");
    bundle.ok(&["create", "--console-socket", path, "c1"])?;
    let mut master = std::fs::File::from(receive(&listener)?);
    bundle.ok(&["start", "c1"])?;
    let mut seen = String::new();
    read_until(&mut master, "is-a-terminal", &mut seen)?;
    master.write_all(b"word\n")?;
    read_until(&mut master, "got word", &mut seen)?;
    bundle.program(&["true"])?;
    assert!(
        bundle
            .fails(&["run", "-d", "--console-socket", path, "c2"])?
            .1
            .contains("cannot use console socket")
    );
    Ok(())
}

#[test]
fn the_callers_terminal_is_connected() -> Result<()> {
    const NAME: &str = "the_callers_terminal_is_connected";
    let Some(bundle) = Bundle::new("tty")? else { return Ok(()) };
    let Some(socat) = peer("socat") else {
        skip(NAME, "socat is not installed");
        return Ok(());
    };
    with_terminal(&bundle, &["sh", "-c", "stty size; read x; echo got $x; exit 4"])?;
    bundle.group_for("c1")?;
    // socat gives the runtime a terminal and connects it to our pipes.
    let inner = format!(
        "stty rows 33 cols 77; {RUNTIME} --root {} run c1; echo status $?",
        bundle.path("state").display()
    );
    let mut child = Command::new(socat);
    child
        .args(["-", "EXEC:/bin/sh run.sh,pty,setsid,ctty,stderr,sane"])
        .current_dir(bundle.path(""))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    std::fs::write(bundle.path("run.sh"), inner)?;
    let mut process = child.spawn()?;
    let (mut input, mut output) =
        (process.stdin.take().expect("piped"), process.stdout.take().expect("piped"));
    let mut guard = ProcessGuard::new(process);
    let mut seen = String::new();
    read_until(&mut output, "33 77", &mut seen)?;
    input.write_all(b"word\n")?;
    read_until(&mut output, "got word", &mut seen)?;
    read_until(&mut output, "status 4", &mut seen)?;
    drop(input);
    Limited::seconds(10).wait(&mut guard)?;
    Ok(())
}

#[test]
fn an_exec_gets_a_terminal_of_its_own() -> Result<()> {
    let Some(bundle) = Bundle::new("exec-tty")? else { return Ok(()) };
    bundle.program(&["sleep", "100"])?;
    bundle.group_for("c1")?;
    bundle.ok(&["run", "-d", "c1"])?;
    let socket = bundle.path("console.sock");
    let listener = UnixListener::bind(&socket)?;
    let path = socket.to_str().expect("text");
    bundle.ok(&[
        "exec",
        "-t",
        "-d",
        "--console-socket",
        path,
        "c1",
        "sh",
        "-c",
        "tty; sleep 0.2",
    ])?;
    let mut master = std::fs::File::from(receive(&listener)?);
    let mut seen = String::new();
    read_until(&mut master, "/dev/pts/", &mut seen)?;
    Ok(())
}
