//! Events.

use crate::go::is_empty;
use std::collections::BTreeMap;

document! {
    /// A line of `GET /events`.
    pub struct EventMessage {
        /// Legacy form of `action` (containers and images only).
        #[serde(rename = "status", skip_serializing_if = "is_empty")]
        pub status: String,
        /// Legacy form of the actor's id.
        #[serde(rename = "id", skip_serializing_if = "is_empty")]
        pub id: String,
        /// Legacy form of the actor's image.
        #[serde(rename = "from", skip_serializing_if = "is_empty")]
        pub from: String,
        /// `container`, `image`, `volume`, `network`, `daemon`, ...
        #[serde(rename = "Type")]
        pub kind: String,
        /// `create`, `start`, `die`, `exec_create: sh`, ...
        pub action: String,
        /// Whom it happened to.
        pub actor: EventActor,
        /// `local` or `swarm`.
        #[serde(rename = "scope", skip_serializing_if = "is_empty")]
        pub scope: String,
        /// Unix time.
        #[serde(rename = "time", skip_serializing_if = "is_empty")]
        pub time: i64,
        /// Unix time in nanoseconds.
        #[serde(rename = "timeNano", skip_serializing_if = "is_empty")]
        pub time_nano: i64,
    }

    /// Whom an event happened to.
    pub struct EventActor {
        /// Id or name.
        #[serde(rename = "ID")]
        pub id: String,
        /// Name, image, exit code, labels, ...
        pub attributes: BTreeMap<String, String>,
    }
}
