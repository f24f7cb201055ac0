//! Images.

use crate::convert::{create, signed, time};
use crate::version::ApiVersion;
use isopod_docker_types as wire;
use isopod_engine as domain;

/// Clients before 1.44 want the size twice.
fn virtual_size(size: u64, version: ApiVersion) -> Option<i64> {
    (version < ApiVersion::new(1, 44)).then(|| signed(size))
}

/// An entry of the list.
pub(crate) fn summary(image: domain::ImageSummary, version: ApiVersion) -> wire::ImageSummary {
    wire::ImageSummary {
        // Counted for `system df` only.
        containers: image.containers.map_or(-1, signed),
        created: image.created.map_or(0, |time| time.seconds()),
        id: image.id,
        labels: image.labels,
        parent_id: String::new(),
        descriptor: None,
        repo_digests: image.repo_digests,
        repo_tags: image.repo_tags,
        shared_size: image.shared_bytes.map_or(-1, signed),
        size: signed(image.size_bytes),
        virtual_size: virtual_size(image.size_bytes, version),
    }
}

/// `GET /images/{name}/json`.
pub(crate) fn inspect(image: domain::ImageDetails, version: ApiVersion) -> wire::ImageInspect {
    let size = image.summary.size_bytes;
    wire::ImageInspect {
        id: image.summary.id,
        repo_tags: image.summary.repo_tags,
        repo_digests: image.summary.repo_digests,
        parent: String::new(),
        comment: image.comment,
        created: image.summary.created.map(|time| time.rfc3339()).unwrap_or_default(),
        docker_version: String::new(),
        author: image.author,
        config: Some(create::to_wire(&image.config)),
        architecture: image.architecture,
        variant: image.variant,
        os: image.os,
        os_version: String::new(),
        size: signed(size),
        virtual_size: virtual_size(size, version),
        graph_driver: wire::GraphDriver { name: image.driver, ..wire::GraphDriver::default() },
        root_fs: wire::ImageRootFs { kind: "layers".into(), layers: image.diff_ids },
        metadata: wire::ImageMetadata { last_tag_time: time(image.last_tagged) },
        descriptor: image.descriptor.filter(|_| version >= ApiVersion::new(1, 48)).map(
            |(media_type, digest, size)| wire::Descriptor {
                media_type,
                digest,
                size: signed(size),
                ..wire::Descriptor::default()
            },
        ),
    }
}

/// An entry of the history.
pub(crate) fn history(entry: domain::ImageHistory) -> wire::ImageHistoryItem {
    wire::ImageHistoryItem {
        comment: entry.comment,
        created: entry.created.map_or(0, |time| time.seconds()),
        created_by: entry.created_by,
        id: entry.id,
        size: signed(entry.size_bytes),
        tags: entry.tags,
    }
}

/// What a removal did.
pub(crate) fn removals(removals: Vec<domain::ImageRemoval>) -> Vec<wire::ImageDeleteItem> {
    removals
        .into_iter()
        .map(|removal| match removal {
            domain::ImageRemoval::Untagged(untagged) => {
                wire::ImageDeleteItem { untagged, ..wire::ImageDeleteItem::default() }
            }
            domain::ImageRemoval::Deleted(deleted) => {
                wire::ImageDeleteItem { deleted, ..wire::ImageDeleteItem::default() }
            }
        })
        .collect()
}

/// A step of a pull, push, load or import.
pub(crate) fn progress(step: domain::Progress) -> wire::JsonMessage {
    let mut message = wire::JsonMessage { id: step.id, ..wire::JsonMessage::default() };
    if let Some((tag, digest, size)) = step.pushed {
        let result = wire::PushResult { tag, digest, size: signed(size) };
        message.progress_detail = Some(wire::JsonProgress::default());
        message.aux = Some(serde_json::to_value(result).expect("a plain struct serializes"));
        return message;
    }
    if let Some(stream) = step.stream {
        message.stream = stream;
        return message;
    }
    if let Some((current, total)) = step.bytes {
        let detail = wire::JsonProgress {
            current: signed(current),
            total: signed(total),
            ..wire::JsonProgress::default()
        };
        message.progress = bar(current, total);
        message.progress_detail = Some(detail);
    } else if !message.id.is_empty() {
        // Docker writes `"progressDetail":{}` for the steps of a layer.
        message.progress_detail = Some(wire::JsonProgress::default());
    }
    message.status = step.status;
    message
}

/// The bar for clients that do not draw one: `[====>     ]  1.2MB/3.4MB`.
fn bar(current: u64, total: u64) -> String {
    use isopod_base::units::human_size;

    const WIDTH: u64 = 50;
    let numbers = human_size(current);
    if total == 0 || current > total {
        return numbers;
    }
    let done = (current.saturating_mul(WIDTH) / total).min(WIDTH) as usize;
    let rest = WIDTH as usize - done;
    let head = if rest == 0 { String::new() } else { format!(">{}", " ".repeat(rest - 1)) };
    format!("[{}{head}]  {numbers}/{}", "=".repeat(done), human_size(total))
}
