//! Putting containers into networks and taking them out: at their creation, and later, while they
//! run or not.

use super::attach::{Joined, default_gateways, interface_prefix};
use super::{Networks, split_link};
use crate::containers::{Container, Record};
use crate::engine::blocking;
use crate::error::{Error, ErrorKind, Result};
use crate::{
    ContainerNetworks, Endpoint, EndpointSettings, Engine, Network, NetworkDriver, NetworkMode,
};
use isopod_network::Namespace;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// The endpoints of a container that is being created.
    pub(crate) fn plan_endpoints(
        &self,
        mode: &NetworkMode,
        mut asked: BTreeMap<String, EndpointSettings>,
        links: &[String],
    ) -> Result<ContainerNetworks> {
        let mut networks = ContainerNetworks::default();
        let NetworkMode::Named(first) = mode else {
            let own = asked.keys().find(|name| {
                **name != mode.to_string() && !matches!(name.as_str(), "default" | "")
            });
            return match own {
                Some(name) => Err(Error::invalid(format_args!(
                    "conflicting options: cannot connect a container of network mode {mode} to network {name}"
                ))),
                None => Ok(networks),
            };
        };
        if let Some(settings) = asked.remove("default") {
            asked.entry(first.clone()).or_insert(settings);
        }
        let primary = self.networks.find(first).map_err(no_image_missing)?;
        let named = |name: &String| *name == primary.name || *name == primary.id;
        if !asked.keys().any(named) {
            asked.insert(primary.name.clone(), EndpointSettings::default());
        }
        for (name, settings) in asked {
            let network = self.networks.find(&name).map_err(no_image_missing)?;
            let mut settings = settings;
            if network.id == primary.id && network.name != "bridge" {
                settings.links.extend(links.iter().cloned());
            }
            self.networks.check(&network, &settings)?;
            for link in &settings.links {
                self.find_linked(split_link(link).0)?;
            }
            let endpoint = Endpoint { network_id: network.id, settings, active: None };
            networks.endpoints.insert(network.name, endpoint);
        }
        for link in links {
            self.find_linked(split_link(link).0)?;
        }
        Ok(networks)
    }

    fn find_linked(&self, name: &str) -> Result<()> {
        let found = self.containers.find(name).map(|_| ());
        found.map_err(|error| {
            Error::invalid(format_args!("could not get container for {name}: {error}"))
        })
    }

    /// Puts a container into a network.
    pub async fn connect_network(
        self: &Arc<Self>,
        network: &str,
        container: &str,
        settings: EndpointSettings,
    ) -> Result<()> {
        let container = self.containers.find(container)?;
        let network = self.networks.find(network)?;
        let _operation = container.operation.lock().await;
        let record = container.record();
        check_mode(&record, &network)?;
        self.networks.check(&network, &settings)?;
        if record.networks.endpoints.contains_key(&network.name) {
            return Err(Error::new(
                ErrorKind::Forbidden,
                format_args!(
                    "endpoint with name {} already exists in network {}",
                    record.name, network.name
                ),
            ));
        }
        let endpoint = Endpoint { network_id: network.id.clone(), settings, active: None };
        if !record.state.status.is_alive() {
            let record = container.change(|record| {
                record.networks.endpoints.insert(network.name.clone(), endpoint);
            });
            return self.commit_record(&record).await;
        }
        let (engine, target, joined) = (Arc::clone(self), Arc::clone(&container), network.clone());
        blocking(move || engine.connect_running(&target, &joined, endpoint)).await?;
        self.commit_record(&container.record()).await?;
        self.refresh_names(&container).await;
        if let Err(error) = self.resume_names_of(&container).await {
            tracing::warn!(container = %container.id, error = %error.full_message(), "it cannot look up names");
        }
        self.network_event(&network, "connect", &[("container", container.id.clone())]);
        Ok(())
    }

    fn connect_running(
        &self,
        container: &Container,
        network: &Network,
        mut endpoint: Endpoint,
    ) -> Result<()> {
        let record = container.record();
        let namespace = Namespace::of_process(record.state.pid)?;
        let mut active = self.networks.take(network, &endpoint)?;
        let prefix = interface_prefix(network)?;
        let present = namespace.interfaces()?;
        active.interface = (0..)
            .map(|number| format!("{prefix}{number}"))
            .find(|name| !present.contains(name))
            .expect("numbers do not end");
        let joined = Joined { network: network.clone(), endpoint: active.clone() };
        endpoint.active = Some(active);
        let mut networks = record.networks.clone();
        networks.endpoints.insert(network.name.clone(), endpoint);
        let outcome = self
            .make_interface(&namespace, &joined)
            .and_then(|()| self.choose_default(&namespace, &record, &mut networks));
        if let Err(error) = outcome {
            let _ = namespace.remove_interface(&joined.endpoint.interface);
            let alone = ContainerNetworks {
                endpoints: networks
                    .endpoints
                    .into_iter()
                    .filter(|(name, _)| *name == network.name)
                    .collect(),
                published: Vec::new(),
            };
            self.release_endpoints(&alone);
            return Err(error);
        }
        container.change(|record| record.networks = networks);
        Ok(())
    }

    /// Takes a container out of a network.
    pub async fn disconnect_network(
        self: &Arc<Self>,
        network: &str,
        container: &str,
        force: bool,
    ) -> Result<()> {
        let network = self.networks.find(network)?;
        let container = match self.containers.find(container) {
            Err(_) if force => return Ok(()),
            found => found?,
        };
        let _operation = container.operation.lock().await;
        let record = container.record();
        if record.host.network_mode == NetworkMode::Host {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "container cannot be disconnected from host network",
            ));
        }
        let Some(endpoint) = record.networks.endpoints.get(&network.name).cloned() else {
            return Err(Error::new(
                ErrorKind::Forbidden,
                format_args!(
                    "container {} is not connected to network {}",
                    container.id, network.name
                ),
            ));
        };
        let active = endpoint.active.is_some() && record.state.status.is_alive();
        if active {
            let (engine, target, left) =
                (Arc::clone(self), Arc::clone(&container), network.clone());
            blocking(move || engine.disconnect_running(&target, &left)).await?;
        } else {
            container.change(|record| {
                record.networks.endpoints.remove(&network.name);
            });
        }
        self.commit_record(&container.record()).await?;
        if active {
            self.refresh_names(&container).await;
            self.network_event(&network, "disconnect", &[("container", container.id.clone())]);
        }
        Ok(())
    }

    fn disconnect_running(&self, container: &Container, network: &Network) -> Result<()> {
        let record = container.record();
        let namespace = Namespace::of_process(record.state.pid)?;
        let mut networks = record.networks.clone();
        let endpoint = networks.endpoints.remove(&network.name).expect("the caller looked");
        let active = endpoint.active.clone().expect("the caller looked");
        if active.is_default {
            self.unpublish(&mut networks)?;
        }
        namespace.remove_interface(&active.interface)?;
        self.release_endpoints(&ContainerNetworks {
            endpoints: BTreeMap::from([(network.name.clone(), endpoint)]),
            published: Vec::new(),
        });
        let chosen = self.choose_default(&namespace, &record, &mut networks);
        container.change(|record| record.networks = networks);
        chosen
    }

    fn unpublish(&self, networks: &mut ContainerNetworks) -> Result<()> {
        let published = std::mem::take(&mut networks.published);
        self.networks.fabric.withdraw(&published)?;
        self.networks.fabric.ports.release(&published);
        Ok(())
    }

    /// Lets the default routes go by the network that they should go by, and publishes there.
    fn choose_default(
        &self,
        namespace: &Namespace,
        record: &Record,
        networks: &mut ContainerNetworks,
    ) -> Result<()> {
        let current = networks
            .endpoints
            .iter()
            .find(|(_, e)| e.active.as_ref().is_some_and(|a| a.is_default));
        let mut best = current.map(|(name, e)| (name.clone(), e.settings.gateway_priority));
        for (name, endpoint) in &networks.endpoints {
            let internal = self.networks.find(&endpoint.network_id)?.internal;
            let priority = endpoint.settings.gateway_priority;
            if endpoint.active.is_some()
                && !internal
                && best.as_ref().is_none_or(|(_, other)| priority > *other)
            {
                best = Some((name.clone(), priority));
            }
        }
        let current = current.map(|(name, _)| name.clone());
        let best = best.map(|(name, _)| name);
        if best == current {
            return Ok(());
        }
        self.unpublish(networks)?;
        for (name, endpoint) in &mut networks.endpoints {
            if let Some(active) = &mut endpoint.active {
                active.is_default = Some(name) == best.as_ref();
            }
        }
        let Some(endpoint) = best.and_then(|name| networks.endpoints.get(&name)) else {
            return Ok(());
        };
        let network = self.networks.find(&endpoint.network_id)?;
        let active = endpoint.active.as_ref().expect("only such ones are chosen");
        namespace.set_gateways(&active.interface, &default_gateways(&network, active))?;
        networks.published = self.take_ports(record, networks)?;
        if let Err(error) = self.networks.fabric.publish(&networks.published) {
            self.networks.fabric.ports.release(&networks.published);
            networks.published.clear();
            return Err(error.into());
        }
        Ok(())
    }
}

/// What a creation does not find. To docker's command line "not found" means the image, which it
/// would go and pull.
pub(crate) fn no_image_missing(error: Error) -> Error {
    Error::invalid(error)
}

/// Whether a container of such a network mode can be in a network besides.
fn check_mode(record: &Record, network: &Network) -> Result<()> {
    let forbidden = |text: &str| Err(Error::new(ErrorKind::Forbidden, text));
    match (&record.host.network_mode, network.driver) {
        (NetworkMode::Host, _) | (_, NetworkDriver::Host) => forbidden(
            "cannot connect container to host network - container must be created in host network mode",
        ),
        (NetworkMode::None, _) | (_, NetworkDriver::Null) => forbidden(
            "container cannot be connected to multiple networks with one of the networks in private (none) mode",
        ),
        (NetworkMode::Container(_), _) => forbidden(
            "container sharing network namespace with another container or host cannot be connected to any other network",
        ),
        _ => Ok(()),
    }
}

impl Networks {
    /// Whether a network can give what is asked for.
    fn check(&self, network: &Network, settings: &EndpointSettings) -> Result<()> {
        if !settings.link_local.is_empty() {
            return Err(Error::invalid("link-local addresses of one's own are not supported"));
        }
        if let Some(option) = settings.driver_options.keys().next() {
            return Err(Error::invalid(format_args!(
                "the network driver {} has no option \"{option}\" for a container",
                network.driver.as_str()
            )));
        }
        let fixed = settings.ipv4.is_some() || settings.ipv6.is_some();
        if fixed && network.is_predefined() {
            return Err(Error::invalid(
                "user specified IP address is supported on user defined networks only",
            ));
        }
        if !settings.aliases.is_empty() && network.is_predefined() {
            return Err(Error::invalid(
                "network-scoped alias is supported only for containers in user defined networks",
            ));
        }
        let addresses =
            settings.ipv4.map(Into::into).into_iter().chain(settings.ipv6.map(Into::into));
        for address in addresses {
            if !network.subnets.iter().any(|subnet| subnet.subnet.contains(address)) {
                return Err(Error::invalid(format_args!(
                    "no configured subnet or ip-range contain the IP address {address}"
                )));
            }
        }
        Ok(())
    }
}
