//! What can be permitted, each by a word `KIND:VERB`.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $word:literal => $variant:ident,)*) => {
        /// Something that a limited socket may permit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Permission {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Permission {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// `KIND:VERB`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

permissions! {
    /// Seeing which containers there are; their events.
    "containers:list" => ContainersList,
    /// Inspecting containers: configuration, logs, processes, statistics, changes; waiting.
    "containers:read" => ContainersRead,
    /// Creating containers that have no part of the host.
    "containers:create" => ContainersCreate,
    /// Starting and restarting.
    "containers:start" => ContainersStart,
    /// Stopping, killing, pausing.
    "containers:stop" => ContainersStop,
    /// Changing limits, restart policies and names.
    "containers:update" => ContainersUpdate,
    /// Attaching to the streams of the first process.
    "containers:attach" => ContainersAttach,
    /// Running further commands.
    "containers:exec" => ContainersExec,
    /// Reading and writing files.
    "containers:copy" => ContainersCopy,
    /// Removing.
    "containers:remove" => ContainersRemove,
    /// With `create` and `exec`: full privileges, which is root on the host.
    "containers:privileged" => ContainersPrivileged,
    /// With `create`: the host's namespaces.
    "containers:host-namespaces" => ContainersHostNamespaces,
    /// With `create`: any file of the host, which is root on the host.
    "containers:bind" => ContainersBind,
    /// With `create`: devices of the host.
    "containers:devices" => ContainersDevices,
    /// With `create`: more capabilities than containers have by default.
    "containers:capabilities" => ContainersCapabilities,
    /// With `create`: no seccomp, no masked paths, other profiles.
    "containers:unconfined" => ContainersUnconfined,
    /// With `create`: published ports.
    "containers:publish" => ContainersPublish,
    /// With `create` and `update`: parent cgroups, runtimes, annotations, priorities over other
    /// processes, log drivers that send elsewhere.
    "containers:host-settings" => ContainersHostSettings,
    /// Seeing which images there are.
    "images:list" => ImagesList,
    /// Inspecting images and their history.
    "images:read" => ImagesRead,
    /// Pulling, and asking registries.
    "images:pull" => ImagesPull,
    /// Pushing.
    "images:push" => ImagesPush,
    /// Reading images as archives.
    "images:save" => ImagesSave,
    /// Loading and importing archives.
    "images:load" => ImagesLoad,
    /// Naming.
    "images:tag" => ImagesTag,
    /// Building.
    "images:build" => ImagesBuild,
    /// Making images of containers.
    "images:commit" => ImagesCommit,
    /// Removing.
    "images:remove" => ImagesRemove,
    /// On a socket with labels: images without them can be seen and used, but not changed.
    "images:unlabelled" => ImagesUnlabelled,
    /// Seeing which networks there are.
    "networks:list" => NetworksList,
    /// Inspecting networks.
    "networks:read" => NetworksRead,
    /// Creating bridge networks.
    "networks:create" => NetworksCreate,
    /// Connecting and disconnecting containers.
    "networks:connect" => NetworksConnect,
    /// Removing.
    "networks:remove" => NetworksRemove,
    /// With `create`: other drivers than bridge, and drivers' options.
    "networks:host-interfaces" => NetworksHostInterfaces,
    /// Seeing which volumes there are.
    "volumes:list" => VolumesList,
    /// Inspecting volumes.
    "volumes:read" => VolumesRead,
    /// Creating volumes, by themselves or by naming them in a container.
    "volumes:create" => VolumesCreate,
    /// Removing.
    "volumes:remove" => VolumesRemove,
    /// With `create`: devices and directories of the host, which is root on the host.
    "volumes:host-paths" => VolumesHostPaths,
    /// What the engine and its host are, with the numbers of all containers and images.
    "system:info" => SystemInfo,
    /// Disk usage, of all objects: only without labels.
    "system:df" => SystemDf,
}

impl Permission {
    /// Reads `KIND:VERB[,VERB...]`.
    pub fn parse_list(text: &str) -> Result<BTreeSet<Self>> {
        let (kind, verbs) = text.split_once(':').ok_or_else(|| {
            Error::invalid(format_args!(
                "invalid permission \"{text}\": expected KIND:VERB[,VERB...], such as containers:list,read"
            ))
        })?;
        verbs.split(',').map(|verb| format!("{}:{}", kind.trim(), verb.trim()).parse()).collect()
    }

    fn kind(self) -> &'static str {
        self.as_str().split(':').next().unwrap_or_default()
    }
}

impl FromStr for Permission {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(found) = Self::ALL.iter().find(|known| known.as_str() == text) {
            return Ok(*found);
        }
        let (kind, verb) = text.split_once(':').unwrap_or((text, ""));
        let verbs: Vec<&str> = Self::ALL
            .iter()
            .filter(|known| known.kind() == kind)
            .filter_map(|known| known.as_str().split(':').nth(1))
            .collect();
        if verbs.is_empty() {
            return Err(Error::invalid(format_args!(
                "invalid permission \"{text}\": there are no permissions on \"{kind}\", only on containers, images, networks, volumes and system"
            )));
        }
        Err(Error::invalid(format_args!(
            "invalid permission \"{text}\": \"{verb}\" is no verb on {kind}, expected one of {}",
            verbs.join(", ")
        )))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.as_str().to_owned()
    }
}

impl TryFrom<String> for Permission {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let set = Permission::parse_list("containers:list, read").expect("valid");
        assert_eq!(
            set.into_iter().collect::<Vec<_>>(),
            [Permission::ContainersList, Permission::ContainersRead]
        );
        for known in Permission::ALL {
            assert_eq!(known.as_str().parse::<Permission>().expect("valid"), *known);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("containers", "expected KIND:VERB"),
            ("pods:list", "no permissions on \"pods\""),
            ("containers:list,fly", "\"fly\" is no verb on containers, expected one of list, read"),
            ("containers:", "\"\" is no verb"),
        ] {
            let error = Permission::parse_list(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
