//! Lists of containers.

use crate::error::{Error, Result};
use crate::volumes::{check_filters, has_label};
use crate::{ContainerDetails, Engine, Filters, HealthStatus, ListContainers, Status};

const FILTERS: [&str; 14] = [
    "ancestor", "before", "exited", "expose", "health", "id", "is-task", "label", "name",
    "network", "publish", "since", "status", "volume",
];

impl Engine {
    /// Containers, the newest first.
    pub async fn containers(&self, options: ListContainers) -> Result<Vec<ContainerDetails>> {
        check_filters(&options.filters, &FILTERS)?;
        check_values(&options.filters)?;
        let by_state = ["status", "exited"].iter().any(|key| options.filters.contains_key(*key));
        let all = options.all || options.limit.is_some() || by_state;
        let mut list: Vec<_> = self
            .containers
            .all()
            .iter()
            .map(|container| self.details(container))
            .filter(|details| {
                all || matches!(
                    details.state.status,
                    Status::Running | Status::Paused | Status::Restarting
                )
            })
            .collect();
        list.sort_by_key(|details| std::cmp::Reverse(details.created));
        let mut wanted = Vec::new();
        for details in list {
            if self.matches(&details, &options.filters)? {
                wanted.push(details);
            }
            if options.limit.is_some_and(|limit| wanted.len() >= limit) {
                break;
            }
        }
        if options.size {
            for details in &mut wanted {
                details.size = self.size_of(&details.id).await.ok();
            }
        }
        Ok(wanted)
    }

    fn matches(&self, details: &ContainerDetails, filters: &Filters) -> Result<bool> {
        for (key, values) in filters {
            // Labels must all be there; of the others any one will do.
            let matches = if key == "label" {
                values.iter().all(|value| has_label(&details.config.labels, value))
            } else {
                let mut any = values.is_empty();
                for value in values {
                    any |= self.matches_one(details, key, value)?;
                }
                any
            };
            if !matches {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn matches_one(&self, details: &ContainerDetails, key: &str, value: &str) -> Result<bool> {
        let other = || {
            self.containers
                .find(value)
                .map(|container| container.record().created.unwrap_or_default())
        };
        Ok(match key {
            "id" => details.id.starts_with(value),
            "name" => {
                let pattern = crate::pattern::read("name", value)?;
                pattern.is_match(&details.name) || pattern.is_match(&format!("/{}", details.name))
            }
            "status" => details.state.status.as_str() == value,
            "exited" => {
                let code: i32 = value
                    .parse()
                    .map_err(|_| Error::invalid(format_args!("invalid filter 'exited={value}'")))?;
                matches!(details.state.status, Status::Exited | Status::Dead)
                    && details.state.exit_code == code
            }
            "health" => match (&details.state.health, value) {
                (None, value) => value == "none",
                (Some(health), value) => health.status.as_str() == value,
            },
            "network" => {
                details.host.network_mode.to_string() == value
                    || details.networks.endpoints.iter().any(|(name, endpoint)| {
                        name == value
                            || endpoint.network_id == value
                            || (value.len() >= 12 && endpoint.network_id.starts_with(value))
                    })
            }
            "publish" => details.networks.published.iter().any(|one| {
                value == one.host_port.to_string()
                    || value == one.container_port.to_string()
                    || value == format!("{}/{}", one.host_port, one.protocol)
                    || value == format!("{}/{}", one.container_port, one.protocol)
            }),
            "volume" => details.mounts.iter().any(|mount| {
                mount.name == value || mount.destination == value || mount.source == value
            }),
            "ancestor" => self.descends_from(details, value),
            "before" => details.created < other()?,
            "since" => details.created > other()?,
            "expose" => {
                let wanted = ports(value).ok_or_else(|| {
                    Error::invalid(format_args!("invalid filter '{key}={value}'"))
                })?;
                details.config.exposed_ports.iter().filter_map(|port| ports(port)).any(
                    |(first, _, kind)| kind == wanted.2 && (wanted.0..=wanted.1).contains(&first),
                )
            }
            // There are no services whose tasks containers could be.
            _ => value == "false",
        })
    }

    fn descends_from(&self, details: &ContainerDetails, image: &str) -> bool {
        let hex = details.image_id.strip_prefix("sha256:").unwrap_or(&details.image_id);
        details.config.image == image
            || details.image_id == image
            || (image.len() >= 4 && hex.starts_with(image))
            || details.config.image.strip_suffix(":latest") == Some(image)
            || image.strip_suffix(":latest") == Some(&details.config.image)
    }
}

/// `80`, `80/udp`, `80-90/tcp`: first and last port, and the protocol.
fn ports(text: &str) -> Option<(u16, u16, &str)> {
    let (numbers, kind) = text.split_once('/').unwrap_or((text, "tcp"));
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    Some((first.parse().ok()?, last.parse().ok()?, kind))
}

fn check_values(filters: &Filters) -> Result<()> {
    for value in filters.get("status").into_iter().flatten() {
        let known = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
        if !known.contains(&value.as_str()) {
            return Err(Error::invalid(format_args!("invalid filter 'status={value}'")));
        }
    }
    for value in filters.get("health").into_iter().flatten() {
        let known = [HealthStatus::Starting, HealthStatus::Healthy, HealthStatus::Unhealthy];
        if value != "none" && !known.iter().any(|status| status.as_str() == value) {
            return Err(Error::invalid(format_args!("invalid filter 'health={value}'")));
        }
    }
    Ok(())
}
