//! Errors: those that clients get, in the specification's shape, and those of starting up.

use std::io;
use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use isopod_images::{ContentError, ImageError};
use isopod_tls::TlsError;

use crate::body::Body;

/// Codes of the distribution specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A blob that is not there.
    BlobUnknown,
    /// An upload out of step.
    BlobUploadInvalid,
    /// An upload that is not there.
    BlobUploadUnknown,
    /// Content that does not have the digest, or no digest at all.
    DigestInvalid,
    /// A manifest that needs what is not there.
    ManifestBlobUnknown,
    /// A manifest that is none.
    ManifestInvalid,
    /// A manifest that is not there.
    ManifestUnknown,
    /// A name that no repository can have.
    NameInvalid,
    /// A repository that is not there.
    NameUnknown,
    /// A length that does not fit.
    SizeInvalid,
    /// A tag that cannot be one.
    TagInvalid,
    /// No credentials, or wrong ones.
    Unauthorized,
    /// Credentials that do not allow it.
    Denied,
    /// Something that is not done here.
    Unsupported,
    /// Too much at once.
    TooManyRequests,
    /// A wrong number of results.
    PaginationNumberInvalid,
    /// No such page.
    NotFound,
    /// The range does not exist.
    RangeInvalid,
    /// The registry failed.
    Unknown,
    /// The registry behind this one does not answer.
    Unavailable,
}

impl Code {
    /// As it stands in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::TagInvalid => "TAG_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::PaginationNumberInvalid => "PAGINATION_NUMBER_INVALID",
            Self::NotFound => "NOT_FOUND",
            Self::RangeInvalid => "RANGE_INVALID",
            Self::Unknown => "UNKNOWN",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BlobUnknown
            | Self::BlobUploadUnknown
            | Self::ManifestUnknown
            | Self::NameUnknown
            | Self::NotFound => StatusCode::NOT_FOUND,
            Self::BlobUploadInvalid
            | Self::DigestInvalid
            | Self::ManifestBlobUnknown
            | Self::ManifestInvalid
            | Self::NameInvalid
            | Self::SizeInvalid
            | Self::TagInvalid
            | Self::PaginationNumberInvalid => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::RangeInvalid => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::BAD_GATEWAY,
        }
    }
}

/// An answer that tells a client what is wrong.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The specification's code.
    pub code: Code,
    pub(crate) status: StatusCode,
    message: String,
    detail: serde_json::Value,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            status: code.status(),
            message: message.into(),
            detail: serde_json::Value::Null,
            headers: Vec::new(),
        }
    }

    pub(crate) fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    pub(crate) fn no_page() -> Self {
        Self::new(Code::NotFound, "no such page: expected a path of the distribution protocol")
    }

    /// A failure of the registry's own, which the client learns no details of.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %isopod_base::chain(error), "a request failed");
        Self::new(Code::Unknown, "the registry failed; its log says why")
    }

    pub(crate) fn into_response(self, head: bool) -> Response<Body> {
        let body = serde_json::json!({ "errors": [{
            "code": self.code.name(), "message": self.message, "detail": self.detail,
        }] });
        let mut bytes = body.to_string().into_bytes();
        bytes.push(b'\n');
        let mut response = Response::new(if head { Body::empty() } else { Body::full(bytes) });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl From<ImageError> for ApiError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Content(error) => error.into(),
            ImageError::Document { .. } => {
                Self::new(Code::ManifestInvalid, isopod_base::chain(&error).to_string())
            }
            error => Self::internal(&error),
        }
    }
}

impl From<ContentError> for ApiError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::NotFound { .. } => Self::new(Code::BlobUnknown, error.to_string()),
            ContentError::WrongDigest { .. } => Self::new(Code::DigestInvalid, error.to_string()),
            ContentError::WrongSize { .. } => Self::new(Code::SizeInvalid, error.to_string()),
            error => Self::internal(&error),
        }
    }
}

/// Why the registry does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting is wrong.
    #[error("--{setting}: {reason}")]
    Setting {
        /// The flag, without dashes.
        setting: &'static str,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{}: cannot read it", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file says something wrong.
    #[error("{}: {reason}", path.display())]
    Contents {
        /// Which.
        path: PathBuf,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Certificate and key cannot be used.
    #[error("certificate and key")]
    Tls(#[from] TlsError),
    /// The store does not open.
    #[error("cannot open the content store")]
    Store(#[from] ImageError),
    /// Threads or signals could not be set up.
    #[error("the runtime could not be set up")]
    Runtime(#[source] io::Error),
}
