//! `RUN --mount=…`.

use isopod_base::units::parse_bytes;

/// A mount of a `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// Where; empty only where the kind has a default of its own.
    pub target: String,
    /// Stage, image or context that it comes from (`bind`, `cache`).
    pub from: Option<String>,
    /// Path in that (`bind`, `cache`).
    pub source: String,
    /// Whether the step may not write to it.
    pub read_only: bool,
    /// Name of a cache, secret or agent.
    pub id: Option<String>,
    /// How a cache is shared.
    pub sharing: Sharing,
    /// Mode of a cache, secret or socket.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Largest size of a tmpfs in bytes.
    pub size_bytes: Option<u64>,
    /// Whether a secret or agent must be there.
    pub required: bool,
    /// Variable that gets a secret.
    pub env: Option<String>,
}

/// What a mount shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// Files of a context, stage or image.
    Bind,
    /// A directory that stays from build to build.
    Cache,
    /// An empty directory in memory.
    Tmpfs,
    /// A secret.
    Secret,
    /// An ssh agent.
    Ssh,
}

/// How builds share a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// All at once.
    #[default]
    Shared,
    /// Each that comes while it is in use gets one of its own.
    Private,
    /// One after the other.
    Locked,
}

/// Reads `type=cache,target=/x,…`.
pub fn parse_mount(text: &str) -> Result<Mount, String> {
    let mut mount = Mount {
        kind: MountKind::Bind,
        target: String::new(),
        from: None,
        source: String::new(),
        read_only: true,
        id: None,
        sharing: Sharing::Shared,
        mode: None,
        uid: None,
        gid: None,
        size_bytes: None,
        required: false,
        env: None,
    };
    let fields = fields(text)?;
    for (key, value) in &fields {
        if key == "type" {
            mount.kind = kind(value.as_deref().unwrap_or_default())?;
        }
    }
    mount.read_only = mount.kind == MountKind::Bind;
    for (key, value) in &fields {
        let needed = || {
            value.clone().ok_or_else(|| {
                format!("invalid field '{key}' in mount {text:?}: must be a key=value pair")
            })
        };
        set(&mut mount, key, value.as_deref(), &needed)?;
    }
    check(&mount, text)?;
    Ok(mount)
}

/// `a=b,"c=d,e",f` in its fields, by the rules of CSV.
fn fields(text: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("never empty");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    if quoted {
        return Err(format!("a quote is not closed in mount {text:?}"));
    }
    fields
        .into_iter()
        .map(|field| match field.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_ascii_lowercase(), Some(value.to_owned()))),
            None if field.trim().is_empty() => Err(format!("an empty field in mount {text:?}")),
            None => Ok((field.trim().to_ascii_lowercase(), None)),
        })
        .collect()
}

fn kind(text: &str) -> Result<MountKind, String> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "bind" => MountKind::Bind,
        "cache" => MountKind::Cache,
        "tmpfs" => MountKind::Tmpfs,
        "secret" => MountKind::Secret,
        "ssh" => MountKind::Ssh,
        other => {
            return Err(format!(
                "unsupported mount type {other:?}: expected bind, cache, tmpfs, secret or ssh"
            ));
        }
    })
}

fn set(
    mount: &mut Mount,
    key: &str,
    value: Option<&str>,
    needed: &dyn Fn() -> Result<String, String>,
) -> Result<(), String> {
    use MountKind::{Bind, Cache, Secret, Ssh, Tmpfs};
    let switch = || match value {
        None | Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => Err(format!("invalid value for {key}: {other:?}, expected true or false")),
    };
    let number = || {
        let value = needed()?;
        value.parse::<u32>().map_err(|_| format!("invalid value for {key}: {value:?} is no number"))
    };
    let allowed: &[MountKind] = match key {
        "type" | "target" | "dst" | "destination" => return target(mount, key, needed),
        "from" => &[Bind, Cache],
        "source" | "src" => &[Bind, Cache, Secret, Ssh],
        "ro" | "readonly" | "rw" | "readwrite" => &[Bind, Cache, Tmpfs],
        "id" => &[Cache, Secret, Ssh],
        "sharing" => &[Cache],
        "mode" | "uid" | "gid" => &[Cache, Secret, Ssh],
        "size" => &[Tmpfs],
        "required" => &[Secret, Ssh],
        "env" => &[Secret],
        _ => return Err(format!("unexpected key '{key}' in a mount")),
    };
    if !allowed.contains(&mount.kind) {
        return Err(format!("unexpected key '{key}' for mount type '{}'", name(mount.kind)));
    }
    match key {
        "from" => mount.from = Some(needed()?),
        "source" | "src" => {
            mount.source = needed()?;
            if matches!(mount.kind, Secret | Ssh) {
                mount.id.get_or_insert(mount.source.clone());
            }
        }
        "ro" | "readonly" => mount.read_only = switch()?,
        "rw" | "readwrite" => mount.read_only = !switch()?,
        "id" => mount.id = Some(needed()?),
        "sharing" => {
            mount.sharing = match needed()?.as_str() {
                "shared" => Sharing::Shared,
                "private" => Sharing::Private,
                "locked" => Sharing::Locked,
                other => {
                    return Err(format!(
                        "unsupported sharing value {other:?}: expected shared, private or locked"
                    ));
                }
            };
        }
        "mode" => {
            let value = needed()?;
            mount.mode = Some(
                u32::from_str_radix(value.trim_start_matches("0o"), 8)
                    .ok()
                    .filter(|mode| *mode <= 0o7777)
                    .ok_or_else(|| format!("invalid value for mode: {value:?} is no octal mode"))?,
            );
        }
        "uid" => mount.uid = Some(number()?),
        "gid" => mount.gid = Some(number()?),
        "size" => {
            let value = needed()?;
            mount.size_bytes = Some(
                parse_bytes(&value).map_err(|_| format!("invalid value for size: {value:?}"))?,
            );
        }
        "required" => mount.required = switch()?,
        _ => mount.env = Some(needed()?),
    }
    Ok(())
}

fn target(
    mount: &mut Mount,
    key: &str,
    needed: &dyn Fn() -> Result<String, String>,
) -> Result<(), String> {
    if key != "type" {
        mount.target = needed()?;
    }
    Ok(())
}

fn name(kind: MountKind) -> &'static str {
    match kind {
        MountKind::Bind => "bind",
        MountKind::Cache => "cache",
        MountKind::Tmpfs => "tmpfs",
        MountKind::Secret => "secret",
        MountKind::Ssh => "ssh",
    }
}

fn check(mount: &Mount, text: &str) -> Result<(), String> {
    let kind = name(mount.kind);
    match mount.kind {
        MountKind::Bind | MountKind::Cache | MountKind::Tmpfs if mount.target.is_empty() => {
            Err(format!("invalid mount {text:?}: type {kind} needs a target"))
        }
        MountKind::Secret if mount.id.is_none() && mount.target.is_empty() => {
            Err(format!("invalid mount {text:?}: a secret needs an id or a target"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts() {
        let cache = parse_mount("type=cache,target=/c,sharing=locked,mode=0700,uid=5").expect("ok");
        assert_eq!((cache.kind, cache.sharing), (MountKind::Cache, Sharing::Locked));
        assert_eq!((cache.mode, cache.uid, cache.read_only), (Some(0o700), Some(5), false));
        let bind = parse_mount("target=/s,from=base,source=/x,rw").expect("ok");
        assert_eq!((bind.kind, bind.read_only), (MountKind::Bind, false));
        let secret = parse_mount("type=secret,id=k,env=KEY,required").expect("ok");
        assert_eq!((secret.env.as_deref(), secret.required), (Some("KEY"), true));
        let tmpfs = parse_mount("type=tmpfs,target=/t,size=1m").expect("ok");
        assert_eq!(tmpfs.size_bytes, Some(1 << 20));
    }

    #[test]
    fn wrong_mounts() {
        for (text, part) in [
            ("type=nfs,target=/x", "unsupported mount type \"nfs\""),
            ("type=cache", "needs a target"),
            ("type=cache,target=/x,sharing=all", "unsupported sharing value"),
            ("type=tmpfs,target=/x,id=y", "unexpected key 'id' for mount type 'tmpfs'"),
            ("type=bind,target=/x,colour=red", "unexpected key 'colour'"),
            ("type=secret", "needs an id or a target"),
            ("type=cache,target=/x,mode=999", "no octal mode"),
            ("type=cache,target", "must be a key=value pair"),
            ("type=cache,,target=/x", "an empty field"),
        ] {
            let error = parse_mount(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
