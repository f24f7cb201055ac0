//! Small files that the engine makes for a container: names, resolver, and the place of the log.

use super::Record;
use crate::error::{Error, Result};
use crate::{Engine, LogConfig, NetworkMode};
use std::fmt::Write as _;
use std::path::PathBuf;

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

    /// Where a container logs to; empty when its driver keeps nothing.
    pub(crate) fn log_path(&self, record: &Record) -> PathBuf {
        if record.host.log.driver == "none" {
            PathBuf::new()
        } else {
            self.data_dir(&record.id).join(format!("{}-json.log", record.id))
        }
    }
}

/// Largest file and number of files of a log, from its options.
pub(crate) fn log_settings(log: &LogConfig) -> Result<(u64, u32)> {
    match log.driver.as_str() {
        "json-file" | "local" => {}
        "none" => return Ok((0, 1)),
        other => {
            return Err(Error::invalid(format_args!(
                "logger: no log driver named '{other}' is registered"
            )));
        }
    }
    let (mut size, mut files) = (0, 1);
    for (key, value) in &log.options {
        let invalid = |why: &dyn std::fmt::Display| {
            Error::invalid(format_args!("invalid value for log option {key}: {value:?}: {why}"))
        };
        match key.as_str() {
            "max-size" if value == "-1" => {}
            "max-size" => {
                size = isopod_base::units::parse_bytes(value).map_err(|error| invalid(&error))?
            }
            "max-file" => {
                files = value.parse().map_err(|error| invalid(&error))?;
                if files < 1 {
                    return Err(Error::invalid("max-file cannot be less than 1"));
                }
            }
            "labels" | "labels-regex" | "env" | "env-regex" | "tag" | "compress" | "mode"
            | "max-buffer-size" => {}
            other => {
                return Err(Error::invalid(format_args!(
                    "unknown log opt '{other}' for json-file log driver"
                )));
            }
        }
    }
    if files > 1 && size == 0 {
        return Err(Error::invalid("max-file option requires max-size to be set"));
    }
    Ok((size, files))
}

/// Attributes that the log options `labels` and `env` pick.
pub(crate) fn log_attributes(record: &Record) -> std::collections::BTreeMap<String, String> {
    let option = |name: &str| record.host.log.options.get(name).cloned().unwrap_or_default();
    let mut attributes = std::collections::BTreeMap::new();
    for label in option("labels").split(',').filter(|label| !label.is_empty()) {
        if let Some(value) = record.config.labels.get(label) {
            attributes.insert(label.to_owned(), value.clone());
        }
    }
    for name in option("env").split(',').filter(|name| !name.is_empty()) {
        let value = record.config.env.iter().find_map(|entry| {
            entry.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        });
        if let Some(value) = value {
            attributes.insert(name.to_owned(), value);
        }
    }
    if record.host.log.options.contains_key("tag") {
        attributes.insert("tag".into(), record.id[..12].to_owned());
    }
    attributes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_options_are_checked() {
        let log = |driver: &str, options: &[(&str, &str)]| LogConfig {
            driver: driver.into(),
            options: options.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        };
        assert_eq!(
            log_settings(&log("json-file", &[("max-size", "10m"), ("max-file", "3")]))
                .expect("valid"),
            (10 << 20, 3)
        );
        for bad in [
            log("syslog", &[]),
            log("json-file", &[("max-size", "x")]),
            log("json-file", &[("max-file", "0")]),
            log("json-file", &[("max-file", "2")]),
            log("json-file", &[("bogus", "1")]),
        ] {
            assert!(log_settings(&bad).is_err(), "{bad:?}");
        }
    }
}
