//! One operation on a registry: authentication, redirects and retries around single requests.

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, StatusCode};
use isopod_base::Backoff;
use isopod_base::id::random_bytes;

use crate::answer::{self, Answer};
use crate::auth::{Refusal, Scope, TokenRequest, authorization};
use crate::body::Payload;
use crate::challenge::Challenge;
use crate::client::Shared;
use crate::config::RetryPolicy;
use crate::endpoint::{Endpoint, Server};
use crate::error::{Error, RequestError};
use crate::transport::{Request, Response};
use crate::url::{Scheme, Url};

const MAX_REDIRECTS: usize = 10;

/// Where a call goes.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A path on the registry's server, with its query.
    Path(String),
    /// An address that the registry gave.
    Url(Url),
}

/// An operation to perform.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) scopes: Vec<Scope>,
    /// Whether it may be sent again after a failure that may pass.
    pub(crate) retry: bool,
}

impl Call {
    pub(crate) fn new(method: Method, path: String, scope: Scope) -> Self {
        Self {
            method,
            target: Target::Path(path),
            headers: HeaderMap::new(),
            payload: Payload::Empty,
            scopes: vec![scope],
            retry: true,
        }
    }

    pub(crate) fn header(mut self, name: http::HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("made of visible characters");
        self.headers.append(name, value);
        self
    }
}

/// An answer and the address that gave it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) response: Response,
    pub(crate) url: Url,
    pub(crate) method: &'static str,
}

impl Reply {
    /// Passes on an answer with one of these statuses; makes an error of any other.
    pub(crate) async fn expect(mut self, statuses: &[StatusCode]) -> Result<Self, Error> {
        if statuses.contains(&self.response.status) {
            return Ok(self);
        }
        Err(self.refusal().await.into())
    }

    /// Reads what the registry says about its error status.
    pub(crate) async fn refusal(&mut self) -> Answer {
        let body = self.response.body.read_beginning(answer::MAX_BYTES).await;
        Answer::read(self.response.status, &self.response.headers, &body)
    }

    /// Names the request in an error met while its answer is read.
    pub(crate) fn failed(&self, source: RequestError) -> Error {
        Error::Request { method: self.method, url: self.url.to_string(), source }
    }

    pub(crate) fn broke_protocol(&self, reason: impl Into<String>) -> Error {
        Error::Protocol { url: self.url.to_string(), reason: reason.into() }
    }

    /// The address in the `Location` header.
    pub(crate) fn location(&self) -> Result<Url, Error> {
        let location = self
            .response
            .header("location")
            .ok_or_else(|| self.broke_protocol("expected a Location header"))?;
        Ok(self.url.join(location)?)
    }

    /// Reads the whole body, of at most `limit` bytes.
    pub(crate) async fn read(
        &mut self,
        what: &'static str,
        limit: usize,
    ) -> Result<bytes::Bytes, Error> {
        match self.response.body.read(limit).await {
            Ok(Some(body)) => Ok(body),
            Ok(None) => {
                Err(Error::TooLarge { what, url: self.url.to_string(), limit_bytes: limit })
            }
            Err(source) => Err(self.failed(source)),
        }
    }
}

/// Counts tries and waits between them.
pub(crate) struct Retries {
    left: u32,
    policy: RetryPolicy,
    backoff: Backoff,
}

impl Retries {
    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        let seed = u64::from_ne_bytes(random_bytes());
        Self {
            left: policy.attempts.max(1) - 1,
            policy: policy.clone(),
            backoff: Backoff::new(policy.first_wait, policy.longest_wait, seed),
        }
    }

    /// Waits and says whether to try again.
    pub(crate) async fn again(&mut self, asked: Option<Duration>) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let wait = self.backoff.next_wait();
        let wait = asked.map_or(wait, |asked| asked.max(wait)).min(self.policy.longest_wait);
        tokio::time::sleep(wait).await;
        true
    }
}

impl Shared {
    /// Performs a call. Any status that will not change by trying again is an answer.
    pub(crate) async fn call(&self, endpoint: &Endpoint, call: &Call) -> Result<Reply, Error> {
        let mut retries = Retries::new(&self.config.retry);
        loop {
            let result = self.call_once(endpoint, call).await;
            let asked = match &result {
                Ok(reply) if !answer::is_transient_status(reply.response.status.as_u16()) => {
                    return result;
                }
                Ok(reply) => retry_after(&reply.response),
                Err(error) if error.is_transient() => None,
                Err(_) => return result,
            };
            tracing::debug!(url = ?call.target, "a registry failed in a way that may pass");
            if !call.retry || !retries.again(asked).await {
                return result;
            }
        }
    }

    async fn call_once(&self, endpoint: &Endpoint, call: &Call) -> Result<Reply, Error> {
        let server = self.servers.find(endpoint, &self.transport).await?;
        let url = match &call.target {
            Target::Path(path) => server.base.with_target(path.clone()),
            Target::Url(url) => url.clone(),
        };
        let mut refused = None;
        loop {
            let header = self.authorize(endpoint, &server, call, refused.as_ref(), &url).await?;
            let reply = self.follow(endpoint, &server, call, url.clone(), header.clone()).await?;
            if reply.response.status != StatusCode::UNAUTHORIZED
                || refused.is_some()
                || !reply.url.same_origin(&server.base)
            {
                return Ok(reply);
            }
            server.learn(&reply.response.headers);
            let basic =
                header.as_ref().is_some_and(|header| header.as_bytes().starts_with(b"Basic"));
            if basic || server.challenges().is_empty() {
                return Ok(reply);
            }
            // A token that expired early, or a server that asks for one only now.
            refused = Some(header.unwrap_or(HeaderValue::from_static("")));
        }
    }

    async fn authorize(
        &self,
        endpoint: &Endpoint,
        server: &Server,
        call: &Call,
        refused: Option<&HeaderValue>,
        url: &Url,
    ) -> Result<Option<HeaderValue>, Error> {
        let challenges = server.challenges();
        let Some(challenge) = challenges.first() else { return Ok(None) };
        if !url.same_origin(&server.base) {
            return Ok(None);
        }
        let credentials = self.credentials(endpoint).await?;
        let request = TokenRequest {
            challenge,
            scopes: &call.scopes,
            credentials: credentials.as_deref(),
            server: &server.base,
            insecure: endpoint.insecure,
            offline: false,
        };
        authorization(&self.tokens, &self.transport, &challenges, request, refused).await.map_err(
            |refusal| match refusal {
                Refusal::Token(error) => error,
                Refusal::Local(source) => {
                    Error::Request { method: go_name(&call.method), url: url.to_string(), source }
                }
            },
        )
    }

    /// Sends the request and goes where redirects lead. `Authorization` is for the registry
    /// alone and does not follow to another server.
    async fn follow(
        &self,
        endpoint: &Endpoint,
        server: &Server,
        call: &Call,
        mut url: Url,
        authorization: Option<HeaderValue>,
    ) -> Result<Reply, Error> {
        let method = go_name(&call.method);
        for _ in 0..=MAX_REDIRECTS {
            let mut headers = call.headers.clone();
            let own = url.same_origin(&server.base);
            if let Some(value) = authorization.as_ref().filter(|_| own) {
                headers.insert(AUTHORIZATION, value.clone());
            }
            let request = Request {
                method: call.method.clone(),
                url: url.clone(),
                headers,
                payload: call.payload.clone(),
                insecure: endpoint.insecure && own,
            };
            let fail = |source| Error::Request { method, url: shown(&url, own), source };
            let mut response = self.transport.send(&request).await.map_err(fail)?;
            if !is_redirect(response.status, &call.method) {
                return Ok(Reply { response, url, method });
            }
            let next = response
                .header(LOCATION.as_str())
                .ok_or_else(|| fail(RequestError::Redirect("redirect without Location".to_owned())))
                .and_then(|location| Ok(url.join(location)?))?;
            if next.scheme() == Scheme::Http && url.scheme() == Scheme::Https && !endpoint.insecure
            {
                let words =
                    format!("refused to follow a redirect from TLS to {}", shown(&next, false));
                return Err(fail(RequestError::Redirect(words)));
            }
            response.body.read_beginning(answer::MAX_BYTES).await;
            url = next;
        }
        let words = format!("stopped after {MAX_REDIRECTS} redirects");
        let source = RequestError::Redirect(words);
        Err(Error::Request { method, url: shown(&url, false), source })
    }
}

/// An address for messages. Queries of other servers hold signatures that grant access.
fn shown(url: &Url, own: bool) -> String {
    let text = url.to_string();
    match text.split_once('?') {
        Some((head, _)) if !own => head.to_owned(),
        _ => text,
    }
}

/// 301 to 303 turn other methods into GET, which would not do what was asked for.
fn is_redirect(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        307 | 308 => true,
        301..=303 => *method == Method::GET || *method == Method::HEAD,
        _ => false,
    }
}

/// Seconds, or an HTTP date, which is taken for a short wait: clocks differ.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.header(RETRY_AFTER.as_str())?;
    Some(Duration::from_secs(value.trim().parse().unwrap_or(1)))
}

/// Go prints methods so in errors of its client, and docker passes them on.
fn go_name(method: &Method) -> &'static str {
    match *method {
        Method::HEAD => "Head",
        Method::POST => "Post",
        Method::PUT => "Put",
        Method::PATCH => "Patch",
        Method::DELETE => "Delete",
        _ => "Get",
    }
}

/// Whether a server offers to be authenticated to by bearer tokens.
pub(crate) fn bearer(challenges: &[Challenge]) -> Option<&Challenge> {
    challenges.iter().find(|challenge| challenge.scheme == "bearer")
}
