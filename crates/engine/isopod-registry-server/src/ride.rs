//! A registry within an engine's process, so that both have one store: asked for by a request to
//! the engine's API, and there for as long as the request is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use isopod_images::Images;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::server::Registry;
use crate::settings::Settings;

/// What the engine answers first, in one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Started {
    /// It listens on these addresses; whether by TLS.
    Listening(Vec<std::net::SocketAddr>, bool),
    /// It does not.
    Error(String),
}

/// Serves a registry with the settings in `request`. Ends when it is dropped.
pub fn ride(
    images: Arc<Images>,
    request: Bytes,
    lines: mpsc::Sender<Bytes>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let bound = match serde_json::from_slice::<Settings>(&request) {
            Ok(settings) => Registry::bind(&images, settings)
                .await
                .map_err(|error| isopod_base::chain(&error).to_string()),
            Err(error) => Err(format!("the settings of the registry: {error}")),
        };
        let started = match &bound {
            Ok(registry) => Started::Listening(registry.addresses(), registry.is_tls()),
            Err(error) => Started::Error(error.clone()),
        };
        let mut line = serde_json::to_vec(&started).expect("plain structures always serialize");
        line.push(b'\n');
        if lines.send(line.into()).await.is_err() {
            return;
        }
        if let Ok(registry) = bound {
            tracing::info!(addresses = ?registry.addresses(), "the registry listens");
            registry.serve(lines.closed()).await;
            tracing::info!("the registry is closed");
        }
    })
}
