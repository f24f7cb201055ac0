//! Who the files of a layer are to belong to, and what creating one gives already.

use std::fs;

/// Facts about this process that decide which calls a new file still needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    uid: u32,
    gid: u32,
    umask: u32,
    /// Nothing is known of the directories: a set-group-id bit or a default list of rights may
    /// change what a new file gets.
    always: bool,
    /// Whether files may be given to others, and devices be made.
    pub(super) privileged: bool,
}

impl Owner {
    pub(super) fn of_this_process(always: bool) -> Self {
        let uid = rustix::process::geteuid();
        Self {
            uid: uid.as_raw(),
            gid: rustix::process::getegid().as_raw(),
            umask: umask().unwrap_or(0o7777),
            always,
            privileged: uid.is_root(),
        }
    }

    /// Whether a new file has to be given to somebody else.
    pub(super) fn must_give(&self, uid: u32, gid: u32) -> bool {
        self.privileged && (self.always || (uid, gid) != (self.uid, self.gid))
    }

    /// Whether a file created with `mode` needs it set again: the mask took bits away, or it has
    /// bits that creation does not give, or giving it away took them.
    pub(super) fn must_set(&self, mode: u32) -> bool {
        self.always || mode & 0o7000 != 0 || mode & self.umask != 0
    }
}

/// The mask without changing it, which the call of that name would do for all threads.
fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}
