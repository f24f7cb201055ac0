//! Short forms: `8080:80`, `./data:/data:ro`, and the like.

use crate::node::{Kind, Node, Place};
use crate::shape::scalar;

type Longs = std::result::Result<Vec<Node>, String>;

fn map(place: &Place, entries: Vec<(&str, Kind)>) -> Node {
    let entries =
        entries.into_iter().map(|(name, kind)| (name.to_owned(), Node::new(kind, place))).collect();
    Node::new(Kind::Map(entries), place)
}

fn text_of(node: &Node) -> String {
    scalar(node).unwrap_or_default()
}

/// `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`, each of the two a port or a range.
pub(crate) fn port(node: &Node) -> Longs {
    let text = text_of(node);
    let invalid = |why: &str| {
        format!(
            "invalid port {text:?}: {why}: expected [[ADDRESS:]PUBLISHED:]TARGET[/tcp|udp|sctp]"
        )
    };
    let (ports, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    if !matches!(protocol, "tcp" | "udp" | "sctp") {
        return Err(invalid("unknown protocol"));
    }
    let (rest, target) = match ports.rsplit_once(':') {
        Some((rest, target)) => (Some(rest), target),
        None => (None, ports),
    };
    let (address, published) = match rest {
        None => (None, None),
        Some(rest) => match rest.rsplit_once(':') {
            Some((address, published)) => {
                let address = address.trim_start_matches('[').trim_end_matches(']');
                if address.parse::<std::net::IpAddr>().is_err() {
                    return Err(invalid("the address is none"));
                }
                (Some(address.to_owned()), Some(published))
            }
            None => (None, Some(rest)),
        },
    };
    let (first, last) = range(target).ok_or_else(|| invalid("the target is no port"))?;
    let published = published.filter(|published| !published.is_empty());
    let outer = match published {
        Some(text) => Some(range(text).ok_or_else(|| invalid("the published port is none"))?),
        None => None,
    };
    let mut longs = Vec::new();
    for (index, target) in (first..=last).enumerate() {
        let published = match outer {
            None => None,
            Some((low, high)) if high - low == last - first => {
                Some((low + index as u16).to_string())
            }
            // One port somewhere in a range.
            Some((low, high)) if first == last => Some(format!("{low}-{high}")),
            Some(_) => return Err(invalid("the ranges differ in length")),
        };
        let mut entries = vec![
            ("mode", Kind::Text("ingress".to_owned())),
            ("target", Kind::Int(i64::from(target))),
        ];
        entries.extend(address.clone().map(|address| ("host_ip", Kind::Text(address))));
        entries.extend(published.map(|published| ("published", Kind::Text(published))));
        entries.push(("protocol", Kind::Text(protocol.to_owned())));
        longs.push(map(&node.place, entries));
    }
    Ok(longs)
}

pub(crate) fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// `[SOURCE:]TARGET[:OPTIONS]`
pub(crate) fn volume(node: &Node) -> Longs {
    let text = text_of(node);
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts[..] {
        [target] => (None, target, ""),
        [source, target] if target.starts_with('/') => (Some(source), target, ""),
        [target, options] if target.starts_with('/') => (None, target, options),
        [source, target, options] => (Some(source), target, options),
        _ => return Err(format!("invalid volume {text:?}: expected [SOURCE:]TARGET[:OPTIONS]")),
    };
    if !target.starts_with('/') || source == Some("") {
        return Err(format!(
            "invalid volume {text:?}: expected [SOURCE:]TARGET[:OPTIONS] with an absolute target"
        ));
    }
    let is_path = |source: &str| source.starts_with(['/', '.', '~']);
    let bind = source.is_some_and(is_path);
    let place = &node.place;
    let mut entries = vec![("type", Kind::Text(if bind { "bind" } else { "volume" }.to_owned()))];
    entries.extend(source.map(|source| ("source", Kind::Text(source.to_owned()))));
    entries.push(("target", Kind::Text(target.to_owned())));
    let mut bind_options =
        if bind { vec![("create_host_path", Kind::Bool(true))] } else { Vec::new() };
    let mut volume_options = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => entries.push(("read_only", Kind::Bool(true))),
            "rw" => {}
            "z" | "Z" if bind => bind_options.push(("selinux", Kind::Text(option.to_owned()))),
            "nocopy" if !bind => volume_options.push(("nocopy", Kind::Bool(true))),
            "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" if bind => {
                bind_options.push(("propagation", Kind::Text(option.to_owned())));
            }
            "cached" | "delegated" | "consistent" => {}
            _ => return Err(format!("invalid volume {text:?}: unknown option {option:?}")),
        }
    }
    let mut long = map(place, entries);
    if bind {
        long.set("bind", map(place, bind_options));
    } else if !volume_options.is_empty() {
        long.set("volume", map(place, volume_options));
    }
    Ok(vec![long])
}

/// `SOURCE[:TARGET[:PERMISSIONS]]`
pub(crate) fn device(node: &Node) -> Longs {
    let text = text_of(node);
    let mut parts = text.split(':');
    let source = parts.next().unwrap_or_default().to_owned();
    let target = parts.next().unwrap_or(&source).to_owned();
    let permissions = parts.next().unwrap_or("rwm").to_owned();
    let valid = permissions.bytes().all(|b| matches!(b, b'r' | b'w' | b'm'));
    if !source.starts_with('/') || parts.next().is_some() || !valid {
        return Err(format!("invalid device {text:?}: expected /DEVICE[:TARGET[:rwm]]"));
    }
    let entries = vec![
        ("source", Kind::Text(source)),
        ("target", Kind::Text(target)),
        ("permissions", Kind::Text(permissions)),
    ];
    Ok(vec![map(&node.place, entries)])
}

/// The name of a secret or configuration.
pub(crate) fn grant(node: &Node) -> Longs {
    Ok(vec![map(&node.place, vec![("source", Kind::Text(text_of(node)))])])
}

/// The directory of a build.
pub(crate) fn build(node: &Node) -> Longs {
    Ok(vec![map(&node.place, vec![("context", Kind::Text(text_of(node)))])])
}

/// One number for both limits.
pub(crate) fn ulimit(node: &Node) -> Longs {
    let text = text_of(node);
    let number: i64 = text
        .parse()
        .map_err(|_| format!("invalid limit {text:?}: expected a number, or soft and hard"))?;
    Ok(vec![map(&node.place, vec![("soft", Kind::Int(number)), ("hard", Kind::Int(number))])])
}

/// The path of an environment file.
pub(crate) fn env_file(node: &Node) -> Longs {
    let entries = vec![("path", Kind::Text(text_of(node))), ("required", Kind::Bool(true))];
    Ok(vec![map(&node.place, entries)])
}

/// A service of the same file.
pub(crate) fn extends(node: &Node) -> Longs {
    Ok(vec![map(&node.place, vec![("service", Kind::Text(text_of(node)))])])
}

/// A file to include.
pub(crate) fn include(node: &Node) -> Longs {
    let path = Node::new(Kind::List(vec![Node::text(text_of(node), &node.place)]), &node.place);
    let mut long = map(&node.place, vec![]);
    long.set("path", path);
    Ok(vec![long])
}
