//! The compose specification's fields, as a table.

use crate::node::Node;
use crate::shape::{Field, Items, Shape, Support};
use crate::short;
use Shape::{Any, Bool, Bytes, Choice, Command, Duration, Hosts, Int, Number, Pairs, Test, Text};
use Shape::{WordOrWords, Words};

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, support: Support::Yes }
}

const fn warn(name: &'static str, shape: Shape, reason: &'static str) -> Field {
    Field { name, shape, support: Support::Warn(reason) }
}

const fn no(name: &'static str, reason: &'static str) -> Field {
    Field { name, shape: Any, support: Support::No(reason) }
}

const SWARM: &str = "it is for a cluster";
const WINDOWS: &str = "it is for Windows";

/// A whole file.
pub(crate) const PROJECT: Shape = Shape::Object(&[
    warn("version", Text, "it is obsolete: the newest specification is always meant"),
    field("name", Text),
    field("include", Shape::Items(&INCLUDES)),
    field("services", Shape::Named(&SERVICE)),
    field("networks", Shape::Named(&NETWORK)),
    field("volumes", Shape::Named(&VOLUME)),
    field("secrets", Shape::Named(&SECRET)),
    field("configs", Shape::Named(&CONFIG)),
    no("models", "language models need a runner of their own"),
]);

const INCLUDES: Items = Items {
    shape: Shape::Short(
        short::include,
        &Shape::Object(&[
            field("path", WordOrWords),
            field("project_directory", Text),
            field("env_file", WordOrWords),
        ]),
    ),
    single: false,
    key: None,
};

/// A service.
pub(crate) const SERVICE: Shape = Shape::Object(&[
    field("annotations", Pairs),
    field("attach", Bool),
    field("blkio_config", Shape::Object(BLKIO)),
    field("build", Shape::Short(short::build, &BUILD)),
    field("cap_add", Words),
    field("cap_drop", Words),
    field("cgroup", Choice(&["host", "private"])),
    field("cgroup_parent", Text),
    field("command", Command),
    field("configs", Shape::Items(&GRANTS)),
    field("container_name", Text),
    warn("cpu_count", Int, WINDOWS),
    warn("cpu_percent", Number, WINDOWS),
    field("cpu_period", Int),
    field("cpu_quota", Int),
    field("cpu_rt_period", Int),
    field("cpu_rt_runtime", Int),
    field("cpu_shares", Int),
    field("cpus", Number),
    field("cpuset", Text),
    no("credential_spec", WINDOWS),
    field("depends_on", Shape::NamedOrNames(&DEPENDENCY)),
    field("deploy", Shape::Object(DEPLOY)),
    field("develop", Shape::Object(&[field("watch", Shape::Items(&WATCHES))])),
    field("device_cgroup_rules", Words),
    field("devices", Shape::Items(&DEVICES)),
    field("dns", WordOrWords),
    field("dns_opt", Words),
    field("dns_search", WordOrWords),
    field("domainname", Text),
    field("entrypoint", Command),
    field("env_file", Shape::Items(&ENV_FILES)),
    field("environment", Pairs),
    field("expose", Words),
    field("extends", Shape::Short(short::extends, &EXTENDS)),
    field("external_links", Words),
    field("extra_hosts", Hosts),
    no("gpus", "there is no device driver for it"),
    field("group_add", Words),
    field("healthcheck", Shape::Object(HEALTHCHECK)),
    field("hostname", Text),
    field("image", Text),
    field("init", Bool),
    field("ipc", Text),
    warn("isolation", Text, WINDOWS),
    field("label_file", WordOrWords),
    field("labels", Pairs),
    field("links", Words),
    field("logging", Shape::Object(&[field("driver", Text), field("options", Pairs)])),
    field("mac_address", Text),
    field("mem_limit", Bytes),
    field("mem_reservation", Bytes),
    field("mem_swappiness", Int),
    field("memswap_limit", Bytes),
    no("models", "language models need a runner of their own"),
    field("network_mode", Text),
    field("networks", Shape::NamedOrNames(&ATTACHMENT)),
    field("oom_kill_disable", Bool),
    field("oom_score_adj", Int),
    field("pid", Text),
    field("pids_limit", Int),
    field("platform", Text),
    field("ports", Shape::Items(&PORTS)),
    no("post_start", "commands around a container's life are not run yet"),
    no("pre_stop", "commands around a container's life are not run yet"),
    field("privileged", Bool),
    field("profiles", Words),
    no("provider", "services of other providers are not run"),
    field("pull_policy", Text),
    field("read_only", Bool),
    field("restart", Text),
    field("runtime", Text),
    field("scale", Int),
    field("secrets", Shape::Items(&GRANTS)),
    field("security_opt", Words),
    field("shm_size", Bytes),
    field("stdin_open", Bool),
    field("stop_grace_period", Duration),
    field("stop_signal", Text),
    field("storage_opt", Pairs),
    field("sysctls", Pairs),
    field("tmpfs", WordOrWords),
    field("tty", Bool),
    field("ulimits", Shape::Named(&Shape::Short(short::ulimit, &ULIMIT))),
    no("use_api_socket", "give a scoped socket by volumes instead"),
    field("user", Text),
    field("userns_mode", Text),
    field("uts", Text),
    field("volumes", Shape::Items(&MOUNTS)),
    field("volumes_from", Words),
    field("working_dir", Text),
]);

const BLKIO: &[Field] = &[
    field("weight", Int),
    field("weight_device", Shape::Items(&WEIGHTS)),
    field("device_read_bps", Shape::Items(&RATES)),
    field("device_read_iops", Shape::Items(&RATES)),
    field("device_write_bps", Shape::Items(&RATES)),
    field("device_write_iops", Shape::Items(&RATES)),
];

const WEIGHTS: Items = Items {
    shape: Shape::Object(&[field("path", Text), field("weight", Int)]),
    single: false,
    key: Some(|node| text(node, "path")),
};

const RATES: Items = Items {
    shape: Shape::Object(&[field("path", Text), field("rate", Bytes)]),
    single: false,
    key: Some(|node| text(node, "path")),
};

const BUILD: Shape = Shape::Object(&[
    field("additional_contexts", Pairs),
    field("args", Pairs),
    field("cache_from", Words),
    field("cache_to", Words),
    field("context", Text),
    field("dockerfile", Text),
    field("dockerfile_inline", Text),
    no("entitlements", "builds have no entitlements to give"),
    field("extra_hosts", Hosts),
    warn("isolation", Text, WINDOWS),
    field("labels", Pairs),
    field("network", Text),
    field("no_cache", Bool),
    field("platforms", Words),
    no("privileged", "builds are never privileged"),
    field("pull", Bool),
    field("secrets", Shape::Items(&GRANTS)),
    field("shm_size", Bytes),
    field("ssh", Pairs),
    field("tags", Words),
    field("target", Text),
    field("ulimits", Shape::Named(&Shape::Short(short::ulimit, &ULIMIT))),
]);

const DEPENDENCY: Shape = Shape::Object(&[
    field(
        "condition",
        Choice(&["service_started", "service_healthy", "service_completed_successfully"]),
    ),
    field("required", Bool),
    field("restart", Bool),
]);

const DEPLOY: &[Field] = &[
    warn("endpoint_mode", Text, SWARM),
    field("labels", Pairs),
    field("mode", Choice(&["replicated", "global", "replicated-job", "global-job"])),
    warn("placement", Any, SWARM),
    field("replicas", Int),
    field(
        "resources",
        Shape::Object(&[
            field(
                "limits",
                Shape::Object(&[field("cpus", Number), field("memory", Bytes), field("pids", Int)]),
            ),
            field(
                "reservations",
                Shape::Object(&[
                    warn("cpus", Number, SWARM),
                    field("memory", Bytes),
                    no("devices", "there is no device driver for it"),
                    warn("generic_resources", Any, SWARM),
                ]),
            ),
        ]),
    ),
    field(
        "restart_policy",
        Shape::Object(&[
            field("condition", Choice(&["none", "on-failure", "any"])),
            warn("delay", Duration, "the engine waits longer each time"),
            field("max_attempts", Int),
            warn("window", Duration, "the engine decides when a start has succeeded"),
        ]),
    ),
    warn("rollback_config", Any, SWARM),
    warn("update_config", Any, SWARM),
];

const WATCHES: Items = Items {
    shape: Shape::Object(&[
        field("path", Text),
        field("action", Choice(&["sync", "rebuild", "restart", "sync+restart", "sync+exec"])),
        field("target", Text),
        field("ignore", WordOrWords),
        field("include", WordOrWords),
        field(
            "exec",
            Shape::Object(&[
                field("command", Command),
                field("user", Text),
                field("privileged", Bool),
                field("working_dir", Text),
                field("environment", Pairs),
            ]),
        ),
        field("initial_sync", Bool),
    ]),
    single: false,
    key: None,
};

const DEVICES: Items = Items {
    shape: Shape::Short(
        short::device,
        &Shape::Object(&[field("source", Text), field("target", Text), field("permissions", Text)]),
    ),
    single: false,
    key: Some(|node| text(node, "target")),
};

const ENV_FILES: Items = Items {
    shape: Shape::Short(
        short::env_file,
        &Shape::Object(&[
            field("path", Text),
            field("required", Bool),
            field("format", Choice(&["raw"])),
        ]),
    ),
    single: true,
    key: Some(|node| text(node, "path")),
};

const EXTENDS: Shape = Shape::Object(&[field("file", Text), field("service", Text)]);

const HEALTHCHECK: &[Field] = &[
    field("disable", Bool),
    field("interval", Duration),
    field("retries", Int),
    field("start_interval", Duration),
    field("start_period", Duration),
    field("test", Test),
    field("timeout", Duration),
];

const ATTACHMENT: Shape = Shape::Object(&[
    field("aliases", Words),
    field("driver_opts", Pairs),
    field("gw_priority", Int),
    no("interface_name", "interfaces are named in the order of their networks"),
    field("ipv4_address", Text),
    field("ipv6_address", Text),
    field("link_local_ips", Words),
    field("mac_address", Text),
    field("priority", Int),
]);

const PORTS: Items = Items {
    shape: Shape::Short(
        short::port,
        &Shape::Object(&[
            field("name", Text),
            field("mode", Choice(&["ingress", "host"])),
            field("target", Int),
            field("host_ip", Text),
            field("published", Text),
            field("protocol", Choice(&["tcp", "udp", "sctp"])),
            warn("app_protocol", Text, "nothing here needs to know"),
        ]),
    ),
    single: false,
    key: Some(|node| {
        let protocol = node.get("protocol").and_then(Node::as_str).unwrap_or("tcp");
        let target = node.get("target").and_then(Node::as_int).unwrap_or_default();
        format!("{}:{}:{target}/{protocol}", text(node, "host_ip"), text(node, "published"))
    }),
};

const GRANTS: Items = Items {
    shape: Shape::Short(
        short::grant,
        &Shape::Object(&[
            field("source", Text),
            field("target", Text),
            field("uid", Text),
            field("gid", Text),
            field("mode", Text),
        ]),
    ),
    single: false,
    key: Some(|node| match node.get("target").and_then(Node::as_str) {
        Some(target) => target.to_owned(),
        None => text(node, "source"),
    }),
};

const ULIMIT: Shape = Shape::Object(&[field("soft", Int), field("hard", Int)]);

const MOUNTS: Items = Items {
    shape: Shape::Short(
        short::volume,
        &Shape::Object(&[
            field("type", Choice(&["bind", "volume", "tmpfs", "image"])),
            field("source", Text),
            field("target", Text),
            field("read_only", Bool),
            field("consistency", Text),
            field(
                "bind",
                Shape::Object(&[
                    field("propagation", Text),
                    field("create_host_path", Bool),
                    field("recursive", Text),
                    warn("selinux", Text, "labels are not changed"),
                ]),
            ),
            field(
                "volume",
                Shape::Object(&[
                    field("nocopy", Bool),
                    field("subpath", Text),
                    field("labels", Pairs),
                ]),
            ),
            field("tmpfs", Shape::Object(&[field("size", Bytes), field("mode", Int)])),
            field("image", Shape::Object(&[field("subpath", Text)])),
        ]),
    ),
    single: false,
    key: Some(|node| text(node, "target")),
};

const NETWORK: Shape = Shape::Object(&[
    field("attachable", Bool),
    field("driver", Text),
    field("driver_opts", Pairs),
    field("enable_ipv4", Bool),
    field("enable_ipv6", Bool),
    field("external", Any),
    field("internal", Bool),
    field(
        "ipam",
        Shape::Object(&[
            field("driver", Text),
            field("config", Shape::Items(&SUBNETS)),
            field("options", Pairs),
        ]),
    ),
    field("labels", Pairs),
    field("name", Text),
]);

const SUBNETS: Items = Items {
    shape: Shape::Object(&[
        field("subnet", Text),
        field("ip_range", Text),
        field("gateway", Text),
        field("aux_addresses", Pairs),
    ]),
    single: false,
    key: Some(|node| text(node, "subnet")),
};

const VOLUME: Shape = Shape::Object(&[
    field("driver", Text),
    field("driver_opts", Pairs),
    field("external", Any),
    field("labels", Pairs),
    field("name", Text),
]);

const SECRET: Shape = Shape::Object(&[
    no("driver", SWARM),
    no("driver_opts", SWARM),
    field("environment", Text),
    field("content", Text),
    field("external", Any),
    field("file", Text),
    field("labels", Pairs),
    field("name", Text),
    no("template_driver", SWARM),
]);

const CONFIG: Shape = SECRET;

fn text(node: &Node, name: &str) -> String {
    node.get(name).and_then(Node::as_str).unwrap_or_default().to_owned()
}
