//! The systemd driver against a running systemd.

use std::process::{Command, Stdio};

use isopod_cgroups::{Config, Driver, Error, Manager, SystemdError};
use isopod_oci::runtime::{LinuxCpu, LinuxMemory, LinuxPids, LinuxResources};
use rustix::process::Signal;

use crate::sandbox::{Sandbox, skip};

fn config<'a>(
    path: &'a str,
    resources: &'a LinuxResources,
    properties: &'a [(String, String)],
) -> Config<'a> {
    Config {
        id: "test",
        path: Some(path),
        resources,
        driver: Driver::Systemd,
        rootless: false,
        owner: None,
        properties,
    }
}

#[test]
fn a_scope_is_started_changed_and_stopped() {
    const NAME: &str = "a_scope_is_started_changed_and_stopped";
    let Some(sandbox) = Sandbox::new(NAME) else { return };
    if !std::path::Path::new("/run/systemd/system").is_dir() {
        return skip(NAME, "systemd is not running");
    }
    let unit = format!("isopod-test-{}.scope", std::process::id());
    let path = format!("system.slice:isopod:test-{}", std::process::id());
    let resources = LinuxResources {
        memory: Some(LinuxMemory { limit: Some(64 << 20), ..LinuxMemory::default() }),
        cpu: Some(LinuxCpu {
            shares: Some(512),
            quota: Some(20_000),
            period: Some(100_000),
            cpus: Some("0".into()),
            ..LinuxCpu::default()
        }),
        pids: Some(LinuxPids { limit: Some(42) }),
        ..LinuxResources::default()
    };
    let properties = [("TimeoutStopSec".to_owned(), "uint64 7".to_owned())];
    let mut manager = Manager::create(&sandbox.hierarchy, &config(&path, &resources, &properties))
        .expect("planned");
    assert!(manager.needs_attach());
    assert!(!manager.exists());
    let mut child =
        Command::new("/bin/sleep").arg("600").stdout(Stdio::null()).spawn().expect("started");
    let pid = i32::try_from(child.id()).expect("a process id");
    let attached = manager.attach(pid);
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        attached.expect("started");
        assert!(!manager.needs_attach());
        assert_eq!(manager.processes(true).expect("listed"), [pid]);
        let show = |property: &str| {
            let out =
                Command::new("systemctl").args(["show", "--value", "-p", property, &unit]).output();
            String::from_utf8_lossy(&out.expect("systemctl").stdout).trim().to_owned()
        };
        let read = |file: &str| {
            let group = manager.group_path("").expect("version 2");
            std::fs::read_to_string(group.join(file)).expect(file).trim().to_owned()
        };
        for (property, expected) in [
            ("MemoryMax", "67108864"),
            ("TasksMax", "42"),
            ("Delegate", "yes"),
            ("Slice", "system.slice"),
            ("CPUQuotaPerSecUSec", "200ms"),
            ("AllowedCPUs", "0"),
            ("DevicePolicy", "strict"),
            ("TimeoutStopUSec", "7s"),
            ("ActiveState", "active"),
        ] {
            assert_eq!(show(property), expected, "{property}");
        }
        for (file, expected) in [
            ("memory.max", "67108864"),
            ("pids.max", "42"),
            ("cpu.max", "20000 100000"),
            ("cpuset.cpus", "0"),
        ] {
            assert_eq!(read(file), expected, "{file}");
        }
        let pids = LinuxResources {
            pids: Some(LinuxPids { limit: Some(50) }),
            ..LinuxResources::default()
        };
        manager.apply(&pids).expect("changed");
        assert_eq!((show("TasksMax").as_str(), read("pids.max").as_str()), ("50", "50"));
        manager.kill_all(Signal::KILL).expect("killed");
    }));
    let _ = child.kill();
    child.wait().expect("a status");
    manager.delete().expect("stopped");
    assert!(!manager.exists());
    if let Err(panic) = checked {
        std::panic::resume_unwind(panic);
    }
    manager.delete().expect("once more is no error");
}

#[test]
fn without_systemd_the_error_is_clear() {
    const NAME: &str = "without_systemd_the_error_is_clear";
    let Some(sandbox) = Sandbox::new(NAME) else { return };
    if std::path::Path::new("/run/systemd/system").is_dir() {
        return skip(NAME, "systemd is running");
    }
    let resources = LinuxResources::default();
    let error = Manager::create(&sandbox.hierarchy, &config("a.slice:b:c", &resources, &[]))
        .expect_err("no systemd");
    assert!(matches!(error, Error::Systemd(SystemdError::NotRunning)), "{error:?}");
    let error =
        Manager::create(&sandbox.hierarchy, &config("/a/b", &resources, &[])).expect_err("no unit");
    assert!(matches!(error, Error::Systemd(SystemdError::Path { .. })), "{error:?}");
}
