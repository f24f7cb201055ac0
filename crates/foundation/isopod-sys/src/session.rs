//! Processes that go on without the one that started them.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Makes `command` start in a session of its own, with no file of ours but stdin, stdout and
/// stderr: no terminal reaches it, and no pipe stays open on its account.
pub fn detached(command: &mut Command) -> &mut Command {
    let prepare = || {
        // SAFETY: setsid takes no pointers and is async-signal-safe.
        if unsafe { libc::setsid() } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a bare system call without pointers; descriptors are only marked, so what the
        // standard library still needs before the exec stays usable. A kernel without the flag
        // (before 5.11) leaves them as they are, which is harmless.
        unsafe {
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
        };
        Ok(())
    };
    // SAFETY: the closure only makes async-signal-safe system calls and allocates nothing.
    unsafe { command.pre_exec(prepare) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Stdio;

    #[test]
    fn the_child_leads_a_session() {
        let mut child = detached(Command::new("/bin/sh").args(["-c", "ps -o sid= -p $$; echo $$"]))
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let mut text = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut text).expect("reads");
        assert!(child.wait().expect("ends").success());
        let ids: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(ids.first(), ids.last(), "{text}");
    }
}
