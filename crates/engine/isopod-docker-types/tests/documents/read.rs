//! What is read: `null` anywhere, unknown fields, both forms of a command.

use isopod_docker_types::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn null_is_the_zero_value_everywhere() {
    fn check<T: DeserializeOwned + Serialize + Default + PartialEq + std::fmt::Debug>() {
        let zero = T::default();
        let serde_json::Value::Object(mut fields) =
            serde_json::to_value(&zero).expect("serializes")
        else {
            panic!("a document is an object");
        };
        fields.values_mut().for_each(|value| *value = serde_json::Value::Null);
        let text = serde_json::Value::Object(fields).to_string();
        assert_eq!(read::<T>(&text), zero);
        assert_eq!(read::<T>("{}"), zero);
        assert_eq!(read::<T>(r#"{"Unknown":[1]}"#), zero);
    }
    check::<ContainerCreateRequest>();
    check::<ContainerConfig>();
    check::<HostConfig>();
    check::<ContainerInspect>();
    check::<ContainerSummary>();
    check::<ExecCreateRequest>();
    check::<ImageInspect>();
    check::<ImageSummary>();
    check::<Info>();
    check::<Version>();
    check::<NetworkInspect>();
    check::<UpdateRequest>();
    check::<VolumeCreateRequest>();
    check::<AuthConfig>();
    check::<JsonMessage>();
    check::<EventMessage>();
    check::<ContainerStats>();
    check::<DiskUsage>();
}

#[test]
fn what_the_cli_sends_to_create() {
    let request: ContainerCreateRequest = read(
        r#"{"Hostname":"","AttachStdout":true,"Env":null,"Cmd":["sh","-c","x"],"Image":"bb","Volumes":{"/v":{}},"ExposedPorts":{"80/tcp":{}},"Entrypoint":null,"Labels":{},"StopTimeout":3,
            "HostConfig":{"Binds":["/a:/b:ro"],"NetworkMode":"default","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},"RestartPolicy":{"Name":"no","MaximumRetryCount":0},"ConsoleSize":[24,80],"Dns":[],"Memory":64,"Ulimits":[{"Name":"nofile","Hard":2,"Soft":1}],"MaskedPaths":[],"ReadonlyPaths":null,"Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":5,"Options":[["noexec"],["a","b"]]}}]},
            "NetworkingConfig":{"EndpointsConfig":{"default":null}}}"#,
    );
    let config = &request.config;
    assert_eq!(config.cmd.as_ref().map(|words| words.len()), Some(3));
    assert_eq!(
        (config.stop_timeout, config.volumes.len(), config.exposed_ports.len()),
        (Some(3), 1, 1)
    );
    let host = request.host_config.expect("given");
    assert_eq!(host.resources.memory, 64);
    assert_eq!((host.console_size, host.resources.ulimits[0].hard), ([24, 80], 2));
    assert_eq!((host.masked_paths, host.readonly_paths), (Some(Vec::new()), None));
    assert_eq!(
        host.port_bindings["80/tcp"].as_ref().map(|list| list[0].host_port.as_str()),
        Some("8080")
    );
    let tmpfs = host.mounts[0].tmpfs_options.as_ref().expect("given");
    assert_eq!((tmpfs.size_bytes, tmpfs.options.len()), (5, 2));
    assert_eq!(request.networking_config.expect("given").endpoints_config["default"], None);
}

#[test]
fn a_command_may_be_one_word() {
    let config: ContainerConfig = read(r#"{"Cmd":"sleep","Entrypoint":[]}"#);
    assert_eq!(config.cmd, Some(CommandLine(vec!["sleep".into()])));
    assert_eq!(config.entrypoint, Some(CommandLine(Vec::new())), "an empty one clears the image's");
}

#[test]
fn documents_come_back_as_written() {
    let inspect = ContainerInspect {
        id: "a".into(),
        exec_ids: vec!["e".into()],
        size_rw: Some(4),
        host_config: HostConfig {
            binds: vec!["/a:/b".into()],
            init: Some(true),
            ..Default::default()
        },
        ..Default::default()
    };
    let text = serde_json::to_string(&inspect).expect("serializes");
    assert_eq!(read::<ContainerInspect>(&text), inspect);
}

#[test]
fn wrong_types_are_refused_with_their_place() {
    let error =
        serde_json::from_str::<ContainerCreateRequest>(r#"{"Image":3}"#).expect_err("a number");
    assert!(error.to_string().contains("expected a string"), "{error}");
    let error = Filters::parse(r#"{"label":7}"#).expect_err("a number");
    assert!(error.to_string().starts_with("invalid filter"), "{error}");
}

#[test]
fn filters_keep_only_what_is_on() {
    let filters = Filters::parse(r#"{"a":{"x":true,"y":false},"b":["p","q"],"c":[],"d":null}"#)
        .expect("valid");
    assert_eq!(filters.get("a").collect::<Vec<_>>(), ["x"]);
    assert_eq!(filters.get("b").collect::<Vec<_>>(), ["p", "q"]);
    assert!(!filters.contains("c") && !filters.contains("d"));
    assert_eq!(filters.keys().count(), 4);
    assert!(Filters::parse("").expect("none").is_empty());
}
