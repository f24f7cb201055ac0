//! Names that a container finds in files: `/etc/hosts` and `/etc/resolv.conf`.

use crate::containers::Record;
use crate::error::{Error, Result};
use crate::{Engine, NetworkMode};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

/// What docker takes when a host has no name server that containers can reach; we name none, so
/// that no name is told to a third party by default.
const LOOPBACK_ONLY: &str = "# No name server of the host can be reached from here: use --dns\n";

impl Engine {
    /// The container's own addresses and its links, as lines of `/etc/hosts`.
    pub(crate) fn host_lines(&self, record: &Record, hostname: &str) -> Result<String> {
        let mut lines = String::new();
        let names = if record.config.domainname.is_empty() {
            hostname.to_owned()
        } else {
            format!("{hostname}.{} {hostname}", record.config.domainname)
        };
        // In networks of one's own they are names for the name service.
        let links = if record.networks.endpoints.contains_key("bridge") {
            record.host.links.as_slice()
        } else {
            &[]
        };
        for link in links {
            let (name, alias) = split_link(link);
            let other = self.containers.find(name)?.record();
            let endpoint = other.networks.endpoints.get("bridge").and_then(|e| e.active.clone());
            let Some(active) = endpoint else {
                return Err(Error::conflict(format_args!(
                    "Cannot link to a non running container: /{} AS /{}/{alias}",
                    other.name, record.name
                )));
            };
            for address in &active.addresses {
                let mut all = vec![alias.to_owned()];
                for name in [&other.id[..12], other.name.as_str()] {
                    if !all.iter().any(|known| known == name) {
                        all.push(name.to_owned());
                    }
                }
                let _ = writeln!(lines, "{}\t{}", address.address(), all.join(" "));
            }
        }
        for active in record.networks.endpoints.values().filter_map(|e| e.active.as_ref()) {
            for address in &active.addresses {
                let _ = writeln!(lines, "{}\t{names}", address.address());
            }
        }
        Ok(lines)
    }

    /// What `host-gateway` stands for.
    pub(crate) fn host_gateways(&self) -> Vec<IpAddr> {
        if !self.networks.options.host_gateways.is_empty() {
            return self.networks.options.host_gateways.clone();
        }
        let bridge = self.networks.find("bridge").ok();
        let gateways = bridge.into_iter().flat_map(|n| n.subnets).filter_map(|s| s.gateway);
        gateways.collect()
    }

    /// The file `/etc/resolv.conf` of a container.
    pub(crate) fn resolver_file(&self, record: &Record) -> String {
        let own = !matches!(record.host.network_mode, NetworkMode::Host);
        let resolver = Resolver::of(record, &self.networks.options, &system_resolver());
        if self.has_resolver(record) { resolver.embedded_file() } else { resolver.file(own) }
    }
}

/// `container[:alias]`, either with a slash or path before it as the API has them.
pub(crate) fn split_link(link: &str) -> (&str, &str) {
    let (name, alias) = link.split_once(':').unwrap_or((link, link));
    (name.trim_start_matches('/'), alias.rsplit('/').next().unwrap_or(alias))
}

/// Settings of a resolver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolver {
    pub(crate) servers: Vec<String>,
    pub(crate) search: Vec<String>,
    pub(crate) options: Vec<String>,
    /// Whether the servers are the host's.
    pub(crate) is_system: bool,
}

impl Resolver {
    /// The container's own settings, else the engine's, else the host's.
    pub(crate) fn of(record: &Record, engine: &super::NetworkOptions, system: &str) -> Self {
        let host = &record.host;
        let words = |keyword: &str| -> Vec<String> {
            let mut lines = system.lines().filter_map(|line| {
                let mut words = line.split_ascii_whitespace();
                (words.next() == Some(keyword)).then(|| words.map(str::to_owned).collect())
            });
            match keyword {
                // Of these the last line counts.
                "search" | "options" => lines.next_back().unwrap_or_default(),
                _ => lines.flat_map(|words: Vec<String>| words.into_iter().take(1)).collect(),
            }
        };
        let choose = |own: &[String], engine: &[String], keyword: &str| {
            if !own.is_empty() {
                own.to_vec()
            } else if !engine.is_empty() {
                engine.to_vec()
            } else {
                words(keyword)
            }
        };
        let search = choose(&host.dns_search, &engine.dns_search, "search");
        Self {
            servers: choose(&host.dns, &engine.dns, "nameserver"),
            search: if search == ["."] { Vec::new() } else { search },
            options: choose(&host.dns_options, &engine.dns_options, "options"),
            is_system: host.dns.is_empty() && engine.dns.is_empty(),
        }
    }

    /// As a file; in a network of one's own the host's loopback addresses are somebody else's.
    pub(crate) fn file(&self, own_network: bool) -> String {
        let mut lines = String::new();
        let loopback = |server: &&String| {
            own_network
                && self.is_system
                && server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        for server in self.servers.iter().filter(|server| !loopback(server)) {
            let _ = writeln!(lines, "nameserver {server}");
        }
        if lines.is_empty() && !self.servers.is_empty() {
            lines.push_str(LOOPBACK_ONLY);
        }
        self.add_rest(&mut lines);
        lines
    }

    /// As a file for containers that ask the engine, which asks the servers.
    pub(crate) fn embedded_file(&self) -> String {
        let mut lines = format!("nameserver {}\n", isopod_network::dns::ADDRESS);
        let mut all = self.clone();
        if !all.options.iter().any(|option| option.starts_with("ndots:")) {
            // Names of containers are short ones: they are asked for as they are first.
            all.options.push("ndots:0".into());
        }
        all.add_rest(&mut lines);
        lines
    }

    fn add_rest(&self, lines: &mut String) {
        if !self.search.is_empty() {
            let _ = writeln!(lines, "search {}", self.search.join(" "));
        }
        if !self.options.is_empty() {
            let _ = writeln!(lines, "options {}", self.options.join(" "));
        }
    }
}

/// The host's settings.
pub(super) fn system_resolver() -> String {
    std::fs::read_to_string(resolver_path()).unwrap_or_default()
}

/// Whether the host's name servers can be reached from the host only, so that the engine has to
/// ask them for its containers.
pub(super) fn embedded_only(resolver: &Resolver) -> bool {
    let loopback =
        |server: &String| server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    resolver.is_system && !resolver.servers.is_empty() && resolver.servers.iter().all(loopback)
}

/// systemd-resolved's stub listens on an address that other namespaces do not have.
fn resolver_path() -> &'static Path {
    let direct = Path::new("/run/systemd/resolve/resolv.conf");
    match std::fs::read_link("/etc/resolv.conf") {
        Ok(target) if target.ends_with("stub-resolv.conf") && direct.exists() => direct,
        _ => Path::new("/etc/resolv.conf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = "# mine\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch old\nsearch a b\noptions edns0\n";

    #[test]
    fn own_settings_win() {
        let mut record = Record::default();
        let engine = super::super::NetworkOptions::default();
        let file = Resolver::of(&record, &engine, SYSTEM).file(true);
        assert_eq!(file, "nameserver 10.0.0.1\nsearch a b\noptions edns0\n");
        record.host.dns = vec!["127.0.0.1".into()];
        record.host.dns_search = vec![".".into()];
        record.host.dns_options = vec!["ndots:3".into()];
        let file = Resolver::of(&record, &engine, SYSTEM).file(true);
        assert_eq!(file, "nameserver 127.0.0.1\noptions ndots:3\n", "as asked for");
        let file = Resolver::of(&Record::default(), &engine, SYSTEM).file(false);
        assert!(file.contains("127.0.0.53"), "on the host's network it can be reached");
    }

    #[test]
    fn links_are_split() {
        assert_eq!(split_link("db"), ("db", "db"));
        assert_eq!(split_link("db:sql"), ("db", "sql"));
        assert_eq!(split_link("/db:/web/sql"), ("db", "sql"));
    }
}
