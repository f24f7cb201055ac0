//! Volumes.

use crate::convert::signed;
use isopod_docker_types as wire;
use isopod_engine as domain;

/// A volume on the wire.
pub(crate) fn volume(volume: domain::Volume) -> wire::Volume {
    wire::Volume {
        created_at: volume.created.map(|time| time.rfc3339()).unwrap_or_default(),
        driver: volume.driver,
        labels: volume.labels,
        mountpoint: volume.mountpoint.display().to_string(),
        name: volume.name,
        options: volume.options,
        scope: "local".into(),
        usage_data: None,
    }
}

/// A volume with its use.
pub(crate) fn used(usage: domain::VolumeUsage) -> wire::Volume {
    wire::Volume {
        usage_data: Some(wire::VolumeUsage {
            ref_count: signed(usage.references),
            size: signed(usage.size_bytes),
        }),
        ..volume(usage.volume)
    }
}
