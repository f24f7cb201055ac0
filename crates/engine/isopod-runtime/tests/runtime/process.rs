//! `process` and what else a process finds of itself.

use isopod_runtime::Stdio;

use crate::Case;
use crate::fixture::{Fixture, kill, wait};

pub(crate) const CASES: &[Case] = &[
    ("process::identity", identity),
    ("process::capabilities", capabilities),
    ("process::ambient_capabilities_reach_a_user", ambient_capabilities_reach_a_user),
    ("process::no_descriptors_but_the_three", no_descriptors_but_the_three),
    ("process::preserved_descriptors", preserved_descriptors),
    ("process::signals_are_as_at_the_start", signals_are_as_at_the_start),
    ("process::limits_and_scores", limits_and_scores),
    ("process::small_file_limit", small_file_limit),
    ("process::home_and_path", home_and_path),
    ("process::working_directory_is_made", working_directory_is_made),
    ("process::names_and_namespaces", names_and_namespaces),
    ("process::namespaces_by_path", namespaces_by_path),
    ("process::pid_namespace_by_path", pid_namespace_by_path),
    ("process::time_offsets", time_offsets),
    ("process::scheduling", scheduling),
    ("process::personality", personality),
    ("process::seccomp", seccomp),
    ("process::seccomp_without_no_new_privs", seccomp_without_no_new_privs),
    ("process::seccomp_listener", seccomp_listener),
    ("process::terminal", terminal),
    ("process::exit_status_and_signals", exit_status_and_signals),
];

fn identity() {
    let fixture = Fixture::new("id -u; id -g; id -G; umask")
        .with(r#"{"process":{"user":{"uid":1000,"gid":1001,"additionalGids":[5,6],"umask":63}}}"#);
    assert_eq!(fixture.run(), "1000\n1001\n1001 5 6\n0077");
}

fn capabilities() {
    let script = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr -d '\\t'";
    let fixture = Fixture::new(script);
    assert_eq!(
        fixture.run(),
        "CapInh:0000000000000000\nCapPrm:0000000000000021\nCapEff:0000000000000021\n\
         CapBnd:00000000000000e1\nCapAmb:0000000000000000\nNoNewPrivs:1"
    );
}

fn ambient_capabilities_reach_a_user() {
    let fixture = Fixture::new("grep -E '^Cap(Eff|Amb)' /proc/self/status | tr -d '\\t'").with(
        r#"{"process":{"user":{"uid":1000},"capabilities":{
            "bounding":["CAP_KILL"],"permitted":["CAP_KILL"],"inheritable":["CAP_KILL"],
            "effective":["CAP_KILL"],"ambient":["CAP_KILL"]}}}"#,
    );
    assert_eq!(fixture.run(), "CapEff:0000000000000020\nCapAmb:0000000000000020");
}

fn no_descriptors_but_the_three() {
    // The fourth is that of the listing itself.
    let fixture = Fixture::new("ls /proc/self/fd | tr '\\n' ' '");
    assert_eq!(fixture.run(), "0 1 2 3");
}

fn preserved_descriptors() {
    let fixture = Fixture::new("ls /proc/self/fd | tr '\\n' ' '; cat <&3");
    let file = std::fs::File::open("/etc/hostname").unwrap();
    // Inheritable as number 3, as whoever calls with --preserve-fds has it.
    let Ok(third) = rustix::io::fcntl_dupfd_cloexec(&file, 3) else { panic!("no descriptor") };
    assert_eq!(std::os::fd::AsRawFd::as_raw_fd(&third), 4, "std::fs::File is number 3");
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let (stdio, output) = crate::fixture::piped();
    let mut options = fixture.options(stdio);
    options.preserve_fds = 1;
    let created = fixture.runtime.run(&fixture.id, options).unwrap();
    let text = crate::fixture::read(output);
    wait(&created.pidfd);
    assert!(text.starts_with("0 1 2 3 4 "), "{text}");
}

fn signals_are_as_at_the_start() {
    // Without a shell, which ignores signals of its own accord.
    let fixture = Fixture::new("")
        .with(r#"{"process":{"args":["grep","-E","^Sig(Blk|Ign)","/proc/self/status"]}}"#);
    let expected = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000";
    assert_eq!(fixture.run(), expected);
}

fn limits_and_scores() {
    let fixture = Fixture::new("ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj").with(
        r#"{"process":{"oomScoreAdj":100,"rlimits":[{"type":"RLIMIT_NOFILE","soft":100,"hard":200}]}}"#,
    );
    assert_eq!(fixture.run(), "100\n200\n100");
}

fn small_file_limit() {
    let fixture = Fixture::new("ulimit -n")
        .with(r#"{"process":{"rlimits":[{"type":"RLIMIT_NOFILE","soft":6,"hard":64}]}}"#);
    assert_eq!(fixture.run(), "6");
}

fn home_and_path() {
    let fixture = Fixture::new("echo $HOME").with(r#"{"process":{"user":{"uid":7}}}"#);
    std::fs::create_dir_all(fixture.rootfs().join("etc")).unwrap();
    let passwd = fixture.rootfs().join("etc/passwd");
    let _ = std::fs::remove_file(&passwd);
    std::fs::write(&passwd, "u:x:7:7::/home/u:/bin/sh\n").unwrap();
    assert_eq!(fixture.run(), "/home/u");
    std::fs::remove_file(&passwd).unwrap();
    // A fifo must not be waited for.
    let status = std::process::Command::new("mkfifo").arg(&passwd).status().unwrap();
    assert!(status.success());
    assert_eq!(fixture.run(), "/");
}

fn working_directory_is_made() {
    let fixture = Fixture::new("pwd").with(r#"{"process":{"cwd":"/new/dir"}}"#);
    assert_eq!(fixture.run(), "/new/dir");
}

fn names_and_namespaces() {
    let fixture = Fixture::new(
        "hostname; cat /proc/sys/kernel/domainname; cat /proc/sys/kernel/msgmax; \
        cat /sys/class/net/lo/flags; echo $$",
    )
    .with(r#"{"domainname":"example","linux":{"sysctl":{"kernel.msgmax":"4711"}}}"#)
    .mount(r#"{"destination":"/sys","type":"sysfs","source":"sysfs","options":["ro"]}"#);
    assert_eq!(fixture.run(), "test\nexample\n4711\n0x9\n1");
}

fn namespaces_by_path() {
    let holder = Fixture::new("sleep 60");
    let created = holder.start();
    let path = |name: &str| format!("/proc/{}/ns/{name}", created.pid);
    let fixture =
        Fixture::new("readlink /proc/self/ns/net; readlink /proc/self/ns/ipc").with(&format!(
            r#"{{"hostname":null,"linux":{{"namespaces":[{{"type":"pid"}},{{"type":"mount"}},
                {{"type":"network","path":"{}"}},{{"type":"ipc","path":"{}"}}]}}}}"#,
            path("net"),
            path("ipc")
        ));
    let link = |name| std::fs::read_link(path(name)).unwrap().display().to_string();
    assert_eq!(fixture.run(), format!("{}\n{}", link("net"), link("ipc")));
    kill(&created);
}

fn pid_namespace_by_path() {
    let holder = Fixture::new("sleep 60");
    let created = holder.start();
    let fixture = Fixture::new("readlink /proc/self/ns/pid; test $$ -ne 1").with(&format!(
        r#"{{"hostname":null,"linux":{{"namespaces":[{{"type":"mount"}},
            {{"type":"pid","path":"/proc/{}/ns/pid"}}]}}}}"#,
        created.pid
    ));
    let link = std::fs::read_link(format!("/proc/{}/ns/pid", created.pid)).unwrap();
    assert_eq!(fixture.run(), link.display().to_string());
    kill(&created);
}

fn time_offsets() {
    let fixture = Fixture::new("cut -d. -f1 /proc/uptime");
    let mut fixture = fixture.with(r#"{"linux":{"timeOffsets":{"boottime":{"secs":1000000}}}}"#);
    fixture.spec.linux.as_mut().unwrap().namespaces.push(isopod_oci::runtime::Namespace {
        kind: isopod_oci::runtime::NamespaceKind::Time,
        path: None,
    });
    let uptime: u64 = fixture.run().parse().unwrap();
    assert!(uptime >= 1_000_000, "{uptime}");
}

fn scheduling() {
    let fixture =
        Fixture::new("cut -d' ' -f41 /proc/1/stat; cut -d' ' -f19 /proc/1/stat; ionice -p 1").with(
            r#"{"process":{"scheduler":{"policy":"SCHED_BATCH","nice":3},
            "ioPriority":{"class":"IOPRIO_CLASS_IDLE","priority":0}}}"#,
        );
    assert_eq!(fixture.run(), "3\n3\nidle");
}

fn personality() {
    let fixture =
        Fixture::new("uname -m").with(r#"{"linux":{"personality":{"domain":"LINUX32"}}}"#);
    let machine = fixture.run();
    assert!(matches!(machine.as_str(), "i686" | "armv8l"), "{machine}");
}

const NO_CHMOD: &str = r#""linux":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW",
    "syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}}"#;

fn seccomp() {
    let script = "chmod 700 /tmp 2>&1 | grep -o 'not implemented'; grep Seccomp: /proc/1/status | tr -d '\\t'";
    let fixture = Fixture::new(script).with(&format!("{{{NO_CHMOD}}}"));
    assert_eq!(fixture.run(), "not implemented\nSeccomp:2");
    // Now from the cache.
    assert_eq!(fixture.run(), "not implemented\nSeccomp:2");
}

fn seccomp_without_no_new_privs() {
    let script = "grep -E '^(NoNewPrivs|Seccomp|CapEff):' /proc/1/status | tr -d '\\t'";
    let fixture = Fixture::new(script).with(&format!(
        r#"{{"process":{{"user":{{"uid":1000}},"noNewPrivileges":false}},{NO_CHMOD}}}"#
    ));
    assert_eq!(fixture.run(), "CapEff:0000000000000000\nNoNewPrivs:0\nSeccomp:2");
}

fn seccomp_listener() {
    let fixture = Fixture::new("mkdir /tmp/x; echo done");
    let path = fixture.path().join("listener");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let fixture = fixture.with(&format!(
        r#"{{"linux":{{"seccomp":{{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"{}",
            "listenerMetadata":"meta","syscalls":[{{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_NOTIFY"}}]}}}}}}"#,
        path.display()
    ));
    let created = fixture.start();
    let (connection, _) = listener.accept().unwrap();
    let mut bytes = [0; 4096];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = rustix::net::RecvAncillaryBuffer::new(&mut space);
    let received = rustix::net::recvmsg(
        &connection,
        &mut [std::io::IoSliceMut::new(&mut bytes)],
        &mut control,
        rustix::net::RecvFlags::CMSG_CLOEXEC,
    )
    .unwrap();
    let message: serde_json::Value = serde_json::from_slice(&bytes[..received.bytes]).unwrap();
    assert_eq!(message["fds"][0], "seccompFd");
    assert_eq!(message["pid"], created.pid);
    assert_eq!(message["metadata"], "meta");
    assert_eq!(message["state"]["id"], fixture.id.as_str());
    assert_eq!(control.drain().count(), 1, "a descriptor came along");
    kill(&created);
}

fn terminal() {
    let fixture = Fixture::new("test -t 0 && stty size && ls -l /dev/console | cut -c1 && tty")
        .with(r#"{"process":{"terminal":true,"consoleSize":{"height":17,"width":71}}}"#);
    let options = fixture.options(Stdio::Terminal { console_socket: None });
    let created = fixture.runtime.run(&fixture.id, options).unwrap();
    let master = created.terminal.expect("a terminal");
    let mut text = String::new();
    let mut buffer = [0; 1024];
    // The end of a terminal is an error.
    while let Ok(count) = rustix::io::read(&master, &mut buffer) {
        text += &String::from_utf8_lossy(&buffer[..count]);
    }
    assert_eq!(wait(&created.pidfd), 0, "{text}");
    assert_eq!(text.replace('\r', ""), "17 71\nc\n/dev/pts/0\n");
}

fn exit_status_and_signals() {
    assert_eq!(Fixture::new("exit 42").try_run().unwrap().status, 42);
    // The first process of a pid namespace ignores signals that it has no handler for.
    let outcome = Fixture::new("sh -c 'kill -9 $$'; echo $?").try_run().unwrap();
    assert!(outcome.output.ends_with("137"), "{outcome:?}");
}
