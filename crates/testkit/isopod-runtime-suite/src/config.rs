//! The base `config.json`, and the edits that cases make most.

use serde_json::{Value, json};

/// A `config.json` as a tree.
pub type Config = Value;

/// Docker's default capabilities.
const CAPABILITIES: &[&str] = &[
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// What a caller such as containerd writes for a plain container.
pub fn base(cgroups_path: &str) -> Config {
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false,
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/sh", "-c", "true"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": CAPABILITIES,
                "effective": CAPABILITIES,
                "permitted": CAPABILITIES,
            },
            "noNewPrivileges": false,
        },
        "root": {"path": "rootfs", "readonly": false},
        "hostname": "isopod-suite",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc",
             "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
             "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
             "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs",
             "options": ["nosuid", "noexec", "nodev", "ro"]},
        ],
        "linux": {
            "cgroupsPath": cgroups_path,
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "namespaces": [
                {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                {"type": "mount"},
            ],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                              "/proc/sysrq-trigger"],
        },
    })
}

/// The array at `pointer`, made when there is none.
pub fn array<'a>(config: &'a mut Config, pointer: &str) -> &'a mut Vec<Value> {
    let mut at = config;
    for key in pointer.split('/').skip(1) {
        at = &mut at[key];
    }
    if !at.is_array() {
        *at = json!([]);
    }
    at.as_array_mut().expect("made an array just above")
}

/// Appends a mount.
pub fn mount(config: &mut Config, destination: &str, kind: &str, source: &str, options: &[&str]) {
    array(config, "/mounts").push(json!({
        "destination": destination, "type": kind, "source": source, "options": options,
    }));
}

/// Removes the mount at a destination.
pub fn unmount(config: &mut Config, destination: &str) {
    array(config, "/mounts").retain(|mount| mount["destination"] != destination);
}

/// Sets the options of the mount at a destination.
pub fn mount_options(config: &mut Config, destination: &str, options: &[&str]) {
    for mount in array(config, "/mounts") {
        if mount["destination"] == destination {
            mount["options"] = json!(options);
        }
    }
}

/// Adds a namespace.
pub fn namespace(config: &mut Config, kind: &str) {
    array(config, "/linux/namespaces").push(json!({"type": kind}));
}

/// Joins a namespace by path instead of making one.
pub fn join(config: &mut Config, kind: &str, path: &str) {
    leave(config, kind);
    array(config, "/linux/namespaces").push(json!({"type": kind, "path": path}));
}

/// Shares the host's namespace of a kind.
pub fn leave(config: &mut Config, kind: &str) {
    array(config, "/linux/namespaces").retain(|namespace| namespace["type"] != kind);
}

/// A user namespace that maps 0 to 100000 and so on. Mounts that such a namespace may not make
/// are taken out.
pub fn user_namespace(config: &mut Config) {
    namespace(config, "user");
    let mapping = json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}]);
    config["linux"]["uidMappings"] = mapping.clone();
    config["linux"]["gidMappings"] = mapping;
}

/// Sets all five sets of capabilities to the same list.
pub fn capabilities(config: &mut Config, names: &[&str]) {
    for set in ["bounding", "effective", "permitted", "inheritable", "ambient"] {
        config["process"]["capabilities"][set] = json!(names);
    }
}

/// Sets the arguments.
pub fn args(config: &mut Config, args: &[&str]) {
    config["process"]["args"] = json!(args);
}

/// A seccomp profile that allows everything but what its rules say.
pub fn seccomp(config: &mut Config, rules: Value) {
    config["linux"]["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": rules,
    });
}
