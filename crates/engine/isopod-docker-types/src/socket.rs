//! Limited sockets: isopod's own part of the API.

use std::collections::BTreeMap;

document! {
    /// A limited socket.
    pub struct Socket {
        /// Name.
        pub name: String,
        /// Where it lies.
        pub path: String,
        /// Owner of the file, if that is not who runs the engine.
        pub user: Option<u32>,
        /// Group that may connect.
        pub group: Option<u32>,
        /// What is permitted, each `KIND:VERB`.
        pub allow: Vec<String>,
        /// Labels of the objects that exist for it.
        pub labels: BTreeMap<String, String>,
        /// When it was made.
        pub created: String,
        /// Where requests through it are recorded.
        pub audit_log: String,
    }

    /// `POST /isopod/sockets/create`.
    pub struct SocketCreateRequest {
        /// Name.
        pub name: String,
        /// Where it is to lie; empty for a place of the engine's.
        pub path: String,
        /// Owner of the file, by name or number; empty for who runs the engine.
        pub user: String,
        /// Group that may connect, by name or number.
        pub group: String,
        /// What is permitted, each `KIND:VERB[,VERB...]`.
        pub allow: Vec<String>,
        /// Labels of the objects that exist for it.
        pub labels: BTreeMap<String, String>,
    }
}
