//! What can go wrong between a client and the engine.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::endpoint::Endpoint;

/// A request did not get its answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The engine refused it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// An address of the engine is none.
    #[error("unable to parse host \"{host}\": {reason}")]
    Host {
        /// What was given.
        host: String,
        /// What was expected.
        reason: &'static str,
    },
    /// The engine's socket is not ours to use.
    #[error(
        "permission denied while trying to connect to the engine's socket at {endpoint}: \
         be root, or a member of the socket's group"
    )]
    Denied {
        /// Where it listens.
        endpoint: Endpoint,
    },
    /// Nobody answers there.
    #[error("Cannot connect to the engine at {endpoint} ({reason}). Is it running?")]
    Unreachable {
        /// Where it should listen.
        endpoint: Endpoint,
        /// The system's words.
        reason: io::Error,
    },
    /// The two did not come to terms about TLS.
    #[error("no TLS with the engine at {endpoint}")]
    Tls {
        /// Where it listens.
        endpoint: Endpoint,
        /// Why.
        source: io::Error,
    },
    /// The connection could not be set up.
    #[error("begin to talk to the engine")]
    Handshake(#[source] hyper::Error),
    /// The connection ended before the answer began.
    #[error("error during connect: the engine at {endpoint} hung up")]
    HungUp {
        /// Where it listens.
        endpoint: Endpoint,
        /// Why.
        source: hyper::Error,
    },
    /// The request cannot be put into bytes.
    #[error("encode the request")]
    Encode(#[source] serde_json::Error),
    /// The request is no HTTP.
    #[error("make the request")]
    Request(#[source] http::Error),
    /// What is to be sent cannot be read.
    #[error("read what is to be sent: {0}")]
    Payload(io::Error),
    /// The answer ended early, or is longer than can be kept.
    #[error("the engine's answer broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer ended within a document.
    #[error("the engine's answer broke off within a document")]
    Cut,
    /// A document of the answer is longer than can be kept.
    #[error("the engine sent a document of more than {limit_bytes} bytes")]
    TooLong {
        /// How long it may be.
        limit_bytes: usize,
    },
    /// The answer is no JSON.
    #[error("the engine's answer is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The answer is not the document that it should be.
    #[error("the engine's answer to {path} is not as expected")]
    Unexpected {
        /// What was asked.
        path: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The connection stayed HTTP.
    #[error("the engine did not turn {path} into a stream (it answered {status})")]
    NoStream {
        /// What was asked.
        path: String,
        /// HTTP status.
        status: u16,
        /// Why.
        source: hyper::Error,
    },
    /// The engine could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// The engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A system call failed.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It ended at once.
    #[error("the engine did not start ({status}); the end of its log {}:\n{tail}", log.display())]
    Ended {
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The log's end.
        tail: String,
    },
    /// It does not listen.
    #[error(
        "the engine (process {pid}) does not answer after {seconds} s; the end of its log {}:\n{tail}",
        log.display()
    )]
    Silent {
        /// Its process.
        pid: u32,
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The log's end.
        tail: String,
    },
}

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
}

impl ClientError {
    /// The engine's refusal, if it is one.
    pub fn refusal(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }
}
