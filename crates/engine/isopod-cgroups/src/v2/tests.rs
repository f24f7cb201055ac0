//! Conversions from the specification's version 1 units, and refusals, by table.

use isopod_oci::runtime::{LinuxCpu, LinuxMemory};

use super::cpu::{max, weight_from_shares};
use super::io::weight_from_blkio;
use super::memory::swap_alone;
use super::*;

#[test]
fn shares_to_weight() {
    for (shares, weight) in [
        (0, 1),
        (2, 1),
        (3, 2),
        (102, 17),
        (512, 59),
        (1024, 100),
        (2048, 174),
        (10_240, 639),
        (262_143, 10_000),
        (262_144, 10_000),
        (u64::MAX, 10_000),
    ] {
        assert_eq!(weight_from_shares(shares), weight, "{shares}");
    }
}

#[test]
fn blkio_to_io_weight() {
    for (from, to) in [(10, 1), (1000, 10_000), (500, 4950), (0, 1)] {
        assert_eq!(weight_from_blkio(from), to, "{from}");
    }
}

#[test]
fn quota_and_period() {
    for (quota, period, now, expected) in [
        (None, None, "", None),
        (Some(0), Some(0), "", None),
        (Some(50_000), None, "max 100000", Some("50000 100000")),
        (Some(50_000), Some(200_000), "1 1", Some("50000 200000")),
        (Some(50_000), None, "10000 20000", Some("50000 20000")),
        (Some(-1), None, "", Some("max 100000")),
        (None, Some(20_000), "10000 50000\n", Some("10000 20000")),
        (None, Some(20_000), "", Some("max 20000")),
    ] {
        let cpu = LinuxCpu { quota, period, ..LinuxCpu::default() };
        let found = max(&cpu, |_| now.to_owned());
        assert_eq!(found.as_deref(), expected, "{quota:?} {period:?} {now}");
    }
}

#[test]
fn swap() {
    for (limit, swap, expected) in [
        (None, None, Ok(None)),
        (Some(100), None, Ok(None)),
        (Some(100), Some(300), Ok(Some(200))),
        (Some(100), Some(100), Ok(Some(0))),
        (Some(100), Some(-1), Ok(Some(-1))),
        (Some(-1), None, Ok(Some(-1))),
        (Some(-1), Some(500), Err("memory.swap")),
        (None, Some(500), Err("memory.swap")),
        (Some(100), Some(50), Err("memory.swap")),
        (Some(-5), Some(50), Err("memory.limit")),
    ] {
        let memory = LinuxMemory { limit, swap, ..LinuxMemory::default() };
        match (swap_alone(&memory), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{limit:?} {swap:?}"),
            (Err(error), Err(field)) => assert!(error.to_string().starts_with(field), "{error}"),
            (found, expected) => panic!("{limit:?} {swap:?}: {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn what_counts_as_a_limit() {
    let mut resources = LinuxResources::default();
    assert!(!needs_controllers(&resources));
    resources.devices = crate::devices::default_rules().collect();
    resources.memory = Some(LinuxMemory::default());
    resources.pids = Some(isopod_oci::runtime::LinuxPids { limit: Some(0) });
    assert!(!needs_controllers(&resources));
    resources.pids = Some(isopod_oci::runtime::LinuxPids { limit: Some(-1) });
    assert!(needs_controllers(&resources));
}
