//! Images.

use crate::daemon::Daemon;

#[test]
fn names_and_lists() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["tag", "bb", "registry.example:5000/a/b:v1"]);
    let list = daemon.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    let mut names: Vec<&str> = list.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["bb:latest", "registry.example:5000/a/b:v1"]);
    let id = daemon.ok(&["inspect", "-f", "{{.Id}}", "bb"]);
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    assert_eq!(daemon.ok(&["images", "-q", "--no-trunc", "bb"]), id);
    assert_eq!(daemon.ok(&["images", "-q", "-f", "reference=nothing*"]), "");
    assert_eq!(
        daemon.ok(&["rmi", "registry.example:5000/a/b:v1"]),
        "Untagged: registry.example:5000/a/b:v1"
    );
    let (_, message) = daemon.fails(&["rmi", "ghost"]);
    assert!(message.contains("No such image: ghost"), "{message}");
    let (_, message) = daemon.fails(&["tag", "ghost", "x"]);
    assert!(message.contains("No such image: ghost"), "{message}");
}

#[test]
fn what_an_image_says() {
    let Some(daemon) = Daemon::start() else { return };
    let format = "{{.Os}} {{json .Config.Cmd}} {{json .Config.Env}} {{.RootFS.Type}} {{len .RootFS.Layers}} {{json .RepoTags}}";
    assert_eq!(
        daemon.ok(&["image", "inspect", "-f", format, "bb"]),
        "linux [\"sh\"] [\"PATH=/bin\"] layers 1 [\"bb:latest\"]"
    );
    let history = daemon.ok(&["history", "--format", "{{.Comment}}|{{.Size}}", "bb"]);
    assert!(history.starts_with("Imported from -|"), "{history}");
}

#[test]
fn in_use() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["create", "--name", "box", "bb"]);
    let (_, message) = daemon.fails(&["rmi", "bb"]);
    assert!(
        message.contains("conflict: unable to remove repository reference \"bb\" (must force)"),
        "{message}"
    );
    daemon.ok(&["rm", "box"]);
    let removed = daemon.ok(&["rmi", "bb"]);
    assert!(removed.starts_with("Untagged: bb:latest\nDeleted: sha256:"), "{removed}");
    assert_eq!(daemon.ok(&["images", "-q"]), "");
}

#[test]
fn save_and_load() {
    let Some(daemon) = Daemon::start() else { return };
    let archive = daemon.scratch().join("bb.tar");
    let archive = archive.to_str().expect("text");
    let id = daemon.ok(&["inspect", "-f", "{{.Id}}", "bb"]);
    daemon.ok(&["save", "-o", archive, "bb"]);
    daemon.ok(&["rmi", "bb"]);
    assert_eq!(daemon.ok(&["load", "-qi", archive]), "Loaded image: bb:latest");
    assert_eq!(daemon.ok(&["inspect", "-f", "{{.Id}}", "bb"]), id);
    assert_eq!(daemon.ok(&["run", "--rm", "bb", "echo", "again"]), "again");
    let outcome = daemon.docker_with(&["load"], b"this is no archive");
    assert_ne!(outcome.code, 0, "{outcome:?}");
}

#[test]
fn commit() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "--name", "box", "bb", "sh", "-c", "echo new > /new"]);
    let id = daemon.ok(&[
        "commit",
        "-m",
        "why",
        "-a",
        "who",
        "-c",
        "ENV A=1",
        "-c",
        "CMD [\"cat\", \"/new\"]",
        "box",
        "made:1",
    ]);
    assert!(id.starts_with("sha256:"), "{id}");
    assert_eq!(daemon.ok(&["run", "--rm", "made:1"]), "new");
    let format = "{{.Author}} {{.Comment}} {{json .Config.Env}} {{len .RootFS.Layers}}";
    assert_eq!(
        daemon.ok(&["inspect", "-f", format, "made:1"]),
        "who why [\"PATH=/bin\",\"A=1\"] 2"
    );
}

#[test]
fn a_missing_image_is_pulled_and_that_fails() {
    let Some(daemon) = Daemon::start() else { return };
    let (code, message) = daemon.fails(&["run", "--rm", "127.0.0.1:1/nothing", "true"]);
    assert_eq!(code, 125, "{message}");
    assert!(
        message.starts_with("Unable to find image '127.0.0.1:1/nothing:latest' locally"),
        "{message}"
    );
    let (code, message) = daemon.fails(&["run", "--rm", "--pull", "never", "nothing", "true"]);
    assert_eq!(code, 125);
    assert!(message.contains("No such image: nothing:latest"), "{message}");
}
