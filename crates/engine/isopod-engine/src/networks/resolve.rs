//! Names of containers, for the name service in each of their namespaces.
//!
//! Nothing is kept for it: who is asked for is looked for among the containers as they are.

use super::names::{Resolver, embedded_only, system_resolver};
use super::split_link;
use crate::Engine;
use crate::containers::{Container, Record};
use crate::engine::blocking;
use crate::error::Result;
use isopod_network::Namespace;
use isopod_network::dns::{ADDRESS, Names, Sockets, Upstream};
use std::net::IpAddr;
use std::sync::{Arc, Weak};

/// Characters of a container's id that are a name of it.
const SHORT_ID: usize = 12;

/// What a container sees.
#[derive(Debug)]
struct View {
    engine: Weak<Engine>,
    container: String,
}

/// A network that a container is in.
#[derive(Debug)]
struct Seen {
    id: String,
    name: String,
    links: Vec<String>,
}

impl View {
    /// The networks that have names, that of the default routes first.
    fn networks(&self, engine: &Engine) -> Vec<Seen> {
        let Ok(container) = engine.containers.find(&self.container) else {
            return Vec::new();
        };
        let networks = container.look(|record| record.networks.clone());
        let mut seen: Vec<_> = networks
            .endpoints
            .into_iter()
            .filter(|(name, endpoint)| name != "bridge" && endpoint.active.is_some())
            .collect();
        seen.sort_by_key(|(_, endpoint)| !endpoint.active.as_ref().is_some_and(|a| a.is_default));
        let one = |(name, endpoint): (String, crate::Endpoint)| Seen {
            id: endpoint.network_id,
            name,
            links: endpoint.settings.links,
        };
        seen.into_iter().map(one).collect()
    }

    fn in_network(&self, engine: &Engine, network: &Seen, name: &str) -> Vec<IpAddr> {
        let linked = network.links.iter().map(|link| split_link(link));
        let linked = linked.filter(|(_, alias)| alias.eq_ignore_ascii_case(name));
        let targets: Vec<_> = linked
            .filter_map(|(target, _)| engine.containers.find(target).ok().map(|c| c.id.clone()))
            .collect();
        let mut found = Vec::new();
        for container in engine.containers.all() {
            container.look(|record| {
                let Some(endpoint) = record.networks.endpoints.get(&network.name) else { return };
                let Some(active) = endpoint.active.as_ref() else { return };
                let is_named = || {
                    let hostname = record.config.hostname.as_str();
                    [record.name.as_str(), &record.id[..SHORT_ID], &record.id, hostname]
                        .into_iter()
                        .chain(endpoint.settings.aliases.iter().map(String::as_str))
                        .any(|known| known.eq_ignore_ascii_case(name))
                };
                if endpoint.network_id == network.id && (targets.contains(&record.id) || is_named())
                {
                    found.extend(active.addresses.iter().map(|address| address.address()));
                }
            });
        }
        found
    }
}

impl Names for View {
    fn addresses(&self, name: &str) -> Option<Vec<IpAddr>> {
        let engine = self.engine.upgrade()?;
        for network in self.networks(&engine) {
            let mut found = self.in_network(&engine, &network, name);
            if found.is_empty()
                && let Some(short) =
                    name.strip_suffix(&network.name).and_then(|rest| rest.strip_suffix('.'))
            {
                found = self.in_network(&engine, &network, short);
            }
            if found.len() > 1 {
                // Each of them is first as often as the others.
                let [turn] = isopod_base::id::random_bytes();
                let middle = usize::from(turn) % found.len();
                found.rotate_left(middle);
            }
            if !found.is_empty() {
                return Some(found);
            }
        }
        None
    }

    fn name(&self, address: IpAddr) -> Option<String> {
        let engine = self.engine.upgrade()?;
        for network in self.networks(&engine) {
            for container in engine.containers.all() {
                let name = container.look(|record| {
                    let endpoint = record.networks.endpoints.get(&network.name)?;
                    let active = endpoint.active.as_ref()?;
                    let has = active.addresses.iter().any(|own| own.address() == address);
                    has.then(|| format!("{}.{}", record.name, network.name))
                });
                if name.is_some() {
                    return name;
                }
            }
        }
        None
    }
}

impl Upstream for View {
    fn servers(&self) -> Vec<IpAddr> {
        let Some(engine) = self.engine.upgrade() else { return Vec::new() };
        let Ok(container) = engine.containers.find(&self.container) else { return Vec::new() };
        let record = container.record();
        let joined = engine.joined(&record.networks).unwrap_or_default();
        if joined.iter().all(|joined| joined.network.internal) {
            return Vec::new();
        }
        let resolver = Resolver::of(&record, &engine.networks.options, &system_resolver());
        let servers = resolver.servers.iter().filter_map(|server| server.parse().ok());
        servers.filter(|server| *server != IpAddr::from(ADDRESS)).collect()
    }
}

impl Engine {
    /// Whether a container asks the engine for names.
    pub(crate) fn has_resolver(&self, record: &Record) -> bool {
        let endpoints = &record.networks.endpoints;
        endpoints.keys().any(|name| name != "bridge")
            || (!endpoints.is_empty()
                && embedded_only(&Resolver::of(record, &self.networks.options, &system_resolver())))
    }

    /// Opens the sockets of a container's name service, if it has one; blocks.
    pub(super) fn open_resolver(
        &self,
        record: &Record,
        namespace: &Namespace,
    ) -> Result<Option<Sockets>> {
        if self.has_resolver(record) { Ok(Some(Sockets::open(namespace)?)) } else { Ok(None) }
    }

    /// Serves a container's questions until its networks are released.
    pub(super) fn serve_names(self: &Arc<Self>, container: &str, sockets: Sockets) -> Result<()> {
        let view = View { engine: Arc::downgrade(self), container: container.to_owned() };
        let resolver = isopod_network::dns::Resolver::start(sockets, Arc::new(view))?;
        self.networks.resolvers().insert(container.to_owned(), resolver);
        Ok(())
    }

    /// Takes up the name services of containers that run.
    pub(super) async fn resume_names(self: &Arc<Self>) {
        for container in self.containers.all() {
            if let Err(error) = self.resume_names_of(&container).await {
                tracing::warn!(container = %container.id, error = %error.full_message(), "it cannot look up names");
            }
        }
    }

    /// Starts a running container's name service unless it is served.
    pub(super) async fn resume_names_of(self: &Arc<Self>, container: &Container) -> Result<()> {
        let record = container.record();
        let served = self.networks.resolvers().contains_key(&record.id);
        if served || !record.state.status.is_alive() || !self.has_resolver(&record) {
            return Ok(());
        }
        let (engine, id) = (Arc::clone(self), record.id.clone());
        let sockets = blocking(move || {
            let namespace = Namespace::of_process(record.state.pid)?;
            engine.open_resolver(&record, &namespace)
        });
        match sockets.await? {
            Some(sockets) => self.serve_names(&id, sockets),
            None => Ok(()),
        }
    }
}
