//! Making, finding again, refusing and removing groups.

use isopod_cgroups::{Error, Manager, Mode, Paths};
use isopod_oci::runtime::{LinuxCpu, LinuxHugepageLimit, LinuxNetwork, LinuxResources};

use crate::sandbox::{Sandbox, skip};

#[test]
fn groups_are_made_found_again_and_removed() {
    let Some(mut sandbox) = Sandbox::new("groups_are_made_found_again_and_removed") else { return };
    sandbox.create(&LinuxResources::default());
    assert!(!sandbox.left().is_empty());
    let stored = serde_json::to_string(sandbox.manager().paths()).expect("serialisable");
    let paths: Paths = serde_json::from_str(&stored).expect("readable");
    let again = Manager::load(&paths).expect("known");
    assert!(again.exists());
    again.delete().expect("removed");
    assert!(!again.exists());
    assert_eq!(sandbox.left(), Vec::<std::path::PathBuf>::new());
    // Once more is no error.
    again.delete().expect("nothing left to remove");
}

#[test]
fn a_failed_creation_leaves_nothing() {
    let Some(mut sandbox) = Sandbox::new("a_failed_creation_leaves_nothing") else { return };
    let resources = LinuxResources {
        cpu: Some(LinuxCpu { cpus: Some("9999".into()), ..LinuxCpu::default() }),
        ..LinuxResources::default()
    };
    let error = sandbox.try_create(&resources).map(drop).expect_err("no such CPU");
    match &error {
        Error::Write { path, value, .. } => {
            assert!(path.ends_with("cpuset.cpus"), "{}", path.display());
            assert_eq!(value, "9999");
        }
        Error::ControllerMissing { .. } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(sandbox.left(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_used_group_is_refused() {
    let Some(mut sandbox) = Sandbox::new("a_used_group_is_refused") else { return };
    sandbox.create(&LinuxResources::default());
    sandbox.spawn("", "exec sleep 60");
    let paths = sandbox.manager().paths().clone();
    let error = sandbox.try_create(&LinuxResources::default()).map(drop).expect_err("in use");
    assert!(matches!(error, Error::NotEmpty { count: 1, .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.starts_with("container's cgroup is not empty: 1 process(es) found"),
        "{message}"
    );
    assert!(Manager::load(&paths).expect("known").exists(), "the owner's groups stay");
}

#[test]
fn what_is_only_planned_is_left_alone() {
    let Some(mut sandbox) = Sandbox::new("what_is_only_planned_is_left_alone") else { return };
    let mut planned = sandbox.plan(&LinuxResources::default()).expect("planned");
    assert!(sandbox.left().is_empty(), "nothing is made by planning");
    // Somebody else is faster.
    sandbox.create(&LinuxResources::default());
    let pid = sandbox.spawn("", "exec sleep 60");
    let error = planned.make().expect_err("in use by now");
    assert!(matches!(error, Error::NotEmpty { .. }), "{error:?}");
    planned.kill_all(rustix::process::Signal::KILL).expect("nothing to do");
    planned.delete().expect("nothing to do");
    assert_eq!(sandbox.manager().processes(false).expect("listed"), [pid]);
    assert!(matches!(sandbox.plan(&LinuxResources::default()), Err(Error::NotEmpty { .. })));
}

#[test]
fn missing_controllers_matter_only_when_asked_for() {
    let Some(mut sandbox) = Sandbox::v1("missing_controllers_matter_only_when_asked_for") else {
        return;
    };
    if sandbox.hierarchy.v1_mount("net_cls").is_some() {
        return skip("missing_controllers_matter_only_when_asked_for", "net_cls is mounted");
    }
    let mut resources = LinuxResources {
        network: Some(LinuxNetwork { class_id: Some(1), priorities: Vec::new() }),
        ..LinuxResources::default()
    };
    let error = sandbox.try_create(&resources).map(drop).expect_err("not mounted");
    assert!(matches!(error, Error::ControllerMissing { controller: "net_cls" }), "{error:?}");
    assert!(sandbox.left().is_empty());
    resources.network = Some(LinuxNetwork::default());
    sandbox.create(&resources);
}

#[test]
fn unified_is_for_version_two() {
    let Some(mut sandbox) = Sandbox::v1("unified_is_for_version_two") else { return };
    let mut resources = LinuxResources::default();
    resources.unified.insert("memory.high".into(), "1000000".into());
    assert!(matches!(sandbox.try_create(&resources), Err(Error::UnifiedOnV1)));
}

#[test]
fn huge_pages_of_a_hybrid_machine_use_the_tree() {
    const NAME: &str = "huge_pages_of_a_hybrid_machine_use_the_tree";
    let Some(mut sandbox) = Sandbox::v1(NAME) else { return };
    if sandbox.hierarchy.mode() != Mode::Hybrid || sandbox.hierarchy.v1_mount("hugetlb").is_some() {
        return skip(NAME, "needs hugetlb in the version 2 tree beside version 1 hierarchies");
    }
    let limit = |page_size: &str| LinuxResources {
        hugepage_limits: vec![LinuxHugepageLimit { page_size: page_size.into(), limit: 4 << 20 }],
        ..LinuxResources::default()
    };
    let error = sandbox.try_create(&limit("2 MB")).map(drop).expect_err("not a size");
    assert!(error.to_string().contains("hugepageLimits[0].pageSize"), "{error}");
    assert!(sandbox.left().is_empty());
    sandbox.create(&limit("2MB"));
    assert_eq!(sandbox.read("", "hugetlb.2MB.max"), "4194304");
    assert!(sandbox.manager().join().expect("opened").clone_into().is_some());
}

#[test]
fn a_path_cannot_name_the_root() {
    let Some(mut sandbox) = Sandbox::new("a_path_cannot_name_the_root") else { return };
    for path in ["/", "/..", "/a/.."] {
        sandbox.path = path.to_owned();
        let error = sandbox.try_create(&LinuxResources::default()).map(drop).expect_err("the root");
        assert!(matches!(error, Error::InvalidPath { .. }), "{error:?}");
    }
    // Nothing of the root is to be removed when this test ends.
    sandbox.path = format!("/isopod-test-{}/none", std::process::id());
}
