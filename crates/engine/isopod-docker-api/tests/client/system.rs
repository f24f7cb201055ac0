//! The engine itself.

use crate::daemon::Daemon;

#[test]
fn version_and_info() {
    let Some(daemon) = Daemon::start() else { return };
    assert!(!daemon.ok(&["version", "-f", "{{.Server.Version}}"]).is_empty());
    assert_eq!(daemon.ok(&["version", "-f", "{{.Server.Os}}"]), "linux");
    daemon.ok(&["create", "bb"]);
    let format = "{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}} {{.Images}} {{.OSType}} {{.Swarm.LocalNodeState}}";
    assert_eq!(daemon.ok(&["info", "-f", format]), "1 0 1 1 linux inactive");
    let text = daemon.ok(&["info"]);
    for part in [
        "Storage Driver:",
        "Cgroup Version:",
        "Operating System:",
        "Total Memory:",
        "Docker Root Dir:",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn disk_usage() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["create", "-v", "vol:/v", "bb"]);
    let table = daemon.ok(&["system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}"]);
    assert_eq!(table, "Images 1 1\nContainers 1 0\nLocal Volumes 1 1\nBuild Cache 0 0");
    assert!(daemon.ok(&["system", "df", "-v"]).contains("bb"));
}

#[test]
fn networks() {
    let Some(daemon) = Daemon::start() else { return };
    let list = daemon.ok(&["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"]);
    let mut names: Vec<&str> = list.lines().filter(|line| !line.starts_with("bridge")).collect();
    names.sort_unstable();
    assert_eq!(names, ["host host local", "none null local"]);
    assert_eq!(
        daemon.ok(&["network", "inspect", "-f", "{{.Name}} {{.Driver}}", "host"]),
        "host host"
    );
    let (_, message) = daemon.fails(&["network", "inspect", "ghost"]);
    // Old clients have words of their own.
    let known = ["network ghost not found", "No such network: ghost"];
    assert!(known.iter().any(|text| message.contains(text)), "{message}");
    let (_, message) = daemon.fails(&["network", "rm", "host"]);
    assert!(message.contains("host is a pre-defined network and cannot be removed"), "{message}");
    let own = daemon.ok(&["run", "--rm", "--network", "none", "bb", "ls", "/sys/class/net"]);
    assert!(own.split_whitespace().all(|name| name == "lo" || name.ends_with('0')), "{own}");
    assert!(own.contains("lo"), "{own}");
}

#[test]
fn no_swarm_and_no_plugins() {
    let Some(daemon) = Daemon::start() else { return };
    let (_, message) = daemon.fails(&["service", "ls"]);
    assert!(message.contains("This node is not a swarm manager."), "{message}");
    assert_eq!(daemon.ok(&["plugin", "ls", "-q"]), "");
}

#[test]
fn prune_all() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "--name", "old", "bb", "true"]);
    let text = daemon.ok(&["system", "prune", "-af"]);
    assert!(text.contains("Total reclaimed space:"), "{text}");
    assert_eq!(daemon.ok(&["ps", "-aq"]), "");
    assert_eq!(daemon.ok(&["images", "-q"]), "");
}
