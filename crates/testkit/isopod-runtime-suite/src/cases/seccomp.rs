//! `linux.seccomp`: the filter at work in the kernel.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bed::same;
use crate::case::Case;
use crate::case::Expect::{Has, Out, Status};
use crate::config::seccomp;
use crate::runner::refused;
use crate::terminal::DescriptorSocket;

/// Tries to make a directory and tells how that went.
const MKDIR: &str = "mkdir /d 2>&1 && echo made; true";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = actions();
    cases.extend(faults());
    cases.extend(listener());
    cases
}

fn rule(action: &str) -> Value {
    json!([{"names": ["mkdir", "mkdirat"], "action": action}])
}

fn actions() -> Vec<Case> {
    vec![
        Case::inside(
            "seccomp/errno",
            |c| seccomp(c, rule("SCMP_ACT_ERRNO")),
            MKDIR,
            Out("mkdir: can't create directory '/d': Operation not permitted"),
        ),
        Case::inside(
            "seccomp/errno-ret",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]),
                )
            },
            MKDIR,
            Has(&["No space left on device"]),
        ),
        Case::inside("seccomp/allow", |c| seccomp(c, rule("SCMP_ACT_ALLOW")), MKDIR, Out("made")),
        Case::inside("seccomp/log", |c| seccomp(c, rule("SCMP_ACT_LOG")), MKDIR, Out("made")),
        Case::inside(
            "seccomp/trap",
            |c| seccomp(c, rule("SCMP_ACT_TRAP")),
            "mkdir /d; exit $?",
            Status(159),
        ),
        Case::inside(
            "seccomp/kill",
            |c| seccomp(c, rule("SCMP_ACT_KILL")),
            "mkdir /d; exit $?",
            Status(159),
        ),
        Case::inside(
            "seccomp/kill-thread",
            |c| seccomp(c, rule("SCMP_ACT_KILL_THREAD")),
            "mkdir /d; exit $?",
            Status(159),
        ),
        Case::inside(
            "seccomp/kill-process",
            |c| seccomp(c, rule("SCMP_ACT_KILL_PROCESS")),
            "mkdir /d; exit $?",
            Status(159),
        ),
        Case::inside(
            "seccomp/trace-without-tracer",
            |c| seccomp(c, rule("SCMP_ACT_TRACE")),
            MKDIR,
            Has(&["Function not implemented"]),
        ),
        Case::inside(
            "seccomp/is-on",
            |c| seccomp(c, rule("SCMP_ACT_ERRNO")),
            "grep 'Seccomp:' /proc/self/status | tr -d '\\t'",
            Out("Seccomp:2"),
        ),
        Case::inside(
            "seccomp/one-filter-only",
            |c| seccomp(c, rule("SCMP_ACT_ERRNO")),
            "grep 'Seccomp_filters:' /proc/self/status | tr -d '\\t'",
            Has(&["Seccomp_filters:1"]),
        ),
        Case::inside(
            "seccomp/off",
            |_| {},
            "grep 'Seccomp:' /proc/self/status | tr -d '\\t'",
            Out("Seccomp:0"),
        ),
        Case::inside(
            "seccomp/with-no-new-privileges",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["process"]["noNewPrivileges"] = json!(true);
            },
            MKDIR,
            Has(&["not permitted"]),
        ),
        Case::inside(
            "seccomp/for-an-unprivileged-user",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["process"]["user"] = json!({"uid": 1000, "gid": 1000});
            },
            "mkdir /tmp/d 2>&1; true",
            Has(&["not permitted"]),
        ),
        Case::inside(
            "seccomp/default-errno-with-allow-list",
            |c| {
                c["linux"]["seccomp"] = json!({
                    "defaultAction": "SCMP_ACT_ERRNO",
                    "defaultErrnoRet": 13,
                    "syscalls": [{"action": "SCMP_ACT_ALLOW", "names": [
                        "read", "write", "open", "openat", "openat2", "close", "stat", "fstat",
                        "lstat", "newfstatat", "statx", "execve", "exit", "exit_group", "brk",
                        "mmap", "munmap", "mprotect", "rt_sigaction", "rt_sigprocmask",
                        "rt_sigreturn", "arch_prctl", "set_tid_address", "set_robust_list", "rseq",
                        "prlimit64", "getuid", "geteuid", "getgid", "getegid", "getppid", "getpid",
                        "getcwd", "fcntl", "dup2", "pipe", "pipe2", "wait4", "clone", "vfork",
                        "fork", "ioctl", "getrandom", "readlink", "uname", "prctl", "futex",
                        "getdents64", "chdir", "sendfile", "poll", "capget", "capset", "setgroups",
                        "setuid", "setgid", "setresuid", "setresgid", "getpgrp", "umask", "access",
                        "faccessat", "faccessat2", "lseek", "writev", "readv", "close_range",
                        "fstatfs", "statfs", "sigaltstack", "tgkill", "gettid", "getpgid", "setpgid",
                        "epoll_create1", "epoll_ctl", "epoll_pwait", "sched_yield", "nanosleep",
                        "sched_getaffinity", "eventfd2", "madvise", "mincore", "setsid", "dup",
                        "dup3", "recvmsg", "sendmsg", "recvfrom", "sendto", "socketpair",
                        "unlinkat", "execveat", "fchdir", "pread64", "clone3"
                    ]}],
                });
            },
            "mkdir /d 2>&1; true",
            Has(&["Permission denied"]),
        ),
        Case::inside(
            "seccomp/argument-equal",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 1, "value": 0o700, "op": "SCMP_CMP_EQ"}]},
                {"names": ["fchmodat"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 2, "value": 0o700, "op": "SCMP_CMP_EQ"}]}]),
                )
            },
            "touch /f; chmod 0700 /f 2>/dev/null || echo refused; chmod 0711 /f && echo changed",
            Out("refused\nchanged"),
        ),
        Case::inside(
            "seccomp/argument-masked",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 1, "value": 0o700, "valueTwo": 0o500, "op": "SCMP_CMP_MASKED_EQ"}]}]),
                )
            },
            "mkdir -m 0511 /a 2>/dev/null; test -d /a; echo $?; umask 0; mkdir /b && echo made",
            Has(&["made"]),
        ),
        Case::inside(
            "seccomp/arguments-must-all-match",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28,
                "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
                         {"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]}]),
                )
            },
            "kill -0 1 2>&1; kill -CONT 1 && echo sent",
            Has(&["No space left", "sent"]),
        ),
        Case::inside(
            "seccomp/same-argument-twice-is-either",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28,
                "args": [{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"},
                         {"index": 1, "value": 18, "op": "SCMP_CMP_EQ"}]}]),
                )
            },
            "kill -0 1 2>&1; kill -CONT 1 2>&1; kill -WINCH 1 && echo sent",
            Has(&["No space left on device\n", "sent"]),
        ),
        Case::inside(
            "seccomp/unknown-name-is-left-out",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["no_such_call", "mkdir"], "action": "SCMP_ACT_ERRNO"}]),
                )
            },
            MKDIR,
            Has(&["not permitted"]),
        ),
        Case::inside(
            "seccomp/flag-log",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["linux"]["seccomp"]["flags"] = json!(["SECCOMP_FILTER_FLAG_LOG"]);
            },
            MKDIR,
            Has(&["not permitted"]),
        ),
        Case::inside(
            "seccomp/flags",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["linux"]["seccomp"]["flags"] =
                    json!(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]);
            },
            MKDIR,
            Has(&["not permitted"]),
        ),
        Case::inside(
            "seccomp/no-architectures-is-native",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["linux"]["seccomp"]["architectures"] = json!([]);
            },
            MKDIR,
            Has(&["not permitted"]),
        ),
        Case::bed("seccomp/exec-is-filtered", |bed| {
            let mut config = bed.sleeper();
            seccomp(&mut config, rule("SCMP_ACT_ERRNO"));
            bed.start(&config)?;
            let out = bed.exec("mkdir /d 2>&1 || grep Seccomp: /proc/self/status")?;
            ensure!(out.contains("not permitted") && out.contains('2'), "{out}");
            Ok(())
        }),
        Case::bed("seccomp/setup-is-not-hindered", |bed| {
            // The runtime makes these calls itself; the filter comes after them.
            let mut config = bed.script("echo fine");
            seccomp(
                &mut config,
                json!([{"action": "SCMP_ACT_ERRNO", "names": [
                    "mount", "pivot_root", "sethostname", "unshare", "setns", "chroot", "mknod",
                    "mknodat", "umount2", "fsopen", "fsmount", "move_mount", "open_tree", "symlinkat",
                    "mount_setattr", "setrlimit", "keyctl", "bpf",
                ]}]),
            );
            same("inside", bed.run(&config)?.ok()?.trim(), "fine")
        }),
        Case::inside(
            "seccomp/kills-foreign-architectures",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["linux"]["seccomp"]["architectures"] = json!(["SCMP_ARCH_X86_64"]);
            },
            "exit 0",
            Status(0),
        ),
    ]
}

fn faults() -> Vec<Case> {
    vec![
        Case::refused(
            "seccomp/unknown-action",
            |c| seccomp(c, rule("SCMP_ACT_EXPLODE")),
            &["SCMP_ACT_EXPLODE", "action"],
        ),
        Case::refused(
            "seccomp/unknown-default-action",
            |c| c["linux"]["seccomp"] = json!({"defaultAction": "EXPLODE"}),
            &["EXPLODE", "action"],
        ),
        Case::refused(
            "seccomp/unknown-architecture",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["linux"]["seccomp"]["architectures"] = json!(["SCMP_ARCH_ABACUS"]);
            },
            &["SCMP_ARCH_ABACUS", "arch"],
        ),
        Case::refused(
            "seccomp/unknown-flag",
            |c| {
                seccomp(c, rule("SCMP_ACT_ERRNO"));
                c["linux"]["seccomp"]["flags"] = json!(["SECCOMP_FILTER_FLAG_NOPE"]);
            },
            &["flag"],
        ),
        Case::refused(
            "seccomp/unknown-operator",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_NEARLY"}]}]),
                )
            },
            &["SCMP_CMP_NEARLY", "operator"],
        ),
        Case::refused(
            "seccomp/argument-out-of-range",
            |c| {
                seccomp(
                    c,
                    json!([{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]),
                )
            },
            &["argument", "index", "syscall condition"],
        ),
        Case::refused(
            "seccomp/notify-as-default",
            |c| {
                c["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_NOTIFY",
                    "listenerPath": "/nonexistent"});
            },
            &["SCMP_ACT_NOTIFY"],
        ),
        Case::refused(
            "seccomp/notify-of-write",
            |c| {
                seccomp(c, json!([{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}]));
                c["linux"]["seccomp"]["listenerPath"] = json!("/nonexistent");
            },
            &["SCMP_ACT_NOTIFY"],
        ),
        Case::refused(
            "seccomp/notify-without-listener",
            |c| seccomp(c, rule("SCMP_ACT_NOTIFY")),
            &["listenerPath"],
        ),
        Case::bed("seccomp/listener-not-there", |bed| {
            let mut config = bed.sleeper();
            seccomp(&mut config, rule("SCMP_ACT_NOTIFY"));
            config["linux"]["seccomp"]["listenerPath"] = json!("/nonexistent/socket");
            bed.write(&config)?;
            // The filter may be loaded at create or at start.
            let created = bed.call(&["create", bed.id()])?;
            let called = match created.status {
                0 => bed.call(&["start", bed.id()])?,
                _ => created,
            };
            called.failed(&["/nonexistent/socket", "no such file"])?;
            Ok(())
        }),
    ]
}

fn listener() -> Vec<Case> {
    vec![
        Case::bed("seccomp/listener-gets-descriptor-and-state", |bed| {
            let socket = DescriptorSocket::listen(&bed.path("listener"))?;
            let mut config = bed.sleeper();
            seccomp(&mut config, rule("SCMP_ACT_NOTIFY"));
            config["linux"]["seccomp"]["listenerPath"] = json!(bed.path("listener"));
            config["linux"]["seccomp"]["listenerMetadata"] = json!("some metadata");
            config["annotations"] = json!({"org.example.key": "value"});
            let (received, started) = std::thread::scope(|scope| {
                let receiving = scope.spawn(|| socket.receive());
                let started = bed.start(&config);
                (receiving.join(), started)
            });
            started?;
            let (message, descriptors) =
                received.map_err(|_| anyhow::anyhow!("the listener died"))??;
            same("descriptors", descriptors.len(), 1)?;
            let message: Value = serde_json::from_slice(&message)
                .with_context(|| String::from_utf8_lossy(&message).into_owned())?;
            same("fds", &message["fds"], &json!(["seccompFd"]))?;
            same("metadata", &message["metadata"], &json!("some metadata"))?;
            same("id", &message["state"]["id"], &json!(bed.id()))?;
            same(
                "annotations",
                &message["state"]["annotations"]["org.example.key"],
                &json!("value"),
            )?;
            let pid = message["pid"].as_u64().context("pid")?;
            same("pid", pid, bed.pid()?)?;
            let link = fs::read_link(format!(
                "/proc/self/fd/{}",
                std::os::fd::AsRawFd::as_raw_fd(&descriptors[0])
            ))?;
            ensure!(link.to_string_lossy().contains("seccomp"), "{}", link.display());
            Ok(())
        }),
        Case::bed("seccomp/listener-of-exec", |bed| -> Result<()> {
            let socket = DescriptorSocket::listen(&bed.path("listener"))?;
            let mut config = bed.sleeper();
            seccomp(&mut config, rule("SCMP_ACT_NOTIFY"));
            config["linux"]["seccomp"]["listenerPath"] = json!(bed.path("listener"));
            bed.start(&config)?;
            drop(socket.receive()?);
            // A listener that is gone answers every call with "not implemented".
            let called = std::thread::scope(|scope| {
                let receiving = scope.spawn(|| socket.receive().map(|(_, fds)| fds.len()));
                let called = bed.call(&["exec", bed.id(), "/bin/sh", "-c", "mkdir /d 2>&1; true"]);
                (called, receiving.join())
            });
            let descriptors = called.1.map_err(|_| anyhow::anyhow!("the listener died"))??;
            same("descriptors", descriptors, 1)?;
            let out = called.0?.ok()?;
            ensure!(out.contains("not implemented"), "{out}");
            Ok(())
        }),
        Case::bed("seccomp/metadata-without-listener", |bed| {
            let mut config = bed.config();
            seccomp(&mut config, rule("SCMP_ACT_ERRNO"));
            config["linux"]["seccomp"]["listenerMetadata"] = json!("lost");
            refused(bed, &config, &["listener"])
        }),
    ]
}
