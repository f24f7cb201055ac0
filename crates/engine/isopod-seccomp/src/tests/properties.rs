//! Random profiles: the program must agree with a straightforward evaluation of the profile.

use isopod_oci::runtime::{LinuxSeccomp, SeccompArg, SeccompRule};
use proptest::prelude::*;
use proptest::{collection, option, sample};

use super::interpreter::{Call, run};
use crate::{Arch, compile, number};

const NAMES: &[&str] = &[
    "read",
    "write",
    "open",
    "mkdir",
    "socket",
    "connect",
    "clone3",
    "socketcall",
    "openat2",
    "set_tls",
    "fchmod",
    "fchown",
    "ioctl",
    "no_such_call",
    "chown32",
    "semop",
    "mmap",
    "dup",
];
const VALUES: &[u64] = &[
    0,
    1,
    2,
    3,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0xffff_ffff_ffff_fffe,
    u64::MAX,
];
const OPS: &[&str] = &[
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
];
const ACTIONS: &[&str] = &[
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_LOG",
];

fn value() -> impl Strategy<Value = u64> {
    sample::select(VALUES)
}

fn arg() -> impl Strategy<Value = SeccompArg> {
    (0..6u32, value(), value(), sample::select(OPS)).prop_map(|(index, value, value_two, op)| {
        SeccompArg { index, value, value_two, op: op.to_owned() }
    })
}

fn action() -> impl Strategy<Value = (String, Option<u32>)> {
    (sample::select(ACTIONS), option::of(0..100u32)).prop_map(|(name, errno)| {
        let takes = name == "SCMP_ACT_ERRNO" || name == "SCMP_ACT_TRACE";
        (name.to_owned(), errno.filter(|_| takes))
    })
}

fn rule() -> impl Strategy<Value = SeccompRule> {
    let names = collection::vec(sample::select(NAMES).prop_map(str::to_owned), 1..4);
    (names, action(), collection::vec(arg(), 0..4)).prop_map(|(names, action, args)| SeccompRule {
        names,
        action: action.0,
        errno_ret: action.1,
        args,
    })
}

fn profile() -> impl Strategy<Value = LinuxSeccomp> {
    let archs = sample::subsequence(
        vec![
            "SCMP_ARCH_X86_64",
            "SCMP_ARCH_X86",
            "SCMP_ARCH_X32",
            "SCMP_ARCH_ARM",
            "SCMP_ARCH_PPC",
        ],
        0..5,
    );
    (action(), archs, collection::vec(rule(), 0..40)).prop_map(|(action, archs, syscalls)| {
        LinuxSeccomp {
            default_action: action.0,
            default_errno_ret: action.1,
            architectures: archs.into_iter().map(str::to_owned).collect(),
            syscalls,
            ..LinuxSeccomp::default()
        }
    })
}

fn returned(action: &str, errno: Option<u32>) -> u32 {
    let errno = errno.unwrap_or(1);
    match action {
        "SCMP_ACT_KILL" => 0,
        "SCMP_ACT_KILL_PROCESS" => 0x8000_0000,
        "SCMP_ACT_TRAP" => 0x0003_0000,
        "SCMP_ACT_ERRNO" => 0x0005_0000 | errno,
        "SCMP_ACT_TRACE" => 0x7ff0_0000 | errno,
        "SCMP_ACT_LOG" => 0x7ffc_0000,
        "SCMP_ACT_ALLOW" => 0x7fff_0000,
        other => panic!("{other}"),
    }
}

fn holds(arg: &SeccompArg, args: &[u64; 6], wide: bool) -> bool {
    let cut = |value: u64| if wide { value } else { value & 0xffff_ffff };
    let actual = cut(args[arg.index as usize]);
    let (value, two) = (cut(arg.value), cut(arg.value_two));
    match arg.op.as_str() {
        "SCMP_CMP_NE" => actual != value,
        "SCMP_CMP_LT" => actual < value,
        "SCMP_CMP_LE" => actual <= value,
        "SCMP_CMP_EQ" => actual == value,
        "SCMP_CMP_GE" => actual >= value,
        "SCMP_CMP_GT" => actual > value,
        "SCMP_CMP_MASKED_EQ" => actual & value == two & value,
        other => panic!("{other}"),
    }
}

fn matches(rule: &SeccompRule, args: &[u64; 6], wide: bool) -> bool {
    let repeated = rule
        .args
        .iter()
        .enumerate()
        .any(|(at, arg)| rule.args[..at].iter().any(|earlier| earlier.index == arg.index));
    if repeated {
        rule.args.iter().any(|arg| holds(arg, args, wide))
    } else {
        rule.args.iter().all(|arg| holds(arg, args, wide))
    }
}

/// Call and first argument by which 32-bit programs reach a call.
fn multiplexer(name: &str) -> Option<(u32, u64)> {
    match name {
        "socket" => Some((102, 1)),
        "connect" => Some((102, 3)),
        "semop" => Some((117, 1)),
        _ => None,
    }
}

/// The profile, read rule by rule for one call.
fn expected(profile: &LinuxSeccomp, arch: Arch, call: Call) -> u32 {
    let native = arch == Arch::X86_64 || arch == Arch::Aarch64;
    if !native && !profile.architectures.iter().any(|name| name == arch.scmp_name()) {
        return 0;
    }
    let default = returned(&profile.default_action, profile.default_errno_ret);
    let wide = matches!(arch, Arch::X86_64 | Arch::Aarch64);
    let relevant =
        || profile.syscalls.iter().filter(|rule| returned(&rule.action, rule.errno_ret) != default);
    let names =
        |rule: &SeccompRule| rule.names.iter().any(|name| number(name, arch) == Some(call.number));
    let multiplexed = |rule: &SeccompRule| {
        arch == Arch::X86
            && rule.args.is_empty()
            && rule
                .names
                .iter()
                .any(|name| multiplexer(name) == Some((call.number, call.args[0] & 0xffff_ffff)))
    };
    if let Some(rule) = relevant().find(|rule| rule.args.is_empty() && names(rule)) {
        return returned(&rule.action, rule.errno_ret);
    }
    // A rule for several names may reach the same call by its own number and through the
    // multiplexer; both lead to the same action.
    if let Some(rule) = relevant()
        .find(|rule| (names(rule) && matches(rule, &call.args, wide)) || multiplexed(rule))
    {
        return returned(&rule.action, rule.errno_ret);
    }
    let newest = profile
        .syscalls
        .iter()
        .flat_map(|rule| rule.names.iter().map(|name| (name, rule.args.is_empty())))
        .flat_map(|(name, whole)| {
            // Who lets a call pass knows the one that it is reached by.
            let entry = if whole && arch == Arch::X86 { multiplexer(name) } else { None };
            [number(name, arch), entry.map(|(entry, _)| entry)]
        })
        .flatten()
        .filter(|&number| arch != Arch::Arm || number < 0xf0000)
        .max();
    let permissive = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"];
    let in_table = arch != Arch::Arm || call.number < 0xf0000;
    match newest {
        Some(newest)
            if call.number > newest
                && in_table
                && call.number != u32::MAX
                && !permissive.contains(&profile.default_action.as_str()) =>
        {
            0x0005_0026
        }
        _ => default,
    }
}

fn call_number(arch: Arch) -> impl Strategy<Value = u32> {
    let base = if arch == Arch::X32 { 1 << 30 } else { 0 };
    prop_oneof![
        8 => sample::select(NAMES).prop_map(move |name| number(name, arch).unwrap_or(base)),
        2 => (0..480u32).prop_map(move |number| base + number),
        1 => Just(base + 100_000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_agree_with_their_profile(
        profile in profile(),
        calls in collection::vec(
            (
                sample::select(vec![Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm])
                    .prop_flat_map(|arch| (Just(arch), call_number(arch))),
                proptest::array::uniform6(value()),
            ),
            1..40,
        ),
    ) {
        let x86 = compile(&profile, Arch::X86_64).expect("compiles");
        let arm = compile(&profile, Arch::Aarch64).expect("compiles");
        for ((arch, number), args) in calls {
            let call = Call { number, arch: arch.audit(), args };
            let program = if matches!(arch, Arch::Aarch64 | Arch::Arm) { &arm } else { &x86 };
            prop_assert_eq!(
                run(program, call).0,
                expected(&profile, arch, call),
                "{:?} {:?}", arch, call
            );
        }
    }
}
