//! Properties of the unit: what it is, and those limits that systemd has a name for.

use std::collections::BTreeMap;

use isopod_oci::runtime::{LinuxCpu, LinuxResources};

use super::Unit;
use super::dbus::Value;
use super::device_properties;
use crate::config::Paths;
use crate::error::{Error, Result};
use crate::hierarchy::Mode;
use crate::v2;

type Properties = Vec<(String, Value)>;

/// Releases of systemd that learned a property.
const QUOTA_PERIOD_SINCE: u32 = 242;
const CPUSET_SINCE: u32 = 244;
const IDLE_SINCE: u32 = 252;
const OOM_POLICY_SINCE: u32 = 253;

const DEFAULT_PERIOD_US: u64 = 100_000;

/// What the unit is.
pub(super) fn for_start(unit: &Unit, id: &str, paths: &Paths, pid: i32) -> Properties {
    let mut all = vec![property("Description", Value::Str(format!("isopod container {id}")))];
    if unit.is_slice() {
        all.push(property("Wants", Value::Strings(vec![unit.slice().to_owned()])));
    } else {
        all.push(property("Slice", Value::Str(unit.slice().to_owned())));
        all.push(property("Delegate", Value::Bool(true)));
        all.push(property("PIDs", Value::U32s(vec![pid.cast_unsigned()])));
    }
    let io = if paths.mode == Mode::V2 { "IOAccounting" } else { "BlockIOAccounting" };
    for name in ["MemoryAccounting", "CPUAccounting", io, "TasksAccounting"] {
        all.push(property(name, Value::Bool(true)));
    }
    all.push(property("DefaultDependencies", Value::Bool(false)));
    all
}

/// The limits.
pub(super) fn for_resources(
    resources: &LinuxResources,
    mode: Mode,
    version: u32,
) -> Result<Properties> {
    let v2 = mode == Mode::V2;
    let mut all = Properties::new();
    if !resources.devices.is_empty() {
        all.extend(device_properties::generate(&resources.devices)?);
    }
    if let Some(memory) = &resources.memory {
        let mut bytes = |name: &str, value: Option<i64>| {
            if let Some(value) = value.filter(|value| *value != 0) {
                all.push(property(name, Value::U64(value.cast_unsigned())));
            }
        };
        bytes(if v2 { "MemoryMax" } else { "MemoryLimit" }, memory.limit);
        if v2 {
            bytes("MemoryLow", memory.reservation);
            bytes("MemorySwapMax", v2::swap_alone(memory)?);
        }
    }
    if let Some(cpu) = &resources.cpu {
        add_cpu(&mut all, cpu, v2, version);
        add_sets(&mut all, cpu, version)?;
    }
    if let Some(limit) = resources.pids.and_then(|pids| pids.limit).filter(|limit| *limit != 0) {
        all.push(property("TasksMax", Value::U64(u64::try_from(limit).unwrap_or(u64::MAX))));
    }
    if !v2
        && let Some(weight) =
            resources.block_io.as_ref().and_then(|io| io.weight).filter(|w| *w != 0)
    {
        all.push(property("BlockIOWeight", Value::U64(u64::from(weight))));
    }
    if v2 {
        add_unified(&mut all, &resources.unified, version)?;
    }
    Ok(all)
}

fn property(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn add_cpu(all: &mut Properties, cpu: &LinuxCpu, v2: bool, version: u32) {
    let idle = v2 && cpu.idle == Some(1) && version >= IDLE_SINCE;
    match cpu.shares.filter(|shares| *shares != 0) {
        // Weight 0 is systemd's word for idle.
        _ if idle => all.push(property("CPUWeight", Value::U64(0))),
        Some(shares) if v2 => {
            all.push(property("CPUWeight", Value::U64(v2::weight_from_shares(shares))));
        }
        Some(shares) => all.push(property("CPUShares", Value::U64(shares))),
        None => {}
    }
    add_quota(all, cpu.quota.unwrap_or(0), cpu.period.unwrap_or(0), version);
}

/// systemd keeps whole percents and rounds down what it is given, so that the files would be
/// limited below what was asked for: it is rounded up here.
fn add_quota(all: &mut Properties, quota: i64, period: u64, version: u32) {
    const PERCENT: u64 = 10_000;
    if period != 0 && version >= QUOTA_PERIOD_SINCE {
        all.push(property("CPUQuotaPeriodUSec", Value::U64(period)));
    }
    if quota == 0 && period == 0 {
        return;
    }
    let per_second = match u64::try_from(quota) {
        Ok(quota) if quota > 0 => {
            let period = if period == 0 { DEFAULT_PERIOD_US } else { period };
            (quota.saturating_mul(1_000_000) / period).next_multiple_of(PERCENT)
        }
        _ => u64::MAX,
    };
    all.push(property("CPUQuotaPerSecUSec", Value::U64(per_second)));
}

fn add_sets(all: &mut Properties, cpu: &LinuxCpu, version: u32) -> Result<()> {
    for (name, field, list) in
        [("AllowedCPUs", "cpu.cpus", &cpu.cpus), ("AllowedMemoryNodes", "cpu.mems", &cpu.mems)]
    {
        let Some(list) = list.as_ref().filter(|list| !list.is_empty()) else { continue };
        if version >= CPUSET_SINCE {
            all.push(property(name, Value::Bytes(bits(field, list)?)));
        }
    }
    Ok(())
}

/// `0-2,7` as a bit mask, lowest byte first.
pub(super) fn bits(field: &str, list: &str) -> Result<Vec<u8>> {
    const LIMIT: usize = 8192;
    let invalid = || Error::invalid(field, list, "a list like 0-2,7");
    let mut mask = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let from: usize = from.trim().parse().map_err(|_| invalid())?;
        let to: usize = to.trim().parse().map_err(|_| invalid())?;
        if from > to || to >= LIMIT {
            return Err(invalid());
        }
        if mask.len() <= to / 8 {
            mask.resize(to / 8 + 1, 0);
        }
        for bit in from..=to {
            mask[bit / 8] |= 1_u8 << (bit % 8);
        }
    }
    if mask.is_empty() { Err(invalid()) } else { Ok(mask) }
}

/// Files of the tree that systemd has a property for; all of them are written to the files
/// afterwards anyway, but systemd would undo those when it applies its own idea of the unit.
fn add_unified(
    all: &mut Properties,
    unified: &BTreeMap<String, String>,
    version: u32,
) -> Result<()> {
    let number = |file: &str, text: &str| match text {
        "max" => Ok(u64::MAX),
        _ => text.parse::<u64>().map_err(|_| {
            Error::invalid(format!("linux.resources.unified[{file:?}]"), text, "a number or max")
        }),
    };
    let idle = unified.get("cpu.idle").is_some_and(|v| v.trim() == "1") && version >= IDLE_SINCE;
    for (file, value) in unified {
        let value = value.trim();
        let direct = match file.as_str() {
            "memory.high" => "MemoryHigh",
            "memory.low" => "MemoryLow",
            "memory.min" => "MemoryMin",
            "memory.max" => "MemoryMax",
            "memory.swap.max" => "MemorySwapMax",
            "pids.max" => "TasksMax",
            "cpu.weight" if !idle => "CPUWeight",
            _ => "",
        };
        match file.as_str() {
            _ if !direct.is_empty() => {
                all.push(property(direct, Value::U64(number(file, value)?)));
            }
            "cpu.idle" if idle => all.push(property("CPUWeight", Value::U64(0))),
            "cpu.max" => {
                let mut fields = value.split_ascii_whitespace();
                let quota = match fields.next() {
                    None | Some("max") => -1,
                    Some(text) => i64::try_from(number(file, text)?).unwrap_or(i64::MAX),
                };
                let period = fields.next().map_or(Ok(DEFAULT_PERIOD_US), |t| number(file, t))?;
                add_quota(all, quota, period, version);
            }
            "cpuset.cpus" if version >= CPUSET_SINCE => {
                all.push(property("AllowedCPUs", Value::Bytes(bits(file, value)?)));
            }
            "cpuset.mems" if version >= CPUSET_SINCE => {
                all.push(property("AllowedMemoryNodes", Value::Bytes(bits(file, value)?)));
            }
            // Cannot be changed once the unit runs, so it has to be known from the start.
            "memory.oom.group" if version >= OOM_POLICY_SINCE => {
                let policy = if value == "1" { "kill" } else { "continue" };
                all.push(property("OOMPolicy", Value::Str(policy.to_owned())));
            }
            _ => {}
        }
    }
    Ok(())
}
