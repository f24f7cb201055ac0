//! Who is at the other end of a connection.

use std::sync::Arc;

/// What is known of a client from its connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    /// The common name in its certificate, when one was wanted and verified.
    pub(crate) certificate_name: Option<Arc<str>>,
}
