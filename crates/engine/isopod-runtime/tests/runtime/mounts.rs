//! Mounts, devices, masked and read-only paths.

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use crate::Case;
use crate::fixture::{Fixture, piped, read, wait};

pub(crate) const CASES: &[Case] = &[
    ("mounts::bind_mounts_and_their_attributes", bind_mounts_and_their_attributes),
    ("mounts::recursive_attributes", recursive_attributes),
    ("mounts::files_are_bind_mounted", files_are_bind_mounted),
    ("mounts::tmpfs_keeps_permissions_and_copies_up", tmpfs_keeps_permissions_and_copies_up),
    ("mounts::read_only_root", read_only_root),
    ("mounts::read_only_tmpfs_holds_mount_points", read_only_tmpfs_holds_mount_points),
    ("mounts::propagation", propagation),
    ("mounts::default_devices", default_devices),
    ("mounts::more_devices", more_devices),
    ("mounts::masked_and_read_only_paths", masked_and_read_only_paths),
    ("mounts::cgroups", cgroups),
    ("mounts::id_mapped", id_mapped),
    ("mounts::detached_root", detached_root),
    ("mounts::without_pivot", without_pivot),
    ("mounts::long_options", long_options),
    ("mounts::nothing_reaches_the_host", nothing_reaches_the_host),
    ("mounts::without_a_mount_namespace", without_a_mount_namespace),
];

fn bind_mounts_and_their_attributes() {
    let fixture =
        Fixture::new("grep ' /data ' /proc/self/mounts | cut -d' ' -f4; touch /data/x; ls /data");
    let data = fixture.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("file"), "").unwrap();
    let fixture = fixture.mount(
        r#"{"destination":"/data","source":"data","options":["rbind","ro","nosuid","nodev","noexec","noatime"]}"#,
    );
    let outcome = fixture.run();
    assert!(outcome.starts_with("ro,nosuid,nodev,noexec,noatime"), "{outcome}");
    assert!(outcome.contains("Read-only file system"), "{outcome}");
}

fn recursive_attributes() {
    // The host's /dev has mounts below it.
    let fixture =
        Fixture::new("grep -E ' /data(/pts)? ' /proc/self/mounts | cut -d' ' -f2,4 | cut -d, -f1")
            .mount(r#"{"destination":"/data","source":"/dev","options":["rbind","rro","rw"]}"#);
    let output = fixture.run();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.first(), Some(&"/data rw"), "{output}");
    assert!(lines.len() > 1 && lines[1..].iter().all(|line| *line == "/data/pts ro"), "{output}");
}

fn files_are_bind_mounted() {
    let fixture = Fixture::new("cat /etc/deep/name; cat /proc/uptime")
        .mount(r#"{"destination":"/etc/deep/name","source":"name","options":["bind"]}"#)
        .mount(r#"{"destination":"/proc/uptime","source":"name","options":["bind","ro"]}"#);
    std::fs::write(fixture.path().join("name"), "text\n").unwrap();
    assert_eq!(fixture.run(), "text\ntext");
}

fn tmpfs_keeps_permissions_and_copies_up() {
    let fixture = Fixture::new("stat -c %a /keep; ls -ln /keep; cat /keep/a/file").mount(
        r#"{"destination":"/keep","type":"tmpfs","source":"tmpfs","options":["tmpcopyup"]}"#,
    );
    let keep = fixture.rootfs().join("keep");
    std::fs::create_dir_all(keep.join("a")).unwrap();
    std::fs::write(keep.join("a/file"), "content").unwrap();
    std::os::unix::fs::symlink("a/file", keep.join("link")).unwrap();
    std::os::unix::fs::chown(keep.join("a"), Some(7), Some(8)).unwrap();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&keep, mode(0o2750)).unwrap();
    let output = fixture.run();
    assert!(output.starts_with("2750"), "{output}");
    assert!(output.contains(" 7 ") && output.contains("link -> a/file"), "{output}");
    assert!(output.ends_with("content"), "{output}");
}

fn read_only_root() {
    let fixture = Fixture::new("touch /x 2>&1; touch /tmp/x && echo tmp")
        .with(r#"{"root":{"readonly":true}}"#);
    let output = fixture.run();
    assert!(output.contains("Read-only") && output.ends_with("tmp"), "{output}");
}

fn read_only_tmpfs_holds_mount_points() {
    let fixture = Fixture::new(
        "touch /run/x 2>&1; touch /dev/x 2>&1; ls /run; echo > /dev/null && echo written",
    )
    .mount(r#"{"destination":"/run","type":"tmpfs","source":"tmpfs","options":["ro"]}"#)
    .mount(r#"{"destination":"/run/inner","type":"tmpfs","source":"tmpfs"}"#);
    let mut fixture = fixture;
    fixture.spec.mounts[1].options.push("ro".into());
    let output = fixture.run();
    assert_eq!(output.matches("Read-only").count(), 2, "{output}");
    assert!(output.ends_with("inner\nwritten"), "{output}");
}

fn propagation() {
    for (word, tag) in [("shared", "shared:"), ("slave", "master:"), ("unbindable", "unbindable")] {
        let fixture = Fixture::new(
            "grep ' / / ' /proc/self/mountinfo || grep ' / ' /proc/self/mountinfo | head -1",
        )
        .with(&format!(r#"{{"linux":{{"rootfsPropagation":"{word}"}}}}"#));
        let output = fixture.run();
        // Slaves need a master, which a private host mount is not.
        assert!(output.contains(tag) || word == "slave", "{word}: {output}");
    }
    let fixture = Fixture::new("grep ' /data ' /proc/self/mountinfo")
        .mount(r#"{"destination":"/data","source":"/etc","options":["rbind","rshared"]}"#);
    assert!(fixture.run().contains("shared:"));
}

fn default_devices() {
    let script = "for d in null zero full random urandom tty; do stat -c '%t:%T %a %F' /dev/$d; done; \
        for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done";
    let device = |number: &str| format!("{number} 666 character special file\n");
    let expected: String = ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0"].map(device).concat()
        + "/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx";
    assert_eq!(Fixture::new(script).run(), expected);
}

fn more_devices() {
    let fixture =
        Fixture::new("stat -c '%t:%T %a %u:%g' /dev/deep/zero; stat -c '%F %a' /dev/pipe").with(
            r#"{"linux":{"devices":[
            {"type":"c","path":"/dev/deep/zero","major":1,"minor":5,"fileMode":384,"uid":3,"gid":4},
            {"type":"p","path":"/dev/pipe","fileMode":420}]}}"#,
        );
    assert_eq!(fixture.run(), "1:5 600 3:4\nfifo 644");
}

fn masked_and_read_only_paths() {
    let fixture = Fixture::new(
        "wc -c < /proc/keys; ls -A /secret | wc -l; wc -c < /file; \
         touch /secret/x 2>&1; echo 1 2>&1 > /proc/sys/kernel/msgmax; touch /open/x 2>&1; chmod 0 /file 2>&1",
    )
    .with(r#"{"linux":{"maskedPaths":["/proc/keys","/secret","/file","/missing"],"readonlyPaths":["/proc/sys","/open"]}}"#);
    std::fs::create_dir(fixture.rootfs().join("secret")).unwrap();
    std::fs::create_dir(fixture.rootfs().join("open")).unwrap();
    std::fs::write(fixture.rootfs().join("secret/key"), "x").unwrap();
    std::fs::write(fixture.rootfs().join("file"), "x").unwrap();
    let null = std::fs::metadata("/dev/null").unwrap().mode();
    let outcome = fixture.try_run().unwrap();
    assert!(outcome.output.starts_with("0\n0\n0\n"), "{}", outcome.output);
    assert_eq!(outcome.output.matches("Read-only").count(), 4, "{}", outcome.output);
    // The masked file is the host's device: its permissions must not be within reach.
    assert_eq!(std::fs::metadata("/dev/null").unwrap().mode(), null);
}

fn cgroups() {
    for own_view in [true, false] {
        let mut fixture = Fixture::new("ls -d /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null; \
            cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; touch /sys/fs/cgroup/x 2>&1")
            .with(r#"{"linux":{"resources":{"pids":{"limit":77}}}}"#)
            .mount(r#"{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["nosuid","noexec","nodev","ro"]}"#);
        if !own_view {
            let namespaces = &mut fixture.spec.linux.as_mut().unwrap().namespaces;
            namespaces.retain(|namespace| namespace.kind.proc_name() != "cgroup");
        }
        let output = fixture.try_run().unwrap().output;
        assert!(output.contains("cgroup.procs") && output.contains("\n77"), "{output}");
        assert!(output.contains("Read-only"), "{output}");
    }
}

fn id_mapped() {
    let fixture = Fixture::new("stat -c %u:%g /data/file").mount(
        r#"{"destination":"/data","source":"data","options":["bind"],
            "uidMappings":[{"containerID":0,"hostID":5000,"size":10}],
            "gidMappings":[{"containerID":0,"hostID":6000,"size":10}]}"#,
    );
    let data = fixture.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("file"), "").unwrap();
    assert_eq!(fixture.run(), "5000:6000");
}

fn detached_root() {
    let fixture = Fixture::new("cat /where; cut -d' ' -f5 /proc/self/mountinfo | grep -cx /");
    std::fs::write(fixture.rootfs().join("where"), "detached\n").unwrap();
    let tree = rustix::mount::open_tree(
        rustix::fs::CWD,
        fixture.rootfs(),
        rustix::mount::OpenTreeFlags::OPEN_TREE_CLONE
            | rustix::mount::OpenTreeFlags::OPEN_TREE_CLOEXEC,
    )
    .unwrap();
    let elsewhere = fixture.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let (stdio, output) = piped();
    let mut options = fixture.options(stdio);
    options.rootfs_mount = Some(tree);
    if let isopod_runtime::Config::Parsed { spec, .. } = &mut options.config {
        spec.root.as_mut().unwrap().path = "elsewhere".into();
    }
    let created = fixture.runtime.run(&fixture.id, options).unwrap();
    assert_eq!(read(output), "detached\n1");
    assert_eq!(wait(&created.pidfd), 0);
    let _ = created.pidfd.as_fd();
}

fn without_pivot() {
    let fixture = Fixture::new("ls / | grep -c rootfs; ls -d /bin");
    let (stdio, output) = piped();
    let mut options = fixture.options(stdio);
    options.no_pivot = true;
    let created = fixture.runtime.run(&fixture.id, options).unwrap();
    assert_eq!(read(output), "0\n/bin");
    wait(&created.pidfd);
}

fn long_options() {
    // Longer than fsconfig(2) takes: many layers of an overlay.
    let fixture = Fixture::new("cat /merged/0 /merged/29");
    let layers: Vec<String> = (0..30)
        .map(|number| {
            let layer = fixture.path().join(format!("layer{number}"));
            std::fs::create_dir(&layer).unwrap();
            std::fs::write(layer.join(number.to_string()), format!("{number}\n")).unwrap();
            layer.display().to_string()
        })
        .collect();
    let fixture = fixture.mount(&format!(
        r#"{{"destination":"/merged","type":"overlay","source":"overlay","options":["ro","lowerdir={}"]}}"#,
        layers.join(":")
    ));
    assert_eq!(fixture.run(), "0\n29");
}

fn nothing_reaches_the_host() {
    let before = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let fixture = Fixture::new("sleep 60");
    let _created = fixture.start();
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").unwrap(), before);
}

fn without_a_mount_namespace() {
    let mut fixture = Fixture::new("ls /bin/sh").with(
        r#"{"mounts":[],"hostname":null,"linux":{"maskedPaths":[],"readonlyPaths":[],"namespaces":[{"type":"pid"}]}}"#,
    );
    assert_eq!(fixture.run(), "/bin/sh");
    fixture.spec.mounts.push(isopod_oci::runtime::Mount {
        destination: "/x".into(),
        kind: Some("tmpfs".into()),
        ..Default::default()
    });
    assert!(fixture.refused().contains("without a private MNT namespace"));
}
