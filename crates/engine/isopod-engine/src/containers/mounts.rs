//! Where the files of a container come from: binds, volumes, tmpfs, and volumes of others.

use super::Record;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{CreateVolume, Engine, Mount, MountKind, MountPoint};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// A mount point with what is to be done for it.
#[derive(Debug, Default)]
struct Wanted {
    point: MountPoint,
    volume: CreateVolume,
    /// Make the source directory when it is missing.
    create: bool,
}

impl Engine {
    /// Resolves all that a container mounts, and makes the volumes that are missing.
    pub(crate) async fn resolve_mounts(&self, record: &Record) -> Result<Vec<MountPoint>> {
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for from in &record.host.volumes_from {
            for point in self.mounts_of(from)? {
                wanted.insert(point.destination.clone(), Wanted { point, ..Wanted::default() });
            }
        }
        let mut own: BTreeMap<String, Wanted> = BTreeMap::new();
        for bind in &record.host.binds {
            add(&mut own, parse_bind(bind, &record.host.volume_driver)?)?;
        }
        for mount in &record.host.mounts {
            add(&mut own, from_mount(mount)?)?;
        }
        for target in record.host.tmpfs.keys() {
            let target = clean(target)?;
            if own.contains_key(&target) {
                return Err(Error::invalid(format_args!("Duplicate mount point: {target}")));
            }
        }
        wanted.extend(own);
        for target in &record.config.volumes {
            let target = clean(target)?;
            if wanted.contains_key(&target) || record.host.tmpfs.contains_key(&target) {
                continue;
            }
            let point = MountPoint {
                kind: MountKind::Volume,
                destination: target.clone(),
                driver: "local".into(),
                writable: true,
                anonymous: true,
                ..MountPoint::default()
            };
            wanted.insert(target, Wanted { point, ..Wanted::default() });
        }
        let mut points = Vec::with_capacity(wanted.len());
        for (_, wanted) in wanted {
            points.push(self.realize(wanted).await?);
        }
        Ok(points)
    }

    async fn realize(&self, wanted: Wanted) -> Result<MountPoint> {
        let mut point = wanted.point;
        match point.kind {
            MountKind::Bind if wanted.create => {
                let path = Path::new(&point.source);
                if !path.exists() {
                    crate::engine::make_directory(path, 0o755)?;
                }
            }
            MountKind::Bind if std::fs::symlink_metadata(&point.source).is_err() => {
                return Err(Error::invalid(format_args!(
                    "invalid mount config for type \"bind\": bind source path does not exist: {}",
                    point.source
                )));
            }
            MountKind::Volume if point.source.is_empty() => {
                point.anonymous = point.name.is_empty();
                let volume = if point.anonymous {
                    let volume = self.make_anonymous_volume()?;
                    point.name.clone_from(&volume.name);
                    volume
                } else {
                    self.make_volume(point.name.clone(), false, wanted.volume).await?
                };
                point.source = volume.mountpoint.to_string_lossy().into_owned();
                if let Some(device) = volume.options.get("device") {
                    point.source.clone_from(device);
                }
            }
            MountKind::Image => {
                // No "not found": a client would take it for the container's image.
                let image = self
                    .find_image(&point.source, None)
                    .await
                    .map_err(|error| Error::invalid(error.full_message()))?;
                point.name = image.id.to_string();
            }
            _ => {}
        }
        Ok(point)
    }

    /// The mount points of another container, by `NAME[:ro|rw]`.
    fn mounts_of(&self, from: &str) -> Result<Vec<MountPoint>> {
        let (name, mode) = match from.rsplit_once(':') {
            Some((name, mode)) => (name, mode),
            None => (from, ""),
        };
        let read_only = match mode {
            "" | "rw" | "z" | "Z" => false,
            "ro" => true,
            other => {
                return Err(Error::invalid(format_args!(
                    "invalid volumes-from specification: {from}: invalid mode: {other}"
                )));
            }
        };
        // No "not found": a client would take it for the image's.
        let other =
            self.containers.find(name).map_err(|error| Error::invalid(error.full_message()))?;
        let mut points = other.record().mounts;
        for point in &mut points {
            point.writable &= !read_only;
            point.anonymous = false;
        }
        Ok(points)
    }

    /// Copies what the image has at the place of an empty volume into it.
    pub(crate) async fn fill_volumes(
        &self,
        record: &Record,
        mounts: isopod_images::Mounts,
    ) -> Result<()> {
        let no_copy = |destination: &str| {
            let bind_says = record.host.binds.iter().any(|bind| {
                let parts: Vec<_> = bind.split(':').collect();
                parts.get(1) == Some(&destination)
                    && parts.get(2).is_some_and(|m| m.split(',').any(|o| o == "nocopy"))
            });
            let mount_says =
                record.host.mounts.iter().any(|m| m.no_copy && m.target == destination);
            bind_says || mount_says
        };
        let targets: Vec<_> = record
            .mounts
            .iter()
            .filter(|point| {
                point.kind == MountKind::Volume
                    && point.subpath.is_empty()
                    && !no_copy(&point.destination)
            })
            .filter(|point| is_empty(Path::new(&point.source)))
            .map(|point| (point.source.clone(), point.destination.clone()))
            .collect();
        if targets.is_empty() {
            return Ok(());
        }
        blocking(move || {
            let root = mounts.open(&isopod_images::MountOptions::default()).map_err(|source| {
                Error::internal("mount the image for its volumes").because(source)
            })?;
            for (source, destination) in targets {
                super::archive::copy_up(&root, &destination, Path::new(&source))?;
            }
            Ok(())
        })
        .await
    }
}

fn is_empty(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

fn add(wanted: &mut BTreeMap<String, Wanted>, new: Wanted) -> Result<()> {
    let target = new.point.destination.clone();
    match wanted.insert(target.clone(), new) {
        Some(_) => Err(Error::invalid(format_args!("Duplicate mount point: {target}"))),
        None => Ok(()),
    }
}

/// An absolute path without `.`, `..` and double slashes; not the root.
fn clean(path: &str) -> Result<String> {
    let invalid = |why: &str| Error::invalid(format_args!("invalid mount path: '{path}' {why}"));
    if !path.starts_with('/') {
        return Err(invalid("mount path must be absolute"));
    }
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::ParentDir => {
                parts.pop();
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        return Err(Error::invalid("invalid volume specification: destination can't be '/'"));
    }
    Ok(format!("/{}", parts.join("/")))
}

/// `source:target[:options]`, or `target` alone for an anonymous volume.
fn parse_bind(text: &str, driver: &str) -> Result<Wanted> {
    let invalid =
        |why: &str| Error::invalid(format_args!("invalid volume specification: '{text}'{why}"));
    let parts: Vec<_> = text.split(':').collect();
    let (source, target, options) = match parts[..] {
        [target] => ("", target, ""),
        [source, target] => (source, target, ""),
        [source, target, options] => (source, target, options),
        _ => return Err(invalid("")),
    };
    if target.is_empty() || (parts.len() > 1 && source.is_empty()) {
        return Err(invalid(""));
    }
    let destination = clean(target).map_err(|error| invalid(&format!(": {error}")))?;
    let mut wanted = Wanted {
        point: MountPoint {
            destination,
            mode: options.to_owned(),
            writable: true,
            ..MountPoint::default()
        },
        ..Wanted::default()
    };
    if source.starts_with('/') {
        wanted.point.kind = MountKind::Bind;
        wanted.point.source = normal(source);
        wanted.point.propagation = "rprivate".into();
        wanted.create = true;
    } else if source.starts_with('.') || source.starts_with('~') {
        return Err(invalid(&format!(
            ": {source:?} includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
        )));
    } else {
        wanted.point.kind = MountKind::Volume;
        wanted.point.name = source.to_owned();
        wanted.point.driver = "local".into();
        wanted.volume.driver = driver.to_owned();
    }
    for option in options.split(',').filter(|option| !option.is_empty()) {
        let is_bind = wanted.point.kind == MountKind::Bind;
        match option {
            "ro" => wanted.point.writable = false,
            "rw" => wanted.point.writable = true,
            "z" | "Z" | "consistent" | "cached" | "delegated" => {}
            "nocopy" if !is_bind => {}
            "bind-nonrecursive" if is_bind => wanted.point.non_recursive = true,
            "rbind" if is_bind => wanted.point.non_recursive = false,
            "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" if is_bind => {
                wanted.point.propagation = option.to_owned();
            }
            _ => return Err(invalid(&format!(": invalid mode: {options}"))),
        }
    }
    Ok(wanted)
}

/// Without `.`, `..` and a slash at the end.
fn normal(path: &str) -> String {
    clean(path).unwrap_or_else(|_| "/".into())
}

fn from_mount(mount: &Mount) -> Result<Wanted> {
    let kind = mount.kind.as_str();
    let invalid =
        |why: String| Error::invalid(format_args!("invalid mount config for type {kind:?}: {why}"));
    if mount.target.is_empty() {
        return Err(invalid("field Target must not be empty".into()));
    }
    let destination = clean(&mount.target).map_err(|error| invalid(error.to_string()))?;
    let mut point = MountPoint {
        kind: mount.kind,
        destination,
        writable: !mount.read_only,
        subpath: mount.subpath.clone(),
        ..MountPoint::default()
    };
    let mut wanted = Wanted::default();
    match mount.kind {
        MountKind::Bind => {
            if !mount.source.starts_with('/') {
                return Err(invalid(format!(
                    "invalid mount path: '{}' mount path must be absolute",
                    mount.source
                )));
            }
            let propagation =
                if mount.propagation.is_empty() { "rprivate" } else { &mount.propagation };
            if !["private", "rprivate", "shared", "rshared", "slave", "rslave"]
                .contains(&propagation)
            {
                return Err(invalid(format!("invalid propagation mode: {propagation}")));
            }
            point.source = normal(&mount.source);
            point.propagation = propagation.to_owned();
            point.non_recursive = mount.non_recursive;
            point.read_only_non_recursive = mount.read_only_non_recursive;
            wanted.create = mount.create_mountpoint;
        }
        MountKind::Volume => {
            if mount.source.starts_with('/') {
                return Err(invalid(format!(
                    "{:?} includes invalid characters for a local volume name",
                    mount.source
                )));
            }
            if Path::new(&mount.subpath).components().any(|c| !matches!(c, Component::Normal(_))) {
                return Err(invalid("subpath must be a relative path within the volume".into()));
            }
            point.name.clone_from(&mount.source);
            point.driver = "local".into();
            wanted.volume = CreateVolume {
                name: mount.source.clone(),
                driver: mount.volume_driver.clone(),
                options: mount.volume_options.clone(),
                labels: mount.volume_labels.clone(),
            };
        }
        MountKind::Tmpfs => {
            if !mount.source.is_empty() {
                return Err(invalid("field Source must not be specified".into()));
            }
            if mount.tmpfs_size_bytes > 0 {
                point.tmpfs_options.push(format!("size={}", mount.tmpfs_size_bytes));
            }
            if mount.tmpfs_mode != 0 {
                point.tmpfs_options.push(format!("mode={:o}", mount.tmpfs_mode));
            }
            point.tmpfs_options.extend(mount.tmpfs_options.iter().cloned());
        }
        MountKind::Image => {
            let mut parts = Path::new(&mount.subpath).components();
            if parts.any(|part| !matches!(part, Component::Normal(_))) {
                return Err(invalid("subpath must be a relative path within the image".into()));
            }
            point.source.clone_from(&mount.source);
            point.writable = false;
        }
    }
    wanted.point = point;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_are_read() {
        let bind = parse_bind("/src/../a:/dst/:ro,rslave", "").expect("valid").point;
        assert_eq!(
            (
                bind.source.as_str(),
                bind.destination.as_str(),
                bind.writable,
                bind.propagation.as_str()
            ),
            ("/a", "/dst", false, "rslave")
        );
        let volume = parse_bind("data:/d", "").expect("valid").point;
        assert_eq!((volume.kind, volume.name.as_str()), (MountKind::Volume, "data"));
        assert_eq!(parse_bind("/d", "").expect("valid").point.name, "");
        for bad in [
            "",
            ":/d",
            "a:b:c:d",
            "/a:b",
            "/a:/",
            "/a:/b:foo",
            "./x:/y",
            "v:/d:rslave",
            "/a:/b:nocopy",
        ] {
            assert!(parse_bind(bad, "").is_err(), "{bad}");
        }
    }
}
