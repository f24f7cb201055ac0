//! Processes that join a container.

use isopod_runtime::{ErrorKind, Stdio};

use crate::Case;
use crate::fixture::{Fixture, kill, wait};

pub(crate) const CASES: &[Case] = &[
    ("exec::joins_everything", joins_everything),
    ("exec::takes_over_and_overrides", takes_over_and_overrides),
    ("exec::failures_are_told", failures_are_told),
    ("exec::terminal", terminal),
    ("exec::seccomp_holds", seccomp_holds),
    ("exec::the_created_container", the_created_container),
    ("exec::sub_groups", sub_groups),
    ("exec::cpu_affinity", cpu_affinity),
    ("exec::in_a_user_namespace", in_a_user_namespace),
];

const NAMESPACES: [&str; 6] = ["pid", "net", "ipc", "uts", "mnt", "cgroup"];

fn joins_everything() {
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    let outcome = fixture.exec_sh("for n in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done; cat /proc/self/cgroup");
    let link = |name: &str| {
        let path = format!("/proc/{}/ns/{name}", created.pid);
        std::fs::read_link(path).unwrap().display().to_string()
    };
    let mut expected: Vec<String> = NAMESPACES.map(link).to_vec();
    let groups: Vec<String> = outcome.output.lines().skip(6).map(str::to_owned).collect();
    expected.extend(groups.iter().cloned());
    assert_eq!(outcome.output.lines().collect::<Vec<_>>(), expected);
    // Seen from its own cgroup namespace the process is at the root of every hierarchy.
    for group in groups.iter().filter(|group| group.contains(":pids:")) {
        assert!(group.ends_with(":/"), "{group}");
    }
    kill(&created);
}

fn takes_over_and_overrides() {
    let fixture = Fixture::new("sleep 60").with(
        r#"{"process":{"oomScoreAdj":200,"rlimits":[{"type":"RLIMIT_NOFILE","soft":90,"hard":91}]}}"#,
    );
    let created = fixture.start();
    let outcome = fixture.exec_sh(
        "grep CapBnd /proc/self/status | tr -d '\\t'; ulimit -n; cat /proc/self/oom_score_adj",
    );
    assert_eq!(outcome.output, "CapBnd:00000000000000e1\n90\n200");
    let outcome = fixture
        .exec(|options| {
            let process = &mut options.process;
            process.args = ["sh", "-c", "id -u; pwd; echo $A"].map(str::to_owned).to_vec();
            process.user.uid = 33;
            process.cwd = "/tmp".into();
            process.env.push("A=b".into());
        })
        .unwrap();
    assert_eq!(outcome.output, "33\n/tmp\nb");
    kill(&created);
}

fn failures_are_told() {
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    for (args, kind) in [
        ("nonexistent", ErrorKind::CommandNotFound),
        ("/nonexistent", ErrorKind::CommandNotFound),
        ("/proc", ErrorKind::CommandNotExecutable),
    ] {
        let error = fixture.exec(|options| options.process.args = vec![args.into()]);
        assert_eq!(error.expect_err("fails").kind(), kind, "{args}");
    }
    let error = fixture.exec(|options| options.process.cwd = "/nonexistent".into());
    let text = crate::fixture::chain(&error.expect_err("fails"));
    assert!(text.contains("chdir to cwd (\"/nonexistent\")"), "{text}");
    kill(&created);
}

fn terminal() {
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    let mut process = fixture.spec.process.clone().unwrap();
    process.terminal = true;
    process.args = ["sh", "-c", "tty; echo x > /dev/tty"].map(str::to_owned).to_vec();
    let options = isopod_runtime::ExecOptions {
        stdio: Stdio::Terminal { console_socket: None },
        ..isopod_runtime::ExecOptions::new(process)
    };
    let exec = fixture.runtime.load(&fixture.id).unwrap().exec(options).unwrap();
    let master = exec.terminal.unwrap();
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while let Ok(count) = rustix::io::read(&master, &mut buffer) {
        text += &String::from_utf8_lossy(&buffer[..count]);
    }
    assert_eq!(wait(&exec.pidfd), 0);
    assert_eq!(text.replace('\r', ""), "/dev/pts/0\nx\n");
    kill(&created);
}

fn seccomp_holds() {
    let fixture = Fixture::new("sleep 60").with(
        r#"{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW",
            "syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}}}"#,
    );
    let created = fixture.start();
    let outcome = fixture.exec_sh("chmod 700 /tmp 2>&1 | grep -o 'not implemented'");
    assert_eq!(outcome.output, "not implemented");
    kill(&created);
}

fn the_created_container() {
    let fixture = Fixture::new("test -e /tmp/made && echo seen");
    let (stdio, output) = crate::fixture::piped();
    let created = fixture.create(stdio).unwrap();
    assert_eq!(fixture.exec_sh("touch /tmp/made").status, 0);
    fixture.runtime.load(&fixture.id).unwrap().start().unwrap();
    assert_eq!(crate::fixture::read(output), "seen");
    wait(&created.pidfd);
}

fn sub_groups() {
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    let group = {
        let container = fixture.runtime.load(&fixture.id).unwrap();
        container.cgroup().unwrap().group_path("pids").unwrap().join("sub")
    };
    std::fs::create_dir(&group).unwrap();
    let outcome = fixture
        .exec(|options| {
            options.process.args =
                ["sh", "-c", "cat /proc/self/cgroup"].map(str::to_owned).to_vec();
            options.sub_groups = vec![isopod_cgroups::SubGroup {
                controllers: vec!["pids".into()],
                path: "sub".into(),
            }];
        })
        .unwrap();
    assert!(outcome.output.contains(":/sub"), "{}", outcome.output);
    kill(&created);
}

fn cpu_affinity() {
    let fixture = Fixture::new("sleep 60");
    let created = fixture.start();
    let outcome = fixture
        .exec(|options| {
            options.process.args =
                ["sh", "-c", "grep Cpus_allowed_list /proc/self/status | tr -d '\\t'"]
                    .map(str::to_owned)
                    .to_vec();
            options.process.exec_cpu_affinity =
                Some(isopod_oci::runtime::CpuAffinity { initial: "0".into(), last: "0".into() });
        })
        .unwrap();
    assert_eq!(outcome.output, "Cpus_allowed_list:0");
    kill(&created);
}

fn in_a_user_namespace() {
    let fixture = crate::userns::mapped("sleep 60");
    let created = fixture.start();
    let outcome =
        fixture.exec_sh("id -u; cat /proc/self/uid_map | tr -s ' '; ls /proc/1/fd | wc -l");
    assert!(outcome.output.starts_with("0\n 0 100000 65536"), "{}", outcome.output);
    kill(&created);
}
