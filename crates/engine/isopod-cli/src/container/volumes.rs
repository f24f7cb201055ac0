//! `--volume`, `--mount` and `--tmpfs`.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, bail};
use isopod_docker_types::{BindOptions, Mount, MountDriver, TmpfsOptions, VolumeOptions};

use crate::args::unquote;

/// What `--volume` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Volumes {
    /// `SOURCE:PATH[:OPTIONS]`.
    pub(super) binds: Vec<String>,
    /// Paths without a source.
    pub(super) anonymous: Vec<String>,
}

/// Reads `--volume` arguments.
pub(super) fn from_flags(specs: &[String]) -> Result<Volumes> {
    let mut volumes = Volumes::default();
    for spec in specs {
        let parts: Vec<&str> = spec.split(':').collect();
        if spec.is_empty() {
            bail!("invalid empty volume spec");
        }
        if parts.iter().any(|part| part.is_empty()) {
            bail!("invalid spec: {spec}: empty section between colons");
        }
        match parts.as_slice() {
            [path] => volumes.anonymous.push((*path).to_owned()),
            [_, _] | [_, _, _] => {
                let rest = &spec[parts[0].len()..];
                volumes.binds.push(format!("{}{rest}", absolute(parts[0])));
            }
            _ => bail!("invalid spec: {spec}: too many colons"),
        }
    }
    Ok(volumes)
}

/// `SOURCE:PATH[:OPTIONS]` of `--volume` arguments, where each needs a source.
pub(crate) fn bind_specs(specs: &[String]) -> Result<Vec<String>> {
    let volumes = from_flags(specs)?;
    match volumes.anonymous.first() {
        None => Ok(volumes.binds),
        Some(path) => bail!("invalid spec: {path}: expected SOURCE:PATH"),
    }
}

/// A path that begins with a dot is relative to our directory; other words name volumes.
fn absolute(source: &str) -> String {
    if !source.starts_with('.') {
        return source.to_owned();
    }
    match std::env::current_dir() {
        Ok(here) => clean(&here.join(source)).to_string_lossy().into_owned(),
        Err(_) => source.to_owned(),
    }
}

/// Takes `.` and `..` out of a path without looking at the disk.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// `PATH[:OPTIONS]`.
pub(super) fn tmpfs(spec: &str) -> (String, String) {
    let (path, options) = spec.split_once(':').unwrap_or((spec, ""));
    (path.to_owned(), options.to_owned())
}

/// One `--mount`.
pub(super) fn mount(spec: &str) -> Result<Mount, String> {
    let spec = spec.trim();
    if spec.is_empty() {
        return Err("value is empty".to_owned());
    }
    let mut mount = Mount { kind: "volume".to_owned(), ..Mount::default() };
    for field in unquote(spec)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (field.as_str(), None),
        };
        if key.trim() != key {
            return Err(format!(
                "invalid option '{}' in '{field}': option should not have whitespace",
                key.trim()
            ));
        }
        if let Some(value) = value {
            if value.trim().is_empty() {
                return Err(format!("invalid value for '{key}': value is empty"));
            }
            if value.trim() != value {
                return Err(format!(
                    "invalid value for '{key}' in '{field}': value should not have whitespace"
                ));
            }
        }
        set(&mut mount, &key.to_lowercase(), value, &field)?;
    }
    validate(&mount)?;
    Ok(mount)
}

fn set(mount: &mut Mount, key: &str, value: Option<&str>, field: &str) -> Result<(), String> {
    let switch = || match value {
        None => Ok(true),
        Some("1" | "true") => Ok(true),
        Some("0" | "false") => Ok(false),
        Some(other) => Err(format!(
            "invalid value for '{key}': invalid boolean value ({other:?}): must be one of \
             \"true\", \"1\", \"false\", or \"0\" (default \"true\")"
        )),
    };
    let switches = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"];
    if value.is_none() && !switches.contains(&key) {
        return Err(format!("invalid field '{field}' must be a key=value pair"));
    }
    let text = value.unwrap_or_default();
    match key {
        "type" => mount.kind = text.to_lowercase(),
        "source" | "src" => mount.source = absolute(text),
        "target" | "dst" | "destination" => mount.target = text.to_owned(),
        "readonly" | "ro" => mount.read_only = switch()?,
        "consistency" => mount.consistency = text.to_lowercase(),
        "bind-propagation" => bind(mount).propagation = text.to_lowercase(),
        "bind-nonrecursive" => bind(mount).non_recursive = switch()?,
        "bind-create-src" => bind(mount).create_mountpoint = switch()?,
        "bind-recursive" => match text {
            "enabled" => {}
            "disabled" => bind(mount).non_recursive = true,
            "writable" => bind(mount).read_only_non_recursive = true,
            "readonly" => bind(mount).read_only_force_recursive = true,
            other => {
                return Err(format!(
                    "invalid value for {key}: {other} (must be \"enabled\", \"disabled\", \
                     \"writable\", or \"readonly\")"
                ));
            }
        },
        "volume-subpath" => volume(mount).subpath = text.to_owned(),
        "volume-nocopy" => volume(mount).no_copy = switch()?,
        "volume-label" => {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            volume(mount).labels.insert(key.to_owned(), value.to_owned());
        }
        "volume-driver" => driver(mount).name = text.to_owned(),
        "volume-opt" => {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            driver(mount).options.insert(key.to_owned(), value.to_owned());
        }
        "image-subpath" => {
            mount.image_options.get_or_insert_default().subpath = text.to_owned();
        }
        "tmpfs-size" => {
            let bytes =
                isopod_base::units::parse_bytes(text).ok().and_then(|b| i64::try_from(b).ok());
            tmpfs_options(mount).size_bytes =
                bytes.ok_or_else(|| format!("invalid value for {key}: {text}"))?;
        }
        "tmpfs-mode" => {
            tmpfs_options(mount).mode = u32::from_str_radix(text, 8)
                .map_err(|_| format!("invalid value for {key}: {text}"))?;
        }
        _ => return Err(format!("unknown option '{key}' in '{field}'")),
    }
    Ok(())
}

fn bind(mount: &mut Mount) -> &mut BindOptions {
    mount.bind_options.get_or_insert_default()
}

fn volume(mount: &mut Mount) -> &mut VolumeOptions {
    mount.volume_options.get_or_insert_default()
}

fn driver(mount: &mut Mount) -> &mut MountDriver {
    volume(mount).driver_config.get_or_insert_default()
}

fn tmpfs_options(mount: &mut Mount) -> &mut TmpfsOptions {
    mount.tmpfs_options.get_or_insert_default()
}

fn validate(mount: &Mount) -> Result<(), String> {
    if mount.kind.is_empty() {
        return Err("type is required".to_owned());
    }
    if mount.target.is_empty() {
        return Err("target is required".to_owned());
    }
    let kind = mount.kind.as_str();
    let options: [(&str, bool); 4] = [
        ("bind", mount.bind_options.is_some()),
        ("volume", mount.volume_options.is_some()),
        ("image", mount.image_options.is_some()),
        ("tmpfs", mount.tmpfs_options.is_some()),
    ];
    for (owner, given) in options {
        if given && owner != kind {
            return Err(format!("cannot mix '{owner}-*' options with mount type '{kind}'"));
        }
    }
    if let Some(options) = &mount.bind_options
        && options.read_only_non_recursive
        && !mount.read_only
    {
        return Err("option 'bind-recursive=writable' requires 'readonly' to be specified in \
                    conjunction"
            .to_owned());
    }
    if let Some(options) = &mount.bind_options
        && options.read_only_force_recursive
    {
        if !mount.read_only {
            return Err("option 'bind-recursive=readonly' requires 'readonly' to be specified in \
                        conjunction"
                .to_owned());
        }
        if options.propagation != "rprivate" {
            return Err(
                "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to \
                        be specified in conjunction"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts() {
        let good =
            mount("type=bind,\"src=/a,b\",dst=/c,readonly,bind-propagation=rslave").expect("good");
        assert_eq!(
            (good.kind.as_str(), good.source.as_str(), good.read_only),
            ("bind", "/a,b", true)
        );
        assert_eq!(good.bind_options.expect("set").propagation, "rslave");
        let good = mount("src=data,dst=/d,volume-label=a=b,volume-opt=o=size=1").expect("good");
        let options = good.volume_options.expect("set");
        assert_eq!(options.labels["a"], "b");
        assert_eq!(options.driver_config.expect("set").options["o"], "size=1");
        for (spec, message) in [
            ("foo", "invalid field 'foo' must be a key=value pair"),
            ("type=bind,src=/x", "target is required"),
            (
                "type=tmpfs,dst=/x,bind-propagation=shared",
                "cannot mix 'bind-*' options with mount type 'tmpfs'",
            ),
            ("dst=/x,what=1", "unknown option 'what' in 'what=1'"),
            ("type=tmpfs,dst=/x,tmpfs-size=huge", "invalid value for tmpfs-size: huge"),
            ("dst= /x", "invalid value for 'dst' in 'dst= /x': value should not have whitespace"),
        ] {
            assert_eq!(mount(spec), Err(message.to_owned()), "{spec}");
        }
    }

    #[test]
    fn volumes() {
        let parse = |spec: &str| from_flags(&[spec.to_owned()]).map_err(|error| error.to_string());
        assert_eq!(parse("/a:/b:ro").expect("good").binds, ["/a:/b:ro"]);
        assert_eq!(parse("/a").expect("good").anonymous, ["/a"]);
        let here = std::env::current_dir().expect("a directory");
        assert_eq!(parse("./x/../y:/b").expect("good").binds, [format!("{}/y:/b", here.display())]);
        assert_eq!(parse("a::b"), Err("invalid spec: a::b: empty section between colons".into()));
        assert_eq!(parse("a:b:c:d"), Err("invalid spec: a:b:c:d: too many colons".into()));
    }
}
