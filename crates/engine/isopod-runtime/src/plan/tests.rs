//! Tests of whole configurations.

use super::*;

/// Checks `config.json` texts that differ from a good one by `edit`.
fn check(edit: &str) -> Result<Plan> {
    let dir = tempfile::tempdir().expect("temporary directory");
    std::fs::create_dir(dir.path().join("rootfs")).expect("makes");
    let base = r#"{"ociVersion":"1.2.0","root":{"path":"rootfs"},
        "process":{"args":["true"],"cwd":"/"},
        "linux":{"namespaces":[{"type":"mount"},{"type":"pid"},{"type":"uts"}]}}"#;
    let mut value: serde_json::Value = serde_json::from_str(base).expect("parses");
    let edit: serde_json::Value = serde_json::from_str(edit).expect("parses");
    merge(&mut value, edit);
    let spec = Spec::parse(value.to_string().as_bytes()).expect("parses");
    Plan::new(Config::Parsed { spec: Box::new(spec), bundle: dir.path().into() }, false)
}

fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match (into, from) {
        (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

#[test]
fn good_configurations_pass() {
    for edit in [
        "{}",
        r#"{"hostname":"x"}"#,
        r#"{"linux":{"personality":{"domain":"LINUX32"}}}"#,
        r#"{"mounts":[{"destination":"/a","source":"b","options":["bind"]}]}"#,
        r#"{"linux":{"rootfsPropagation":"rshared"}}"#,
    ] {
        check(edit).expect(edit);
    }
}

#[test]
fn errors_name_the_field() {
    for (edit, field) in [
        (r#"{"ociVersion":"2.0.0"}"#, "ociVersion"),
        (r#"{"process":null}"#, "process"),
        (r#"{"process":{"args":[]}}"#, "process.args"),
        (r#"{"process":{"cwd":""}}"#, "process.cwd"),
        (r#"{"process":{"cwd":"a"}}"#, "process.cwd"),
        (r#"{"process":{"env":["A"]}}"#, "process.env[0]"),
        (r#"{"process":{"rlimits":[{"type":"X","hard":1,"soft":1}]}}"#, "process.rlimits[0]"),
        (r#"{"process":{"oomScoreAdj":1001}}"#, "process.oomScoreAdj"),
        (r#"{"root":{"path":"missing"}}"#, "root.path"),
        (r#"{"root":null}"#, "root.path"),
        (r#"{"mounts":[{"destination":"/"}]}"#, "mounts[0].destination"),
        (r#"{"mounts":[{"destination":"/a"}]}"#, "mounts[0].type"),
        (r#"{"mounts":[{"destination":"/a","type":"bind"}]}"#, "mounts[0].source"),
        (r#"{"linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}}"#, "linux.namespaces[1].type"),
        (r#"{"linux":{"namespaces":[{"type":"pid","path":"x"}]}}"#, "linux.namespaces[0].path"),
        (
            r#"{"linux":{"namespaces":[{"type":"pid","path":"/etc/passwd"}]}}"#,
            "linux.namespaces[0].path",
        ),
        (r#"{"linux":{"namespaces":[{"type":"user"}]}}"#, "linux.uidMappings"),
        (
            r#"{"linux":{"uidMappings":[{"containerID":0,"hostID":0,"size":1}]}}"#,
            "linux.uidMappings",
        ),
        (r#"{"hostname":"x","linux":{"namespaces":[{"type":"pid"}]}}"#, "hostname"),
        (r#"{"linux":{"rootfsPropagation":"x"}}"#, "linux.rootfsPropagation"),
        (r#"{"linux":{"sysctl":{"kernel.panic":"1"}}}"#, "linux.sysctl[\"kernel.panic\"]"),
        (r#"{"linux":{"intelRdt":{}}}"#, "linux.intelRdt"),
        (r#"{"linux":{"devices":[{"type":"x","path":"/dev/x"}]}}"#, "linux.devices[0].type"),
        (
            r#"{"linux":{"devices":[{"type":"c","path":"/dev/x","major":1}]}}"#,
            "linux.devices[0].minor",
        ),
        (r#"{"linux":{"timeOffsets":{"monotonic":{"secs":1}}}}"#, "linux.timeOffsets"),
        (r#"{"linux":{"maskedPaths":["x"]}}"#, "linux.maskedPaths[0]"),
    ] {
        let error = check(edit).expect_err(edit);
        let text = error.to_string();
        let named = match &error {
            Error::InvalidConfig { field, .. } | Error::Unsupported { field, .. } => field,
            _ => panic!("{edit}: {text}"),
        };
        assert_eq!(named, field, "{edit}: {text}");
    }
}
