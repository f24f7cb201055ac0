//! `df`: what takes space on disk, and how much of it could be freed.

use std::io::Write;
use std::rc::Rc;

use anyhow::{Context, Result};
use isopod_base::times::Timestamp;
use isopod_base::units::{human_size, human_size_digits};
use isopod_docker_types::{BuildCacheRecord, ContainerSummary, DiskUsage, ImageSummary, Volume};

use crate::args::{Flag, Parsed, boolean};
use crate::commands::{Command, Names, Operands};
use crate::container::{CONTAINER_COLUMNS, container_row};
use crate::image::{IMAGE_COLUMNS, image_rows};
use crate::output::{Columns, Listing, ago, format_flags, print_rows, short_id, stdout};
use crate::session::Session;
use crate::template::Value;
use crate::volume::{VOLUME_COLUMNS, volume_row};

static FLAGS: &[Flag] = &[boolean("verbose", 'v', "Show every image, container and volume")];

static FORMAT: [Flag; 2] = format_flags();

pub(super) static DISK_USAGE: Command = Command {
    names: &["system df", "df"],
    usage: "[OPTIONS]",
    summary: "Show what takes space on disk",
    examples: &[("df", "Show sums"), ("df -v", "Show every image, container and volume")],
    flags: &[FLAGS, &FORMAT],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(disk_usage(session, flags)),
    ..Command::DEFAULT
};

const COLUMNS: Columns = Columns {
    type_name: "*formatter.diskUsageContext",
    titles: &[
        ("Type", "TYPE"),
        ("TotalCount", "TOTAL"),
        ("Active", "ACTIVE"),
        ("Size", "SIZE"),
        ("Reclaimable", "RECLAIMABLE"),
    ],
    table: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
};

const IMAGE_TABLE: &str = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}";
const CONTAINER_TABLE: &str = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}";
const VOLUME_TABLE: &str = "{{.Name}}\t{{.Links}}\t{{.Size}}";

const CACHE_COLUMNS: Columns = Columns {
    type_name: "*formatter.buildCacheContext",
    titles: &[
        ("ID", "CACHE ID"),
        ("CacheType", "CACHE TYPE"),
        ("Size", "SIZE"),
        ("CreatedSince", "CREATED"),
        ("LastUsedSince", "LAST USED"),
        ("UsageCount", "USAGE"),
        ("Shared", "SHARED"),
    ],
    table: "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}",
};

/// A row of the sums.
struct Sum {
    kind: &'static str,
    total: usize,
    active: usize,
    size: u64,
    reclaimable: u64,
    /// Whether the share is shown, as docker does for some.
    percent: bool,
}

async fn disk_usage(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let usage: DiskUsage = session.client.get("/system/df").await?;
    let images = usage.images.unwrap_or_default();
    let containers = usage.containers.unwrap_or_default();
    let volumes = usage.volumes.unwrap_or_default();
    if flags.on("verbose") {
        let caches = usage.build_cache.unwrap_or_default();
        return verbose(&flags, &images, &containers, &volumes, &caches);
    }
    let caches = usage.build_cache.unwrap_or_default();
    let cache_size: i64 = caches.iter().filter(|cache| !cache.shared).map(|cache| cache.size).sum();
    let rows: Vec<Value> = [
        image_sum(&images, usage.layers_size),
        container_sum(&containers),
        volume_sum(&volumes),
        Sum {
            kind: "Build Cache",
            total: caches.len(),
            active: caches.iter().filter(|cache| cache.in_use).count(),
            size: cache_size.max(usage.builder_size).unsigned_abs(),
            reclaimable: caches
                .iter()
                .filter(|cache| !cache.in_use && !cache.shared)
                .map(|cache| cache.size.unsigned_abs())
                .sum(),
            percent: false,
        },
    ]
    .iter()
    .map(row)
    .collect();
    print_rows(&COLUMNS, &Listing::from_flags(&flags, COLUMNS.table)?, &rows)?;
    Ok(0)
}

fn image_sum(images: &[ImageSummary], layers: i64) -> Sum {
    let active = |image: &&ImageSummary| image.containers > 0;
    let used: i64 = images
        .iter()
        .filter(active)
        .filter(|image| image.size >= 0 && image.shared_size >= 0)
        .map(|image| image.size - image.shared_size)
        .sum();
    Sum {
        kind: "Images",
        total: images.len(),
        active: images.iter().filter(active).count(),
        size: layers.unsigned_abs(),
        reclaimable: (layers - used).max(0).unsigned_abs(),
        percent: true,
    }
}

fn container_sum(containers: &[ContainerSummary]) -> Sum {
    let active = |container: &&ContainerSummary| {
        matches!(container.state.as_str(), "running" | "paused" | "restarting")
            || container.status.contains("Up ")
    };
    let size = |container: &ContainerSummary| container.size_rw.unsigned_abs();
    let total = containers.iter().map(size).sum();
    let used: u64 = containers.iter().filter(active).map(size).sum();
    Sum {
        kind: "Containers",
        total: containers.len(),
        active: containers.iter().filter(active).count(),
        size: total,
        reclaimable: total - used,
        percent: total > 0,
    }
}

fn volume_sum(volumes: &[Volume]) -> Sum {
    let size = |volume: &Volume| {
        volume.usage_data.as_ref().map_or(0, |usage| u64::try_from(usage.size).unwrap_or(0))
    };
    let active =
        |volume: &&Volume| volume.usage_data.as_ref().is_some_and(|usage| usage.ref_count > 0);
    let total: u64 = volumes.iter().map(size).sum();
    Sum {
        kind: "Local Volumes",
        total: volumes.len(),
        active: volumes.iter().filter(active).count(),
        size: total,
        reclaimable: total - volumes.iter().filter(active).map(size).sum::<u64>(),
        percent: total > 0,
    }
}

fn row(sum: &Sum) -> Value {
    let mut reclaimable = human_size(sum.reclaimable);
    if sum.percent && sum.size > 0 {
        reclaimable.push_str(&format!(" ({}%)", sum.reclaimable * 100 / sum.size));
    }
    let fields = [
        ("Active", sum.active.to_string()),
        ("Reclaimable", reclaimable),
        ("Size", human_size(sum.size)),
        ("TotalCount", sum.total.to_string()),
        ("Type", sum.kind.to_owned()),
    ];
    Value::Map(
        fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text))).collect(),
    )
}

fn verbose(
    flags: &Parsed,
    images: &[ImageSummary],
    containers: &[ContainerSummary],
    volumes: &[Volume],
    caches: &[BuildCacheRecord],
) -> Result<i32> {
    let image_rows: Vec<Value> = images
        .iter()
        .filter_map(|image| image_rows(image, true, false).into_iter().next())
        .collect();
    let container_rows: Vec<Value> = containers
        .iter()
        .map(|container| {
            // Only what the container itself takes.
            let container = ContainerSummary { size_root_fs: 0, ..container.clone() };
            container_row(&container, true)
        })
        .collect();
    let volume_rows: Vec<Value> = volumes.iter().map(volume_row).collect();
    if flags.given("format") || flags.given("output") {
        let all = Value::Map(vec![
            ("Images".to_owned(), Value::List(image_rows)),
            ("Containers".to_owned(), Value::List(container_rows)),
            ("Volumes".to_owned(), Value::List(volume_rows)),
            ("BuildCache".to_owned(), Value::List(caches.iter().map(cache_row).collect())),
        ]);
        print_rows(&COLUMNS, &Listing::from_flags(flags, COLUMNS.table)?, &[all])?;
        return Ok(0);
    }
    let mut out = stdout();
    let table = |template: &str| Listing::Table(template.to_owned());
    writeln!(out, "Images space usage:\n").context("write to standard output")?;
    print_rows(&IMAGE_COLUMNS, &table(IMAGE_TABLE), &image_rows)?;
    writeln!(out, "\nContainers space usage:\n").context("write to standard output")?;
    print_rows(&CONTAINER_COLUMNS, &table(CONTAINER_TABLE), &container_rows)?;
    writeln!(out, "\nLocal Volumes space usage:\n").context("write to standard output")?;
    print_rows(&VOLUME_COLUMNS, &table(VOLUME_TABLE), &volume_rows)?;
    let size: i64 = caches.iter().filter(|cache| !cache.shared).map(|cache| cache.size).sum();
    writeln!(out, "\nBuild cache usage: {}\n", human_size(size.unsigned_abs()))
        .context("write to standard output")?;
    let cache_rows: Vec<Value> = caches.iter().map(cache_row).collect();
    print_rows(&CACHE_COLUMNS, &table(CACHE_COLUMNS.table), &cache_rows)?;
    Ok(0)
}

fn cache_row(cache: &BuildCacheRecord) -> Value {
    let since = |time: &str| Timestamp::parse(time).map_or(String::new(), ago);
    let mut id = short_id(&cache.id);
    if cache.in_use {
        id.push('*');
    }
    let fields = [
        ("CacheType", cache.kind.clone()),
        ("CreatedSince", since(&cache.created_at)),
        ("ID", id),
        ("LastUsedSince", since(cache.last_used_at.as_deref().unwrap_or_default())),
        ("Shared", cache.shared.to_string()),
        ("Size", human_size_digits(cache.size.unsigned_abs(), 3)),
        ("UsageCount", cache.usage_count.to_string()),
    ];
    Value::Map(
        fields.into_iter().map(|(name, text)| (name.to_owned(), Value::Text(text))).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        let image = |containers, size, shared_size| ImageSummary {
            containers,
            size,
            shared_size,
            ..ImageSummary::default()
        };
        let sum = image_sum(&[image(1, 100, 40), image(0, 50, 0)], 150);
        assert_eq!((sum.active, sum.size, sum.reclaimable), (1, 150, 90));
        let field = |name: &str| row(&sum).member(name).map(Value::to_string);
        assert_eq!(field("Reclaimable").as_deref(), Some("90B (60%)"));
    }
}
