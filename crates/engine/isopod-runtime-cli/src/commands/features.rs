//! `features`: what this runtime can do, as `features.md` of the runtime specification has it.

use std::collections::BTreeMap;

use isopod_oci::runtime::VERSION;
use serde::Serialize;

use super::print;
use crate::error::Error;
use crate::globals::Globals;
use crate::parse::Invocation;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Features {
    oci_version_min: &'static str,
    oci_version_max: &'static str,
    hooks: [&'static str; 6],
    mount_options: Vec<String>,
    linux: Linux,
    annotations: BTreeMap<&'static str, String>,
    potentially_unsafe_config_annotations: [&'static str; 2],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Linux {
    namespaces: Vec<&'static str>,
    capabilities: Vec<String>,
    cgroup: Cgroup,
    seccomp: Seccomp,
    apparmor: Enabled,
    selinux: Enabled,
    intel_rdt: Enabled,
    mount_extensions: MountExtensions,
    net_devices: Enabled,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cgroup {
    v1: bool,
    v2: bool,
    systemd: bool,
    systemd_user: bool,
    rdma: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Seccomp {
    enabled: bool,
    actions: [&'static str; 9],
    operators: [&'static str; 7],
    archs: Vec<&'static str>,
    known_flags: [&'static str; 4],
    supported_flags: [&'static str; 4],
}

#[derive(Debug, Serialize)]
struct MountExtensions {
    idmap: Enabled,
}

#[derive(Debug, Serialize)]
struct Enabled {
    enabled: bool,
}

const FILTER_FLAGS: [&str; 4] = [
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

pub(crate) fn features(_: &Invocation, _: &Globals) -> Result<i32, Error> {
    let features = Features {
        oci_version_min: "1.0.0",
        oci_version_max: VERSION,
        hooks: [
            "prestart",
            "createRuntime",
            "createContainer",
            "startContainer",
            "poststart",
            "poststop",
        ],
        mount_options: isopod_runtime::mount_option_names(),
        linux: Linux {
            namespaces: isopod_runtime::namespace_names().to_vec(),
            capabilities: isopod_runtime::known_capabilities(),
            cgroup: Cgroup { v1: true, v2: true, systemd: true, systemd_user: true, rdma: true },
            seccomp: seccomp(),
            apparmor: Enabled { enabled: true },
            selinux: Enabled { enabled: true },
            intel_rdt: Enabled { enabled: false },
            mount_extensions: MountExtensions { idmap: Enabled { enabled: true } },
            net_devices: Enabled { enabled: false },
        },
        annotations: BTreeMap::from([
            ("org.isopod.runtime.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("org.isopod.runtime.checkpoint.enabled", "false".to_owned()),
        ]),
        potentially_unsafe_config_annotations: ["bundle", "org.systemd.property."],
    };
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    features.serialize(&mut serializer).expect("strings and switches");
    bytes.push(b'\n');
    print(&String::from_utf8(bytes).expect("JSON is UTF-8"))?;
    Ok(0)
}

fn seccomp() -> Seccomp {
    Seccomp {
        enabled: true,
        actions: [
            "SCMP_ACT_ALLOW",
            "SCMP_ACT_ERRNO",
            "SCMP_ACT_KILL",
            "SCMP_ACT_KILL_PROCESS",
            "SCMP_ACT_KILL_THREAD",
            "SCMP_ACT_LOG",
            "SCMP_ACT_NOTIFY",
            "SCMP_ACT_TRACE",
            "SCMP_ACT_TRAP",
        ],
        operators: [
            "SCMP_CMP_EQ",
            "SCMP_CMP_GE",
            "SCMP_CMP_GT",
            "SCMP_CMP_LE",
            "SCMP_CMP_LT",
            "SCMP_CMP_MASKED_EQ",
            "SCMP_CMP_NE",
        ],
        archs: vec![
            "SCMP_ARCH_AARCH64",
            "SCMP_ARCH_ARM",
            "SCMP_ARCH_X32",
            "SCMP_ARCH_X86",
            "SCMP_ARCH_X86_64",
        ],
        known_flags: FILTER_FLAGS,
        supported_flags: FILTER_FLAGS,
    }
}
