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
        help: "Listen on unix://PATH, fd://, or tcp://ADDRESS:PORT with --tlsverify (repeatable)",
    },
    directive("tls", "tls", Kind::Switch, "Accepted with --tlsverify; alone it lets anybody in"),
    directive("tlsverify", "tlsverify", Kind::Switch, "Let in clients with certificates by TCP"),
    directive(
        "tlscacert",
        "tlscacert",
        Kind::Text,
        "Authority of the clients' certificates (default \"/etc/isopod/tls/ca.pem\")",
    ),
    directive(
        "tlscert",
        "tlscert",
        Kind::Text,
        "The engine's certificate (default \"/etc/isopod/tls/server-cert.pem\")",
    ),
    directive(
        "tlskey",
        "tlskey",
        Kind::Text,
        "Its key (default \"/etc/isopod/tls/server-key.pem\")",
    ),
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
    directive(
        "bridge",
        "bridge",
        Kind::Text,
        "Bridge of the default network; \"none\" for no such network",
    ),
    directive("bip", "bip", Kind::Text, "Address and subnet of the default bridge, ADDRESS/PREFIX"),
    directive("bip6", "bip6", Kind::Text, "Likewise in IPv6"),
    directive("fixed-cidr", "fixed-cidr", Kind::Text, "Part of its subnet that is given out"),
    directive("fixed-cidr-v6", "fixed-cidr-v6", Kind::Text, "Likewise in IPv6"),
    directive("default-gateway", "default-gateway", Kind::Text, "Gateway on the default network"),
    directive("default-gateway-v6", "default-gateway-v6", Kind::Text, "Likewise in IPv6"),
    directive("ipv6", "ipv6", Kind::Switch, "Give the default network IPv6"),
    directive("mtu", "mtu", Kind::Text, "Largest packet on the default network (default 1500)"),
    directive(
        "icc",
        "icc",
        Kind::Switch,
        "Containers of the default network reach each other (default true)",
    ),
    directive("ip", "ip", Kind::Text, "Address that ports are published on (default 0.0.0.0)"),
    directive(
        "ip-masq",
        "ip-masq",
        Kind::Switch,
        "Change the source of what leaves the default network (default true)",
    ),
    directive(
        "default-address-pool",
        "default-address-pools",
        Kind::List,
        "Pool of subnets, base=SUBNET,size=PREFIX (repeatable)",
    ),
    directive("dns", "dns", Kind::List, "Name server of containers (repeatable)"),
    directive("dns-opt", "dns-opts", Kind::List, "Option of containers' resolvers (repeatable)"),
    directive("dns-search", "dns-search", Kind::List, "Search domain of containers (repeatable)"),
    directive(
        "host-gateway-ip",
        "host-gateway-ip",
        Kind::Text,
        "What host-gateway stands for in --add-host (default: the default network's gateway)",
    ),
    directive(
        "iptables",
        "iptables",
        Kind::Switch,
        "Accepted if true: rules are needed, and are in a table of nftables of their own",
    ),
    directive(
        "ip-forward",
        "ip-forward",
        Kind::Switch,
        "Accepted if true: containers' packets are forwarded",
    ),
    directive(
        "userland-proxy",
        "userland-proxy",
        Kind::Switch,
        "Accepted: there is no proxy, ports are published by the kernel alone",
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
