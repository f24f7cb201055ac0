//! Events: what happened to whom.

use super::Filters;
use isopod_base::times::Timestamp;
use std::collections::BTreeMap;

/// The kinds of objects that events tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// A container.
    Container,
    /// An image.
    Image,
    /// A volume.
    Volume,
    /// A network.
    Network,
    /// The engine.
    Daemon,
    /// The build cache.
    Builder,
}

impl EventType {
    /// Docker's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Daemon => "daemon",
            Self::Builder => "builder",
        }
    }
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// To what kind of object.
    pub kind: EventType,
    /// What, in Docker's words: `create`, `start`, `die`, `exec_create: ls`, ...
    pub action: String,
    /// Id of the object (containers), its reference or id (images), its name (volumes).
    pub actor_id: String,
    /// Details: `name`, `image`, `exitCode`, the labels, ...
    pub attributes: BTreeMap<String, String>,
    /// When.
    pub time: Timestamp,
}

/// Which events to tell.
#[derive(Clone, Debug, Default)]
pub struct SubscribeEvents {
    /// Past events from then on (the engine remembers the last 1024).
    pub since: Option<Timestamp>,
    /// The stream ends then; one in the past tells only what is remembered.
    pub until: Option<Timestamp>,
    /// `type event container image volume label network daemon scope`.
    pub filters: Filters,
}
