//! A request as the handlers see it.

use crate::api::Api;
use crate::body::{Body, Gone, Output};
use crate::error::{ApiError, ApiResult};
use crate::gate::Pass;
use crate::hijack::Hijack;
use crate::query::Query;
use crate::version::ApiVersion;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use isopod_engine::{ByteStream, Scope};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The largest JSON body that is read.
const JSON_LIMIT_BYTES: usize = 8 << 20;

/// How much of an unwanted body is read, and for how long, before the connection is closed.
const DISCARD_BYTES: usize = 256 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// A request on its way to its handler.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) version: ApiVersion,
    /// What the route's `{name}` stands for.
    pub(crate) name: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
    /// Set if the request came through a limited socket.
    pub(crate) pass: Option<Arc<Pass>>,
}

/// What a handler gives.
#[derive(Debug)]
pub(crate) enum Reply {
    /// An answer.
    Http(Response<Body>),
    /// The connection itself.
    Hijack(Hijack),
}

impl Call {
    /// What the request may concern, if that is limited.
    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.pass.as_deref().map(Pass::scope)
    }

    /// Tells the audit log what the request concerns, where that is not in its path.
    pub(crate) fn concerns(&self, object: &str) {
        if let Some(pass) = &self.pass {
            pass.concerns(object);
        }
    }

    /// The JSON body; one that is absent is the zero value, as Docker has it.
    pub(crate) async fn json<T: DeserializeOwned + Default>(&mut self) -> ApiResult<T> {
        Ok(self.optional_json().await?.unwrap_or_default())
    }

    /// The whole body.
    pub(crate) async fn bytes(&mut self) -> ApiResult<Bytes> {
        (&mut self.body).take_all().await
    }

    /// The JSON body, if there is one.
    pub(crate) async fn optional_json<T: DeserializeOwned>(&mut self) -> ApiResult<Option<T>> {
        let body = (&mut self.body).take_all().await?;
        let content_type =
            self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if body.is_empty() {
            return Ok(None);
        }
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case("application/json") {
            return Err(ApiError::bad_request(format!(
                "unsupported Content-Type header ({}): must be 'application/json'",
                content_type.unwrap_or_default()
            )));
        }
        serde_json::from_slice(&body).map_err(|error| {
            ApiError::bad_request(if error.is_eof() {
                "invalid JSON: got EOF while reading request body".to_owned()
            } else {
                format!("invalid JSON: {error}")
            })
        })
    }

    /// Reads the body for nothing, within limits: a client that is still sending would take a
    /// closed connection for the answer.
    pub(crate) async fn discard_body(&mut self) {
        let _ = tokio::time::timeout(DISCARD_TIME, discard(&mut self.body)).await;
    }

    /// The body as a stream of pieces that the engine reads at its own pace.
    pub(crate) fn stream_body(self) -> ByteStream {
        let (sender, receiver) = mpsc::channel(4);
        let mut body = self.body;
        tokio::spawn(async move {
            while let Some(piece) = next_piece(&mut body).await {
                if sender.send(piece).await.is_err() {
                    // The engine refused. A client that is still sending would take a closed
                    // connection for the answer, so let it finish, within limits.
                    let _ = tokio::time::timeout(DISCARD_TIME, discard(&mut body)).await;
                    break;
                }
            }
        });
        receiver
    }

    /// Credentials in a header (base64url JSON). What cannot be read counts as none, since
    /// clients send all sorts of empty values.
    pub(crate) fn registry_auth(&self) -> ApiResult<Option<isopod_engine::RegistryAuth>> {
        let Some(value) = self.headers.get("x-registry-auth") else { return Ok(None) };
        let bad =
            |why: String| ApiError::bad_request(format!("invalid X-Registry-Auth header: {why}"));
        let text = value.as_bytes();
        if text.is_empty() {
            return Ok(None);
        }
        let json = URL_SAFE
            .decode(text)
            .or_else(|_| URL_SAFE_NO_PAD.decode(text))
            .or_else(|_| base64::engine::general_purpose::STANDARD.decode(text))
            .map_err(|error| bad(error.to_string()))?;
        let config: Option<isopod_docker_types::AuthConfig> =
            serde_json::from_slice(&json).map_err(|error| bad(error.to_string()))?;
        config.map(crate::convert::registry::auth).transpose().map(Option::flatten)
    }
}

/// The next bytes of a body.
async fn next_piece(body: &mut Incoming) -> Option<std::io::Result<Bytes>> {
    loop {
        match body.frame().await? {
            Ok(frame) => match frame.into_data() {
                Ok(data) => return Some(Ok(data)),
                Err(_trailers) => {}
            },
            Err(error) => return Some(Err(std::io::Error::other(error))),
        }
    }
}

/// Reads on for nothing.
async fn discard(body: &mut Incoming) {
    let mut left = DISCARD_BYTES;
    while let Some(Ok(piece)) = next_piece(body).await {
        let Some(rest) = left.checked_sub(piece.len()) else { return };
        left = rest;
    }
}

/// Reads a whole body within the limit.
trait TakeAll {
    async fn take_all(self) -> ApiResult<Bytes>;
}

impl TakeAll for &mut Incoming {
    async fn take_all(self) -> ApiResult<Bytes> {
        let body = Limited::new(self, JSON_LIMIT_BYTES).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                ApiError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the request body is larger than {JSON_LIMIT_BYTES} bytes"),
                )
            } else {
                ApiError::bad_request(format!("the request body could not be read: {error}"))
            }
        })?;
        Ok(body.to_bytes())
    }
}

impl Reply {
    /// The answer's status; a hijacked connection's is that of switching protocols.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Http(response) => response.status(),
            Self::Hijack(_) => StatusCode::SWITCHING_PROTOCOLS,
        }
    }

    /// A document.
    pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> ApiResult<Self> {
        Self::with_body(status, "application/json", Body::json(document))
    }

    /// A document with status 200.
    pub(crate) fn ok(document: &impl Serialize) -> ApiResult<Self> {
        Self::json(StatusCode::OK, document)
    }

    /// Status 204.
    pub(crate) fn no_content() -> ApiResult<Self> {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// A status alone.
    pub(crate) fn empty(status: StatusCode) -> ApiResult<Self> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        Ok(Self::Http(response))
    }

    /// A body of some content type.
    pub(crate) fn with_body(
        status: StatusCode,
        content_type: &'static str,
        body: Body,
    ) -> ApiResult<Self> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        Ok(Self::Http(response))
    }

    /// A stream that is written by a task of its own.
    pub(crate) fn stream<F, Fut>(content_type: &'static str, produce: F) -> ApiResult<Self>
    where
        F: FnOnce(Output) -> Fut,
        Fut: Future<Output = Result<(), Gone>> + Send + 'static,
    {
        Self::with_body(StatusCode::OK, content_type, Body::produced(produce))
    }
}
