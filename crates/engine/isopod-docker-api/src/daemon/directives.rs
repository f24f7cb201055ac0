//! The directives: settings that a flag and the configuration file can both give.

/// What a directive's values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One text or number.
    Text,
    /// On or off.
    Switch,
    /// Any number of texts; a map in the file becomes `key=value`.
    List,
}

/// A directive.
#[derive(Debug)]
pub(crate) struct Directive {
    /// The flag without dashes.
    pub(crate) flag: &'static str,
    /// The key in the file.
    pub(crate) key: &'static str,
    /// A one-letter flag.
    pub(crate) short: Option<char>,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

const fn directive(
    flag: &'static str,
    key: &'static str,
    kind: Kind,
    help: &'static str,
) -> Directive {
    Directive { flag, key, short: None, kind, help }
}

/// All of them, in the order of the help text.
pub(crate) const DIRECTIVES: &[Directive] = &[
    Directive {
        flag: "host",
        key: "hosts",
        short: Some('H'),
        kind: Kind::List,
        help: "Socket to listen on: unix://PATH or fd:// (repeatable)",
    },
    directive("data-root", "data-root", Kind::Text, "Directory of images, containers and volumes"),
    directive("exec-root", "exec-root", Kind::Text, "Directory of what need not survive a reboot"),
    Directive {
        flag: "pidfile",
        key: "pidfile",
        short: Some('p'),
        kind: Kind::Text,
        help: "File for the engine's process id",
    },
    Directive {
        flag: "group",
        key: "group",
        short: Some('G'),
        kind: Kind::Text,
        help: "Group that may use the sockets (default \"docker\", if it exists)",
    },
    Directive {
        flag: "log-level",
        key: "log-level",
        short: Some('l'),
        kind: Kind::Text,
        help: "debug, info, warn, error or fatal (default \"info\")",
    },
    Directive {
        flag: "debug",
        key: "debug",
        short: Some('D'),
        kind: Kind::Switch,
        help: "The same as --log-level debug",
    },
    directive("cgroup-parent", "cgroup-parent", Kind::Text, "Parent of the containers' cgroups"),
    directive("exec-opt", "exec-opts", Kind::List, "native.cgroupdriver=cgroupfs|systemd"),
    directive("log-driver", "log-driver", Kind::Text, "Default log driver (default \"json-file\")"),
    directive("log-opt", "log-opts", Kind::List, "Default log option, KEY=VALUE (repeatable)"),
    directive("init", "init", Kind::Switch, "Run an init in containers by default"),
    directive(
        "default-shm-size",
        "default-shm-size",
        Kind::Text,
        "Default size of /dev/shm (default 64MiB)",
    ),
    directive(
        "default-ulimit",
        "default-ulimits",
        Kind::List,
        "Default limit, NAME=SOFT[:HARD] (repeatable)",
    ),
    directive(
        "default-network",
        "default-network",
        Kind::Text,
        "Network of containers that name none: bridge, none or host (default \"bridge\")",
    ),
    directive("label", "labels", Kind::List, "Label of the engine, KEY=VALUE (repeatable)"),
    directive(
        "insecure-registry",
        "insecure-registries",
        Kind::List,
        "Registry that may be spoken to without TLS (repeatable)",
    ),
    directive(
        "registry-mirror",
        "registry-mirrors",
        Kind::List,
        "Mirror of Docker Hub (repeatable)",
    ),
    directive(
        "live-restore",
        "live-restore",
        Kind::Switch,
        "Accepted: containers always outlive the engine",
    ),
    directive(
        "storage-driver",
        "storage-driver",
        Kind::Text,
        "Accepted for \"overlay2\" and \"overlay\": the engine chooses",
    ),
];

/// The directive of a key in the file.
pub(crate) fn by_key(key: &str) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| directive.key == key)
}
