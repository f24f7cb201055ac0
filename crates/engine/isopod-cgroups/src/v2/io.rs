//! Block devices: weights and rates.

use isopod_oci::runtime::LinuxBlockIo;

use super::write;
use crate::error::Result;
use crate::group::Group;

const BFQ_WEIGHT: &str = "io.bfq.weight";

pub(crate) fn is_set(io: &LinuxBlockIo) -> bool {
    io.weight.is_some_and(|weight| weight != 0)
        || io.leaf_weight.is_some_and(|weight| weight != 0)
        || [
            io.weight_device.len(),
            io.throttle_read_bps_device.len(),
            io.throttle_write_bps_device.len(),
            io.throttle_read_iops_device.len(),
            io.throttle_write_iops_device.len(),
        ]
        .iter()
        .any(|count| *count != 0)
}

/// `leafWeight` is of version 1 alone and has no counterpart here.
pub(super) fn apply(group: &Group, io: &LinuxBlockIo) -> Result<()> {
    let weight = io.weight.filter(|weight| *weight != 0);
    if weight.is_some() || !io.weight_device.is_empty() {
        let bfq = group.read_optional(BFQ_WEIGHT)?;
        match (weight, &bfq) {
            (Some(weight), Some(_)) => group.write(BFQ_WEIGHT, &weight.to_string())?,
            (Some(weight), None) => {
                write(group, "io", "io.weight", &weight_from_blkio(weight).to_string())?;
            }
            (None, _) => {}
        }
        // Kernels before 5.4 have one weight in the file and take none by device.
        let by_device = bfq.is_some_and(|text| text.trim().parse::<u64>().is_err());
        let file = if by_device { BFQ_WEIGHT } else { "io.weight" };
        for device in &io.weight_device {
            let Some(weight) = device.weight.filter(|weight| *weight != 0) else { continue };
            let weight = if by_device { u64::from(weight) } else { weight_from_blkio(weight) };
            write(group, "io", file, &format!("{}:{} {weight}", device.major, device.minor))?;
        }
    }
    for (key, devices) in [
        ("rbps", &io.throttle_read_bps_device),
        ("wbps", &io.throttle_write_bps_device),
        ("riops", &io.throttle_read_iops_device),
        ("wiops", &io.throttle_write_iops_device),
    ] {
        for device in devices {
            // Version 1 lifts a limit with 0, version 2 with max.
            let rate = match device.rate {
                0 => "max".to_owned(),
                rate => rate.to_string(),
            };
            let line = format!("{}:{} {key}={rate}", device.major, device.minor);
            write(group, "io", "io.max", &line)?;
        }
    }
    Ok(())
}

/// Weight of `io.weight` (1 to 10000) for a version 1 weight (10 to 1000), on a straight line.
pub(crate) fn weight_from_blkio(weight: u16) -> u64 {
    1 + u64::from(weight.saturating_sub(10)) * 9999 / 990
}
