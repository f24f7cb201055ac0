//! What went wrong, as the API says it: a status and a message.

use crate::body::Body;
use http::{Response, StatusCode, header};
use isopod_docker_types::ErrorResponse;
use isopod_engine::ErrorKind;

/// A failed request.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

/// The result of a handler.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The request is wrong in itself (400).
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// There is no such object (404).
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The engine will not do it (403).
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// Something is in the way (409).
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// This engine cannot do it (501).
    pub(crate) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, message)
    }

    /// The answer. A "not modified" has no body, as HTTP wants it.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(if self.status == StatusCode::NOT_MODIFIED {
            Body::empty()
        } else {
            Body::json(&ErrorResponse { message: self.message })
        });
        *response.status_mut() = self.status;
        if self.status != StatusCode::NOT_MODIFIED {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        }
        response
    }
}

impl From<isopod_engine::Error> for ApiError {
    fn from(error: isopod_engine::Error) -> Self {
        Self::new(status_of(error.kind()), error.full_message())
    }
}

fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        // Docker answers 400 when a container's command is missing or cannot be run; its CLI
        // finds its exit code (127, 126) in the message.
        ErrorKind::InvalidParameter
        | ErrorKind::CommandNotFound
        | ErrorKind::CommandNotExecutable => StatusCode::BAD_REQUEST,
        ErrorKind::NotModified => StatusCode::NOT_MODIFIED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
