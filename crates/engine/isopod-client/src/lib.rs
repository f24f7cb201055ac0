//! A client of the Docker Engine API: HTTP/1.1 over a unix socket or TCP (under TLS, if it is given
//! settings for it), one connection reused for simple requests and one more for each stream. It
//! starts the engine when none runs.
//!
//! Paths carry no version unless one is asked for by `$DOCKER_API_VERSION`: the engine then
//! speaks its newest, and no round trip is spent on negotiation.

mod body;
mod endpoint;
mod error;
mod keeper;
mod start;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

pub use body::{JsonLines, Payload, next_piece};
pub use endpoint::{Endpoint, PLAIN_PORT, TLS_PORT};
pub use error::{ApiError, ClientError, StartError};
pub use keeper::keeper_main;
pub use start::nobody_listens;

/// Longest answer that is kept in memory.
const ANSWER_MAX: usize = 256 << 20;

/// A connection that became a two-way stream.
pub type Hijacked = TokioIo<hyper::upgrade::Upgraded>;

type Result<T> = std::result::Result<T, ClientError>;

/// A client of one engine.
pub struct Client {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Whether to start an engine when none listens.
    pub start: bool,
    prefix: String,
    tls: Option<Arc<ClientConfig>>,
    idle: RefCell<Option<SendRequest<Payload>>>,
}

/// Headers to add to a request.
pub type Headers<'a> = &'a [(&'a str, String)];

impl Client {
    /// A client that connects when it is first used.
    pub fn new(endpoint: Endpoint, start: bool, version: Option<&str>) -> Self {
        let prefix = version.map_or(String::new(), |version| format!("/v{version}"));
        Self { endpoint, start, prefix, tls: None, idle: RefCell::new(None) }
    }

    /// The same, but under TLS if the engine is reached by TCP.
    #[must_use]
    pub fn with_tls(self, settings: Arc<ClientConfig>) -> Self {
        Self { tls: Some(settings), ..self }
    }

    /// `GET` of a JSON document.
    pub async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.json(Method::GET, path, Payload::Empty).await
    }

    /// `POST` of a JSON document, answered by one.
    pub async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        document: &impl serde::Serialize,
    ) -> Result<T> {
        self.json(Method::POST, path, Payload::json(document)?).await
    }

    /// A request answered by a JSON document.
    pub async fn json<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
    ) -> Result<T> {
        let bytes = self.bytes(method, path, payload).await?;
        serde_json::from_slice(&bytes)
            .map_err(|source| ClientError::Unexpected { path: path.to_owned(), source })
    }

    /// A request answered by no document, or by one that does not matter.
    pub async fn call(&self, method: Method, path: &str, payload: Payload) -> Result<()> {
        self.bytes(method, path, payload).await.map(|_| ())
    }

    /// A request; its whole answer.
    pub async fn bytes(&self, method: Method, path: &str, payload: Payload) -> Result<Bytes> {
        let (response, connection) = self.exchange(method, path, &[], payload).await?;
        let answer = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await
            .map_err(ClientError::Broken)?
            .to_bytes();
        *self.idle.borrow_mut() = Some(connection);
        Ok(answer)
    }

    /// A request whose answer is read piece by piece.
    pub async fn stream(
        &self,
        method: Method,
        path: &str,
        headers: Headers<'_>,
        payload: Payload,
    ) -> Result<Response<Incoming>> {
        let (response, _) = self.exchange(method, path, headers, payload).await?;
        Ok(response)
    }

    /// A `POST` after which the connection is a two-way stream.
    pub async fn hijack(&self, path: &str, payload: Payload) -> Result<Hijacked> {
        let upgrade = [("Connection", "Upgrade".to_owned()), ("Upgrade", "tcp".to_owned())];
        let (response, _) = self.exchange(Method::POST, path, &upgrade, payload).await?;
        let status = response.status();
        let stream = hyper::upgrade::on(response).await.map_err(|source| {
            ClientError::NoStream { path: path.to_owned(), status: status.as_u16(), source }
        })?;
        Ok(TokioIo::new(stream))
    }

    /// Sends a request and takes the head of the answer; turns error answers into errors.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: Headers<'_>,
        payload: Payload,
    ) -> Result<(Response<Incoming>, SendRequest<Payload>)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.prefix))
            .header(header::HOST, "isopod")
            .header(header::USER_AGENT, concat!("isopod/", env!("CARGO_PKG_VERSION")));
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        match &payload {
            _ if typed => {}
            Payload::Whole(_) => request = request.header(header::CONTENT_TYPE, "application/json"),
            Payload::Stream(_) => {
                request = request.header(header::CONTENT_TYPE, "application/x-tar");
            }
            Payload::Empty => {}
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(payload).map_err(ClientError::Request)?;
        let mut connection = match self.reusable().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let response =
            connection.send_request(request).await.map_err(|error| self.broken(error))?;
        if response.status().as_u16() >= 400 {
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), 1 << 20)
                .collect()
                .await
                .map(|body| body.to_bytes())
                .unwrap_or_default();
            *self.idle.borrow_mut() = Some(connection);
            return Err(ApiError::from_body(status, &body).into());
        }
        Ok((response, connection))
    }

    /// The connection of the request before, if it still stands.
    async fn reusable(&self) -> Option<SendRequest<Payload>> {
        let mut idle = self.idle.borrow_mut().take()?;
        idle.ready().await.is_ok().then_some(idle)
    }

    fn broken(&self, error: hyper::Error) -> ClientError {
        // An error of the body's source (a file that cannot be read) says all there is to say.
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            if error.is_user()
                && let Some(cause) = cause.downcast_ref::<io::Error>()
            {
                return ClientError::Payload(io::Error::new(cause.kind(), cause.to_string()));
            }
            source = cause.source();
        }
        ClientError::HungUp { endpoint: self.endpoint.clone(), source: error }
    }

    async fn connect(&self) -> Result<SendRequest<Payload>> {
        match &self.endpoint {
            Endpoint::Unix(path) => {
                let stream = match UnixStream::connect(path).await {
                    Ok(stream) => stream,
                    Err(error) if self.start && start::nobody_listens(&error) => {
                        start::engine(path).await?
                    }
                    Err(error) => return Err(self.unreachable(error)),
                };
                handshake(stream).await
            }
            Endpoint::Tcp(address) => {
                let stream =
                    TcpStream::connect(address).await.map_err(|error| self.unreachable(error))?;
                stream.set_nodelay(true).map_err(|error| self.unreachable(error))?;
                let Some(settings) = &self.tls else { return handshake(stream).await };
                let fail = |source| ClientError::Tls { endpoint: self.endpoint.clone(), source };
                let name = server_name(address).map_err(fail)?;
                let connector = TlsConnector::from(settings.clone());
                handshake(connector.connect(name, stream).await.map_err(fail)?).await
            }
        }
    }

    fn unreachable(&self, error: io::Error) -> ClientError {
        let endpoint = self.endpoint.clone();
        match error.kind() {
            io::ErrorKind::PermissionDenied => ClientError::Denied { endpoint },
            _ => ClientError::Unreachable { endpoint, reason: error },
        }
    }
}

/// The host of `host:port`, as the server's certificate must have it.
fn server_name(address: &str) -> io::Result<ServerName<'static>> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(host).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Payload>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(ClientError::Handshake)?;
    tokio::spawn(async move {
        // Errors reach the request that they concern.
        let _ = connection.with_upgrades().await;
    });
    Ok(sender)
}

/// `?a=1&b=x%20y` of the pairs whose value is not empty.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        escape_into(value, false, &mut out);
    }
    out
}

/// A path segment: everything but letters, digits and `-_.~` is escaped.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(text, false, &mut out);
    out
}

/// An image name within a path: like [`segment`], but slashes, colons and `@` stay.
pub fn image_path(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    escape_into(name, true, &mut out);
    out
}

fn escape_into(text: &str, keep_separators: bool, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte as char);
            }
            b'/' | b':' | b'@' if keep_separators => out.push(byte as char),
            _ => {
                out.push('%');
                out.push_str(&format!("{byte:02X}"));
            }
        }
    }
}

/// `--filter` arguments as the API takes them: `{"name":{"web":true}}`.
pub fn filters(arguments: &[String]) -> String {
    let mut filters = isopod_docker_types::Filters::default();
    for (key, value) in arguments.iter().filter_map(|argument| argument.split_once('=')) {
        filters.add(key.trim().to_lowercase(), value.trim());
    }
    if filters.is_empty() { String::new() } else { filters.to_json() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_paths() {
        assert_eq!(query(&[("a", "x y"), ("b", ""), ("c", "é&")]), "?a=x%20y&c=%C3%A9%26");
        assert_eq!(segment("a/b"), "a%2Fb");
        assert_eq!(image_path("host:5000/a/b@sha256:x?"), "host:5000/a/b@sha256:x%3F");
        assert_eq!(
            filters(&["Name=a".into(), "label=k=v".into(), "name=b".into()]),
            r#"{"label":{"k=v":true},"name":{"a":true,"b":true}}"#
        );
    }
}
