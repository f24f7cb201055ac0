//! Block devices: weights and rates.

use isopod_oci::runtime::{LinuxBlockIo, LinuxThrottleDevice};

use crate::error::Result;
use crate::group::Group;

pub(super) fn apply(group: &Group, io: &LinuxBlockIo) -> Result<()> {
    let weighted = io.weight.is_some() || !io.weight_device.is_empty();
    // CFQ is gone since kernel 5.0; its successor for weights is BFQ.
    let (weight_file, device_file) = if !weighted || group.has("blkio.weight") {
        ("blkio.weight", "blkio.weight_device")
    } else {
        ("blkio.bfq.weight", "blkio.bfq.weight_device")
    };
    if let Some(weight) = io.weight.filter(|weight| *weight != 0) {
        group.write(weight_file, &weight.to_string())?;
    }
    if let Some(weight) = io.leaf_weight.filter(|weight| *weight != 0) {
        group.write("blkio.leaf_weight", &weight.to_string())?;
    }
    for device in &io.weight_device {
        let of = |weight: u16| format!("{}:{} {weight}", device.major, device.minor);
        if let Some(weight) = device.weight.filter(|weight| *weight != 0) {
            group.write(device_file, &of(weight))?;
        }
        if let Some(weight) = device.leaf_weight.filter(|weight| *weight != 0) {
            group.write("blkio.leaf_weight_device", &of(weight))?;
        }
    }
    for (file, devices) in [
        ("blkio.throttle.read_bps_device", &io.throttle_read_bps_device),
        ("blkio.throttle.write_bps_device", &io.throttle_write_bps_device),
        ("blkio.throttle.read_iops_device", &io.throttle_read_iops_device),
        ("blkio.throttle.write_iops_device", &io.throttle_write_iops_device),
    ] {
        let lines: Vec<String> = devices.iter().map(line).collect();
        group.write_each(file, lines.iter().map(String::as_str))?;
    }
    Ok(())
}

fn line(device: &LinuxThrottleDevice) -> String {
    format!("{}:{} {}", device.major, device.minor, device.rate)
}
