//! The mounts of a container: the kernel's file systems, the engine's small files, the user's own.

use super::namespaces::Namespaces;
use super::prepared;
use crate::containers::Record;
use crate::error::{Error, Result};
use crate::{Engine, IpcMode, MountKind, MountPoint};
use isopod_oci::runtime::{Mount, NamespaceKind};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Where the init of `--init` is in a container.
pub(crate) const INIT_PATH: &str = "/sbin/docker-init";

const SHARED_MEMORY: &str = "/dev/shm";

/// Detached mounts by destination.
pub(super) type Prepared = Vec<(String, OwnedFd)>;

/// Everything that is mounted, in order, and what of it is prepared already.
pub(crate) fn build(
    engine: &Engine,
    record: &Record,
    namespaces: &Namespaces,
    init: bool,
) -> Result<(Vec<Mount>, Prepared)> {
    let mut prepared = Prepared::new();
    let mut own = user_mounts(engine, record, &mut prepared)?;
    own.extend(tmpfs_mounts(record));
    own.sort_by_key(|mount| Path::new(&mount.destination).components().count());
    let taken = |destination: &str| own.iter().any(|mount| mount.destination == destination);
    if let Some(pid) = namespaces.ipc_of
        && !taken(SHARED_MEMORY)
    {
        prepared.push((SHARED_MEMORY.to_owned(), prepared::shared_memory(pid)?));
    }
    let mut mounts: Vec<_> = kernel_mounts(record, namespaces)
        .into_iter()
        .chain(engine_files(engine, record))
        .filter(|mount| !taken(&mount.destination))
        .collect();
    if init && !namespaces.shares(NamespaceKind::Pid) {
        let program = engine.init_program()?;
        mounts.push(bind(
            &program.to_string_lossy(),
            INIT_PATH,
            &["bind", "ro", "nosuid", "nodev"],
        ));
    }
    if record.host.readonly_rootfs {
        for mount in &mut mounts {
            let stays = matches!(
                mount.destination.as_str(),
                "/proc" | "/dev" | "/dev/pts" | "/dev/shm" | "/dev/mqueue"
            );
            if !stays && !mount.options.iter().any(|option| option == "ro") {
                mount.options.retain(|option| option != "rw");
                mount.options.push("ro".into());
            }
        }
    }
    mounts.extend(own);
    Ok((mounts, prepared))
}

/// The root's propagation: mounts of the host must be able to arrive where a bind asks for it.
pub(crate) fn root_propagation(record: &Record) -> Option<String> {
    let has = |kinds: [&str; 2]| {
        record.mounts.iter().any(|mount| kinds.contains(&mount.propagation.as_str()))
    };
    if has(["shared", "rshared"]) {
        Some("shared".into())
    } else if has(["slave", "rslave"]) {
        Some("rslave".into())
    } else {
        None
    }
}

fn kernel_mounts(record: &Record, namespaces: &Namespaces) -> Vec<Mount> {
    let privileged = record.host.privileged;
    let read_only = if privileged { "rw" } else { "ro" };
    let mut mounts = vec![
        file_system("proc", "/proc", &["nosuid", "noexec", "nodev"]),
        file_system("tmpfs", "/dev", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        file_system(
            "devpts",
            "/dev/pts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        file_system("sysfs", "/sys", &["nosuid", "noexec", "nodev", read_only]),
        file_system(
            "cgroup",
            "/sys/fs/cgroup",
            &["nosuid", "noexec", "nodev", "relatime", read_only],
        ),
    ];
    let shares_ipc = namespaces.shares(NamespaceKind::Ipc);
    if shares_ipc {
        mounts.push(bind("/dev/mqueue", "/dev/mqueue", &["rbind", "nosuid", "noexec", "nodev"]));
        if !Path::new("/dev/mqueue").exists() {
            mounts.pop();
        }
        mounts.push(bind("/dev/shm", "/dev/shm", &["rbind", "nosuid", "noexec", "nodev"]));
    } else {
        mounts.push(file_system("mqueue", "/dev/mqueue", &["nosuid", "noexec", "nodev"]));
        match (&record.host.ipc_mode, namespaces.ipc_of) {
            (IpcMode::None, _) => {}
            (_, Some(_)) => {
                mounts.push(bind(
                    SHARED_MEMORY,
                    SHARED_MEMORY,
                    &["bind", "nosuid", "noexec", "nodev"],
                ));
            }
            _ => {
                let size = format!("size={}", record.host.shm_size_bytes);
                mounts.push(file_system(
                    "tmpfs",
                    "/dev/shm",
                    &["nosuid", "noexec", "nodev", "mode=1777", &size],
                ));
            }
        }
    }
    mounts
}

fn engine_files(engine: &Engine, record: &Record) -> Vec<Mount> {
    let directory = engine.data_dir(&record.id);
    ["resolv.conf", "hostname", "hosts"]
        .into_iter()
        .map(|name| {
            let source = directory.join(name);
            bind(&source.to_string_lossy(), &format!("/etc/{name}"), &["rbind", "rprivate"])
        })
        .collect()
}

fn user_mounts(engine: &Engine, record: &Record, prepared: &mut Prepared) -> Result<Vec<Mount>> {
    record.mounts.iter().map(|point| user_mount(engine, point, prepared)).collect()
}

fn user_mount(engine: &Engine, point: &MountPoint, prepared: &mut Prepared) -> Result<Mount> {
    let mut options = Vec::new();
    if point.kind == MountKind::Tmpfs {
        let mut mount = file_system("tmpfs", &point.destination, &["noexec", "nosuid", "nodev"]);
        mount.options.extend(point.tmpfs_options.iter().cloned());
        if !point.writable {
            mount.options.push("ro".into());
        }
        return Ok(mount);
    }
    if point.kind == MountKind::Image {
        prepared.push((point.destination.clone(), image_mount(engine, point)?));
        return Ok(bind(&point.name, &point.destination, &["rbind", "rprivate", "rro"]));
    }
    if point.kind == MountKind::Volume {
        let volume =
            engine.volumes.get(&point.name).ok_or_else(|| Error::no_volume(&point.name))?;
        if volume.options.contains_key("size") {
            crate::volume_files::mount(&volume)?;
        }
        if let Some(mount) = foreign_volume(&volume, point) {
            return Ok(mount);
        }
    } else if std::fs::symlink_metadata(&point.source).is_err() {
        return Err(Error::invalid(format_args!(
            "invalid mount config for type \"bind\": bind source path does not exist: {}",
            point.source
        )));
    }
    check_propagation(point)?;
    let source = point.source.clone();
    if !point.subpath.is_empty() {
        let tree = prepared::below(Path::new(&source), &point.subpath)?;
        prepared.push((point.destination.clone(), tree));
    }
    options.push(if point.non_recursive { "bind" } else { "rbind" }.to_owned());
    options.push(if point.propagation.is_empty() {
        "rprivate".into()
    } else {
        point.propagation.clone()
    });
    if !point.writable {
        // The mounts below as well, unless somebody wants it otherwise.
        let top_only =
            point.read_only_non_recursive || point.non_recursive || point.kind == MountKind::Volume;
        options.push(if top_only { "ro" } else { "rro" }.to_owned());
    }
    Ok(Mount {
        destination: point.destination.clone(),
        kind: Some("bind".into()),
        source: Some(source),
        options,
        ..Mount::default()
    })
}

/// What is to be shared, or to follow its original, must be so mounted.
fn check_propagation(point: &MountPoint) -> Result<()> {
    let (wanted, kinds): (&[&str], _) = match point.propagation.as_str() {
        "shared" | "rshared" => (&["shared:"], "a shared"),
        "slave" | "rslave" => (&["shared:", "master:"], "a shared or slave"),
        _ => return Ok(()),
    };
    let source = std::fs::canonicalize(&point.source)
        .map_err(Error::io(format_args!("look at {}", point.source)))?;
    let table = std::fs::read_to_string("/proc/self/mountinfo")
        .map_err(Error::io("read /proc/self/mountinfo"))?;
    // ID PARENT DEVICE ROOT MOUNT-POINT OPTIONS [PROPAGATION…] - …
    let fields = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mount = fields
        .filter(|fields| fields.len() > 6 && source.starts_with(fields[4]))
        .max_by_key(|fields| Path::new(fields[4]).components().count());
    let Some(fields) = mount else { return Ok(()) };
    let mut optional = fields[6..].iter().take_while(|field| **field != "-");
    if optional.any(|field| wanted.iter().any(|kind| field.starts_with(kind))) {
        return Ok(());
    }
    Err(Error::invalid(format_args!(
        "path {} is mounted on {} but it is not {kinds} mount",
        point.source, fields[4]
    )))
}

/// The files of an image, or what is at a path in them.
fn image_mount(engine: &Engine, point: &MountPoint) -> Result<OwnedFd> {
    let failed = || Error::internal(format_args!("mount image {}", point.source));
    let store = engine.images_store();
    let image = store.resolve(&point.name, None).map_err(|error| failed().because(error))?;
    // The view serves to mount it; what it shows is the image's, which is in use.
    let key = isopod_base::id::full();
    let mounts = store.view(&key, &image).map_err(|error| failed().because(error))?;
    let opened = mounts.open(&isopod_images::MountOptions::default());
    store.snapshots().remove(&key).map_err(|error| failed().because(error))?;
    let tree = opened.map_err(|error| failed().because(error))?;
    if point.subpath.is_empty() {
        return Ok(tree);
    }
    prepared::below_detached(tree, &point.source, &point.subpath)
}

/// A volume with options of its own (`type`, `device`, `o`) is mounted in the container alone.
fn foreign_volume(volume: &crate::Volume, point: &MountPoint) -> Option<Mount> {
    let device = volume.options.get("device")?;
    let mut options: Vec<String> = volume
        .options
        .get("o")
        .map(|options| options.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    if !point.writable {
        options.push("ro".into());
    }
    Some(Mount {
        destination: point.destination.clone(),
        kind: Some(volume.options.get("type").cloned().unwrap_or_else(|| "none".into())),
        source: Some(device.clone()),
        options,
        ..Mount::default()
    })
}

fn tmpfs_mounts(record: &Record) -> Vec<Mount> {
    record
        .host
        .tmpfs
        .iter()
        .map(|(destination, options)| {
            let own: Vec<_> = options.split(',').filter(|option| !option.is_empty()).collect();
            let opposite = |usual: &str| own.contains(&usual.trim_start_matches("no"));
            let usual = ["noexec", "nosuid", "nodev"].into_iter().filter(|usual| !opposite(usual));
            let options: Vec<_> = usual.chain(own.iter().copied()).collect();
            file_system("tmpfs", destination, &options)
        })
        .collect()
}

fn file_system(kind: &str, destination: &str, options: &[&str]) -> Mount {
    Mount {
        destination: destination.into(),
        kind: Some(kind.into()),
        source: Some(if destination == "/dev/shm" { "shm".into() } else { kind.to_owned() }),
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..Mount::default()
    }
}

fn bind(source: &str, destination: &str, options: &[&str]) -> Mount {
    Mount {
        destination: destination.into(),
        kind: Some("bind".into()),
        source: Some(source.into()),
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..Mount::default()
    }
}
