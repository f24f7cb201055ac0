//! Root file systems that hold nothing but busybox.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::peer;

/// There is no static busybox to make a root file system of.
#[derive(Debug)]
pub struct BusyboxMissing;

/// Applets that get a name of their own under `/bin`; the others are reachable by
/// `busybox APPLET`.
const APPLETS: &[&str] = &[
    "[",
    "ash",
    "awk",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "dmesg",
    "echo",
    "env",
    "expr",
    "false",
    "find",
    "free",
    "grep",
    "head",
    "hostname",
    "id",
    "ifconfig",
    "ionice",
    "ip",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "mknod",
    "mktemp",
    "mount",
    "mv",
    "nc",
    "nproc",
    "nsenter",
    "ping",
    "pivot_root",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "renice",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "setpriv",
    "setsid",
    "sh",
    "sleep",
    "sort",
    "stat",
    "stty",
    "su",
    "sync",
    "sysctl",
    "tail",
    "tar",
    "taskset",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "tty",
    "umount",
    "uname",
    "uniq",
    "unshare",
    "vi",
    "wc",
    "which",
    "whoami",
    "xargs",
    "yes",
];

/// Fills `root` with a busybox system: `/bin`, `/etc` with a few users, and the usual empty
/// directories. The binary is hard-linked when `root` is on the same file system.
pub fn busybox_rootfs(root: &Path) -> io::Result<Result<(), BusyboxMissing>> {
    let Some(busybox) = peer("busybox") else {
        return Ok(Err(BusyboxMissing));
    };
    for dir in ["bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "var"] {
        fs::create_dir_all(root.join(dir))?;
    }
    let target = root.join("bin/busybox");
    if fs::hard_link(&busybox, &target).is_err() {
        fs::copy(&busybox, &target)?;
    }
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\n\
         daemon:x:1:1:daemon:/usr/sbin:/bin/false\n\
         isopod:x:1000:1000:isopod:/home/isopod:/bin/sh\n",
    )?;
    fs::write(
        root.join("etc/group"),
        "root:x:0:\ndaemon:x:1:\nwheel:x:10:isopod\nisopod:x:1000:\n",
    )?;
    Ok(Ok(()))
}
