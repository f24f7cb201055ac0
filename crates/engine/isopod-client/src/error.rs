//! What can go wrong between the command line and the engine.

/// The engine refused a request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("Error response from daemon: {message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Its words.
    pub message: String,
}

impl ApiError {
    /// From the body of a failed response.
    pub fn from_body(status: u16, body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Body {
            message: String,
        }
        let message = match serde_json::from_slice::<Body>(body) {
            Ok(body) => body.message.trim().to_owned(),
            Err(_) if body.is_empty() => format!("status {status} without an explanation"),
            Err(_) => String::from_utf8_lossy(body).trim().chars().take(4096).collect(),
        };
        Self { status, message }
    }

    /// Whether `error` is the engine's answer with this status.
    pub fn is(error: &anyhow::Error, status: u16) -> bool {
        error.downcast_ref::<Self>().is_some_and(|error| error.status == status)
    }
}
