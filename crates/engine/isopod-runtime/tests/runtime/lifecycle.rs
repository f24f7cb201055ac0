//! Create, start, signals, pause, removal, and what each refuses.

use std::time::{Duration, Instant};

use isopod_oci::runtime::Status;
use isopod_runtime::{Error, ErrorKind, Stdio};
use rustix::process::Signal;

use crate::Case;
use crate::fixture::{Fixture, chain, kill, piped, read, wait};

pub(crate) const CASES: &[Case] = &[
    ("lifecycle::create_start_delete", create_start_delete),
    ("lifecycle::a_second_of_the_same_id_is_refused", a_second_of_the_same_id_is_refused),
    ("lifecycle::unknown_containers", unknown_containers),
    ("lifecycle::states_are_checked", states_are_checked),
    ("lifecycle::pause_and_resume", pause_and_resume),
    ("lifecycle::kill_reaches_all", kill_reaches_all),
    ("lifecycle::a_paused_container_is_deleted_by_force", a_paused_container_is_deleted_by_force),
    ("lifecycle::failures_leave_nothing", failures_leave_nothing),
    ("lifecycle::a_created_container_survives_its_maker", a_created_container_survives_its_maker),
    ("lifecycle::pid_files", pid_files),
    ("lifecycle::limits_are_set_and_updated", limits_are_set_and_updated),
    ("lifecycle::remains_of_a_crash_are_removed", remains_of_a_crash_are_removed),
    ("lifecycle::many_in_a_row_leak_nothing", many_in_a_row_leak_nothing),
];

fn create_start_delete() {
    let fixture = Fixture::new("echo hello");
    let (stdio, output) = piped();
    let created = fixture.create(stdio).unwrap();
    let container = fixture.runtime.load(&fixture.id).unwrap();
    assert_eq!(container.status().unwrap(), Status::Created);
    assert_eq!(container.oci_state().unwrap().pid, Some(created.pid));
    container.start().unwrap();
    assert_eq!(read(output), "hello");
    assert_eq!(wait(&created.pidfd), 0);
    assert_eq!(container.status().unwrap(), Status::Stopped);
    assert!(matches!(container.start(), Err(Error::Stopped)));
    container.delete(false).unwrap();
    fixture.assert_gone();
}

fn a_second_of_the_same_id_is_refused() {
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    let (stdio, _) = piped();
    let error = fixture.create(stdio).expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(error.to_string(), "container with given ID already exists");
    assert_eq!(fixture.runtime.load(&fixture.id).unwrap().status().unwrap(), Status::Running);
    kill(&created);
}

fn unknown_containers() {
    let fixture = Fixture::new("true");
    let error = fixture.runtime.load("nobody").expect_err("unknown");
    assert_eq!(error.to_string(), "container does not exist");
    assert!(fixture.runtime.load("../x").is_err());
    assert!(fixture.runtime.list().unwrap().is_empty());
}

fn states_are_checked() {
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    let load = || fixture.runtime.load(&fixture.id).unwrap();
    assert!(matches!(load().start(), Err(Error::AlreadyRunning)));
    assert!(matches!(load().resume(), Err(Error::NotPaused)));
    assert!(matches!(load().delete(false), Err(Error::NotStopped { .. })));
    kill(&created);
    assert!(matches!(load().kill(Signal::TERM, false), Err(Error::NotRunning { .. })));
    assert!(matches!(load().kill(Signal::TERM, true), Err(Error::NotRunning { .. })));
    assert!(matches!(load().pause(), Err(Error::NotRunning { .. })));
    assert!(matches!(fixture.exec(|_| {}), Err(Error::ExecStopped)));
}

fn pause_and_resume() {
    let fixture = Fixture::new("while :; do date > /tmp/x; sleep 0.01; done");
    let _created = fixture.start();
    let container = fixture.runtime.load(&fixture.id).unwrap();
    container.pause().unwrap();
    assert_eq!(container.status().unwrap(), Status::Paused);
    assert!(matches!(fixture.exec(|_| {}), Err(Error::ExecPaused)));
    container.resume().unwrap();
    assert_eq!(container.status().unwrap(), Status::Running);
    assert_eq!(fixture.exec_sh("exit 3").status, 3);
}

fn kill_reaches_all() {
    // Without a pid namespace the children outlive the init.
    let mut fixture = Fixture::new("sleep 1000 & sleep 1000 & wait");
    fixture.spec.linux.as_mut().unwrap().namespaces.retain(|ns| ns.kind.proc_name() != "pid");
    let created = fixture.start();
    let container = fixture.runtime.load(&fixture.id).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while container.processes().unwrap().len() < 3 {
        assert!(Instant::now() < deadline, "the children do not appear");
    }
    container.kill(Signal::KILL, false).unwrap();
    wait(&created.pidfd);
    while !container.processes().unwrap().is_empty() {
        assert!(Instant::now() < deadline, "the children do not go");
    }
}

fn a_paused_container_is_deleted_by_force() {
    let fixture = Fixture::new("sleep 1000");
    let created = fixture.start();
    let container = fixture.runtime.load(&fixture.id).unwrap();
    container.pause().unwrap();
    container.delete(true).unwrap();
    assert_eq!(wait(&created.pidfd), -9);
    fixture.assert_gone();
}

fn failures_leave_nothing() {
    for (json, expected) in [
        (
            r#"{"process":{"args":["nonexistent"]}}"#,
            "exec: \"nonexistent\": executable file not found in $PATH",
        ),
        (
            r#"{"process":{"args":["/nonexistent"]}}"#,
            "exec: \"/nonexistent\": stat /nonexistent: no such file or directory",
        ),
        (r#"{"process":{"args":["/etc"]}}"#, "exec: \"/etc\": is a directory"),
        (r#"{"process":{"args":["/etc/passwd"]}}"#, "exec: \"/etc/passwd\": permission denied"),
        (
            r#"{"mounts":[{"destination":"/x","type":"nofs","source":"x"}]}"#,
            "mount nofs to /x (mounts[0])",
        ),
        (
            r#"{"mounts":[{"destination":"/x","type":"tmpfs","source":"x","options":["nonsense=1"]}]}"#,
            "nonsense",
        ),
        (
            r#"{"mounts":[{"destination":"/x","type":"bind","source":"/nonexistent"}]}"#,
            "bind mount /nonexistent: No such file or directory",
        ),
        (r#"{"linux":{"sysctl":{"net.ipv4.nonsense":"1"}}}"#, "/proc/sys/net/ipv4/nonsense"),
        (
            r#"{"process":{"rlimits":[{"type":"RLIMIT_NOFILE","hard":99999999999,"soft":1}]}}"#,
            "set rlimit Nofile",
        ),
        (r#"{"linux":{"resources":{"pids":{"limit":5},"cpu":{"cpus":"999"}}}}"#, "cpuset.cpus"),
    ] {
        let fixture = Fixture::new("true");
        std::fs::create_dir_all(fixture.rootfs().join("etc")).unwrap();
        std::fs::write(fixture.rootfs().join("etc/passwd"), "").unwrap();
        let error = fixture.with(json).refused();
        assert!(error.contains(expected), "{json}: {error}");
    }
}

fn a_created_container_survives_its_maker() {
    let fixture = Fixture::new("echo late > /tmp/x && sleep 60");
    // A process of its own makes the container and is gone before it is started.
    match isopod_sys::clone::clone(0, None).unwrap() {
        isopod_sys::clone::Side::Child(_guard) => {
            let made = fixture.create(piped().0).is_ok();
            isopod_sys::clone::exit_now(i32::from(!made));
        }
        isopod_sys::clone::Side::Parent { pidfd, .. } => assert_eq!(wait(&pidfd), 0),
    }
    let container = fixture.runtime.load(&fixture.id).unwrap();
    assert_eq!(container.status().unwrap(), Status::Created);
    container.start().unwrap();
    assert_eq!(container.status().unwrap(), Status::Running);
    assert!(matches!(container.start(), Err(Error::AlreadyRunning)));
    container.delete(true).unwrap();
}

fn pid_files() {
    let fixture = Fixture::new("sleep 60");
    let file = fixture.path().join("pid");
    let mut options = fixture.options(piped().0);
    options.pid_file = Some(file.clone());
    let created = fixture.runtime.run(&fixture.id, options).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), created.pid.to_string());
}

fn limits_are_set_and_updated() {
    let fixture = Fixture::new("sleep 60")
        .with(r#"{"linux":{"resources":{"memory":{"limit":67108864},"pids":{"limit":50}}}}"#);
    let _created = fixture.start();
    let container = fixture.runtime.load(&fixture.id).unwrap();
    let cgroup = container.cgroup().unwrap();
    let limit = |controller: &str, names: [&str; 2]| {
        let group = cgroup.group_path(controller).unwrap();
        names.iter().find_map(|name| std::fs::read_to_string(group.join(name)).ok()).unwrap()
    };
    let memory = || limit("memory", ["memory.limit_in_bytes", "memory.max"]);
    assert_eq!(memory().trim(), "67108864");
    assert_eq!(limit("pids", ["pids.max", "pids.max"]).trim(), "50");
    let update = isopod_oci::runtime::LinuxResources::parse(br#"{"memory":{"limit":33554432}}"#);
    container.update(&update.unwrap()).unwrap();
    assert_eq!(memory().trim(), "33554432");
}

fn remains_of_a_crash_are_removed() {
    let fixture = Fixture::new("true");
    let directory = fixture.runtime.root().join("crashed");
    std::fs::create_dir_all(&directory).unwrap();
    assert!(fixture.runtime.load("crashed").is_err());
    assert!(fixture.runtime.delete_remains("crashed").unwrap());
    assert!(!fixture.runtime.delete_remains("crashed").unwrap());
    // Cut after the first state was written: no process is known.
    let created = fixture.create(piped().0).unwrap();
    let path = fixture.runtime.root().join(&fixture.id).join("state.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    state["pid"] = 0.into();
    std::fs::write(&path, state.to_string()).unwrap();
    let container = fixture.runtime.load(&fixture.id).unwrap();
    assert_eq!(container.status().unwrap(), Status::Creating);
    container.delete(true).unwrap();
    assert_eq!(wait(&created.pidfd), -9);
    fixture.assert_gone();
}

fn many_in_a_row_leak_nothing() {
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let fixture = Fixture::new("true");
    fixture.run();
    let before = count();
    for _ in 0..20 {
        fixture.run();
        let refused = fixture.runtime.run(&fixture.id, {
            let mut options = fixture.options(Stdio::Inherit);
            if let isopod_runtime::Config::Parsed { spec, .. } = &mut options.config {
                spec.process.as_mut().unwrap().args = vec!["nonexistent".into()];
            }
            options
        });
        assert!(refused.is_err_and(|error| chain(&error).contains("nonexistent")));
    }
    assert_eq!(count(), before);
}
