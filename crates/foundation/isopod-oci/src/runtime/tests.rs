//! Reading and writing of `config.json`.

use super::*;

#[test]
fn a_full_document_survives_a_round_trip() {
    let text = br#"{
      "ociVersion": "1.2.0",
      "process": {"terminal": true, "user": {"uid": 1, "gid": 2, "additionalGids": [5]},
                  "args": ["sh"], "cwd": "/", "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
                  "execCPUAffinity": {"initial": "0", "final": "0-1"}},
      "root": {"path": "rootfs", "readonly": true},
      "linux": {"namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}],
                "resources": {"blockIO": {"weight": 10, "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 9}]},
                              "memory": {"limit": -1, "disableOOMKiller": true}},
                "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]}
    }"#;
    let spec = Spec::parse(text).expect("valid");
    let again = Spec::parse(&serde_json::to_vec(&spec).expect("writes")).expect("valid");
    assert_eq!(spec, again);
    let linux = spec.linux.expect("given");
    let block = linux.resources.expect("given").block_io.expect("given");
    assert_eq!(block.throttle_read_iops_device[0].rate, 9);
}

#[test]
fn null_is_absent_and_unknown_fields_are_ignored() {
    let spec = Spec::parse(br#"{"ociVersion":"1.0.2","mounts":null,"annotations":null,"x":1}"#)
        .expect("valid");
    assert!(spec.mounts.is_empty());
}

#[test]
fn a_fault_is_located() {
    let fault = Spec::parse(b"{\n  \"ociVersion\": 3\n}").expect_err("not a string");
    assert_eq!((fault.line, fault.column), (2, 17));
    assert!(
        fault.to_string().starts_with("config.json: line 2, column 17: invalid type"),
        "{fault}"
    );
}
