//! The engine's side: starts a helper, and hands over what the command prints.

use super::message::{Answer, MESSAGE_BYTES, MOUNTS, Order, place};
use crate::border::{BorderError, Exit};
use crate::cancel::Cancel;
use crate::event::Stream;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
    SocketType, recv, sendmsg, socketpair,
};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a helper is to run; its configuration is in the bundle directory.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The program to execute, by a path.
    pub program: &'a Path,
    /// The container's id.
    pub id: &'a str,
    /// Where the runtime keeps its state.
    pub runtime_root: PathBuf,
    /// Whether cgroups are made by systemd.
    pub systemd_cgroup: bool,
    /// The bundle directory.
    pub bundle: &'a Path,
    /// The root file system's mount.
    pub root: OwnedFd,
    /// Further mounts with paths in them. The one of number n is at [`Launch::mount_path`].
    pub mounts: Vec<(OwnedFd, String)>,
}

impl Launch<'_> {
    /// Where a mount will be, for the configuration.
    #[must_use]
    pub fn mount_path(bundle: &Path, number: usize) -> PathBuf {
        bundle.join(place(number))
    }
}

/// Runs a step to its end.
pub fn launch(
    launch: Launch<'_>,
    cancel: &Cancel,
    output: &mut dyn FnMut(Stream, &[u8]),
) -> Result<Exit, BorderError> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| BorderError::new(format!("{what}: {error}"))
    };
    if launch.mounts.len() > MOUNTS {
        return Err(BorderError::new(format!("a step has more than {MOUNTS} mounts")));
    }
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(|error| failed("make a socket for a build step")(error.into()))?;
    let (stdout, stdout_end) = pipe().map_err(failed("make a pipe for a build step"))?;
    let (stderr, stderr_end) = pipe().map_err(failed("make a pipe for a build step"))?;
    let mut child = Command::new(launch.program)
        .arg0("isopod")
        .arg("build-step")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::from(stdout_end))
        .stderr(Stdio::from(stderr_end))
        .spawn()
        .map_err(failed("start a build step"))?;
    let outcome =
        send(&ours, launch).map_err(failed("tell a build step what to do")).and_then(|()| {
            relay(&ours, [&stdout, &stderr], cancel, output).map_err(failed("follow a build step"))
        });
    // Closing it makes the helper end, whatever it is at.
    drop(ours);
    let _ = child.wait();
    match outcome? {
        Some(Answer::Exited(code)) => Ok(Exit { code }),
        Some(Answer::Failed(reason)) => Err(BorderError::new(reason)),
        None if cancel.is_cancelled() => Err(BorderError::new("the build was cancelled")),
        None => Err(BorderError::new("the process of a build step died")),
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

fn send(socket: &OwnedFd, launch: Launch<'_>) -> io::Result<()> {
    let order = Order {
        id: launch.id.to_owned(),
        runtime_root: launch.runtime_root,
        systemd_cgroup: launch.systemd_cgroup,
        bundle: launch.bundle.to_path_buf(),
        mounts: launch.mounts.iter().map(|(_, path)| path.clone()).collect(),
    };
    let bytes = serde_json::to_vec(&order)?;
    if bytes.len() > MESSAGE_BYTES {
        return Err(io::Error::other("the paths of its mounts are too long"));
    }
    let fds: Vec<BorrowedFd<'_>> = std::iter::once(launch.root.as_fd())
        .chain(launch.mounts.iter().map(|(fd, _)| fd.as_fd()))
        .collect();
    let mut space = vec![MaybeUninit::uninit(); 64 + 8 * (MOUNTS + 1)];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::other("too many mounts"));
    }
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Passes output on until the helper has answered and all output is read.
fn relay(
    socket: &OwnedFd,
    outputs: [&OwnedFd; 2],
    cancel: &Cancel,
    output: &mut dyn FnMut(Stream, &[u8]),
) -> io::Result<Option<Answer>> {
    let mut open = [true, true];
    let mut answer = None;
    let mut answered = false;
    let mut buffer = vec![0; 64 << 10];
    while !answered || open.contains(&true) {
        let mut fds = vec![PollFd::from_borrowed_fd(cancel.fd(), PollFlags::IN)];
        if !answered {
            fds.push(PollFd::new(socket, PollFlags::IN));
        }
        for (fd, open) in outputs.iter().zip(open) {
            if open {
                fds.push(PollFd::new(*fd, PollFlags::IN));
            }
        }
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] {
            return Ok(None);
        }
        let mut at = 1;
        if !answered {
            if ready[at] {
                answered = true;
                let (count, _) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
                answer = serde_json::from_slice(&buffer[..count]).ok();
            }
            at += 1;
        }
        for (index, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
            if !open[index] {
                continue;
            }
            if ready[at] {
                match rustix::io::read(outputs[index], &mut buffer[..]) {
                    Ok(0) => open[index] = false,
                    Ok(count) => output(stream, &buffer[..count]),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            at += 1;
        }
    }
    Ok(answer)
}
