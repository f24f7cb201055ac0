//! Requests through a limited socket: refused if they ask for more than is permitted, and changed
//! so that what they make stays within reach.
//!
//! Each check names every field that reaches the host; what is new in a request's type must find
//! its place here.

use super::{Permission, Scope};
use crate::error::{Error, ErrorKind, Result};
use crate::{
    BuildImage, CgroupNamespace, CommitContainer, CreateContainer, CreateExec, CreateNetwork,
    CreateVolume, EndpointSettings, Engine, HostConfig, ImportImage, IpcMode, Mount, MountKind,
    NetworkMode, PidMode, Resources, UserNamespace, UtsMode,
};
use std::collections::BTreeMap;

/// Log drivers that keep logs on this host and take no address.
const OWN_LOGS: [&str; 4] = ["", "json-file", "local", "none"];

/// Options of security that only take something away.
const HARMLESS: [&str; 3] =
    ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"];

/// The network that containers are in by default.
const BRIDGE: &str = "bridge";

impl Scope {
    /// A container to be created.
    pub async fn confine_container(
        &self,
        engine: &Engine,
        request: &mut CreateContainer,
    ) -> Result<()> {
        self.require(Permission::ContainersCreate)?;
        self.check_privileges(&request.host)?;
        self.check_resources(&request.host.resources)?;
        self.check_settings(&request.host)?;
        self.usable_image(engine, &request.config.image).await?;
        // "Not found" would mean the image to clients, which then pull it.
        self.check_references(engine, request).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::invalid(error),
            _ => error,
        })?;
        self.mark(&mut request.config.labels)
    }

    /// Other objects that a container names.
    async fn check_references(&self, engine: &Engine, request: &mut CreateContainer) -> Result<()> {
        self.check_namespaces(engine, &mut request.host)?;
        for (name, settings) in &request.networks {
            self.check_network(engine, name)?;
            self.check_endpoint(engine, settings)?;
        }
        self.check_mounts(engine, &mut request.host).await
    }

    fn check_privileges(&self, host: &HostConfig) -> Result<()> {
        let unconfined =
            host.security_opt.iter().any(|option| !HARMLESS.contains(&option.as_str()))
                || host.masked_paths.is_some()
                || host.readonly_paths.is_some();
        let publishes = !host.port_bindings.is_empty() || host.publish_all_ports;
        for (asked, permission) in [
            (host.privileged, Permission::ContainersPrivileged),
            (!host.cap_add.is_empty(), Permission::ContainersCapabilities),
            (unconfined, Permission::ContainersUnconfined),
            (publishes, Permission::ContainersPublish),
        ] {
            if asked {
                self.require(permission)?;
            }
        }
        Ok(())
    }

    fn check_settings(&self, host: &HostConfig) -> Result<()> {
        let asked = !host.annotations.is_empty()
            || !host.runtime.is_empty()
            || host.oom_score_adj < 0
            || !OWN_LOGS.contains(&host.log.driver.as_str());
        if asked { self.require(Permission::ContainersHostSettings) } else { Ok(()) }
    }

    /// Limits of a container, when it is created or later.
    pub fn check_resources(&self, resources: &Resources) -> Result<()> {
        let devices = !resources.devices.is_empty()
            || !resources.device_cgroup_rules.is_empty()
            || resources.device_requests > 0;
        if devices {
            self.require(Permission::ContainersDevices)?;
        }
        let over_others = !resources.cgroup_parent.is_empty()
            || resources.cpu_realtime_period_us != 0
            || resources.cpu_realtime_runtime_us != 0
            || resources.oom_kill_disable == Some(true);
        if over_others { self.require(Permission::ContainersHostSettings) } else { Ok(()) }
    }

    /// Namespaces; names of other containers become ids, so that no renaming changes who is meant.
    fn check_namespaces(&self, engine: &Engine, host: &mut HostConfig) -> Result<()> {
        let hosts = host.network_mode == NetworkMode::Host
            || host.pid_mode == PidMode::Host
            || host.ipc_mode == IpcMode::Host
            || host.uts_mode == UtsMode::Host
            || host.userns_mode == UserNamespace::Host
            || host.cgroupns_mode == CgroupNamespace::Host;
        if hosts {
            self.require(Permission::ContainersHostNamespaces)?;
        }
        if let PidMode::Container(name) = &mut host.pid_mode {
            *name = self.container(engine, name)?;
        }
        if let IpcMode::Container(name) = &mut host.ipc_mode {
            *name = self.container(engine, name)?;
        }
        match &mut host.network_mode {
            NetworkMode::Container(name) => *name = self.container(engine, name)?,
            NetworkMode::Named(name) => self.check_network(engine, name)?,
            NetworkMode::Default | NetworkMode::None | NetworkMode::Host => {}
        }
        for link in &host.links {
            self.container(engine, first_part(link))?;
        }
        Ok(())
    }

    /// A network that a container is to be in.
    fn check_network(&self, engine: &Engine, name: &str) -> Result<()> {
        match name {
            "host" => self.require(Permission::ContainersHostNamespaces),
            "default" | "none" | BRIDGE => Ok(()),
            name => self.network(engine, name).map(|_| ()),
        }
    }

    async fn check_mounts(&self, engine: &Engine, host: &mut HostConfig) -> Result<()> {
        for from in &mut host.volumes_from {
            let name = first_part(from);
            *from = format!("{}{}", self.container(engine, name)?, &from[name.len()..]);
        }
        for bind in &host.binds {
            let source = first_part(bind);
            if !bind.contains(':') {
                continue;
            }
            if source.starts_with('/') {
                self.require(Permission::ContainersBind)?;
                continue;
            }
            let driver = host.volume_driver.clone();
            let request = CreateVolume { name: source.to_owned(), driver, ..<_>::default() };
            self.have_volume(engine, request).await?;
        }
        for mount in &host.mounts {
            self.check_mount(engine, mount).await?;
        }
        Ok(())
    }

    async fn check_mount(&self, engine: &Engine, mount: &Mount) -> Result<()> {
        let request = CreateVolume {
            name: mount.source.clone(),
            driver: mount.volume_driver.clone(),
            options: mount.volume_options.clone(),
            labels: mount.volume_labels.clone(),
        };
        match mount.kind {
            MountKind::Bind => self.require(Permission::ContainersBind),
            MountKind::Tmpfs => Ok(()),
            MountKind::Image => self.usable_image(engine, &mount.source).await,
            // One without a name is the container's own.
            MountKind::Volume if mount.source.is_empty() => self.check_volume(engine, &request),
            MountKind::Volume => self.have_volume(engine, request).await,
        }
    }

    /// A volume that a container names: within reach, or made now, so that it has the labels.
    async fn have_volume(&self, engine: &Engine, mut request: CreateVolume) -> Result<()> {
        let name = request.name.clone();
        if engine.volumes.get(&name).is_none() {
            self.confine_volume(engine, &mut request)?;
            engine.create_volume(request).await?;
        }
        // Somebody else may have made it meanwhile.
        self.volume(engine, &name)
    }

    /// A volume to be created.
    pub fn confine_volume(&self, engine: &Engine, request: &mut CreateVolume) -> Result<()> {
        self.require(Permission::VolumesCreate)?;
        self.check_volume(engine, request)?;
        if !request.name.is_empty() && engine.volumes.get(&request.name).is_some() {
            self.volume(engine, &request.name)?;
        }
        self.mark(&mut request.labels)
    }

    fn check_volume(&self, engine: &Engine, request: &CreateVolume) -> Result<()> {
        let own_driver = matches!(request.driver.as_str(), "" | "local");
        if !own_driver || request.options.contains_key("device") {
            self.require(Permission::VolumesHostPaths)?;
        }
        match request.options.get("from") {
            Some(name) => self.volume(engine, name),
            None => Ok(()),
        }
    }

    /// A network to be created.
    pub fn confine_network(&self, request: &mut CreateNetwork) -> Result<()> {
        self.require(Permission::NetworksCreate)?;
        let plain = matches!(request.driver.as_str(), "" | "bridge") && request.options.is_empty();
        if !plain {
            self.require(Permission::NetworksHostInterfaces)?;
        }
        self.mark(&mut request.labels)
    }

    /// A command to be run in a container.
    pub fn check_exec(&self, request: &CreateExec) -> Result<()> {
        if request.privileged { self.require(Permission::ContainersPrivileged) } else { Ok(()) }
    }

    /// A container that an image is to be made of; its name becomes its id.
    pub async fn confine_commit(
        &self,
        engine: &Engine,
        container: &mut String,
        request: &mut CommitContainer,
    ) -> Result<()> {
        self.require(Permission::ImagesCommit)?;
        *container = self.container(engine, container)?;
        self.free_image_name(engine, &request.reference).await?;
        request.changes.extend(self.label_instructions());
        Ok(())
    }

    /// Instructions that give an image the labels, after all others.
    fn label_instructions(&self) -> impl Iterator<Item = String> {
        self.labels.iter().map(|(key, value)| format!("LABEL {key}={value}"))
    }

    /// A build. Its instructions may name any image as a base, and the engine fetches what they
    /// name.
    pub async fn confine_build(&self, engine: &Engine, request: &mut BuildImage) -> Result<()> {
        self.require(Permission::ImagesBuild)?;
        if !self.labels.is_empty() && !self.permits(Permission::ImagesUnlabelled) {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "images:build needs images:unlabelled as well on a socket with labels, since FROM may name any image",
            ));
        }
        if request.build.allow_insecure {
            self.require(Permission::ContainersPrivileged)?;
        }
        if !request.build.agents.is_empty() {
            self.require(Permission::ContainersBind)?;
        }
        self.check_privileges(&request.host)?;
        self.check_resources(&request.host.resources)?;
        self.check_namespaces(engine, &mut request.host)?;
        for tag in &request.tags {
            self.free_image_name(engine, tag).await?;
        }
        self.mark(&mut request.build.labels)
    }

    /// A pull: what comes has its own labels, so that it can only be seen regardless of them.
    pub fn check_pull(&self) -> Result<()> {
        self.require(Permission::ImagesPull)?;
        if self.labels.is_empty() || self.permits(Permission::ImagesUnlabelled) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forbidden,
            "images:pull needs images:unlabelled as well on a socket with labels, since what is pulled does not have them",
        ))
    }

    /// An image to be made of an archive.
    pub async fn confine_import(&self, engine: &Engine, request: &mut ImportImage) -> Result<()> {
        self.require(Permission::ImagesLoad)?;
        self.free_image_name(engine, &request.reference).await?;
        request.changes.extend(self.label_instructions());
        Ok(())
    }

    /// What is asked for a container in a network.
    pub fn check_endpoint(&self, engine: &Engine, settings: &EndpointSettings) -> Result<()> {
        settings
            .links
            .iter()
            .try_for_each(|link| self.container(engine, first_part(link)).map(drop))
    }
}

/// What stands before the first colon.
fn first_part(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

/// Whether labels can be written into instructions as they are.
pub(super) fn check_labels(labels: &BTreeMap<String, String>) -> Result<()> {
    let plain = |text: &str, more: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c) || more.contains(c))
    };
    match labels
        .iter()
        .find(|(key, value)| key.is_empty() || !plain(key, "") || !plain(value, ":@+"))
    {
        None => Ok(()),
        Some((key, value)) => Err(Error::invalid(format_args!(
            "invalid label \"{key}={value}\": expected letters, digits and ._-/ in the key, and :@+ too in the value"
        ))),
    }
}
