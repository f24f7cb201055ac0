//! Mount tables of the machines that exist, as text.

use super::*;

const V1: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset,clone_children
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd
";
const V1_OWN: &str = "\
9:name=systemd:/user.slice
4:memory:/process_api/f13
3:cpuset:/
1:cpu,cpuacct:/user
";

fn parse(mountinfo: &str, own: &str) -> Hierarchy {
    Hierarchy::parse(mountinfo.as_bytes(), own.as_bytes()).expect("valid").expect("mounted")
}

#[test]
fn version_one() {
    let found = parse(V1, V1_OWN);
    assert_eq!(found.mode(), Mode::V1);
    let cpu = found.v1_mount("cpuacct").expect("mounted together with cpu");
    assert_eq!(cpu.controllers, ["cpu", "cpuacct"]);
    assert_eq!(cpu.directory(Path::new("/a/b")), Path::new("/sys/fs/cgroup/cpu,cpuacct/a/b"));
    assert_eq!(cpu.directory(Path::new("a")), Path::new("/sys/fs/cgroup/cpu,cpuacct/user/a"));
    let systemd = found.v1_mount("name=systemd").expect("named hierarchy");
    assert_eq!(systemd.own, Path::new("/user.slice"));
    assert!(found.v1_mount("devices").is_none());
}

#[test]
fn hybrid() {
    let mountinfo = format!("{V1}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    let found = parse(&mountinfo, &format!("{V1_OWN}0::/init\n"));
    assert_eq!(found.mode(), Mode::Hybrid);
    let v2 = found.v2().expect("mounted");
    assert_eq!(v2.mountpoint, Path::new("/sys/fs/cgroup/unified"));
    assert_eq!(v2.own, Path::new("/init"));
}

#[test]
fn version_two_with_a_named_hierarchy_for_old_guests() {
    let found = parse(
        "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n\
         31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n",
        "1:name=systemd:/\n0::/user.slice/session-1.scope\n",
    );
    assert_eq!(found.mode(), Mode::V2);
    assert!(found.v1_mounts().is_empty());
    let v2 = found.v2().expect("mounted");
    // Not below the session, which holds processes, but beside it.
    assert_eq!(v2.directory(Path::new("c1")), Path::new("/sys/fs/cgroup/user.slice/c1"));
    assert_eq!(v2.directory(Path::new("/c1")), Path::new("/sys/fs/cgroup/c1"));
    assert_eq!(v2.directory_of(Path::new("/x/y")), Path::new("/sys/fs/cgroup/x/y"));
}

#[test]
fn nested_in_a_container_without_cgroup_namespace() {
    let found = parse(
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
        "4:memory:/docker/abc/inner\n",
    );
    let memory = found.v1_mount("memory").expect("mounted");
    assert_eq!(memory.directory(Path::new("c")), Path::new("/sys/fs/cgroup/memory/inner/c"));
    assert_eq!(memory.directory(Path::new("/c")), Path::new("/sys/fs/cgroup/memory/c"));
}

#[test]
fn outside_of_the_mount_starts_at_the_mounts_root() {
    let found = parse(
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
        "4:memory:/../elsewhere\n",
    );
    let memory = found.v1_mount("memory").expect("mounted");
    assert_eq!(memory.directory(Path::new("c")), Path::new("/sys/fs/cgroup/memory/c"));
}

#[test]
fn dots_do_not_escape() {
    let found = parse(V1, V1_OWN);
    let memory = found.v1_mount("memory").expect("mounted");
    for path in ["/../../etc", "/a/../../../etc"] {
        assert_eq!(memory.directory(Path::new(path)), Path::new("/sys/fs/cgroup/memory/etc"));
    }
    assert_eq!(
        memory.directory(Path::new("../../etc")),
        Path::new("/sys/fs/cgroup/memory/process_api/f13/etc")
    );
}

#[test]
fn escaped_names_and_mounts_over_mounts() {
    let found = parse(
        "1 0 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
         2 1 0:1 /x /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
         3 1 0:2 / /mnt/a\\040b rw - cgroup cgroup rw,freezer\n\
         4 1 0:1 / /other/pids rw - cgroup cgroup rw,pids\n",
        "",
    );
    assert_eq!(found.v1_mount("pids").expect("mounted").root, Path::new("/x"));
    assert_eq!(found.v1_mount("freezer").expect("mounted").mountpoint, Path::new("/mnt/a b"));
}

#[test]
fn faults_name_file_line_and_content() {
    let fault = Hierarchy::parse(b"1 0 0:1 / /x\n", b"").expect_err("too short");
    assert_eq!((fault.file, fault.line), ("/proc/self/mountinfo", 1));
    let fault = Hierarchy::parse(b"", b"0::/\nnonsense\n").expect_err("no colons");
    assert_eq!((fault.file, fault.line, &*fault.content), ("/proc/self/cgroup", 2, "nonsense"));
    assert_eq!(Hierarchy::parse(b"", b""), Ok(None));
}
