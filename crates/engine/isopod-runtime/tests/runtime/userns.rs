//! User namespaces, as root and without root's rights.

use crate::Case;
use crate::fixture::{Fixture, kill};

pub(crate) const CASES: &[Case] = &[
    ("userns::ids_are_mapped", ids_are_mapped),
    ("userns::devices_are_the_hosts", devices_are_the_hosts),
    ("userns::closed_sources_are_mounted", closed_sources_are_mounted),
    ("userns::joined_network_and_new_user_namespace", joined_network_and_new_user_namespace),
    ("userns::joined_user_namespace", joined_user_namespace),
    ("userns::limits_may_be_raised_by_the_parent", limits_may_be_raised_by_the_parent),
    ("userns::rootless", rootless),
];

/// A container in a user namespace with 65536 ids.
pub(crate) fn mapped(script: &str) -> Fixture {
    let mut fixture = Fixture::new(script).with(
        r#"{"linux":{
            "uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],
            "gidMappings":[{"containerID":0,"hostID":100000,"size":65536}]}}"#,
    );
    fixture.spec.linux.as_mut().unwrap().namespaces.push(isopod_oci::runtime::Namespace {
        kind: isopod_oci::runtime::NamespaceKind::User,
        path: None,
    });
    chown_tree(&fixture.rootfs());
    fixture
}

fn chown_tree(path: &std::path::Path) {
    std::os::unix::fs::lchown(path, Some(100_000), Some(100_000)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).unwrap().flatten() {
            chown_tree(&entry.path());
        }
    }
}

fn ids_are_mapped() {
    let fixture = mapped(
        "id -u; cat /proc/self/uid_map | tr -s ' '; touch /tmp/x && stat -c %u /tmp/x; hostname",
    );
    assert_eq!(fixture.run(), "0\n 0 100000 65536\n0\ntest");
}

fn devices_are_the_hosts() {
    let fixture =
        mapped("echo x > /dev/null && head -c 3 /dev/zero | wc -c; stat -c %t:%T /dev/urandom");
    assert_eq!(fixture.run(), "3\n1:9");
}

fn closed_sources_are_mounted() {
    let fixture = mapped("cat /data/file")
        .mount(r#"{"destination":"/data","source":"closed/data","options":["rbind","ro"]}"#);
    let closed = fixture.path().join("closed");
    std::fs::create_dir_all(closed.join("data")).unwrap();
    std::fs::write(closed.join("data/file"), "reached").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&closed, mode).unwrap();
    assert_eq!(fixture.run(), "reached");
}

fn joined_network_and_new_user_namespace() {
    let holder = Fixture::new("sleep 60");
    let created = holder.start();
    let mut fixture = mapped("readlink /proc/self/ns/net; id -u");
    for namespace in &mut fixture.spec.linux.as_mut().unwrap().namespaces {
        if namespace.kind == isopod_oci::runtime::NamespaceKind::Network {
            namespace.path = Some(format!("/proc/{}/ns/net", created.pid));
        }
    }
    let link = std::fs::read_link(format!("/proc/{}/ns/net", created.pid)).unwrap();
    assert_eq!(fixture.run(), format!("{}\n0", link.display()));
    kill(&created);
}

fn joined_user_namespace() {
    let holder = mapped("sleep 60");
    let created = holder.start();
    let mut fixture = mapped("readlink /proc/self/ns/user; id -u");
    let linux = fixture.spec.linux.as_mut().unwrap();
    linux.uid_mappings.clear();
    linux.gid_mappings.clear();
    for namespace in &mut linux.namespaces {
        if namespace.kind == isopod_oci::runtime::NamespaceKind::User {
            namespace.path = Some(format!("/proc/{}/ns/user", created.pid));
        }
    }
    let link = std::fs::read_link(format!("/proc/{}/ns/user", created.pid)).unwrap();
    assert_eq!(fixture.run(), format!("{}\n0", link.display()));
    kill(&created);
}

fn limits_may_be_raised_by_the_parent() {
    let fixture = mapped("ulimit -n; ulimit -Hn")
        .with(r#"{"process":{"rlimits":[{"type":"RLIMIT_NOFILE","soft":123,"hard":456}]}}"#);
    assert_eq!(fixture.run(), "123\n456");
}

/// Everything as an ordinary user: the test's own process becomes one in a copy.
fn rootless() {
    const UID: u32 = 12345;
    let fixture = mapped("id -u; hostname; echo fine").with(&format!(
        r#"{{"process":{{"capabilities":{{"bounding":[],"effective":[],"permitted":[]}}}},
            "linux":{{"cgroupsPath":"","uidMappings":[{{"containerID":0,"hostID":{UID},"size":1}}],
                "gidMappings":[{{"containerID":0,"hostID":{UID},"size":1}}]}}}}"#
    ));
    for path in [fixture.path().to_path_buf(), fixture.rootfs()] {
        std::os::unix::fs::chown(path, Some(UID), Some(UID)).unwrap();
    }
    let log = fixture.path().join("log");
    match isopod_sys::clone::clone(0, None).unwrap() {
        isopod_sys::clone::Side::Child(_guard) => {
            use rustix::process::{Gid, Uid};
            let (uid, gid) = (Uid::from_raw(UID), Gid::from_raw(UID));
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
            rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
            // Another user's files would be out of sight otherwise.
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)
                .unwrap();
            let text = match fixture.try_run() {
                Ok(outcome) => outcome.output,
                Err(error) => crate::fixture::chain(&error),
            };
            let _ = std::fs::write(&log, text);
            isopod_sys::clone::exit_now(0);
        }
        isopod_sys::clone::Side::Parent { pidfd, .. } => {
            crate::fixture::wait(&pidfd);
        }
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "0\ntest\nfine");
}
