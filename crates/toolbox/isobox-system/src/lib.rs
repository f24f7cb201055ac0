//! The toolbox's applets about processes, users and the machine.

use isobox_applet::Applet;

mod identity;
mod kernel;
mod kill;
mod machine;
mod memory;
mod pgrep;
mod process;
mod ps;
mod pstree;
mod sessions;
mod signals;
mod starting;
mod terminal;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[
    identity::GROUPS,
    identity::ID,
    identity::LOGNAME,
    identity::WHOAMI,
    kernel::LSMOD,
    kernel::MOUNTPOINT,
    kernel::SYSCTL,
    kill::KILL,
    machine::ARCH,
    machine::HOSTNAME,
    machine::UNAME,
    memory::FREE,
    memory::NPROC,
    memory::UPTIME,
    pgrep::KILLALL,
    pgrep::PGREP,
    pgrep::PIDOF,
    pgrep::PKILL,
    ps::PS,
    pstree::PSTREE,
    sessions::USERS,
    sessions::WHO,
    starting::CHROOT,
    starting::SETSID,
    starting::TASKSET,
    terminal::CLEAR,
    terminal::RESET,
    terminal::TTY,
];
