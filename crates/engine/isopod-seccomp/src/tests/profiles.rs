//! Cases that a person can check by eye.

use isopod_oci::runtime::{LinuxSeccomp, SeccompArg, SeccompRule};

use super::interpreter::{Call, run};
use crate::{Action, Arch, Error, compile, docker_default, number};

fn profile(json: &str) -> LinuxSeccomp {
    serde_json::from_str(json).expect("a profile")
}

fn verdict(profile: &LinuxSeccomp, arch: Arch, name: &str, args: &[u64]) -> u32 {
    let number = number(name, arch).unwrap_or_else(|| panic!("{name} on {arch:?}"));
    by_number(profile, arch, number, args)
}

fn by_number(profile: &LinuxSeccomp, arch: Arch, number: u32, args: &[u64]) -> u32 {
    let native =
        if matches!(arch, Arch::Aarch64 | Arch::Arm) { Arch::Aarch64 } else { Arch::X86_64 };
    let program = compile(profile, native).expect("compiles");
    let mut all = [0; 6];
    all[..args.len()].copy_from_slice(args);
    let call = Call { number, arch: arch.audit(), args: all };
    run(&program, call).0
}

const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x0005_0001;
const ENOSYS: u32 = 0x0005_0026;
const KILL: u32 = 0;

#[test]
fn every_action_has_the_kernels_value() {
    let cases = [
        (r#""SCMP_ACT_KILL""#, 0),
        (r#""SCMP_ACT_KILL_THREAD""#, 0),
        (r#""SCMP_ACT_KILL_PROCESS""#, 0x8000_0000),
        (r#""SCMP_ACT_TRAP""#, 0x0003_0000),
        (r#""SCMP_ACT_ERRNO""#, EPERM),
        (r#""SCMP_ACT_ERRNO","errnoRet":13"#, 0x0005_000d),
        (r#""SCMP_ACT_TRACE","errnoRet":700"#, 0x7ff0_02bc),
        (r#""SCMP_ACT_TRACE""#, 0x7ff0_0001),
        (r#""SCMP_ACT_LOG""#, 0x7ffc_0000),
        (r#""SCMP_ACT_NOTIFY""#, 0x7fc0_0000),
    ];
    for (action, expected) in cases {
        let profile = profile(&format!(
            r#"{{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/l",
                "syscalls":[{{"names":["mkdir"],"action":{action}}}]}}"#
        ));
        assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &[]), expected, "{action}");
        assert_eq!(verdict(&profile, Arch::X86_64, "rmdir", &[]), ALLOW, "{action}");
    }
}

#[test]
fn operators_compare_all_64_bits() {
    let big = 0x1_0000_0005u64;
    type Case<'a> = (&'a str, u64, u64, &'a [(u64, bool)]);
    let cases: &[Case<'_>] = &[
        ("SCMP_CMP_EQ", big, 0, &[(big, true), (5, false), (0x2_0000_0005, false)]),
        ("SCMP_CMP_NE", big, 0, &[(big, false), (5, true)]),
        ("SCMP_CMP_LT", big, 0, &[(big, false), (big - 1, true), (9, true), (u64::MAX, false)]),
        ("SCMP_CMP_LE", big, 0, &[(big, true), (big + 1, false), (0x2_0000_0000, false)]),
        ("SCMP_CMP_GT", big, 0, &[(big, false), (big + 1, true), (0xffff_ffff, false)]),
        ("SCMP_CMP_GE", big, 0, &[(big, true), (big - 1, false), (0x2_0000_0000, true)]),
        ("SCMP_CMP_MASKED_EQ", 0xf0, 0x30, &[(0x3f, true), (0x4f, false), (0x1_0000_0030, true)]),
        ("SCMP_CMP_MASKED_EQ", 0xff_0000_0000, 0x1_0000_0000, &[(big, true), (5, false)]),
        // The value is masked, too.
        ("SCMP_CMP_MASKED_EQ", 0xf0, 0x3f, &[(0x30, true), (0x3f, true)]),
        ("SCMP_CMP_MASKED_EQ", 0, 7, &[(0, true), (9, true)]),
    ];
    for (op, value, value_two, expected) in cases {
        for index in 0..6u32 {
            let profile = LinuxSeccomp {
                default_action: "SCMP_ACT_ALLOW".into(),
                syscalls: vec![SeccompRule {
                    names: vec!["mkdir".into()],
                    action: "SCMP_ACT_ERRNO".into(),
                    args: vec![SeccompArg {
                        index,
                        value: *value,
                        value_two: *value_two,
                        op: (*op).into(),
                    }],
                    ..Default::default()
                }],
                ..Default::default()
            };
            for &(arg, matches) in *expected {
                let mut args = [0x55; 6];
                args[index as usize] = arg;
                let expected = if matches { EPERM } else { ALLOW };
                let got = verdict(&profile, Arch::X86_64, "mkdir", &args);
                assert_eq!(got, expected, "{op} {value:#x} on argument {index} = {arg:#x}");
            }
        }
    }
}

#[test]
fn conditions_on_different_arguments_must_all_hold() {
    let profile = profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],
            "action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},
            {"index":1,"value":2,"op":"SCMP_CMP_EQ"}]}]}"#,
    );
    assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &[1, 2]), EPERM);
    assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &[1, 3]), ALLOW);
    assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &[0, 2]), ALLOW);
}

#[test]
fn conditions_on_one_argument_are_alternatives() {
    let profile = profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],
            "action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},
            {"index":0,"value":2,"op":"SCMP_CMP_EQ"},{"index":1,"value":9,"op":"SCMP_CMP_EQ"}]}]}"#,
    );
    for (args, expected) in [([1, 0], EPERM), ([2, 0], EPERM), ([3, 9], EPERM), ([3, 0], ALLOW)] {
        assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &args), expected, "{args:?}");
    }
}

#[test]
fn unconditional_rules_outweigh_conditional_ones() {
    let conditional = r#"{"names":["mkdir"],"action":"SCMP_ACT_TRAP",
        "args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]}"#;
    let plain = r#"{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}"#;
    for rules in [format!("{conditional},{plain}"), format!("{plain},{conditional}")] {
        let profile =
            profile(&format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{rules}]}}"#));
        assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &[1]), EPERM);
        assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &[2]), EPERM);
    }
}

#[test]
fn architectures_outside_the_profile_are_killed() {
    let plain = profile(r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#);
    assert_eq!(verdict(&plain, Arch::X86_64, "mkdir", &[]), ALLOW);
    assert_eq!(verdict(&plain, Arch::X86, "mkdir", &[]), KILL);
    assert_eq!(verdict(&plain, Arch::X32, "mkdir", &[]), KILL);
    assert_eq!(verdict(&plain, Arch::Aarch64, "mkdirat", &[]), ALLOW);
    assert_eq!(verdict(&plain, Arch::Arm, "mkdir", &[]), KILL);
    let all = profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32",
            "SCMP_ARCH_ARM","SCMP_ARCH_S390X"],
            "syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}"#,
    );
    for arch in [Arch::X86_64, Arch::X86, Arch::X32, Arch::Arm] {
        assert_eq!(verdict(&all, arch, "mkdir", &[]), EPERM, "{arch:?}");
        assert_eq!(verdict(&all, arch, "fchmod", &[]), ALLOW, "{arch:?}");
    }
}

#[test]
fn calls_newer_than_the_profile_do_not_exist() {
    let strict = profile(
        r#"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X32"],
            "syscalls":[{"names":["read","openat2"],"action":"SCMP_ACT_ALLOW"}]}"#,
    );
    let bit = 1 << 30;
    let cases = [
        (0, ALLOW),
        (1, EPERM),
        (437, ALLOW),
        (438, ENOSYS),
        (bit - 1, ENOSYS),
        (bit, ALLOW),
        (bit + 1, EPERM),
        (bit + 438, ENOSYS),
        (u32::MAX, EPERM),
    ];
    for (number, expected) in cases {
        assert_eq!(by_number(&strict, Arch::X86_64, number, &[]), expected, "{number:#x}");
    }
    let private = profile(
        r#"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_ARM"],
            "syscalls":[{"names":["read","set_tls"],"action":"SCMP_ACT_ALLOW"}]}"#,
    );
    for (number, expected) in [(3, ALLOW), (4, ENOSYS), (0xf0005, ALLOW), (0xf0002, EPERM)] {
        assert_eq!(by_number(&private, Arch::Arm, number, &[]), expected, "{number:#x}");
    }
    let permissive = profile(
        r#"{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}"#,
    );
    assert_eq!(by_number(&permissive, Arch::X86_64, 999, &[]), 0x7ffc_0000);
}

#[test]
fn x86_reaches_multiplexed_calls_either_way() {
    let profile = profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],
            "syscalls":[{"names":["connect","shmat"],"action":"SCMP_ACT_ERRNO"}]}"#,
    );
    assert_eq!(verdict(&profile, Arch::X86, "connect", &[]), EPERM);
    assert_eq!(verdict(&profile, Arch::X86, "socketcall", &[3]), EPERM);
    assert_eq!(verdict(&profile, Arch::X86, "socketcall", &[2]), ALLOW);
    assert_eq!(verdict(&profile, Arch::X86, "ipc", &[21]), EPERM);
}

#[test]
fn flags_and_listener() {
    let flags = |flags: &str, action: &str| {
        let profile = profile(&format!(
            r#"{{"defaultAction":"SCMP_ACT_ALLOW","flags":[{flags}],"listenerPath":"/l",
                "syscalls":[{{"names":["mkdir"],"action":"{action}"}}]}}"#
        ));
        let program = compile(&profile, Arch::X86_64).expect("compiles");
        (program.flags(), program.wants_listener())
    };
    let all = r#""SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV""#;
    assert_eq!(flags("", "SCMP_ACT_ERRNO"), (0, false));
    assert_eq!(flags(all, "SCMP_ACT_ERRNO"), (0b0111, false));
    assert_eq!(flags(all, "SCMP_ACT_NOTIFY"), (0b11_1111, true));
}

#[test]
fn faults_name_their_place() {
    let rule = |rule: &str| {
        format!(
            r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{{"names":["read"],"action":"SCMP_ACT_ERRNO"}},{rule}]}}"#
        )
    };
    let cases = [
        (
            r#"{"defaultAction":"ALLOW"}"#.to_owned(),
            "seccomp.defaultAction: unknown seccomp action \"ALLOW\"",
        ),
        (r#"{"defaultAction":"SCMP_ACT_NOTIFY"}"#.to_owned(), "cannot be used as default action"),
        (
            r#"{"defaultAction":"SCMP_ACT_ALLOW","defaultErrnoRet":1}"#.to_owned(),
            "takes no error number",
        ),
        (
            r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4096}"#.to_owned(),
            "4096 is out of range (0 to 4095)",
        ),
        (
            r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["X86"]}"#.to_owned(),
            "unknown architecture \"X86\"",
        ),
        (
            r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["FLAG"]}"#.to_owned(),
            "seccomp flag \"FLAG\" is not known",
        ),
        (
            r#"{"defaultAction":"SCMP_ACT_ALLOW","listenerMetadata":"x"}"#.to_owned(),
            "listenerPath is not",
        ),
        (rule(r#"{"names":[],"action":"SCMP_ACT_ALLOW"}"#), "seccomp.syscalls[1]: empty string"),
        (
            rule(r#"{"names":["write"],"action":"SCMP_ACT_NOTIFY"}"#),
            "cannot be used for the write syscall",
        ),
        (
            rule(r#"{"names":["read"],"action":"SCMP_ACT_NOTIFY"}"#),
            "seccomp.listenerPath is not set, but seccomp.syscalls[1]",
        ),
        (
            rule(r#"{"names":["read"],"action":"SCMP_ACT_TRAP","args":[{"index":0,"op":"EQ"}]}"#),
            "seccomp.syscalls[1].args[0]: unknown seccomp operator \"EQ\"",
        ),
        (
            rule(
                r#"{"names":["read"],"action":"SCMP_ACT_TRAP","args":[{"index":6,"op":"SCMP_CMP_EQ"}]}"#,
            ),
            "argument index 6 is out of range",
        ),
    ];
    for (json, expected) in cases {
        let error = compile(&profile(&json), Arch::X86_64).expect_err(&json).to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}

#[test]
fn too_long_is_an_error() {
    let rules: Vec<String> = (0..3000)
        .map(|value| format!(r#"{{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{{"index":0,"value":{value},"op":"SCMP_CMP_EQ"}}]}}"#))
        .collect();
    let profile = profile(&format!(
        r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]}}"#,
        rules.join(",")
    ));
    assert!(matches!(compile(&profile, Arch::X86_64), Err(Error::TooLong { .. })));
}

#[test]
fn unknown_names_are_left_out_and_listed() {
    let profile = profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","no_such_call"],"action":"SCMP_ACT_ERRNO"}]}"#,
    );
    let program = compile(&profile, Arch::X86_64).expect("compiles");
    assert_eq!(program.ignored(), ["no_such_call"]);
    assert_eq!(verdict(&profile, Arch::X86_64, "mkdir", &[]), EPERM);
}

#[test]
fn docker_default_allows_and_refuses() {
    let none: [&str; 0] = [];
    let plain = docker_default(&none, Arch::X86_64, (6, 1));
    let admin = docker_default(&["CAP_SYS_ADMIN"], Arch::X86_64, (6, 1));
    let cases: &[(&str, &[u64], u32, u32)] = &[
        ("read", &[], ALLOW, ALLOW),
        ("unshare", &[0], EPERM, ALLOW),
        ("mount", &[], EPERM, ALLOW),
        ("clone", &[0x0001_0000], ALLOW, ALLOW),
        ("clone", &[0x1000_0000], EPERM, ALLOW),
        ("clone3", &[], ENOSYS, ALLOW),
        ("keyctl", &[], EPERM, EPERM),
        ("io_uring_setup", &[], EPERM, EPERM),
        ("personality", &[0], ALLOW, ALLOW),
        ("personality", &[0x0040_0000], EPERM, EPERM),
        ("personality", &[0xffff_ffff], ALLOW, ALLOW),
        ("socket", &[2], ALLOW, ALLOW),
        ("socket", &[16], ALLOW, ALLOW),
        ("socket", &[38], EPERM, EPERM),
        ("socket", &[40], EPERM, EPERM),
        ("ptrace", &[], ALLOW, ALLOW),
        ("arch_prctl", &[], ALLOW, ALLOW),
        ("file_getattr", &[], ENOSYS, ENOSYS),
    ];
    for (name, args, without, with) in cases {
        assert_eq!(verdict(&plain, Arch::X86_64, name, args), *without, "{name}{args:x?}");
        assert_eq!(verdict(&admin, Arch::X86_64, name, args), *with, "{name}{args:x?}, admin");
    }
    let old = docker_default(&none, Arch::X86_64, (4, 4));
    assert_eq!(verdict(&old, Arch::X86_64, "ptrace", &[]), EPERM);
    let arm = docker_default(&none, Arch::Aarch64, (6, 1));
    assert_eq!(verdict(&arm, Arch::Arm, "set_tls", &[]), ALLOW);
    assert_eq!(verdict(&arm, Arch::Aarch64, "openat", &[]), ALLOW);
    // The tree stays shallow: a call costs tens of instructions, not hundreds.
    let program = compile(&plain, Arch::X86_64).expect("compiles");
    for number in 0..470 {
        let call = Call { number, arch: Arch::X86_64.audit(), args: [99; 6] };
        let steps = run(&program, call).1;
        assert!(steps <= 160, "call {number} takes {steps} steps");
    }
    let allow = Call { number: 0, arch: Arch::X86_64.audit(), args: [0; 6] };
    assert!(run(&program, allow).1 <= 12);
    assert_eq!(Action::Allow.return_value(), ALLOW);
}
