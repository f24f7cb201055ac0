//! Volumes.

use crate::daemon::Daemon;

#[test]
fn data_outlives_containers() {
    let Some(daemon) = Daemon::start() else { return };
    assert_eq!(daemon.ok(&["volume", "create", "--label", "a=b", "store"]), "store");
    daemon.ok(&["run", "--rm", "-v", "store:/s", "bb", "sh", "-c", "echo kept > /s/file"]);
    assert_eq!(daemon.ok(&["run", "--rm", "-v", "store:/s", "bb", "cat", "/s/file"]), "kept");
    assert_eq!(daemon.ok(&["volume", "ls", "-q"]), "store");
    let format = "{{.Name}} {{.Driver}} {{.Scope}} {{.Labels.a}}";
    assert_eq!(daemon.ok(&["volume", "inspect", "-f", format, "store"]), "store local local b");
    daemon.ok(&["create", "--name", "box", "-v", "store:/s", "bb"]);
    let (_, message) = daemon.fails(&["volume", "rm", "store"]);
    assert!(message.contains("volume is in use"), "{message}");
    daemon.ok(&["rm", "box"]);
    assert_eq!(daemon.ok(&["volume", "rm", "store"]), "store");
    let (_, message) = daemon.fails(&["volume", "inspect", "store"]);
    assert!(message.to_lowercase().contains("no such volume"), "{message}");
}

#[test]
fn new_volumes_take_the_images_files() {
    let Some(daemon) = Daemon::start() else { return };
    assert_eq!(
        daemon.ok(&["run", "--rm", "-v", "fresh:/data", "bb", "cat", "/data/given"]),
        "of the image"
    );
    let mount = "type=volume,src=bare,dst=/data,volume-nocopy";
    assert_eq!(daemon.ok(&["run", "--rm", "--mount", mount, "bb", "ls", "/data"]), "");
}

#[test]
fn anonymous_ones_go_with_their_container() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "--rm", "-v", "/data", "bb", "true"]);
    assert_eq!(daemon.ok(&["volume", "ls", "-q"]), "");
    daemon.ok(&["run", "--name", "box", "-v", "/data", "bb", "true"]);
    let volume = daemon.ok(&["volume", "ls", "-q"]);
    assert_eq!(volume.len(), 64);
    assert_eq!(
        daemon.ok(&[
            "inspect",
            "-f",
            "{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{end}}",
            "box"
        ]),
        format!("volume {volume} /data true")
    );
    daemon.ok(&["rm", "-v", "box"]);
    assert_eq!(daemon.ok(&["volume", "ls", "-q"]), "");
}

#[test]
fn volumes_from_another_container() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "--name", "aa", "-v", "shared:/s", "bb", "sh", "-c", "echo x > /s/f"]);
    assert_eq!(daemon.ok(&["run", "--rm", "--volumes-from", "aa:ro", "bb", "cat", "/s/f"]), "x");
    let (code, _) =
        daemon.fails(&["run", "--rm", "--volumes-from", "aa:ro", "bb", "touch", "/s/g"]);
    assert_eq!(code, 1);
}

#[test]
fn pruning() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["volume", "create", "named"]);
    daemon.ok(&["volume", "create"]);
    let pruned = daemon.ok(&["volume", "prune", "-f"]);
    assert!(pruned.contains("Total reclaimed space"), "{pruned}");
    if daemon.is_peer() || daemon.client_version() < (1, 42) {
        // Before API 1.42 named volumes went too, and there was no switch for that.
        return;
    }
    assert_eq!(daemon.ok(&["volume", "ls", "-q"]), "named");
    assert!(daemon.ok(&["volume", "prune", "-af"]).contains("named"));
    assert_eq!(daemon.ok(&["volume", "ls", "-q"]), "");
}
