//! The commands and their flags, as data: what the parser accepts and the help shows.

use crate::commands;
use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing, or `=true` and `=false`.
    Switch,
    /// One value; the last one counts.
    Value,
    /// One value each time; all of them count.
    List,
}

/// A flag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) short: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) usage: &'static str,
    /// Accepted, but not shown.
    pub(crate) hidden: bool,
}

/// How many arguments a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Exactly(usize),
    AtLeast(usize),
    Between(usize, usize),
}

/// What a command does.
pub(crate) type Action = fn(&Invocation, &Globals) -> Result<i32, Error>;

/// A command.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) description: &'static str,
    pub(crate) flags: &'static [Flag],
    pub(crate) count: Count,
    /// Whether what follows the container's id is not ours to read.
    pub(crate) stops_after_id: bool,
    /// Whether a process of ours gets into the container, where our own file must be out of
    /// reach (CVE-2019-5736).
    pub(crate) enters_container: bool,
    pub(crate) action: Action,
}

const fn flag(name: &'static str, kind: Kind, usage: &'static str) -> Flag {
    Flag { name, short: None, kind, usage, hidden: false }
}

const fn short(name: &'static str, short: &'static str, kind: Kind, usage: &'static str) -> Flag {
    Flag { name, short: Some(short), kind, usage, hidden: false }
}

const fn hidden(name: &'static str, kind: Kind) -> Flag {
    Flag { name, short: None, kind, usage: "", hidden: true }
}

use Kind::{List, Switch, Value};

/// Flags that every command takes, before and after its name.
pub(crate) const GLOBAL: &[Flag] = &[
    flag("debug", Switch, "enable debug logging"),
    flag("log", Value, "set the log file to write logs to (default is '/dev/stderr')"),
    flag(
        "log-format",
        Value,
        "set the log format ('text' (default), or 'json') (default: \"text\")",
    ),
    flag(
        "root",
        Value,
        "root directory for storage of container state (this should be located in tmpfs)",
    ),
    flag(
        "systemd-cgroup",
        Switch,
        "enable systemd cgroup support, expects cgroupsPath to be of form \"slice:prefix:name\" for e.g. \"system.slice:isopod:434234\"",
    ),
    flag(
        "rootless",
        Value,
        "ignore cgroup permission errors ('true', 'false', or 'auto') (default: \"auto\")",
    ),
    hidden("criu", Value),
];

const BUNDLE: Flag = short(
    "bundle",
    "b",
    Value,
    "path to the root of the bundle directory, defaults to the current directory",
);
const CONSOLE_SOCKET: Flag = flag(
    "console-socket",
    Value,
    "path to an AF_UNIX socket which will receive a file descriptor referencing the master end of the console's pseudoterminal",
);
const PIDFD_SOCKET: Flag = flag(
    "pidfd-socket",
    Value,
    "path to an AF_UNIX socket which will receive a file descriptor referencing the process",
);
const PID_FILE: Flag = flag("pid-file", Value, "specify the file to write the process id to");
const NO_PIVOT: Flag = flag(
    "no-pivot",
    Switch,
    "do not use pivot root to jail process inside rootfs.  This should be used whenever the rootfs is on top of a ramdisk",
);
const NO_NEW_KEYRING: Flag = flag(
    "no-new-keyring",
    Switch,
    "leave the container in the session keyring of the calling process",
);
const PRESERVE_FDS: Flag = flag(
    "preserve-fds",
    Value,
    "Pass N additional file descriptors to the container (stdio + $LISTEN_FDS + N in total) (default: 0)",
);
const DETACH: Flag = short("detach", "d", Switch, "detach from the container's process");
const FORMAT: Flag =
    short("format", "f", Value, "select one of: table or json (default: \"table\")");

const CREATE_FLAGS: &[Flag] =
    &[BUNDLE, CONSOLE_SOCKET, PIDFD_SOCKET, PID_FILE, NO_PIVOT, NO_NEW_KEYRING, PRESERVE_FDS];

const RUN_FLAGS: &[Flag] = &[
    BUNDLE,
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    DETACH,
    flag("keep", Switch, "do not delete the container after it exits"),
    PID_FILE,
    flag(
        "no-subreaper",
        Switch,
        "disable the use of the subreaper used to reap reparented processes",
    ),
    NO_PIVOT,
    NO_NEW_KEYRING,
    PRESERVE_FDS,
];

const EXEC_FLAGS: &[Flag] = &[
    CONSOLE_SOCKET,
    PIDFD_SOCKET,
    flag("cwd", Value, "current working directory in the container"),
    short("env", "e", List, "set environment variables"),
    short("tty", "t", Switch, "allocate a pseudo-TTY"),
    short("user", "u", Value, "UID (format: <uid>[:<gid>])"),
    short("additional-gids", "g", List, "additional gids"),
    short("process", "p", Value, "path to the process.json"),
    DETACH,
    PID_FILE,
    flag(
        "process-label",
        Value,
        "set the asm process label for the process commonly used with selinux",
    ),
    flag("apparmor", Value, "set the apparmor profile for the process"),
    flag("no-new-privs", Switch, "set the no new privileges value for the process"),
    short("cap", "c", List, "add a capability to the bounding set for the process"),
    PRESERVE_FDS,
    flag(
        "cgroup",
        List,
        "run the process in an (existing) sub-cgroup(s). Format is [<controller>:]<cgroup>.",
    ),
    flag("ignore-paused", Switch, "allow exec in a paused container"),
    hidden("no-subreaper", Switch),
];

const UPDATE_FLAGS: &[Flag] = &[
    short(
        "resources",
        "r",
        Value,
        "path to the file containing the resources to update (the JSON of linux.resources) or '-' to read from the standard input; all other options are then ignored",
    ),
    flag(
        "blkio-weight",
        Value,
        "Specifies per cgroup weight, range is from 10 to 1000 (default: 0)",
    ),
    flag(
        "cpu-period",
        Value,
        "CPU CFS period to be used for hardcapping (in usecs). 0 to use system default",
    ),
    flag(
        "cpu-quota",
        Value,
        "CPU CFS hardcap limit (in usecs). Allowed cpu time in a given period",
    ),
    flag(
        "cpu-burst",
        Value,
        "CPU CFS hardcap burst limit (in usecs). Allowed accumulated cpu time additionally for burst a given period",
    ),
    flag("cpu-share", Value, "CPU shares (relative weight vs. other containers)"),
    flag(
        "cpu-rt-period",
        Value,
        "CPU realtime period to be used for hardcapping (in usecs). 0 to use system default",
    ),
    flag(
        "cpu-rt-runtime",
        Value,
        "CPU realtime hardcap limit (in usecs). Allowed cpu time in a given period",
    ),
    flag("cpuset-cpus", Value, "CPU(s) to use"),
    flag("cpuset-mems", Value, "Memory node(s) to use"),
    hidden("kernel-memory", Value),
    hidden("kernel-memory-tcp", Value),
    flag("memory", Value, "Memory limit (in bytes)"),
    flag("cpu-idle", Value, "set cgroup SCHED_IDLE or not, 0: default behavior, 1: SCHED_IDLE"),
    flag("memory-reservation", Value, "Memory reservation or soft_limit (in bytes)"),
    flag(
        "memory-swap",
        Value,
        "Total memory usage (memory + swap); set '-1' to enable unlimited swap",
    ),
    flag("pids-limit", Value, "Maximum number of pids allowed in the container (default: 0)"),
    flag("l3-cache-schema", Value, "The string of Intel RDT/CAT L3 cache schema"),
    flag("mem-bw-schema", Value, "The string of Intel RDT/MBA memory bandwidth schema"),
];

/// Flags of `checkpoint` and `restore`, which are refused whatever they say.
const CHECKPOINT_FLAGS: &[Flag] = &[
    flag("image-path", Value, "path for saving criu image files"),
    flag("work-path", Value, "path for saving work files and logs"),
    flag("parent-path", Value, "path for previous criu image files in pre-dump"),
    flag("leave-running", Switch, "leave the process running after checkpointing"),
    flag("tcp-established", Switch, "allow open tcp connections"),
    hidden("tcp-skip-in-flight", Switch),
    hidden("link-remap", Switch),
    hidden("ext-unix-sk", Switch),
    hidden("shell-job", Switch),
    hidden("lazy-pages", Switch),
    hidden("status-fd", Value),
    hidden("page-server", Value),
    hidden("file-locks", Switch),
    hidden("pre-dump", Switch),
    hidden("manage-cgroups-mode", Value),
    hidden("empty-ns", List),
    hidden("auto-dedup", Switch),
    hidden("bundle", Value),
    hidden("b", Value),
    hidden("detach", Switch),
    hidden("d", Switch),
    hidden("pid-file", Value),
    hidden("console-socket", Value),
    hidden("no-pivot", Switch),
    hidden("no-subreaper", Switch),
    hidden("lsm-profile", Value),
    hidden("lsm-mount-context", Value),
];

const ID: &str = "<container-id>";

/// All commands, in the order of the help.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "checkpoint",
        summary: "checkpoint a running container",
        arguments: ID,
        description: "Not supported: the command exists so that callers get a clear error.",
        flags: CHECKPOINT_FLAGS,
        count: Count::AtLeast(0),
        stops_after_id: false,
        enters_container: false,
        action: commands::checkpoint,
    },
    Command {
        name: "create",
        summary: "create a container",
        arguments: ID,
        description: "Makes a container from a bundle, a directory with a file \"config.json\" and a root\nfilesystem. Its process waits until the start command. The id must be unique among\nthe containers of the same --root.",
        flags: CREATE_FLAGS,
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: true,
        action: commands::create,
    },
    Command {
        name: "delete",
        summary: "delete any resources held by the container often used with detached container",
        arguments: ID,
        description: "",
        flags: &[short(
            "force",
            "f",
            Switch,
            "Forcibly deletes the container if it is still running (uses SIGKILL)",
        )],
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: false,
        action: commands::delete,
    },
    Command {
        name: "events",
        summary: "display container events such as OOM notifications, cpu, memory, and IO usage statistics",
        arguments: ID,
        description: "Prints one line of JSON for each event; statistics every 5 seconds unless told\notherwise.",
        flags: &[
            flag("interval", Value, "set the stats collection interval (default: 5s)"),
            flag("stats", Switch, "display the container's stats then exit"),
        ],
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: false,
        action: commands::events,
    },
    Command {
        name: "exec",
        summary: "execute new process inside the container",
        arguments: "<container-id> <command> [command options]  || -p process.json <container-id>",
        description: "",
        flags: EXEC_FLAGS,
        count: Count::AtLeast(1),
        stops_after_id: true,
        enters_container: true,
        action: commands::exec,
    },
    Command {
        name: "kill",
        summary: "kill sends the specified signal (default: SIGTERM) to the container's init process",
        arguments: "<container-id> [signal]",
        description: "",
        flags: &[short(
            "all",
            "a",
            Switch,
            "send the specified signal to all processes inside the container",
        )],
        count: Count::Between(1, 2),
        stops_after_id: false,
        enters_container: false,
        action: commands::kill,
    },
    Command {
        name: "list",
        summary: "lists containers started with the given root",
        arguments: "",
        description: "",
        flags: &[FORMAT, short("quiet", "q", Switch, "display only container IDs")],
        count: Count::Exactly(0),
        stops_after_id: false,
        enters_container: false,
        action: commands::list,
    },
    Command {
        name: "pause",
        summary: "pause suspends all processes inside the container",
        arguments: ID,
        description: "",
        flags: &[],
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: false,
        action: commands::pause,
    },
    Command {
        name: "ps",
        summary: "ps displays the processes running inside a container",
        arguments: "<container-id> [ps options]",
        description: "",
        flags: &[FORMAT],
        count: Count::AtLeast(1),
        stops_after_id: true,
        enters_container: false,
        action: commands::ps,
    },
    Command {
        name: "restore",
        summary: "restore a container from a previous checkpoint",
        arguments: ID,
        description: "Not supported: the command exists so that callers get a clear error.",
        flags: CHECKPOINT_FLAGS,
        count: Count::AtLeast(0),
        stops_after_id: false,
        enters_container: false,
        action: commands::restore,
    },
    Command {
        name: "resume",
        summary: "resumes all processes that have been previously paused",
        arguments: ID,
        description: "",
        flags: &[],
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: false,
        action: commands::resume,
    },
    Command {
        name: "run",
        summary: "create and run a container",
        arguments: ID,
        description: "Makes a container from a bundle and starts its process at once. Without --detach the\ncommand stays, passes signals on, and ends with the exit status of the process.",
        flags: RUN_FLAGS,
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: true,
        action: commands::run_container,
    },
    Command {
        name: "spec",
        summary: "create a new specification file",
        arguments: "",
        description: "Writes a file \"config.json\" to start from: a shell in a root filesystem \"rootfs\",\nread-only, with a terminal and few privileges.",
        flags: &[
            short("bundle", "b", Value, "path to the root of the bundle directory"),
            flag("rootless", Switch, "generate a configuration for a rootless container"),
        ],
        count: Count::Exactly(0),
        stops_after_id: false,
        enters_container: false,
        action: commands::spec,
    },
    Command {
        name: "start",
        summary: "executes the user defined process in a created container",
        arguments: ID,
        description: "",
        flags: &[],
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: false,
        action: commands::start,
    },
    Command {
        name: "state",
        summary: "output the state of a container",
        arguments: ID,
        description: "",
        flags: &[],
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: false,
        action: commands::state,
    },
    Command {
        name: "update",
        summary: "update container resource constraints",
        arguments: ID,
        description: "What is not given stays as it is.",
        flags: UPDATE_FLAGS,
        count: Count::Exactly(1),
        stops_after_id: false,
        enters_container: false,
        action: commands::update,
    },
    Command {
        name: "features",
        summary: "show the enabled features",
        arguments: "",
        description: "Prints the document that features.md of the runtime specification describes.",
        flags: &[],
        count: Count::Exactly(0),
        stops_after_id: false,
        enters_container: false,
        action: commands::features,
    },
];

/// The command of a name.
pub(crate) fn command(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}
