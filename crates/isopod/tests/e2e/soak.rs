//! Containers come and go by the thousand; the engine holds no more than before.
//!
//! `ISOPOD_TEST_CYCLES` makes it longer.

use isopod_testkit::skip;

use super::machine::{Machine, number_from};

/// How many command lines start containers at a time.
const AT_ONCE: u64 = 4;

/// Growth that is no leak: caches and the allocator's pieces.
const SLACK_KIB: u64 = 8 * 1024;

/// What the engine holds.
#[derive(Debug)]
struct Held {
    descriptors: usize,
    resident_kib: u64,
}

impl Held {
    fn now(machine: &Machine) -> Self {
        let pid = machine.isopod(&["system", "info", "--format", "{{.EnginePid}}"]);
        let process = std::path::Path::new("/proc").join(pid.trim());
        let status = std::fs::read_to_string(process.join("status")).expect("the engine runs");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        let descriptors = std::fs::read_dir(process.join("fd")).expect("the engine runs").count();
        Self { descriptors, resident_kib: resident.expect("a size") }
    }
}

/// Starts and removes containers, some of them on the bridge with a published port.
fn cycles(machine: &Machine, count: u64) {
    std::thread::scope(|scope| {
        for lane in 0..AT_ONCE {
            scope.spawn(move || {
                let port = format!("127.0.0.1:{}:80", 22000 + lane);
                for number in 0..count.div_ceil(AT_ONCE) {
                    let flags: &[&str] =
                        if number % 2 == 0 { &["--network", "none"] } else { &["-p", &port] };
                    let run = [&["run", "--rm"], flags, &["demo", "true"]].concat();
                    machine.isopod(&run);
                }
            });
        }
    });
}

#[test]
fn the_engine_does_not_grow() {
    let Some(machine) = Machine::new() else {
        return skip("the_engine_does_not_grow", "needs root and busybox");
    };
    let count = number_from("ISOPOD_TEST_CYCLES", 200);
    cycles(&machine, 100);
    let before = Held::now(&machine);
    cycles(&machine, count);
    let after = Held::now(&machine);
    println!("{count} cycles: {before:?}, then {after:?}");
    assert!(after.descriptors <= before.descriptors + 8, "descriptors: {before:?}, {after:?}");
    assert!(after.resident_kib <= before.resident_kib + SLACK_KIB, "{before:?}, {after:?}");
}
