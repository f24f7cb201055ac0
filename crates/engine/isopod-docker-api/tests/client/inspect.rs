//! `docker inspect` of a container: fields that tools read.

use crate::daemon::Daemon;

#[test]
fn fields() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&[
        "run",
        "-d",
        "--name",
        "box",
        "--label",
        "l=1",
        "-e",
        "E=2",
        "--network",
        "none",
        "bb",
        "sleep",
        "1000",
    ]);
    let image = daemon.ok(&["image", "inspect", "-f", "{{.Id}}", "bb"]);
    let get = |format: &str| daemon.ok(&["inspect", "-f", format, "box"]);
    assert_eq!(get("{{.Id}}"), id);
    assert_eq!(get("{{.Image}}"), image, "an id, not a name");
    assert_eq!(get("{{.Config.Image}}"), "bb");
    assert_eq!(get("{{.Name}} {{.Path}} {{json .Args}}"), "/box sleep [\"1000\"]");
    assert_eq!(get("{{.Config.Hostname}}"), id[..12]);
    assert_eq!(
        get("{{json .Config.Cmd}} {{json .Config.Entrypoint}}"),
        "[\"sleep\",\"1000\"] null"
    );
    assert_eq!(get("{{json .Config.Env}}"), "[\"E=2\",\"PATH=/bin\"]");
    assert_eq!(get("{{json .Config.Labels}}"), "{\"l\":\"1\"}");
    assert_eq!(get("{{.State.FinishedAt}}"), "0001-01-01T00:00:00Z");
    assert_eq!(
        get(
            "{{.State.Status}} {{.State.Running}} {{.State.Restarting}} {{.State.OOMKilled}} {{.State.Dead}}"
        ),
        "running true false false false"
    );
    assert_eq!(
        get("{{.HostConfig.NetworkMode}} {{json .HostConfig.Binds}} {{json .HostConfig.CapAdd}}"),
        "none null null"
    );
    assert_eq!(
        get(
            "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig.Type}} {{.HostConfig.ShmSize}}"
        ),
        "no json-file 67108864"
    );
    assert_eq!(get("{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}"), "none");
    assert_ne!(get("{{.State.Pid}}"), "0");
    let started = get("{{.State.StartedAt}}");
    assert!(started.starts_with("20") && started.ends_with('Z'), "{started}");
    assert!(get("{{len .HostConfig.MaskedPaths}}").parse::<u32>().expect("a number") > 5);
    assert!(get("{{.LogPath}}").ends_with(&format!("{id}-json.log")));
}

#[test]
fn sizes_only_when_asked() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "--name", "box", "bb", "sh", "-c", "head -c 100000 /dev/zero > /tmp/x"]);
    let size = daemon.ok(&["inspect", "-s", "-f", "{{.SizeRw}}", "box"]);
    assert!(size.parse::<u64>().is_ok_and(|size| size >= 100_000), "{size}");
    let plain = daemon.ok(&["inspect", "box"]);
    assert!(!plain.contains("SizeRw"));
    assert!(daemon.ok(&["ps", "-as", "--format", "{{.Size}}"]).contains("(virtual "));
}

#[test]
fn by_prefix() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["create", "--name", "box", "bb"]);
    assert_eq!(daemon.ok(&["inspect", "-f", "{{.Id}}", &id[..6]]), id);
}
