//! What somebody may do, and with which objects.

use super::Permission;
use crate::error::{Error, ErrorKind, Result};
use crate::{Engine, ImageDetails};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Permissions, and the labels of the objects that they are about. Nothing is permitted by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// What is permitted.
    pub allow: BTreeSet<Permission>,
    /// Labels of the objects that exist for it; empty for all objects.
    pub labels: BTreeMap<String, String>,
}

impl Scope {
    /// Refuses what is not permitted.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.permits(permission) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forbidden,
            format_args!("{permission} is not permitted on this socket"),
        ))
    }

    /// Likewise for what concerns objects with and without the labels.
    pub fn require_unlimited(&self, permission: Permission) -> Result<()> {
        self.require(permission)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Forbidden,
            format_args!(
                "{permission} concerns all objects, and this socket is limited to those with labels"
            ),
        ))
    }

    /// Whether something is permitted.
    #[must_use]
    pub fn permits(&self, permission: Permission) -> bool {
        self.allow.contains(&permission)
    }

    /// Whether an object with these labels exists for it.
    #[must_use]
    pub fn covers(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }

    /// Gives a new object the labels.
    pub(super) fn mark(&self, labels: &mut BTreeMap<String, String>) -> Result<()> {
        for (key, value) in &self.labels {
            if labels.get(key).is_some_and(|given| given != value) {
                return Err(Error::new(
                    ErrorKind::Forbidden,
                    format_args!(
                        "the label {key} is \"{value}\" for all that is made through this socket"
                    ),
                ));
            }
            labels.insert(key.clone(), value.clone());
        }
        Ok(())
    }

    /// The full id of a container that exists for it.
    pub fn container(&self, engine: &Engine, name: &str) -> Result<String> {
        let container = engine.containers.find(name)?;
        if container.look(|record| self.covers(&record.config.labels)) {
            return Ok(container.id.clone());
        }
        Err(Error::no_container(name))
    }

    /// Refuses an exec session of a container that does not exist for it.
    pub async fn exec(&self, engine: &Engine, id: &str) -> Result<()> {
        let session = engine.exec(id).await?;
        match self.container(engine, &session.container_id) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::not_found(format_args!("No such exec instance: {id}"))),
        }
    }

    /// The full id of a network that exists for it.
    pub fn network(&self, engine: &Engine, name: &str) -> Result<String> {
        let network = engine.networks.find(name)?;
        if self.covers(&network.labels) {
            return Ok(network.id);
        }
        Err(Error::not_found(format_args!("network {name} not found")))
    }

    /// Refuses a volume that does not exist for it.
    pub fn volume(&self, engine: &Engine, name: &str) -> Result<()> {
        match engine.volumes.get(name) {
            Some(volume) if self.covers(&volume.labels) => Ok(()),
            _ => Err(Error::no_volume(name)),
        }
    }

    /// Refuses an image that it cannot change.
    pub async fn own_image(&self, engine: &Engine, name: &str) -> Result<()> {
        self.check_image(&engine.image(name).await?, name)
    }

    /// Refuses an image that it cannot use.
    pub async fn usable_image(&self, engine: &Engine, name: &str) -> Result<()> {
        if self.labels.is_empty() || self.permits(Permission::ImagesUnlabelled) {
            return Ok(());
        }
        self.own_image(engine, name).await
    }

    fn check_image(&self, image: &ImageDetails, name: &str) -> Result<()> {
        if self.covers(&image.config.labels) {
            return Ok(());
        }
        Err(Error::not_found(format_args!("No such image: {name}")))
    }

    /// Refuses a new name for an image if it is an image's that does not exist for it: who uses
    /// that image would get another one by its name.
    pub async fn free_image_name(&self, engine: &Engine, name: &str) -> Result<()> {
        if self.labels.is_empty() || name.is_empty() {
            return Ok(());
        }
        match engine.image(name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(image) if self.covers(&image.config.labels) => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::Forbidden,
                format_args!("the name {name} is that of an image out of reach of this socket"),
            )),
        }
    }
}
