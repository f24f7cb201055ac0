//! The helper's side: makes the container, waits for it, removes it.

use super::message::{Answer, MESSAGE_BYTES, MOUNTS, Order, place};
use isopod_oci::runtime::Spec;
use isopod_runtime::{CreateOptions, Runtime, Stdio};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::mount::{
    MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount_change, move_mount, open_tree,
};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use rustix::process::{WaitIdOptions, waitid};
use std::ffi::OsString;
use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// `isopod build-step`: standard input is the socket to the engine. Returns the exit code.
#[must_use]
pub fn main(args: Vec<OsString>) -> i32 {
    if args.len() != 1 {
        let _ = writeln!(
            io::stderr(),
            "Usage: isopod build-step\nThe engine starts it for a RUN; there is no use for it by hand."
        );
        return 2;
    }
    let Ok(socket) = io::stdin().as_fd().try_clone_to_owned() else { return 1 };
    match work(&socket) {
        Ok(Some(answer)) => {
            let bytes = serde_json::to_vec(&answer).expect("plain data");
            i32::from(send(&socket, &bytes, SendFlags::NOSIGNAL).is_err())
        }
        Ok(None) => 1,
        Err(reason) => {
            let bytes = serde_json::to_vec(&Answer::Failed(reason)).expect("plain data");
            let _ = send(&socket, &bytes, SendFlags::NOSIGNAL);
            1
        }
    }
}

/// `None` if the engine does not want it any more.
fn work(socket: &OwnedFd) -> Result<Option<Answer>, String> {
    let say = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("{what}: {error}")
    };
    let _ = rustix::process::setsid();
    let _ = rustix::thread::set_name(c"isopod-step");
    // Processes that outlive a container without a PID namespace come to us.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let (order, mut fds) = receive(socket).map_err(say("receive the order"))?;
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| say("open /dev/null")(error.into()))?;
    let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(say("take the output"))?;
    let stderr = io::stderr().as_fd().try_clone_to_owned().map_err(say("take the output"))?;
    let root = fds.remove(0);
    isopod_sys::clone::unshare(isopod_sys::clone::NEW_MOUNT).map_err(say("leave the mounts"))?;
    let private = MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM;
    mount_change("/", private).map_err(|error| say("part with the host's mounts")(error.into()))?;
    for (number, (fd, path)) in fds.iter().zip(&order.mounts).enumerate() {
        attach(fd, path, &order.bundle.join(place(number))).map_err(|error| {
            format!("mount {:?}: {error}", if path.is_empty() { "/" } else { path })
        })?;
    }
    drop(fds);
    rustix::process::chdir(&order.bundle).map_err(|error| say("enter the bundle")(error.into()))?;
    let bytes = std::fs::read("config.json").map_err(say("read the configuration"))?;
    let spec = Spec::parse(&bytes).map_err(|error| error.to_string())?;
    let _ = std::fs::create_dir("rootfs");
    let runtime = Runtime::new(&order.runtime_root).systemd_cgroup(order.systemd_cgroup);
    let mut options = CreateOptions::parsed(spec, &order.bundle);
    options.stdio = Stdio::Fds { stdin: null, stdout, stderr };
    options.rootfs_mount = Some(root);
    // Its own copies stay with the helper's output otherwise, which then never ends.
    let created =
        runtime.run(&order.id, options).map_err(|error| isopod_base::chain(&error).to_string());
    close_output();
    let created = match created {
        Ok(created) => created,
        Err(reason) => {
            let _ = runtime.delete_remains(&order.id);
            return Err(reason);
        }
    };
    let code = wait(socket, &created.pidfd).map_err(say("wait for the command"));
    match runtime.load(&order.id) {
        Ok(container) => {
            let _ = container.delete(true);
        }
        Err(_) => {
            let _ = runtime.delete_remains(&order.id);
        }
    }
    Ok(code?.map(Answer::Exited))
}

/// The helper itself prints nothing any more.
fn close_output() {
    if let Ok(null) = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        let _ = rustix::stdio::dup2_stdout(&null);
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}

fn receive(socket: &OwnedFd) -> io::Result<(Order, Vec<OwnedFd>)> {
    let mut bytes = vec![0; MESSAGE_BYTES];
    let mut space = vec![MaybeUninit::uninit(); 64 + 8 * (MOUNTS + 1)];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    let order: Order = serde_json::from_slice(&bytes[..message.bytes])?;
    if fds.len() != order.mounts.len() + 1 {
        return Err(io::Error::other("mounts are missing"));
    }
    Ok((order, fds))
}

/// Puts a mount, or a path in it, where the configuration expects it.
fn attach(fd: &OwnedFd, path: &str, target: &Path) -> io::Result<()> {
    let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    let is_file = |fd: &OwnedFd| -> io::Result<bool> {
        let mode = rustix::fs::fstat(fd)?.st_mode;
        Ok(rustix::fs::FileType::from_raw_mode(mode) != rustix::fs::FileType::Directory)
    };
    if path.is_empty() {
        make_place(target, is_file(fd)?)?;
        return Ok(move_mount(fd, c"", CWD, target, empty)?);
    }
    // The whole is shown first: only what stands somewhere can be cloned on older kernels.
    let whole = target.with_extension("whole");
    make_place(&whole, false)?;
    move_mount(fd, c"", CWD, &whole, empty)?;
    let root = rustix::fs::open(&whole, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let found = openat2(&root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    let part = open_tree(&found, c"", flags)?;
    make_place(target, is_file(&found)?)?;
    Ok(move_mount(&part, c"", CWD, target, empty)?)
}

fn make_place(path: &Path, file: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    if file {
        std::fs::File::create(path)?;
        return Ok(());
    }
    std::fs::create_dir_all(path)
}

/// Waits for the command's end, or for the engine's.
fn wait(socket: &OwnedFd, process: &OwnedFd) -> io::Result<Option<i32>> {
    loop {
        let mut fds = [PollFd::new(process, PollFlags::IN), PollFd::new(socket, PollFlags::IN)];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        if !fds[0].revents().is_empty() {
            let id = rustix::process::WaitId::PidFd(process.as_fd());
            let status = waitid(id, WaitIdOptions::EXITED)?;
            let code = status.and_then(|status| {
                status.exit_status().or_else(|| status.terminating_signal().map(|n| 128 + n))
            });
            return Ok(Some(code.unwrap_or(255)));
        }
        if !fds[1].revents().is_empty() {
            return Ok(None);
        }
    }
}
