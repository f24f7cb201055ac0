//! One request, one answer: no retries, no redirects, no authentication.

use std::sync::Arc;

use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, Method, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::body::{Payload, RequestBody, ResponseBody};
use crate::config::{Config, ConfigError, Timeouts};
use crate::dial::dial;
use crate::error::RequestError;
use crate::pool::{Key, Lease, Pool};
use crate::proxy::ProxySettings;
use crate::tls::TlsSettings;
use crate::url::{Scheme, Url};

/// A request to send.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    /// Whether any certificate will do.
    pub(crate) insecure: bool,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ResponseBody,
}

impl Response {
    /// A header's value, if it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The length that the server states.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }
}

/// Sends requests over pooled connections.
#[derive(Debug)]
pub(crate) struct Transport {
    user_agent: HeaderValue,
    timeouts: Timeouts,
    proxies: ProxySettings,
    tls: TlsSettings,
    pool: Arc<Pool>,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let user_agent = HeaderValue::from_str(&config.user_agent).map_err(|_| ConfigError {
            what: format!("user agent {:?}", config.user_agent),
            reason: "expected visible ASCII characters".to_owned(),
        })?;
        Ok(Self {
            user_agent,
            timeouts: config.timeouts.clone(),
            proxies: config.proxies.clone(),
            tls: TlsSettings::new(config),
            pool: Arc::default(),
        })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, RequestError> {
        let url = &request.url;
        let proxy = self.proxies.proxy_for(url);
        // A proxy takes plain requests for any server over one connection.
        let plain_proxy = proxy.filter(|_| url.scheme() == Scheme::Http);
        let server = plain_proxy.map_or(url, |proxy| &proxy.url);
        let key = Key {
            scheme: server.scheme(),
            host: server.host().to_ascii_lowercase(),
            port: server.port(),
            insecure: request.insecure,
            proxied: proxy.is_some(),
        };
        let mut headers = request.headers.clone();
        let target: Uri = match plain_proxy {
            Some(proxy) => {
                if let Some(value) = proxy.authorization.as_deref().and_then(|v| v.parse().ok()) {
                    headers.insert(PROXY_AUTHORIZATION, value);
                }
                url.to_string().parse()
            }
            None => url.target().parse(),
        }
        .map_err(|_| RequestError::Redirect(format!("malformed address {url}")))?;
        let host = HeaderValue::from_str(&url.authority()).expect("a URL is ASCII");
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, self.user_agent.clone());
        let mut message = http::Request::new(request.payload.body());
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = target;
        *message.headers_mut() = headers;

        loop {
            let (mut sender, reused) = match self.pool.take(&key).await {
                Some(sender) => (sender, true),
                None => (self.connect(url, proxy, request.insecure).await?, false),
            };
            match self.wait(sender.try_send_request(message), &request.payload).await? {
                Ok(response) => {
                    let (head, incoming) = response.into_parts();
                    let lease = Lease::new(&self.pool, key, sender);
                    let body = ResponseBody::new(incoming, lease, self.timeouts.idle);
                    return Ok(Response { status: head.status, headers: head.headers, body });
                }
                Err(mut failed) => match failed.take_message() {
                    // The server closed an idle connection before anything was sent.
                    Some(unsent) if reused => message = unsent,
                    _ => return Err(RequestError::Connection(failed.into_error())),
                },
            }
        }
    }

    /// Waits for an answer; while a blob is being sent, as long as that makes progress.
    async fn wait<T>(
        &self,
        answer: impl Future<Output = T>,
        payload: &Payload,
    ) -> Result<T, RequestError> {
        let after = self.timeouts.response;
        let mut answer = std::pin::pin!(answer);
        let mut sent = payload.sent_bytes();
        loop {
            if let Ok(answer) = timeout(after, &mut answer).await {
                return Ok(answer);
            }
            if payload.sent_bytes() == sent {
                return Err(RequestError::Timeout { phase: "awaiting response headers", after });
            }
            sent = payload.sent_bytes();
        }
    }

    async fn connect(
        &self,
        url: &Url,
        proxy: Option<&crate::proxy::Proxy>,
        insecure: bool,
    ) -> Result<http1::SendRequest<RequestBody>, RequestError> {
        let dialing = dial(url, proxy, &self.tls, insecure);
        let stream = match timeout(self.timeouts.connect, dialing).await {
            Ok(stream) => stream?,
            Err(_) => {
                return Err(RequestError::Timeout {
                    phase: "connecting",
                    after: self.timeouts.connect,
                });
            }
        };
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(RequestError::Connection)?;
        tokio::spawn(async move {
            // Its errors also reach the request that they concern.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to a registry ended");
            }
        });
        Ok(sender)
    }
}
