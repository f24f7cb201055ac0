//! Networks for their users: lists, details.

use crate::error::{Error, Result};
use crate::volumes::{check_filters, has_label};
use crate::{Engine, Filters, Network, NetworkDetails, NetworkDriver, NetworkMember, NetworkMode};

const FILTERS: [&str; 7] = ["dangling", "driver", "id", "label", "name", "scope", "type"];

impl Engine {
    /// The networks that pass the filters.
    pub fn networks(&self, filters: &Filters) -> Result<Vec<NetworkDetails>> {
        check_filters(filters, &FILTERS)?;
        let mut list = Vec::new();
        for network in self.networks.all() {
            if self.network_matches(&network, filters)? {
                list.push(self.network_details(network));
            }
        }
        Ok(list)
    }

    /// Everything about a network.
    pub fn network(&self, name: &str) -> Result<NetworkDetails> {
        Ok(self.network_details(self.networks.find(name)?))
    }

    /// Containers that name a network, running or not, by id.
    pub(crate) fn network_users(&self, network: &Network) -> Vec<String> {
        let uses = |id: &str| {
            self.containers.find(id).is_ok_and(|container| {
                let record = container.record();
                record.networks.endpoints.values().any(|e| e.network_id == network.id)
            })
        };
        self.containers.all().into_iter().map(|c| c.id.clone()).filter(|id| uses(id)).collect()
    }

    fn network_details(&self, network: Network) -> NetworkDetails {
        let mut members = Vec::new();
        for container in self.containers.all() {
            let record = container.record();
            if !record.state.status.is_alive() {
                continue;
            }
            let endpoint = match (&record.host.network_mode, network.driver) {
                (NetworkMode::Host, NetworkDriver::Host)
                | (NetworkMode::None, NetworkDriver::Null) => None,
                _ => {
                    let mut own = record.networks.endpoints.into_values();
                    let found = own.find(|endpoint| endpoint.network_id == network.id);
                    match found.and_then(|endpoint| endpoint.active) {
                        Some(active) => Some(active),
                        None => continue,
                    }
                }
            };
            members.push(NetworkMember { container_id: record.id, name: record.name, endpoint });
        }
        NetworkDetails { network, members }
    }

    pub(super) fn network_matches(&self, network: &Network, filters: &Filters) -> Result<bool> {
        for (key, values) in filters {
            let mut any = values.is_empty();
            for value in values {
                any |= match key.as_str() {
                    "driver" => network.driver.as_str() == value,
                    "id" => network.id.starts_with(value),
                    "name" => network.name.contains(value),
                    "scope" => value == "local",
                    "type" => match value.as_str() {
                        "builtin" => network.is_predefined(),
                        "custom" => !network.is_predefined(),
                        _ => {
                            return Err(Error::invalid(format_args!(
                                "invalid filter: 'type'='{value}'"
                            )));
                        }
                    },
                    "dangling" => {
                        let dangling = match value.as_str() {
                            "true" | "1" => true,
                            "false" | "0" => false,
                            _ => {
                                return Err(Error::invalid(format_args!(
                                    "invalid filter 'dangling={value}'"
                                )));
                            }
                        };
                        let unused =
                            !network.is_predefined() && self.network_users(network).is_empty();
                        unused == dangling
                    }
                    _ => has_label(&network.labels, value),
                };
            }
            let all_labels =
                key != "label" || values.iter().all(|value| has_label(&network.labels, value));
            if !any || !all_labels {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
