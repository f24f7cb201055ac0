//! From a request to its answer.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use isopod_base::Digest;
use isopod_images::{Images, Repositories};

use crate::auth::{Access, needs};
use crate::body::Body;
use crate::error::{ApiError, Code, ServeError};
use crate::path::Resource;
use crate::query::Query;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::upstream::Upstream;

pub(crate) type ApiResult = Result<Response<Body>, ApiError>;

pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(crate) const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
pub(crate) const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// A registry over a store.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) repositories: Repositories,
    pub(crate) sessions: Sessions,
    pub(crate) settings: Settings,
    pub(crate) access: Access,
    pub(crate) upstream: Option<Upstream>,
    /// Set when something was removed, so that the space is given back soon.
    pub(crate) removed: tokio::sync::Notify,
}

/// A request as the handlers see it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Query,
    pub(crate) body: Incoming,
    /// Whether the client is on this machine.
    pub(crate) local: bool,
}

impl Call {
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }
}

impl Api {
    pub(crate) fn new(images: &Images, settings: Settings) -> Result<Self, ServeError> {
        settings.check()?;
        Ok(Self {
            repositories: images.repositories(),
            sessions: Sessions::new(images.clone()),
            access: Access::new(&settings)?,
            upstream: Upstream::new(&settings)?,
            settings,
            removed: tokio::sync::Notify::new(),
        })
    }

    /// Answers a request; failures are answers too.
    pub(crate) async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
        tls: bool,
    ) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let head = method == Method::HEAD;
        let api = self.clone();
        // What changes something runs to its end even if the client leaves meanwhile; reading the
        // body then ends with an error.
        let work = tokio::spawn(async move { api.dispatch(request, peer, tls).await });
        let result = work.await.unwrap_or_else(|_panicked| {
            Err(ApiError::new(Code::Unknown, "the registry failed; its log says why"))
        });
        let mut response = match result {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!(%method, path, %error, "refused");
                error.into_response(head)
            }
        };
        tracing::info!(%method, path, %peer, status = response.status().as_u16(), "request");
        response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
        response
            .headers_mut()
            .insert("x-content-type-options", HeaderValue::from_static("nosniff"));
        response
    }

    async fn dispatch(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
        tls: bool,
    ) -> ApiResult {
        let (head, body) = request.into_parts();
        let resource = Resource::parse(head.uri.path())?;
        let query = Query::parse(head.uri.query().unwrap_or_default())?;
        let call = Call {
            method: head.method,
            headers: head.headers,
            query,
            body,
            local: peer.ip().to_canonical().is_loopback(),
        };
        let base = base(&call.headers, tls);
        if resource == Resource::Token {
            return self.token(call).await;
        }
        let from = call.query.get("from").filter(|_| call.method == Method::POST);
        let needs = needs(&call.method, &resource, from);
        self.access.check(&call.headers, &resource, &needs, &base).await?;
        self.route(resource, call).await
    }

    async fn route(&self, resource: Resource, call: Call) -> ApiResult {
        let method = call.method.clone();
        let reads = matches!(method, Method::GET | Method::HEAD);
        let upload = matches!(resource, Resource::Upload(..));
        if !reads || upload {
            self.writable(&method, upload)?;
        }
        match (resource, &method) {
            (Resource::Base, _) if reads => Ok(json(&serde_json::json!({}), call.is_head())),
            (Resource::Catalog, _) if reads => self.catalog(&call),
            (Resource::Tags(name), _) if reads => self.tags(&name, &call).await,
            (Resource::Referrers(name, digest), _) if reads => {
                self.referrers(&name, &digest, &call).await
            }
            (Resource::Blob(name, digest), _) if reads => self.blob(&name, &digest, &call).await,
            (Resource::Blob(name, digest), &Method::DELETE) => self.delete_blob(&name, &digest),
            (Resource::Manifest(name, reference), _) if reads => {
                self.manifest(&name, &reference, &call).await
            }
            (Resource::Manifest(name, reference), &Method::PUT) => {
                self.put_manifest(&name, &reference, call).await
            }
            (Resource::Manifest(name, reference), &Method::DELETE) => {
                self.delete_manifest(&name, &reference)
            }
            (Resource::Uploads(name), &Method::POST) => self.begin_upload(&name, call).await,
            (Resource::Upload(name, id), _) => match method {
                Method::GET | Method::HEAD => self.upload_status(&name, &id).await,
                Method::PATCH => self.continue_upload(&name, &id, call).await,
                Method::PUT => self.end_upload(&name, &id, call).await,
                Method::DELETE => self.cancel_upload(&name, &id).await,
                _ => Err(not_allowed(&method)),
            },
            _ => Err(not_allowed(&method)),
        }
    }

    /// Refuses changes where there are to be none.
    fn writable(&self, method: &Method, upload: bool) -> Result<(), ApiError> {
        if let Some(upstream) = &self.upstream {
            return Err(ApiError::new(
                Code::Unsupported,
                format!("this registry is a copy of {upstream}: push there"),
            ));
        }
        if self.settings.read_only {
            return Err(ApiError::new(Code::Unsupported, "this registry is read-only"));
        }
        if self.settings.no_delete && *method == Method::DELETE && !upload {
            return Err(ApiError::new(Code::Unsupported, "nothing can be deleted here"));
        }
        Ok(())
    }
}

fn not_allowed(method: &Method) -> ApiError {
    ApiError::new(Code::Unsupported, format!("{method} is not supported here"))
}

/// Where the client thinks that it is talking to: scheme and host.
fn base(headers: &HeaderMap, tls: bool) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let clean = |host: &&str| {
        host.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
    };
    let host = text("x-forwarded-host").or(text("host")).filter(clean).unwrap_or("localhost");
    let scheme = match text("x-forwarded-proto") {
        Some("https") => "https",
        _ if tls => "https",
        _ => "http",
    };
    format!("{scheme}://{host}")
}

/// A JSON document.
pub(crate) fn json(document: &serde_json::Value, head: bool) -> Response<Body> {
    document_response(document.to_string(), "application/json", head)
}

/// A document of a media type, or its head alone.
pub(crate) fn document_response(
    bytes: impl Into<Bytes>,
    media_type: &str,
    head: bool,
) -> Response<Body> {
    let bytes: Bytes = bytes.into();
    let length = bytes.len();
    let mut response = Response::new(if head { Body::empty() } else { Body::full(bytes) });
    set(&mut response, header::CONTENT_TYPE, media_type);
    set(&mut response, header::CONTENT_LENGTH, &length.to_string());
    response
}

/// An answer without a body.
pub(crate) fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        set(&mut response, header::CONTENT_LENGTH, "0");
    }
    response
}

/// Sets a header. A value that cannot be one is left out.
pub(crate) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Whether the client has this content already.
pub(crate) fn is_known(call: &Call, digest: &Digest) -> bool {
    let Some(known) = call.header(&header::IF_NONE_MATCH) else { return false };
    let own = format!("\"{digest}\"");
    known.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == own)
}
