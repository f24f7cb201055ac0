//! Small files that the engine makes for a container: names and resolver.

use super::Record;
use crate::error::{Error, Result};
use crate::{Engine, NetworkMode};
use std::fmt::Write as _;

impl Engine {
    /// Writes hostname, hosts and resolv.conf, as the container's network has them.
    pub(crate) fn write_files(&self, record: &Record) -> Result<()> {
        let directory = self.data_dir(&record.id);
        if let NetworkMode::Container(other) = &record.host.network_mode {
            return self.copy_files(&self.containers.find(other)?.id, &directory);
        }
        let hostname = self.hostname_of(record);
        let hosts = if record.host.network_mode == NetworkMode::Host {
            let mut hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
            self.add_extra_hosts(&mut hosts, &record.host.extra_hosts)?;
            hosts
        } else {
            self.hosts_file(record, &hostname)?
        };
        for (name, content) in [
            ("hostname", format!("{hostname}\n")),
            ("hosts", hosts),
            ("resolv.conf", self.resolver_file(record)),
        ] {
            let path = directory.join(name);
            if std::fs::read(&path).is_ok_and(|present| present == content.as_bytes()) {
                continue;
            }
            std::fs::write(&path, content)
                .map_err(Error::io(format_args!("write {}", path.display())))?;
        }
        Ok(())
    }

    /// Who shares a network shares its names.
    fn copy_files(&self, other: &str, directory: &std::path::Path) -> Result<()> {
        for name in ["hostname", "hosts", "resolv.conf"] {
            let from = self.data_dir(other).join(name);
            let content =
                std::fs::read(&from).map_err(Error::io(format_args!("read {}", from.display())))?;
            let to = directory.join(name);
            std::fs::write(&to, content)
                .map_err(Error::io(format_args!("write {}", to.display())))?;
        }
        Ok(())
    }

    pub(crate) fn hostname_of(&self, record: &Record) -> String {
        if !record.config.hostname.is_empty() {
            return record.config.hostname.clone();
        }
        if let NetworkMode::Container(other) = &record.host.network_mode
            && let Ok(other) = self.containers.find(other)
            && other.id != record.id
        {
            return self.hostname_of(&other.record());
        }
        let host_network = record.host.network_mode == NetworkMode::Host;
        if host_network || record.host.uts_mode == crate::UtsMode::Host {
            return rustix::system::uname().nodename().to_string_lossy().into_owned();
        }
        record.id[..12].to_owned()
    }
}

/// What every container's `/etc/hosts` begins with.
const HOSTS: &str = "127.0.0.1\tlocalhost\n\
     ::1\tlocalhost ip6-localhost ip6-loopback\n\
     fe00::\tip6-localnet\n\
     ff00::\tip6-mcastprefix\n\
     ff02::1\tip6-allnodes\n\
     ff02::2\tip6-allrouters\n";

impl Engine {
    fn hosts_file(&self, record: &Record, hostname: &str) -> Result<String> {
        let mut hosts = HOSTS.to_owned();
        self.add_extra_hosts(&mut hosts, &record.host.extra_hosts)?;
        let own = self.host_lines(record, hostname)?;
        if own.is_empty() && record.host.network_mode == NetworkMode::None {
            // Nothing else would tell the container its own name.
            let names = match record.config.domainname.as_str() {
                "" => hostname.to_owned(),
                domain => format!("{hostname}.{domain} {hostname}"),
            };
            let _ = writeln!(hosts, "127.0.1.1\t{names}");
        }
        hosts.push_str(&own);
        Ok(hosts)
    }

    fn add_extra_hosts(&self, hosts: &mut String, extra: &[String]) -> Result<()> {
        for entry in extra {
            let (name, address) = entry.split_once(['=', ':']).ok_or_else(|| {
                Error::invalid(format_args!("bad format for add-host: {entry:?}"))
            })?;
            if address != "host-gateway" {
                let address = address.trim_start_matches('[').trim_end_matches(']');
                let _ = writeln!(hosts, "{address}\t{name}");
                continue;
            }
            let gateways = self.host_gateways();
            if gateways.is_empty() {
                return Err(Error::invalid(
                    "unable to derive the IP value for host-gateway: there is no default network (set host-gateway-ip)",
                ));
            }
            for gateway in gateways {
                let _ = writeln!(hosts, "{gateway}\t{name}");
            }
        }
        Ok(())
    }

    /// Writes the files of a running container anew, when its networks have changed.
    pub(crate) async fn refresh_names(self: &std::sync::Arc<Self>, container: &super::Container) {
        let (engine, record) = (std::sync::Arc::clone(self), container.record());
        let written = crate::engine::blocking(move || engine.write_files(&record)).await;
        if let Err(error) = written {
            tracing::warn!(container = %container.id, error = %error.full_message(), "its /etc/hosts is not up to date");
        }
    }
}
