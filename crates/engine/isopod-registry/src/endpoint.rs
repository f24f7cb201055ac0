//! What is known of a registry's server: protocol, and how it wants to be authenticated to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, StatusCode};

use crate::body::Payload;
use crate::challenge::{self, Challenge};
use crate::credentials::Credentials;
use crate::error::{Error, RequestError};
use crate::reference::DEFAULT_DOMAIN;
use crate::transport::{Request, Transport};
use crate::url::{Scheme, Url};

/// How long knowledge of a server is used.
const FRESH: Duration = Duration::from_secs(300);
/// How long a mirror that did not answer is passed over.
const DOWN: Duration = Duration::from_secs(30);
const MAX_SERVERS: usize = 256;

/// A registry or a mirror to send requests to.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The registry's name in references; credentials are looked up by it.
    pub(crate) domain: String,
    /// Where its server is: `host[:port]`.
    pub(crate) authority: String,
    /// The protocol, where it is not to be found out.
    pub(crate) scheme: Option<Scheme>,
    /// Whether TLS is optional and any certificate will do.
    pub(crate) insecure: bool,
    /// Credentials that the caller gave.
    pub(crate) credentials: Option<Arc<Credentials>>,
    /// Whether this is a mirror, whose failures are passed over.
    pub(crate) mirror: bool,
}

/// The host that serves a registry's API.
pub(crate) fn server_of(domain: &str) -> &str {
    if domain == DEFAULT_DOMAIN { "registry-1.docker.io" } else { domain }
}

/// A server as it showed itself.
#[derive(Debug)]
pub(crate) struct Server {
    /// Scheme, host and port; the target is `/v2/`.
    pub(crate) base: Url,
    challenges: Mutex<Arc<[Challenge]>>,
}

impl Server {
    /// How the server wants to be authenticated to; empty when it does not.
    pub(crate) fn challenges(&self) -> Arc<[Challenge]> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns from an answer with status 401.
    pub(crate) fn learn(&self, headers: &HeaderMap) {
        let challenges = challenge::from_headers(headers);
        if !challenges.is_empty() {
            *self.challenges.lock().unwrap_or_else(PoisonError::into_inner) = challenges.into();
        }
    }
}

/// All servers met so far.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    known: Mutex<HashMap<(String, Option<Scheme>), Known>>,
}

#[derive(Debug, Clone)]
enum Known {
    Up(Arc<Server>, Instant),
    Down(Instant),
}

impl Servers {
    /// The server of an endpoint; asks `/v2/` when it is not known.
    pub(crate) async fn find(
        &self,
        endpoint: &Endpoint,
        transport: &Transport,
    ) -> Result<Arc<Server>, Error> {
        let key = (endpoint.authority.clone(), endpoint.scheme);
        let known = self.lock().get(&key).cloned();
        if let Some(Known::Up(server, since)) = known
            && since.elapsed() < FRESH
        {
            return Ok(server);
        }
        match discover(endpoint, transport).await {
            Ok(server) => {
                let server = Arc::new(server);
                self.remember(key, Known::Up(server.clone(), Instant::now()));
                Ok(server)
            }
            Err(error) => {
                self.remember(key, Known::Down(Instant::now()));
                Err(error)
            }
        }
    }

    /// Whether the endpoint did not answer a moment ago.
    pub(crate) fn is_down(&self, endpoint: &Endpoint) -> bool {
        let key = (endpoint.authority.clone(), endpoint.scheme);
        matches!(self.lock().get(&key), Some(Known::Down(since)) if since.elapsed() < DOWN)
    }

    fn remember(&self, key: (String, Option<Scheme>), known: Known) {
        let mut all = self.lock();
        if all.len() >= MAX_SERVERS {
            all.clear();
        }
        all.insert(key, known);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, Option<Scheme>), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks `/v2/`: by HTTPS, and where that is optional then by HTTP, as docker does. The error is
/// the last one.
async fn discover(endpoint: &Endpoint, transport: &Transport) -> Result<Server, Error> {
    let schemes: &[Scheme] = match (endpoint.scheme, endpoint.insecure) {
        (Some(Scheme::Http), _) => &[Scheme::Http],
        (Some(Scheme::Https), _) | (None, false) => &[Scheme::Https],
        (None, true) => &[Scheme::Https, Scheme::Http],
    };
    let mut last = None;
    for &scheme in schemes {
        let base = Url::from_authority(scheme, &endpoint.authority, "/v2/")?;
        match ping(&base, endpoint.insecure, transport).await {
            Ok(challenges) => {
                return Ok(Server { base, challenges: Mutex::new(challenges.into()) });
            }
            Err(source) => last = Some((base, source)),
        }
    }
    let (base, source) = last.expect("there is at least one scheme");
    Err(Error::Request { method: "Get", url: base.to_string(), source })
}

async fn ping(
    base: &Url,
    insecure: bool,
    transport: &Transport,
) -> Result<Vec<Challenge>, RequestError> {
    let request = Request {
        method: Method::GET,
        url: base.clone(),
        headers: HeaderMap::new(),
        payload: Payload::Empty,
        insecure,
    };
    let mut response = transport.send(&request).await?;
    // Read, so that the connection can be used again.
    response.body.read_beginning(crate::answer::MAX_BYTES).await;
    // Other statuses say nothing of authentication; the request itself will meet the fault.
    Ok(match response.status {
        StatusCode::UNAUTHORIZED => challenge::from_headers(&response.headers),
        _ => Vec::new(),
    })
}
