//! What is written: absent, `null`, empty or zero, exactly as Go's structs print it.

use isopod_docker_types::*;
use serde::Serialize;

#[track_caller]
fn check(document: &impl Serialize, expect: &str) {
    assert_eq!(serde_json::to_string(document).expect("serializes"), expect);
}

#[test]
fn container_config() {
    check(
        &ContainerConfig::default(),
        r#"{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":{}}"#,
    );
}

#[test]
fn host_config_has_dockers_order_and_nulls() {
    let text = serde_json::to_string(&HostConfig::default()).expect("serializes");
    let expect = [
        r#"{"Binds":null,"ContainerIDFile":"","LogConfig":{"Type":"","Config":{}},"NetworkMode":"","PortBindings":{},"RestartPolicy":{"Name":"","MaximumRetryCount":0},"AutoRemove":false,"VolumeDriver":"","VolumesFrom":null,"ConsoleSize":[0,0],"CapAdd":null,"CapDrop":null,"CgroupnsMode":"","Dns":[],"DnsOptions":[],"DnsSearch":[],"ExtraHosts":null,"GroupAdd":null,"IpcMode":"","Cgroup":"","Links":null,"OomScoreAdj":0,"PidMode":"","Privileged":false,"PublishAllPorts":false,"ReadonlyRootfs":false,"SecurityOpt":null,"UTSMode":"","UsernsMode":"","ShmSize":0,"Isolation":"","#,
        r#""CpuShares":0,"Memory":0,"NanoCpus":0,"CgroupParent":"","BlkioWeight":0,"BlkioWeightDevice":[],"BlkioDeviceReadBps":null,"BlkioDeviceWriteBps":null,"BlkioDeviceReadIOps":null,"BlkioDeviceWriteIOps":null,"CpuPeriod":0,"CpuQuota":0,"CpuRealtimePeriod":0,"CpuRealtimeRuntime":0,"CpusetCpus":"","CpusetMems":"","Devices":[],"DeviceCgroupRules":null,"DeviceRequests":null,"MemoryReservation":0,"MemorySwap":0,"MemorySwappiness":null,"OomKillDisable":null,"PidsLimit":null,"Ulimits":[],"CpuCount":0,"CpuPercent":0,"IOMaximumIOps":0,"IOMaximumBandwidth":0,"#,
        r#""MaskedPaths":null,"ReadonlyPaths":null}"#,
    ]
    .concat();
    assert_eq!(text, expect);
}

#[test]
fn answers() {
    check(
        &ContainerCreateResponse { id: "a".into(), warnings: Vec::new() },
        r#"{"Id":"a","Warnings":[]}"#,
    );
    check(
        &ContainerWaitResponse {
            status_code: 1,
            error: Some(ContainerWaitError { message: "m".into() }),
        },
        r#"{"Error":{"Message":"m"},"StatusCode":1}"#,
    );
    check(&ErrorResponse { message: "m".into() }, r#"{"message":"m"}"#);
    check(&ContainersPruneReport::default(), r#"{"ContainersDeleted":null,"SpaceReclaimed":0}"#);
    check(&VolumeListResponse::default(), r#"{"Volumes":[],"Warnings":null}"#);
    check(&UpdateResponse::default(), r#"{"Warnings":null}"#);
    check(
        &ImageDeleteItem { untagged: "a:1".into(), ..Default::default() },
        r#"{"Untagged":"a:1"}"#,
    );
    check(
        &FilesystemChange { kind: change_kind::ADDED, path: "/x".into() },
        r#"{"Kind":1,"Path":"/x"}"#,
    );
}

#[test]
fn exec_inspect() {
    check(
        &ExecInspect {
            id: "e".into(),
            process_config: Some(ExecProcessConfig {
                entrypoint: "sh".into(),
                privileged: Some(false),
                ..Default::default()
            }),
            ..Default::default()
        },
        r#"{"ID":"e","Running":false,"ExitCode":null,"ProcessConfig":{"tty":false,"entrypoint":"sh","arguments":[],"privileged":false},"OpenStdin":false,"OpenStderr":false,"OpenStdout":false,"CanRemove":false,"ContainerID":"","DetachKeys":"","Pid":0}"#,
    );
}

#[test]
fn lines_of_streams() {
    check(
        &JsonMessage {
            status: "Downloading".into(),
            progress_detail: Some(JsonProgress { current: 1, total: 2, ..Default::default() }),
            id: "abc".into(),
            ..Default::default()
        },
        r#"{"status":"Downloading","progressDetail":{"current":1,"total":2},"id":"abc"}"#,
    );
    check(
        &JsonMessage {
            error_detail: Some(JsonError { message: "m".into(), ..Default::default() }),
            error: "m".into(),
            ..Default::default()
        },
        r#"{"errorDetail":{"message":"m"},"error":"m"}"#,
    );
    check(
        &EventMessage {
            kind: "volume".into(),
            action: "create".into(),
            actor: EventActor { id: "v".into(), ..Default::default() },
            scope: "local".into(),
            time: 1,
            time_nano: 2,
            ..Default::default()
        },
        r#"{"Type":"volume","Action":"create","Actor":{"ID":"v","Attributes":{}},"scope":"local","time":1,"timeNano":2}"#,
    );
}

#[test]
fn path_stat_and_mount_point() {
    check(
        &PathStat {
            name: "f".into(),
            size: 1,
            mode: 0o644,
            mtime: "t".into(),
            link_target: String::new(),
        },
        r#"{"name":"f","size":1,"mode":420,"mtime":"t","linkTarget":""}"#,
    );
    check(
        &MountPoint {
            kind: "bind".into(),
            source: "/a".into(),
            destination: "/b".into(),
            rw: true,
            ..Default::default()
        },
        r#"{"Type":"bind","Source":"/a","Destination":"/b","Mode":"","RW":true,"Propagation":""}"#,
    );
}

#[test]
fn stats_name_their_fields_in_lower_case() {
    let text = serde_json::to_string(&ContainerStats::default()).expect("serializes");
    for part in [
        r#""pids_stats":{}"#,
        r#""cpu_stats":{"cpu_usage":{"total_usage":0,"usage_in_kernelmode":0,"usage_in_usermode":0},"throttling_data":{"periods":0,"throttled_periods":0,"throttled_time":0}}"#,
        r#""precpu_stats":{"#,
        r#""memory_stats":{}"#,
        r#""io_service_bytes_recursive":null"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
