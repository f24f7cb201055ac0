//! What can go wrong between this client and a registry.
//!
//! Printed with its chain of sources joined by `: `, an error reads as docker's does.

use std::io;
use std::time::Duration;

use isopod_base::Digest;

use crate::answer::Answer;
use crate::dns::LookupError;
use crate::url::UrlError;

/// An operation on a registry failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry does not know the manifest.
    #[error("manifest for {reference} not found")]
    ManifestNotFound {
        /// The reference in its familiar form.
        reference: String,
        /// What the registry said.
        #[source]
        source: Answer,
    },
    /// The repository does not exist, or these credentials may not read it.
    #[error(
        "pull access denied for {repository}, repository does not exist or may require 'docker login'"
    )]
    PullDenied {
        /// The repository in its familiar form.
        repository: String,
        /// What the registry said.
        #[source]
        source: Answer,
    },
    /// The registry does not know the repository.
    #[error("repository {repository} not found")]
    RepositoryNotFound {
        /// The repository in its familiar form.
        repository: String,
        /// What the registry said.
        #[source]
        source: Answer,
    },
    /// The registry answered with any other error.
    #[error(transparent)]
    Answer(#[from] Answer),
    /// No answer came.
    #[error("{method} \"{url}\"")]
    Request {
        /// The method as Go prints it: `Get`.
        method: &'static str,
        /// The address, without the query of a storage provider.
        url: String,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// The content did not have the digest that it was asked for by.
    #[error("{what} from {registry}: expected digest {expected}, got {actual}")]
    DigestMismatch {
        /// `manifest` or `blob`.
        what: &'static str,
        /// The registry asked.
        registry: String,
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        actual: Digest,
    },
    /// The content was shorter or longer than its descriptor says.
    #[error("{what} {digest}: expected {expected} bytes, got {actual}")]
    LengthMismatch {
        /// `manifest` or `blob`.
        what: &'static str,
        /// The digest asked for.
        digest: Digest,
        /// The length that the descriptor states.
        expected: u64,
        /// The length that the registry states or sent.
        actual: u64,
    },
    /// A document is larger than a client accepts.
    #[error("{what} from {url} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Where it came from.
        url: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// The layer is not in the registry but at addresses that its manifest names.
    #[error(
        "layer {digest} is a foreign layer (media type {media_type}): it is distributed from \
         other addresses only, which isopod does not fetch"
    )]
    ForeignLayer {
        /// The layer.
        digest: Digest,
        /// Its media type.
        media_type: String,
    },
    /// The registry broke the protocol.
    #[error("unexpected answer from {url}: {reason}")]
    Protocol {
        /// The address asked.
        url: String,
        /// What was wrong and what was expected.
        reason: String,
    },
    /// The address of a registry is malformed.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The client's configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// Credentials could not be read.
    #[error("credentials for {registry}")]
    Credentials {
        /// The registry.
        registry: String,
        /// Why.
        #[source]
        source: crate::docker_config::DockerConfigError,
    },
    /// The content to push could not be read.
    #[error("read blob {digest}")]
    Source {
        /// The blob.
        digest: Digest,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// The registry's own words, if it was the registry that refused.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::ManifestNotFound { source, .. }
            | Self::PullDenied { source, .. }
            | Self::RepositoryNotFound { source, .. }
            | Self::Answer(source) => Some(source),
            _ => None,
        }
    }

    /// Whether what was asked for does not exist (or is hidden).
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::ManifestNotFound { .. }
                | Self::PullDenied { .. }
                | Self::RepositoryNotFound { .. }
        ) || self.answer().is_some_and(|answer| answer.status == 404)
    }

    /// Whether credentials are missing, wrong or insufficient.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Request { source: RequestError::NoBasicCredentials, .. })
            || self.answer().is_some_and(|answer| matches!(answer.status, 401 | 403))
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Request { source, .. } => source.is_transient(),
            Self::Answer(answer) => answer.is_transient(),
            _ => false,
        }
    }
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The host's name has no address.
    #[error("dial tcp")]
    Lookup(#[source] LookupError),
    /// The connection was not accepted.
    #[error("dial tcp {address}")]
    Dial {
        /// Address and port.
        address: String,
        /// Why, in the words of connect(2).
        #[source]
        source: ConnectError,
    },
    /// The proxy refused to connect.
    #[error("proxyconnect tcp: {proxy} answered {status:?}")]
    Proxy {
        /// The proxy's address.
        proxy: String,
        /// Its status line.
        status: String,
    },
    /// TLS could not be agreed upon.
    #[error("tls: {0}")]
    Tls(String),
    /// The server does not speak TLS.
    #[error("http: server gave HTTP response to HTTPS client")]
    PlainHttp,
    /// Nothing came for too long.
    #[error("timeout after {} s {phase}", after.as_secs_f32())]
    Timeout {
        /// During what: `awaiting response headers`.
        phase: &'static str,
        /// The limit.
        after: Duration,
    },
    /// The connection broke.
    #[error("{}", connection_words(.0))]
    Connection(hyper::Error),
    /// The connection broke before HTTP was spoken.
    #[error("{}", io_words(.0))]
    Io(io::Error),
    /// The server wants a user name and a password, and there are none.
    #[error("no basic auth credentials")]
    NoBasicCredentials,
    /// The server demands a way of authentication that isopod does not speak.
    #[error("unsupported authentication scheme {0:?}: expected Basic or Bearer")]
    UnsupportedScheme(String),
    /// The token server's answer cannot be used.
    #[error("{0}")]
    Token(String),
    /// More redirects than allowed, or one that would drop TLS.
    #[error("{0}")]
    Redirect(String),
    /// The server's certificates or keys configured for this host cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The server ended the body early.
    #[error("unexpected EOF")]
    UnexpectedEof,
}

impl RequestError {
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Lookup(error) => error.is_transient(),
            Self::Dial { source, .. } => source.0.kind() != io::ErrorKind::ConnectionRefused,
            Self::Timeout { .. } | Self::Connection(_) | Self::Io(_) | Self::UnexpectedEof => true,
            _ => false,
        }
    }
}

/// A connect(2) that failed, printed as Go prints it.
#[derive(Debug, thiserror::Error)]
#[error("connect: {}", io_words(.0))]
pub struct ConnectError(pub io::Error);

/// The words of a system error as strerror(3) has them in lower case, without Rust's number.
pub(crate) fn io_words(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::UnexpectedEof => return "EOF".to_owned(),
        _ => error.to_string(),
    };
    let text = match text.find(" (os error") {
        Some(end) => &text[..end],
        None => &text,
    };
    let mut chars = text.chars();
    match (error.raw_os_error(), chars.next()) {
        (Some(_), Some(first)) => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn connection_words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "EOF".to_owned();
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return io_words(io);
        }
        source = cause.source();
    }
    error.to_string()
}
