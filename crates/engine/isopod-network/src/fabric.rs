//! The host's side of containers' networks: bridges, their ports, and the rules.
//!
//! Everything is compared with what there is before it is made, so that a call that was cut off
//! by a crash can be made again, and what somebody else removed comes back.

use crate::error::{Error, Result};
use crate::firewall::{Firewall, Zone};
use crate::links::{Link, Links, Pair};
use crate::mac::Mac;
use crate::namespace::{Namespace, Pool};
use crate::ports::{Ports, Publication};
use crate::subnet::Subnet;
use crate::sysctl;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Largest packet of a bridge unless it is said.
const USUAL_MTU: u32 = 1500;

/// A network's bridge as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// The network's id, by which the bridge is known as its own.
    pub network_id: String,
    /// Addresses of the bridge, which are the containers' gateways.
    pub addresses: Vec<Subnet>,
    /// Largest packet.
    pub mtu: Option<u32>,
    /// Whether its containers may speak with each other.
    pub icc: bool,
    /// What the rules need to know; the bridge's name is there.
    pub zone: Zone,
}

/// Who of the interfaces of one parent hears whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MacvlanMode {
    /// Nobody hears another.
    Private = 1,
    /// They hear each other by way of the switch outside.
    Vepa = 2,
    /// They hear each other.
    #[default]
    Bridge = 4,
    /// One only, which has the parent for itself.
    Passthru = 8,
}

/// A container's interface in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name of the host's end.
    pub host_name: String,
    /// Name in the container.
    pub name: String,
    /// Its MAC address.
    pub mac: Mac,
    /// Its addresses.
    pub addresses: Vec<Subnet>,
    /// Default gateways; an unspecified address means that all is on the link.
    pub gateways: Vec<IpAddr>,
}

/// The networks of one engine on this host.
#[derive(Debug)]
pub struct Fabric {
    owner: String,
    state: Mutex<State>,
    /// The host's ports.
    pub ports: Ports,
    /// Prepared namespaces.
    pub pool: Pool,
    /// Tells the next engine that this machine forwards for our sake only.
    guard_mark: PathBuf,
}

#[derive(Debug)]
struct State {
    firewall: Firewall,
    /// Whether our table is there.
    built: bool,
    /// By name of the bridge.
    zones: BTreeMap<String, Zone>,
    published: BTreeSet<Publication>,
}

impl State {
    fn zone_list(&self) -> Vec<Zone> {
        self.zones.values().cloned().collect()
    }

    fn rebuild(&mut self) -> Result<()> {
        let published = Vec::from_iter(self.published.iter().copied());
        self.firewall.rebuild(&self.zone_list(), &published)?;
        self.built = true;
        Ok(())
    }
}

impl Fabric {
    /// The networks of the engine that is called `owner`; its rules are in `table`. In
    /// `state_directory` is what need not survive the machine.
    #[must_use]
    pub fn new(owner: &str, table: &str, state_directory: PathBuf) -> Self {
        let guard_mark = state_directory.join("forwarding");
        let mut firewall = Firewall::new(table.to_owned());
        firewall.guard_forwarding = guard_mark.exists();
        let state =
            State { firewall, built: false, zones: BTreeMap::new(), published: BTreeSet::new() };
        Self {
            owner: owner.to_owned(),
            state: Mutex::new(state),
            ports: Ports::default(),
            pool: Pool::default(),
            guard_mark,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The networks that this machine has routes to, which containers' must not overlap.
    pub fn host_routes() -> Result<Vec<Subnet>> {
        let links = Links::open()?;
        let mut taken: Vec<_> = links.routes()?.into_iter().map(|(_, subnet)| subnet).collect();
        taken.extend(links.addresses()?.into_iter().map(|(_, subnet)| subnet.network()));
        Ok(taken)
    }

    /// Whether an interface of this name exists.
    pub fn has_interface(name: &str) -> Result<bool> {
        Ok(Links::open()?.find(name)?.is_some())
    }

    fn alias(&self, network_id: &str) -> String {
        format!("isopod {} {network_id}", self.owner)
    }

    /// Makes a bridge as it shall be, or repairs it.
    pub fn ensure(&self, bridge: &Bridge) -> Result<()> {
        let links = Links::open()?;
        self.ensure_bridge(&links, bridge).map(|_| ())
    }

    fn ensure_bridge(&self, links: &Links, bridge: &Bridge) -> Result<Link> {
        let name = &bridge.zone.bridge;
        let known = |state: &State| state.built && state.zones.get(name) == Some(&bridge.zone);
        if let Some(link) = links.find(name)?
            && link.is_up
            && known(&self.lock())
        {
            return Ok(link);
        }
        // One at a time from here: several containers may be the first ones of a network.
        let mut state = self.lock();
        let link = self.make_bridge(links, bridge)?;
        self.prepare_host(&mut state, bridge)?;
        if !known(&state) {
            state.zones.insert(name.clone(), bridge.zone.clone());
            if state.built {
                let zones = state.zone_list();
                state.firewall.set_zones(&zones)?;
            } else {
                state.rebuild()?;
            }
        }
        Ok(link)
    }

    fn make_bridge(&self, links: &Links, bridge: &Bridge) -> Result<Link> {
        let name = &bridge.zone.bridge;
        let link = match links.find(name)? {
            Some(link) if link.kind == "bridge" => link,
            Some(_) => {
                return Err(Error::Conflict(format!(
                    "the interface {name} exists and is no bridge: choose another name for the network's bridge"
                )));
            }
            None => {
                let mac = Mac::local(isopod_base::id::random_bytes());
                let mtu = bridge.mtu.unwrap_or(USUAL_MTU);
                links.add_bridge(name, mac, mtu, &self.alias(&bridge.network_id))?;
                links.find(name)?.ok_or_else(|| {
                    Error::NotFound(format!("the bridge {name} was removed at once"))
                })?
            }
        };
        if !link.is_up {
            links.set_up(link.index)?;
        }
        sysctl::set(&["ipv4", "conf", name, "route_localnet"], "1")?;
        let v6 = bridge.addresses.iter().any(Subnet::is_v6);
        if v6 {
            sysctl::set(&["ipv6", "conf", name, "disable_ipv6"], "0")?;
        }
        if sysctl::read(&["ipv6", "conf", name, "accept_ra"]).is_some() {
            sysctl::set(&["ipv6", "conf", name, "accept_ra"], "0")?;
        }
        for address in &bridge.addresses {
            links.add_address(link.index, *address)?;
        }
        Ok(link)
    }

    /// Lets this machine forward. If it did not before, then for our networks only.
    fn prepare_host(&self, state: &mut State, bridge: &Bridge) -> Result<()> {
        if sysctl::read(&["ipv4", "ip_forward"]).as_deref() == Some("0") {
            if let Some(directory) = self.guard_mark.parent() {
                std::fs::create_dir_all(directory)
                    .map_err(Error::system(format!("make {}", directory.display())))?;
            }
            std::fs::write(&self.guard_mark, "")
                .map_err(Error::system(format!("write {}", self.guard_mark.display())))?;
            state.firewall.guard_forwarding = true;
            state.built = false;
            // The rules first: there is no moment in which anything else is forwarded.
            state.zones.insert(bridge.zone.bridge.clone(), bridge.zone.clone());
            state.rebuild()?;
            sysctl::set(&["ipv4", "ip_forward"], "1")?;
        }
        if bridge.addresses.iter().any(Subnet::is_v6) {
            sysctl::set(&["ipv6", "conf", "all", "forwarding"], "1")?;
        }
        Ok(())
    }

    /// Removes a network's bridge, if it is ours, and its rules.
    pub fn remove(&self, bridge: &Bridge) -> Result<()> {
        let name = &bridge.zone.bridge;
        let links = Links::open()?;
        let mut state = self.lock();
        if state.zones.remove(name).is_some() && state.built {
            let zones = state.zone_list();
            state.firewall.set_zones(&zones)?;
        }
        match links.find(name)? {
            Some(link) if link.alias == self.alias(&bridge.network_id) => links.remove(name),
            _ => Ok(()),
        }
    }

    /// Gives a namespace an interface on a bridge, with addresses and routes.
    pub fn attach(
        &self,
        namespace: &Namespace,
        bridge: &Bridge,
        attachment: &Attachment,
    ) -> Result<()> {
        let links = Links::open()?;
        let port = self.ensure_bridge(&links, bridge)?;
        links.add_pair(&Pair {
            name: &attachment.host_name,
            bridge: port.index,
            peer_name: &attachment.name,
            peer_namespace: std::os::fd::AsFd::as_fd(namespace),
            peer_mac: attachment.mac,
            mtu: bridge.mtu.unwrap_or(port.mtu),
            isolated: !bridge.icc,
        })?;
        configure(namespace, attachment)
    }

    /// Gives a namespace an interface that is another face of one of the host's.
    pub fn attach_macvlan(
        &self,
        namespace: &Namespace,
        parent: &str,
        mode: MacvlanMode,
        attachment: &Attachment,
    ) -> Result<()> {
        let links = Links::open()?;
        let parent = links.index(parent)?;
        links.add_macvlan(
            parent,
            &attachment.name,
            attachment.mac,
            mode as u32,
            std::os::fd::AsFd::as_fd(namespace),
        )?;
        configure(namespace, attachment)
    }

    /// Takes an interface away from its container.
    pub fn detach(&self, host_name: &str) -> Result<()> {
        Links::open()?.remove(host_name)
    }

    /// Publishes ports that were taken.
    pub fn publish(&self, published: &[Publication]) -> Result<()> {
        let mut state = self.lock();
        state.published.extend(published.iter().copied());
        if !state.built {
            return state.rebuild();
        }
        // Somebody may have emptied the table: then it is made anew.
        state.firewall.publish(published).or_else(|_| state.rebuild())
    }

    /// Makes our rules anew if somebody has removed them; whether that was so.
    pub fn repair(&self) -> Result<bool> {
        let mut state = self.lock();
        if !state.built || state.firewall.exists()? {
            return Ok(false);
        }
        state.rebuild().map(|()| true)
    }

    /// Withdraws ports. Connections to them that exist go on.
    pub fn withdraw(&self, published: &[Publication]) -> Result<()> {
        let mut state = self.lock();
        let gone: Vec<_> =
            published.iter().copied().filter(|one| state.published.remove(one)).collect();
        let staying: Vec<_> = state
            .published
            .iter()
            .copied()
            .filter(|one| gone.iter().any(|other| other.container == one.container))
            .collect();
        if !state.built {
            return Ok(());
        }
        // Somebody may have emptied the table: then it is made anew.
        state.firewall.withdraw(&gone, &staying).or_else(|_| state.rebuild())
    }

    /// Brings everything in line with what there shall be: bridges, the host's ends of running
    /// containers' interfaces (name and bridge), and published ports. Removes what is left over.
    pub fn reconcile(
        &self,
        bridges: &[Bridge],
        known: &[Bridge],
        ports: &BTreeMap<String, String>,
        published: &[Publication],
    ) -> Result<()> {
        let links = Links::open()?;
        let present = links.list()?;
        self.remove_leftovers(&links, &present, known, ports)?;
        {
            let mut state = self.lock();
            state.zones = bridges.iter().map(|b| (b.zone.bridge.clone(), b.zone.clone())).collect();
            state.published = published.iter().copied().collect();
            if bridges.is_empty() {
                state.built = false;
                return state.firewall.remove();
            }
            state.rebuild()?;
        }
        for bridge in bridges {
            let index = self.make_bridge(&links, bridge)?.index;
            self.prepare_host(&mut self.lock(), bridge)?;
            let own = |link: &&Link| ports.get(&link.name) == Some(&bridge.zone.bridge);
            for link in present.iter().filter(own).filter(|link| link.master != index) {
                links.set_master(link.index, index)?;
            }
        }
        Ok(())
    }

    fn remove_leftovers(
        &self,
        links: &Links,
        present: &[Link],
        known: &[Bridge],
        ports: &BTreeMap<String, String>,
    ) -> Result<()> {
        let ours = format!("isopod {} ", self.owner);
        for bridge in present.iter().filter(|link| link.alias.starts_with(&ours)) {
            for link in present.iter().filter(|link| link.master == bridge.index) {
                if link.kind == "veth" && !ports.contains_key(&link.name) {
                    links.remove(&link.name)?;
                }
            }
            if !known.iter().any(|other| self.alias(&other.network_id) == bridge.alias) {
                links.remove(&bridge.name)?;
            }
        }
        Ok(())
    }
}

fn configure(namespace: &Namespace, attachment: &Attachment) -> Result<()> {
    let index = namespace.links.index(&attachment.name)?;
    namespace.links.configure(index, &attachment.addresses, &attachment.gateways)
}

impl Namespace {
    /// Replaces the default routes.
    pub fn set_gateways(&self, interface: &str, gateways: &[IpAddr]) -> Result<()> {
        for v6 in [false, true] {
            if let Some(gateway) = gateways.iter().find(|gateway| gateway.is_ipv6() == v6) {
                let index = self.links.index(interface)?;
                self.links.set_default_route(index, *gateway)?;
            } else {
                self.links.remove_default_routes(v6)?;
            }
        }
        Ok(())
    }

    /// Names of the interfaces inside.
    pub fn interfaces(&self) -> Result<Vec<String>> {
        Ok(self.links.list()?.into_iter().map(|link| link.name).collect())
    }

    /// Removes an interface inside.
    pub fn remove_interface(&self, name: &str) -> Result<()> {
        self.links.remove(name)
    }
}
