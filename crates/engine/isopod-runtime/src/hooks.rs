//! Running hooks: state on standard input, a time limit, what they print kept for the error.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use isopod_oci::runtime::{Hook, State};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::{Error, Result};

/// How much of what a hook prints is kept, of each stream.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// Runs the hooks of one list in order; the first that fails ends it.
pub(crate) fn run_all(name: &'static str, hooks: &[Hook], state: &State) -> Result<()> {
    if hooks.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_vec(state).expect("maps with string keys only");
    for (index, hook) in hooks.iter().enumerate() {
        run(hook, &json).map_err(|reason| Error::Hook { hook: name, index, reason })?;
    }
    Ok(())
}

/// Runs every hook of a list, whatever becomes of the others, and gives what went wrong.
pub(crate) fn run_every(name: &'static str, hooks: &[Hook], state: &State) -> Vec<Error> {
    (0..hooks.len())
        .filter_map(|index| {
            run_all(name, &hooks[index..=index], state).err().map(|error| match error {
                Error::Hook { hook, reason, .. } => Error::Hook { hook, index, reason },
                other => other,
            })
        })
        .collect()
}

fn run(hook: &Hook, state: &[u8]) -> Result<(), String> {
    let mut command = Command::new(&hook.path);
    if let Some((arg0, rest)) = hook.args.split_first() {
        command.arg0(arg0).args(rest);
    }
    command.env_clear();
    for variable in &hook.env {
        if let Some((name, value)) = variable.split_once('=') {
            command.env(name, value);
        }
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", hook.path))?;
    let deadline = hook
        .timeout
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let result = converse(&mut child, state, deadline);
    match result {
        Ok((status, _)) if status.success() => Ok(()),
        Ok((status, output)) => Err(format!("{}: {}{output}", hook.path, describe(status))),
        Err(error) => {
            // It may have ended by itself meanwhile; either way it is reaped.
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("{}: {error}", hook.path))
        }
    }
}

/// Feeds the state and collects output until the hook ends.
///
/// The end of the process counts, not that of its output: a hook may leave a process behind
/// that keeps the pipes.
fn converse(
    child: &mut Child,
    mut state: &[u8],
    deadline: Option<Instant>,
) -> Result<(ExitStatus, String), String> {
    let text = |error: rustix::io::Errno| error.to_string();
    let pid = rustix::process::Pid::from_child(child);
    let process =
        rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).map_err(text)?;
    let mut stdin = child.stdin.take();
    let mut outputs = [
        (child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Output>), Vec::new()),
        (child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Output>), Vec::new()),
    ];
    if let Some(stdin) = &stdin {
        rustix::io::ioctl_fionbio(stdin, true).map_err(text)?;
    }
    for stream in outputs.iter().filter_map(|(stream, _)| stream.as_ref()) {
        rustix::io::ioctl_fionbio(stream.as_fd(), true).map_err(text)?;
    }
    loop {
        let left = match deadline {
            Some(deadline) => Some(
                deadline
                    .checked_duration_since(Instant::now())
                    .ok_or("timed out and was killed")?,
            ),
            None => None,
        };
        let ended = {
            let mut fds = vec![PollFd::new(&process, PollFlags::IN)];
            fds.extend(stdin.as_ref().map(|fd| PollFd::new(fd, PollFlags::OUT)));
            for (stream, _) in &outputs {
                fds.extend(
                    stream.as_ref().map(|s| PollFd::from_borrowed_fd(s.as_fd(), PollFlags::IN)),
                );
            }
            let timeout = left.map(|left| {
                Timespec::try_from(left).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
            });
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.to_string()),
            }
            !fds[0].revents().is_empty()
        };
        if let Some(pipe) = &mut stdin {
            match pipe.write(state) {
                Ok(count) => state = &state[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                // A hook need not read its state.
                Err(_) => state = &[],
            }
        }
        if state.is_empty() {
            stdin = None;
        }
        for (stream, kept) in &mut outputs {
            drain(stream, kept);
        }
        if ended {
            let status = child.wait().map_err(|error| error.to_string())?;
            let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
            let output =
                format!(", stdout: {}, stderr: {}", words(&outputs[0].1), words(&outputs[1].1));
            return Ok((status, output));
        }
    }
}

trait Output: Read + AsFd {}
impl<T: Read + AsFd> Output for T {}

/// Reads what is there; what is above the limit is thrown away so that the hook never blocks.
fn drain(stream: &mut Option<Box<dyn Output>>, kept: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Some(pipe) = stream {
        match pipe.read(&mut buffer) {
            Ok(0) => *stream = None,
            Ok(count) => {
                let room = OUTPUT_LIMIT.saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..count.min(room)]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
            Err(_) => *stream = None,
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("exit status {}", status.code().unwrap_or(-1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Option<i64>) -> Hook {
        Hook {
            path: "/bin/sh".into(),
            args: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec!["A=b".into()],
            timeout,
        }
    }

    #[test]
    fn the_state_is_on_stdin_and_the_environment_is_the_hooks_own() {
        assert_eq!(
            run(&shell("test \"$A\" = b && test -z \"$HOME\" && grep -q x", None), b"x"),
            Ok(())
        );
    }

    #[test]
    fn failures_tell_what_was_printed() {
        let error = run(&shell("echo out; echo err >&2; exit 3", None), b"").expect_err("fails");
        assert_eq!(error, "/bin/sh: exit status 3, stdout: out, stderr: err");
        assert!(run(&Hook { path: "/nonexistent".into(), ..Hook::default() }, b"").is_err());
    }

    #[test]
    fn time_is_limited() {
        let began = Instant::now();
        let error = run(&shell("exec sleep 60", Some(1)), b"").expect_err("is killed");
        assert!(error.contains("timed out"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_hook_may_ignore_its_input_and_print_a_lot() {
        let big = vec![b'x'; 1 << 20];
        assert_eq!(run(&shell("head -c 1000000 /dev/zero", None), &big), Ok(()));
        assert_eq!(run(&shell("sleep 60 & exit 0", None), b""), Ok(()));
    }
}
