//! `process`: what runs, as whom, where and with which limits.

use serde_json::json;

use crate::bed::same;
use crate::case::Expect::{Has, Out, Status};
use crate::case::{Case, Need};
use crate::config::{args, array, leave};

/// `CAP_SYS_RESOURCE`, without which nobody raises a hard limit.
const RESOURCE: Need = Need::Capability("CAP_SYS_RESOURCE", 24);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = program();
    cases.extend(identity());
    cases.extend(limits());
    cases.extend(scheduling());
    cases
}

fn program() -> Vec<Case> {
    vec![
        Case::inside(
            "process/args",
            |c| args(c, &["/bin/echo", "a b", "", "c"]),
            "",
            Out("a b  c"),
        ),
        Case::inside("process/args-in-path", |c| args(c, &["echo", "found"]), "", Out("found")),
        Case::inside(
            "process/args-in-path-of-env",
            |c| {
                c["process"]["env"] = json!(["PATH=/nowhere:/bin"]);
                args(c, &["echo", "found"]);
            },
            "",
            Out("found"),
        ),
        Case::inside(
            "process/args-relative-to-cwd",
            |c| {
                c["process"]["cwd"] = json!("/bin");
                args(c, &["./echo", "here"]);
            },
            "",
            Out("here"),
        ),
        Case::refused(
            "process/args-not-found",
            |c| args(c, &["nonexistent"]),
            &["exec: \"nonexistent\": executable file not found in $PATH"],
        ),
        Case::refused(
            "process/args-no-such-file",
            |c| args(c, &["/bin/nonexistent"]),
            &["exec: \"/bin/nonexistent\": stat /bin/nonexistent: no such file or directory"],
        ),
        Case::refused(
            "process/args-not-executable",
            |c| args(c, &["/etc/passwd"]),
            &["exec: \"/etc/passwd\": permission denied"],
        ),
        Case::refused(
            "process/args-directory",
            |c| args(c, &["/etc"]),
            &["exec: \"/etc\": is a directory", "exec: \"/etc\": permission denied"],
        ),
        Case::refused("process/args-empty", |c| args(c, &[]), &["args"]),
        Case::refused("process/missing", |c| c["process"] = json!(null), &["process"]),
        Case::inside("process/exit-status", |_| {}, "exit 42", Status(42)),
        Case::inside("process/killed-by-signal", |c| leave(c, "pid"), "kill -9 $$", Status(137)),
        Case::inside(
            "process/env",
            |c| c["process"]["env"] = json!(["PATH=/bin", "A=1", "EMPTY=", "WITH=x=y z"]),
            "echo \"$A-$EMPTY-$WITH\"",
            Out("1--x=y z"),
        ),
        Case::inside(
            "process/env-nothing-of-the-caller",
            |c| args(c, &["/bin/env"]),
            "",
            Out("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOME=/root"),
        ),
        Case::inside("process/home-of-root", |_| {}, "echo $HOME", Out("/root")),
        Case::inside(
            "process/home-of-user",
            |c| c["process"]["user"] = json!({"uid": 1000, "gid": 1000}),
            "echo $HOME",
            Out("/home/isopod"),
        ),
        Case::inside(
            "process/home-of-unknown-user",
            |c| c["process"]["user"] = json!({"uid": 4242, "gid": 4242}),
            "echo $HOME",
            Out("/"),
        ),
        Case::inside(
            "process/home-given",
            |c| array(c, "/process/env").push(json!("HOME=/elsewhere")),
            "echo $HOME",
            Out("/elsewhere"),
        ),
        Case::inside("process/cwd", |c| c["process"]["cwd"] = json!("/tmp"), "pwd", Out("/tmp")),
        Case::inside(
            "process/cwd-is-made",
            |c| c["process"]["cwd"] = json!("/made/deep"),
            "pwd; stat -c %a:%u /made/deep",
            Out("/made/deep\n755:0"),
        ),
        Case::refused(
            "process/cwd-relative",
            |c| c["process"]["cwd"] = json!("tmp"),
            &["absolute"],
        ),
        Case::refused("process/cwd-empty", |c| c["process"]["cwd"] = json!(""), &["cwd"]),
        Case::refused(
            "process/cwd-is-a-file",
            |c| c["process"]["cwd"] = json!("/etc/passwd"),
            &["not a directory"],
        ),
        Case::inside("process/only-std-descriptors", |_| {}, "ls /proc/self/fd | wc -l", Out("4")),
        Case::inside("process/stdin", |_| {}, "read line; echo \"[$line]\"", Out("[]")),
        Case::bed("process/stdout-and-stderr-apart", |bed| {
            let called = bed.run(&bed.script("echo out; echo err >&2"))?;
            same("stdout", called.stdout.as_str(), "out\n")?;
            same("stderr", called.stderr.as_str(), "err\n")
        }),
        Case::inside(
            "process/leads-its-session",
            |_| {},
            "cut -d' ' -f5,6 /proc/1/stat",
            Out("1 1"),
        ),
        Case::bed("process/signals-are-as-new", |bed| {
            // Nothing that the runtime or its caller blocks or ignores shows in the container.
            let set = |text: &str, name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
            };
            // Not by a shell, which has ideas of its own about signals.
            let mut config = bed.config();
            args(&mut config, &["/bin/cat", "/proc/self/status"]);
            let inside = bed.run(&config)?.ok()?;
            same("blocked", set(&inside, "SigBlk:"), Some(0))?;
            // Signals 32 to 34 are the C libraries' own, which keep them as they like.
            let public = |set: Option<u64>| set.map(|set| set & !(0b111 << 31));
            same("ignored", public(set(&inside, "SigIgn:")), Some(0))
        }),
    ]
}

fn identity() -> Vec<Case> {
    vec![
        Case::inside(
            "process/user",
            |c| c["process"]["user"] = json!({"uid": 1000, "gid": 2000}),
            "id -u; id -g; id -G",
            Out("1000\n2000\n2000"),
        ),
        Case::inside(
            "process/additional-gids",
            |c| {
                c["process"]["user"] =
                    json!({"uid": 1000, "gid": 1000, "additionalGids": [10, 20]});
            },
            "grep Groups /proc/self/status | tr -s '\\t ' ' '",
            Out("Groups: 10 20"),
        ),
        Case::inside(
            "process/no-groups-of-the-caller",
            |_| {},
            "grep Groups /proc/self/status | tr -d '\\t '",
            Out("Groups:"),
        ),
        Case::inside(
            "process/umask",
            |c| c["process"]["user"]["umask"] = json!(0o027),
            "umask",
            Out("0027"),
        ),
        Case::inside("process/umask-default", |_| {}, "umask", Out("0022")),
        Case::inside(
            "process/uid-keeps-no-capabilities",
            |c| c["process"]["user"] = json!({"uid": 1000, "gid": 1000}),
            "grep CapEff /proc/self/status | tr -d '\\t'",
            Out("CapEff:0000000000000000"),
        ),
        Case::inside(
            "process/no-new-privileges",
            |c| c["process"]["noNewPrivileges"] = json!(true),
            "grep NoNewPrivs /proc/self/status | tr -d '\\t'",
            Out("NoNewPrivs:1"),
        ),
        Case::inside(
            "process/new-privileges",
            |_| {},
            "grep NoNewPrivs /proc/self/status | tr -d '\\t'",
            Out("NoNewPrivs:0"),
        ),
        Case::inside(
            "process/oom-score-adj",
            |c| c["process"]["oomScoreAdj"] = json!(321),
            "cat /proc/self/oom_score_adj",
            Out("321"),
        ),
        Case::inside(
            "process/oom-score-adj-of-user",
            |c| {
                c["process"]["oomScoreAdj"] = json!(500);
                c["process"]["user"] = json!({"uid": 1000, "gid": 1000});
            },
            "cat /proc/self/oom_score_adj",
            Out("500"),
        ),
        Case::refused(
            "process/oom-score-adj-out-of-range",
            |c| c["process"]["oomScoreAdj"] = json!(5000),
            &["invalid argument", "oom"],
        ),
        Case::refused(
            "process/apparmor-without-kernel",
            |c| c["process"]["apparmorProfile"] = json!("some-profile"),
            &["apparmor"],
        )
        .needs(&[Need::NoFile("/sys/module/apparmor", "AppArmor is in the kernel")]),
        Case::refused(
            "process/selinux-without-kernel",
            |c| c["process"]["selinuxLabel"] = json!("system_u:system_r:container_t:s0"),
            &["selinux"],
        )
        .needs(&[Need::NoFile("/sys/fs/selinux/enforce", "SELinux is in the kernel")]),
    ]
}

fn limits() -> Vec<Case> {
    vec![
        Case::inside(
            "process/rlimit-nofile",
            |c| {
                c["process"]["rlimits"] =
                    json!([{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]);
            },
            "ulimit -Sn; ulimit -Hn",
            Out("100\n200"),
        ),
        Case::inside(
            "process/rlimit-core",
            |c| c["process"]["rlimits"] = json!([{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]),
            "grep 'core file' /proc/self/limits | tr -s ' '",
            Has(&["core file size 0 0"]),
        ),
        Case::inside(
            "process/rlimits-all",
            |c| {
                let kinds = [
                    "AS",
                    "CORE",
                    "CPU",
                    "DATA",
                    "FSIZE",
                    "LOCKS",
                    "MEMLOCK",
                    "MSGQUEUE",
                    "NOFILE",
                    "NPROC",
                    "RSS",
                    "SIGPENDING",
                    "STACK",
                ];
                let all: Vec<_> = kinds
                    .iter()
                    .map(|kind| json!({"type": format!("RLIMIT_{kind}"), "soft": 200, "hard": 200}))
                    .filter(|limit| limit["type"] != "RLIMIT_AS" && limit["type"] != "RLIMIT_STACK")
                    .filter(|limit| limit["type"] != "RLIMIT_DATA")
                    .collect();
                c["process"]["rlimits"] = json!(all);
            },
            "grep -c '  200  *200 ' /proc/self/limits",
            Out("10"),
        ),
        Case::inside(
            "process/rlimit-priorities",
            |c| {
                c["process"]["rlimits"] = json!([
                    {"type": "RLIMIT_NICE", "soft": 0, "hard": 0},
                    {"type": "RLIMIT_RTPRIO", "soft": 0, "hard": 0},
                    {"type": "RLIMIT_RTTIME", "soft": 1000, "hard": 1000},
                ]);
            },
            "grep -E 'realtime timeout' /proc/self/limits | tr -s ' '",
            Has(&["Max realtime timeout 1000 1000 us"]),
        ),
        Case::inside(
            "process/rlimit-raised",
            |c| {
                c["process"]["rlimits"] = json!([{"type": "RLIMIT_RTPRIO", "soft": 7, "hard": 9}]);
            },
            "grep 'realtime priority' /proc/self/limits | tr -s ' '",
            Has(&["7 9"]),
        )
        .needs(&[RESOURCE]),
        Case::refused(
            "process/rlimit-unknown",
            |c| {
                c["process"]["rlimits"] = json!([{"type": "RLIMIT_NOPE", "soft": 1, "hard": 1}]);
            },
            &["rlimit"],
        ),
        Case::refused(
            "process/rlimit-soft-above-hard",
            |c| {
                c["process"]["rlimits"] =
                    json!([{"type": "RLIMIT_NOFILE", "soft": 200, "hard": 100}]);
            },
            &["rlimit", "invalid argument"],
        ),
    ]
}

fn scheduling() -> Vec<Case> {
    vec![
        Case::inside(
            "process/scheduler-batch",
            |c| c["process"]["scheduler"] = json!({"policy": "SCHED_BATCH", "nice": 5}),
            "cut -d' ' -f19,41 /proc/self/stat",
            Out("5 3"),
        ),
        Case::inside(
            "process/scheduler-idle",
            |c| c["process"]["scheduler"] = json!({"policy": "SCHED_IDLE"}),
            "cut -d' ' -f41 /proc/self/stat",
            Out("5"),
        ),
        Case::refused(
            "process/scheduler-unknown",
            |c| c["process"]["scheduler"] = json!({"policy": "SCHED_NOPE"}),
            &["scheduler", "policy", "SCHED_NOPE"],
        ),
        Case::inside(
            "process/io-priority",
            |c| {
                c["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_BE", "priority": 6});
            },
            "ionice -p $$",
            Has(&["best-effort: prio 6"]),
        ),
        Case::inside(
            "process/io-priority-idle",
            |c| {
                c["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_IDLE", "priority": 0});
            },
            "ionice -p $$",
            Has(&["idle"]),
        ),
        Case::refused(
            "process/io-priority-unknown",
            |c| c["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_NOPE", "priority": 0}),
            &["ioprio", "class", "io priority", "iopriority"],
        ),
        Case::inside(
            "process/cpu-affinity-of-exec-leaves-init-alone",
            |c| c["process"]["execCPUAffinity"] = json!({"initial": "0", "final": "0"}),
            "true",
            Status(0),
        ),
        Case::inside(
            "process/personality-linux32",
            |c| c["linux"]["personality"] = json!({"domain": "LINUX32"}),
            "uname -m",
            Has(&["i686"]),
        ),
        Case::inside(
            "process/personality-linux",
            |c| c["linux"]["personality"] = json!({"domain": "LINUX"}),
            "cat /proc/self/personality",
            Out("00000000"),
        ),
        Case::refused(
            "process/personality-unknown",
            |c| c["linux"]["personality"] = json!({"domain": "PLAN9"}),
            &["personality", "domain"],
        ),
    ]
}
