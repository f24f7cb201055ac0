//! `docker cp`, both ways.

use crate::daemon::Daemon;
use std::fs;

#[test]
fn out_of_a_container() {
    let Some(daemon) = Daemon::start() else { return };
    let script = "mkdir -p /tmp/d/e; echo text > /tmp/d/e/f; ln -s e/f /tmp/d/link";
    daemon.ok(&["run", "--name", "box", "bb", "sh", "-c", script]);
    let here = daemon.scratch();
    let path = |name: &str| here.join(name).to_str().expect("text").to_owned();
    daemon.ok(&["cp", "box:/tmp/d", &path("copy")]);
    assert_eq!(fs::read_to_string(here.join("copy/e/f")).expect("copied"), "text\n");
    assert_eq!(fs::read_link(here.join("copy/link")).expect("a link"), std::path::Path::new("e/f"));
    daemon.ok(&["cp", "box:/tmp/d/e/f", &path("file")]);
    assert_eq!(fs::read_to_string(here.join("file")).expect("copied"), "text\n");
    daemon.ok(&["cp", "-L", "box:/tmp/d/link", &path("followed")]);
    assert_eq!(fs::read_to_string(here.join("followed")).expect("copied"), "text\n");
    let (_, message) = daemon.fails(&["cp", "box:/nowhere", &path("x")]);
    assert!(message.contains("/nowhere") && message.contains("box"), "{message}");
}

#[test]
fn into_a_container() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["run", "-d", "--name", "box", "bb", "sleep", "1000"]);
    let here = daemon.scratch();
    fs::create_dir_all(here.join("d/e")).expect("writable");
    fs::write(here.join("d/e/f"), "inward\n").expect("writable");
    let path = |name: &str| here.join(name).to_str().expect("text").to_owned();
    daemon.ok(&["cp", &path("d"), "box:/tmp"]);
    assert_eq!(daemon.ok(&["exec", "box", "cat", "/tmp/d/e/f"]), "inward");
    daemon.ok(&["cp", &path("d/e/f"), "box:/tmp/renamed"]);
    assert_eq!(daemon.ok(&["exec", "box", "cat", "/tmp/renamed"]), "inward");
    daemon.ok(&["cp", &format!("{}/.", path("d")), "box:/root"]);
    assert_eq!(daemon.ok(&["exec", "box", "cat", "/root/e/f"]), "inward");
    let (_, message) = daemon.fails(&["cp", &path("d"), "box:/no/such/place"]);
    assert!(
        ["no such directory", "Could not find", "No such container:path"]
            .iter()
            .any(|text| message.contains(text)),
        "{message}"
    );
    let (_, message) = daemon.fails(&["cp", &path("d"), "box:/bin/busybox"]);
    assert!(message.contains("cannot copy directory"), "{message}");
}

#[test]
fn links_do_not_lead_out() {
    let Some(daemon) = Daemon::start() else { return };
    let secret = daemon.scratch().join("secret");
    fs::write(&secret, "of the host\n").expect("writable");
    let script = format!("ln -s {} /tmp/link; ln -s /../../../../.. /tmp/up", secret.display());
    daemon.ok(&["run", "--name", "box", "bb", "sh", "-c", &script]);
    let target = daemon.scratch().join("stolen");
    let target = target.to_str().expect("text");
    let outcome = daemon.docker(&["cp", "-L", "box:/tmp/link", target]);
    assert!(!fs::read_to_string(target).is_ok_and(|text| text.contains("host")), "{outcome:?}");
    let outcome = daemon.docker(&["cp", &format!("box:/tmp/up{}", secret.display()), target]);
    assert_ne!(outcome.code, 0, "{outcome:?}");
}

#[test]
fn archives_by_stream() {
    let Some(daemon) = Daemon::start() else { return };
    daemon.ok(&["create", "--name", "box", "bb"]);
    let archive = daemon.command(&["cp", "box:/data", "-"]).output().expect("docker runs").stdout;
    assert!(archive.windows(5).any(|window| window == b"given"));
    let outcome = daemon.docker_with(&["cp", "-", "box:/tmp"], &archive);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let copy =
        daemon.command(&["cp", "box:/tmp/data/given", "-"]).output().expect("docker runs").stdout;
    assert!(copy.windows(12).any(|window| window == b"of the image"));
}
