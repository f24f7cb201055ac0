//! Device rules in force.

use isopod_oci::runtime::{LinuxDeviceCgroup, LinuxResources};

use crate::sandbox::Sandbox;

fn rule(allow: bool, kind: &str, numbers: Option<(i64, i64)>, access: &str) -> LinuxDeviceCgroup {
    LinuxDeviceCgroup {
        allow,
        kind: Some(kind.into()),
        major: numbers.map(|(major, _)| major),
        minor: numbers.map(|(_, minor)| minor),
        access: Some(access.into()),
    }
}

fn resources(devices: Vec<LinuxDeviceCgroup>) -> LinuxResources {
    LinuxResources { devices, ..LinuxResources::default() }
}

#[test]
fn defaults_and_own_rules() {
    let Some(mut sandbox) = Sandbox::v1("defaults_and_own_rules") else { return };
    sandbox.create(&resources(vec![
        rule(false, "a", None, "rwm"),
        rule(true, "c", Some((10, 229)), "rw"),
    ]));
    let list = sandbox.read("devices", "devices.list");
    let mut lines: Vec<&str> = list.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "b *:* m",
            "c *:* m",
            "c 10:229 rw",
            "c 136:* rwm",
            "c 1:3 rwm",
            "c 1:5 rwm",
            "c 1:7 rwm",
            "c 1:8 rwm",
            "c 1:9 rwm",
            "c 5:0 rwm",
            "c 5:1 rwm",
            "c 5:2 rwm",
        ]
    );
}

#[test]
fn an_update_never_takes_a_device_away_for_a_moment() {
    let Some(mut sandbox) = Sandbox::v1("an_update_never_takes_a_device_away_for_a_moment") else {
        return;
    };
    sandbox.create(&resources(vec![rule(false, "a", None, "rwm")]));
    // A process that uses /dev/null all the time while the rules change.
    sandbox
        .spawn("", "i=0; while [ $i -lt 400 ]; do echo x > /dev/null || exit 7; i=$((i+1)); done");
    let base = [rule(false, "a", None, "rwm"), rule(true, "c", Some((1, 3)), "rwm")];
    for round in 0..40 {
        let mut rules = base.to_vec();
        if round % 2 == 0 {
            rules.push(rule(true, "c", Some((10, 229)), "rwm"));
        }
        sandbox.manager().apply(&resources(rules)).expect("applied");
    }
    let list = sandbox.read("devices", "devices.list");
    assert_eq!(list, "c 1:3 rwm");
    sandbox.wait_all();
}

#[test]
fn all_but_some() {
    let Some(mut sandbox) = Sandbox::v1("all_but_some") else { return };
    sandbox.create(&resources(vec![rule(true, "a", None, "rwm")]));
    assert_eq!(sandbox.read("devices", "devices.list"), "a *:* rwm");
    sandbox
        .manager()
        .apply(&resources(vec![rule(true, "a", None, "rwm"), rule(false, "c", Some((1, 7)), "w")]))
        .expect("applied");
    let file = sandbox.manager().group_path("devices").expect("mounted").join("tasks");
    let denied = std::process::Command::new("/bin/sh")
        .args([
            "-c",
            &format!("echo 0 > {}; true < /dev/full && ! true >> /dev/full", file.display()),
        ])
        .stderr(std::process::Stdio::null())
        .status()
        .expect("a shell");
    assert!(denied.success(), "reading is allowed, writing is not");
}
