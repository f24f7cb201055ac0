//! Starting programs from a shell: `vfork`-like for programs, `fork` for copies of the shell.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::os::fd::RawFd;

use crate::clone::{ChildGuard, is_single_threaded};

/// Strings as `execve` takes them: an array of pointers that ends in a null pointer.
#[derive(Debug, Default)]
pub struct Strings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    pointers: Vec<*const c_char>,
}

impl Strings {
    /// No strings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, made of pieces. What follows a zero byte is cut off, as C does.
    pub fn push(&mut self, pieces: &[&[u8]]) {
        self.starts.push(self.bytes.len());
        for piece in pieces {
            match piece.iter().position(|&byte| byte == 0) {
                Some(end) => {
                    self.bytes.extend_from_slice(&piece[..end]);
                    break;
                }
                None => self.bytes.extend_from_slice(piece),
            }
        }
        self.bytes.push(0);
        self.pointers.clear();
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Computes the pointers once; they stay right until the next `push`.
    pub fn seal(&mut self) {
        if self.pointers.is_empty() {
            let base = self.bytes.as_ptr().cast::<c_char>();
            // `wrapping_add` stays within the buffer: every start is less than its length.
            self.pointers.extend(self.starts.iter().map(|&start| base.wrapping_add(start)));
            self.pointers.push(std::ptr::null());
        }
    }

    fn pointers(&self) -> &[*const c_char] {
        assert!(!self.pointers.is_empty(), "the strings were sealed");
        &self.pointers
    }
}

/// What a new program finds, apart from its arguments.
#[derive(Debug, Default, Clone, Copy)]
pub struct Setup<'a> {
    /// `(from, to)` in order: `to` becomes a copy of `from` that stays open; with a negative
    /// `from`, `to` is closed.
    pub descriptors: &'a [(RawFd, RawFd)],
    /// The process group to join; 0 is one of its own.
    pub group: Option<i32>,
    /// A terminal whose foreground group the new process's group becomes.
    pub terminal: Option<RawFd>,
    /// Signals (bit `n - 1` for signal `n`) to set to their default action.
    pub default: u64,
    /// Signals to ignore.
    pub ignore: u64,
}

struct Plan<'a> {
    path: *const c_char,
    args: *const *const c_char,
    env: *const *const c_char,
    setup: Setup<'a>,
    mask: libc::sigset_t,
    error: c_int,
}

const STACK_BYTES: usize = 64 * 1024;

thread_local! {
    static STACK: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Starts a program without copying this process's memory; returns its process id. The caller is
/// suspended until the program runs or has failed to.
pub fn spawn(path: &CStr, args: &Strings, env: &Strings, setup: Setup<'_>) -> io::Result<i32> {
    STACK.with(|stack| {
        let mut stack =
            stack.try_borrow_mut().map_err(|_| io::Error::from_raw_os_error(libc::EBUSY))?;
        stack.resize(STACK_BYTES, 0);
        // SAFETY: an all-zero set is a valid one; it is overwritten before use.
        let empty: libc::sigset_t = unsafe { std::mem::zeroed() };
        let mut plan = Plan {
            path: path.as_ptr(),
            args: args.pointers().as_ptr(),
            env: env.pointers().as_ptr(),
            setup,
            mask: empty,
            error: 0,
        };
        // SAFETY: both sets are initialised by the calls. With every signal held back no handler
        // runs in the child while it shares this memory.
        unsafe {
            let mut all = empty;
            libc::sigfillset(&raw mut all);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const all, &raw mut plan.mask);
        }
        let mask = plan.mask;
        let top = stack.as_mut_ptr().wrapping_add(STACK_BYTES & !15);
        // SAFETY: the child runs `child` on a stack of its own while this thread is suspended by
        // CLONE_VFORK, so nothing it reads through `plan` moves or ends; it makes system calls
        // only, allocates nothing, and leaves by execve or _exit.
        let pid = unsafe {
            libc::clone(
                child,
                top.cast::<c_void>(),
                libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
                (&raw mut plan).cast::<c_void>(),
            )
        };
        let failure = (pid < 0).then(io::Error::last_os_error);
        // SAFETY: `mask` was filled above.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut()) };
        if let Some(error) = failure {
            return Err(error);
        }
        // The compiler cannot know that the child has written this.
        // SAFETY: `plan` is alive and only this thread uses it now.
        let error = unsafe { std::ptr::read_volatile(&raw const plan.error) };
        if error == 0 {
            return Ok(pid);
        }
        loop {
            // SAFETY: the status is not asked for; the child is ours and has ended.
            let waited = unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
            if waited == pid || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
                return Err(io::Error::from_raw_os_error(error));
            }
        }
    })
}

extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes its plan, which outlives this function: the parent is suspended.
    let plan = unsafe { &mut *plan.cast::<Plan<'_>>() };
    plan.error = prepare(&plan.setup);
    if plan.error == 0 {
        // SAFETY: the mask is the caller's; the arrays end in null pointers and outlive the call.
        unsafe {
            libc::sigprocmask(libc::SIG_SETMASK, &raw const plan.mask, std::ptr::null_mut());
            libc::execve(plan.path, plan.args, plan.env);
        }
        plan.error = last_error();
    }
    // SAFETY: _exit runs nothing of the process whose memory this is.
    unsafe { libc::_exit(127) }
}

fn last_error() -> c_int {
    // SAFETY: the pointer is that of this thread's errno.
    unsafe { *libc::__errno_location() }
}

/// Makes process group, signals and descriptors as asked for. System calls only.
fn prepare(setup: &Setup<'_>) -> c_int {
    // SAFETY (of all blocks): plain system calls on numbers; `act` is a valid action.
    if let Some(group) = setup.group {
        // SAFETY: see above.
        unsafe { libc::setpgid(0, group) };
        if let Some(terminal) = setup.terminal {
            // SAFETY: see above; SIGTTOU is held back with all other signals.
            unsafe { libc::tcsetpgrp(terminal, libc::getpgrp()) };
        }
    }
    for signal in 1..=64 {
        let bit = 1u64 << (signal - 1);
        if (setup.default | setup.ignore) & bit != 0 {
            let action = if setup.ignore & bit != 0 { libc::SIG_IGN } else { libc::SIG_DFL };
            // SAFETY: see above.
            unsafe { libc::signal(signal, action) };
        }
    }
    for &(from, to) in setup.descriptors {
        // SAFETY: see above; the table of descriptors is the child's own.
        let result = unsafe {
            if from < 0 {
                libc::close(to);
                0
            } else if from == to {
                libc::fcntl(to, libc::F_SETFD, 0)
            } else {
                libc::dup2(from, to)
            }
        };
        if result < 0 {
            return last_error();
        }
    }
    0
}

/// Becomes the program; returns only on failure, when signals and descriptors may have changed.
pub fn exec(path: &CStr, args: &Strings, env: &Strings, setup: Setup<'_>) -> io::Error {
    let error = prepare(&setup);
    if error != 0 {
        return io::Error::from_raw_os_error(error);
    }
    // SAFETY: both arrays end in a null pointer and point to C strings that outlive the call.
    unsafe { libc::execve(path.as_ptr(), args.pointers().as_ptr(), env.pointers().as_ptr()) };
    io::Error::last_os_error()
}

/// Makes the descriptors of a copy of this process as asked for, see [`Setup::descriptors`].
pub fn set_descriptors(descriptors: &[(RawFd, RawFd)]) -> io::Result<()> {
    match prepare(&Setup { descriptors, ..Setup::default() }) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// On which side of the fork the caller finds itself.
#[derive(Debug)]
pub enum Fork {
    /// In the copy, which must end by [`crate::clone::exit_now`].
    Child(ChildGuard),
    /// In the original: the copy's process id.
    Parent(i32),
}

/// Copies this process, which goes on in both.
///
/// Refused with `EINVAL` for a process of several threads.
pub fn fork() -> io::Result<Fork> {
    if !is_single_threaded() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: the process has one thread, so the copy finds no lock taken by a thread that it
    // lacks, and may run any code, not only what is async-signal-safe.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child(ChildGuard::new())),
        pid => Ok(Fork::Parent(pid)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_spawned_with_its_descriptors_and_a_missing_one_is_an_error() {
        use std::io::Read;
        use std::os::fd::AsRawFd;
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut args = Strings::new();
        args.push(&[b"sh"]);
        args.push(&[b"-c"]);
        args.push(&[b"echo $A", b"; exit 3\0ignored"]);
        args.seal();
        let mut env = Strings::new();
        env.push(&[b"A=", b"b"]);
        env.seal();
        let descriptors = [(writer.as_raw_fd(), 1)];
        let setup = Setup { descriptors: &descriptors, ..Setup::default() };
        let pid = spawn(c"/bin/sh", &args, &env, setup).unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let pid = rustix::process::Pid::from_raw(pid);
        let (_, status) =
            rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap().unwrap();
        assert_eq!((text.as_str(), status.exit_status()), ("b\n", Some(3)));
        let error = spawn(c"/does/not/exist", &args, &env, Setup::default()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    }
}
