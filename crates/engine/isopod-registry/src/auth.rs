//! Tokens: what a registry's token server gives for credentials and scopes.
//!
//! Follows the distribution project's token specification (GET) and its OAuth2 variant (POST,
//! for identity tokens).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;

use crate::answer::{self, Answer};
use crate::body::Payload;
use crate::challenge::Challenge;
use crate::credentials::Credentials;
use crate::error::{Error, RequestError};
use crate::transport::{Request, Transport};
use crate::url::{Scheme, Url, encode};

/// Longest answer of a token server.
const MAX_TOKEN_BYTES: usize = 64 << 10;
/// Tokens without a stated life live that long (the token specification's default).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A token is renewed that long before it expires.
const MARGIN: Duration = Duration::from_secs(5);
const MAX_TOKENS: usize = 512;
const CLIENT_ID: &str = "isopod";

/// What a request needs to be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Read a repository.
    Pull(String),
    /// Read and write a repository.
    Push(String),
    /// Delete from a repository.
    Delete(String),
    /// List repositories.
    Catalog,
}

impl Scope {
    fn text(&self) -> String {
        match self {
            Self::Pull(path) => format!("repository:{path}:pull"),
            Self::Push(path) => format!("repository:{path}:pull,push"),
            Self::Delete(path) => format!("repository:{path}:delete"),
            Self::Catalog => "registry:catalog:*".to_owned(),
        }
    }
}

/// Who asks a token server, and for what.
pub(crate) struct TokenRequest<'a> {
    pub(crate) challenge: &'a Challenge,
    pub(crate) scopes: &'a [Scope],
    pub(crate) credentials: Option<&'a Credentials>,
    /// The registry's server; a token server may not be less secure than it.
    pub(crate) server: &'a Url,
    pub(crate) insecure: bool,
    /// Ask for a refresh token too.
    pub(crate) offline: bool,
}

/// What a token server gave.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    pub(crate) refresh_token: Option<String>,
    expires: Instant,
}

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// The tokens in use. Requests for the same one wait for each other.
#[derive(Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<String, Slot>>,
}

impl Tokens {
    /// A valid token, from the cache unless `renew` is set to one that was refused.
    pub(crate) async fn get(
        &self,
        transport: &Transport,
        request: &TokenRequest<'_>,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, Error> {
        let slot = self.slot(request);
        let mut slot = slot.lock().await;
        if let Some(token) = &*slot
            && token.expires > Instant::now()
            && Some(&token.header) != refused
        {
            return Ok(token.header.clone());
        }
        let token = fetch(transport, request).await?;
        let header = token.header.clone();
        *slot = Some(token);
        Ok(header)
    }

    fn slot(&self, request: &TokenRequest<'_>) -> Slot {
        let realm = request.challenge.parameter("realm").unwrap_or_default();
        let service = request.challenge.parameter("service").unwrap_or_default();
        let who = request.credentials.map(Credentials::fingerprint).unwrap_or_default();
        let key = format!("{realm}\n{service}\n{}\n{who}", scope_texts(request).join("\n"));
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_TOKENS {
            slots.clear();
        }
        slots.entry(key).or_default().clone()
    }
}

/// Asks the token server.
pub(crate) async fn fetch(
    transport: &Transport,
    request: &TokenRequest<'_>,
) -> Result<Token, Error> {
    let message = message(request)?;
    let url = message.url.clone();
    let method = if message.method == Method::POST { "Post" } else { "Get" };
    let fail = |source| Error::Request { method, url: url.to_string(), source };
    let mut response = transport.send(&message).await.map_err(fail)?;
    if response.status != StatusCode::OK {
        let body = response.body.read_beginning(answer::MAX_BYTES).await;
        return Err(Answer::read(response.status, &response.headers, &body).into());
    }
    let body = response.body.read(MAX_TOKEN_BYTES).await.map_err(fail)?.ok_or(Error::TooLarge {
        what: "token",
        url: url.to_string(),
        limit_bytes: MAX_TOKEN_BYTES,
    })?;
    parse(&body).map_err(|reason| Error::Protocol { url: url.to_string(), reason })
}

fn message(request: &TokenRequest<'_>) -> Result<Request, Error> {
    let realm = request.challenge.parameter("realm").unwrap_or_default();
    let url = request.server.join(realm)?;
    if url.scheme() == Scheme::Http && request.server.scheme() == Scheme::Https && !request.insecure
    {
        return Err(Error::Protocol {
            url: request.server.to_string(),
            reason: format!("its token server {url} does not use TLS, so no credentials are sent"),
        });
    }
    let mut fields = Vec::new();
    if let Some(service) = request.challenge.parameter("service") {
        fields.push(("service", service.to_owned()));
    }
    let scopes = scope_texts(request);
    let mut headers = HeaderMap::new();
    if let Some(Credentials::IdentityToken { token, .. }) = request.credentials {
        fields.push(("scope", scopes.join(" ")));
        fields.push(("grant_type", "refresh_token".to_owned()));
        fields.push(("client_id", CLIENT_ID.to_owned()));
        fields.push(("refresh_token", token.clone()));
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, kind);
        let payload = Payload::Bytes(form.join("&").into());
        let (method, insecure) = (Method::POST, request.insecure);
        return Ok(Request { method, url, headers, payload, insecure });
    }
    fields.extend(scopes.into_iter().map(|scope| ("scope", scope)));
    if let Some(Credentials::Basic { username, password }) = request.credentials {
        fields.push(("account", username.clone()));
        let value = Credentials::basic_header(username, password);
        headers.insert(AUTHORIZATION, value.parse().expect("base64 is a header value"));
    }
    if request.offline {
        fields.push(("offline_token", "true".to_owned()));
        fields.push(("client_id", CLIENT_ID.to_owned()));
    }
    let url = fields.iter().fold(url, |url, (name, value)| url.with_query(name, value));
    let (method, payload, insecure) = (Method::GET, Payload::Empty, request.insecure);
    Ok(Request { method, url, headers, payload, insecure })
}

/// The scopes that the request needs, and what else the server said that it wants.
fn scope_texts(request: &TokenRequest<'_>) -> Vec<String> {
    let mut texts: Vec<String> = request.scopes.iter().map(Scope::text).collect();
    let asked = request.challenge.parameter("scope").unwrap_or_default();
    // A challenge for another repository was meant for another request.
    let ours = |scope: &str| {
        let subject = scope.rsplit_once(':').map_or(scope, |(subject, _)| subject);
        request.scopes.iter().any(|own| own.text().starts_with(&format!("{subject}:")))
    };
    texts.extend(asked.split(' ').filter(|s| !s.is_empty() && ours(s)).map(str::to_owned));
    texts.sort();
    texts.dedup();
    texts
}

fn parse(body: &[u8]) -> Result<Token, String> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        token: Option<String>,
        #[serde(default)]
        access_token: Option<String>,
        #[serde(default)]
        expires_in: Option<u64>,
        #[serde(default)]
        refresh_token: Option<String>,
    }
    let body: Body =
        serde_json::from_slice(body).map_err(|error| format!("expected a token: {error}"))?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = filled(body.token)
        .or_else(|| filled(body.access_token))
        .ok_or("authorization server did not include a token in the response")?;
    let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| "the token contains characters that no header may hold")?;
    header.set_sensitive(true);
    let life = match body.expires_in {
        // An hour at most: nothing is gained by trusting a longer promise.
        Some(seconds) => Duration::from_secs(seconds.min(3600)).max(DEFAULT_LIFE),
        None => DEFAULT_LIFE,
    };
    let refresh_token = filled(body.refresh_token);
    Ok(Token { header, refresh_token, expires: Instant::now() + life - MARGIN })
}

/// The `Authorization` header that answers `challenges`, or none when none is asked for.
pub(crate) async fn authorization(
    tokens: &Tokens,
    transport: &Transport,
    challenges: &[Challenge],
    mut request: TokenRequest<'_>,
    refused: Option<&HeaderValue>,
) -> Result<Option<HeaderValue>, Refusal> {
    if challenges.is_empty() {
        return Ok(None);
    }
    if let Some(Credentials::RegistryToken(token)) = request.credentials {
        return sensitive(format!("Bearer {token}")).map(Some);
    }
    let find = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
    if let Some(bearer) = find("bearer") {
        let own = Challenge::clone(bearer);
        request = TokenRequest { challenge: &own, ..request };
        return tokens.get(transport, &request, refused).await.map(Some).map_err(Refusal::Token);
    }
    if find("basic").is_none() {
        let scheme = challenges[0].scheme.clone();
        return Err(Refusal::Local(RequestError::UnsupportedScheme(scheme)));
    }
    match request.credentials {
        Some(Credentials::Basic { username, password }) => {
            sensitive(Credentials::basic_header(username, password)).map(Some)
        }
        _ => Err(Refusal::Local(RequestError::NoBasicCredentials)),
    }
}

/// Why no `Authorization` can be given.
pub(crate) enum Refusal {
    /// The token server's doing.
    Token(Error),
    /// Nothing was sent.
    Local(RequestError),
}

fn sensitive(text: String) -> Result<HeaderValue, Refusal> {
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Refusal::Local(RequestError::Token(
            "the token contains characters that no header may hold".to_owned(),
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_message(credentials: Option<&Credentials>, realm: &str) -> Result<Request, Error> {
        let text = format!("Bearer realm=\"{realm}\",service=\"reg\"");
        let challenge = crate::challenge::parse(&text).remove(0);
        let server = Url::parse("https://reg.example/v2/").unwrap();
        message(&TokenRequest {
            challenge: &challenge,
            scopes: &[Scope::Push("a/b".into()), Scope::Pull("c".into())],
            credentials,
            server: &server,
            insecure: false,
            offline: false,
        })
    }

    #[test]
    fn asks_by_get_or_post() {
        let request = check_message(None, "https://auth.example/token").unwrap();
        assert_eq!(
            request.url.target(),
            "/token?service=reg&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull"
        );
        assert!(request.headers.is_empty());
        let basic = Credentials::Basic { username: "u".into(), password: "p".into() };
        let request = check_message(Some(&basic), "https://auth.example/token").unwrap();
        assert_eq!(request.headers[AUTHORIZATION], "Basic dTpw");
        let identity = Credentials::IdentityToken { username: "u".into(), token: "r&t".into() };
        let request = check_message(Some(&identity), "https://auth.example/token").unwrap();
        let Payload::Bytes(form) = request.payload else { panic!("a form") };
        assert!(form.ends_with(b"refresh_token=r%26t"), "{form:?}");
    }

    #[test]
    fn sends_no_credentials_without_tls() {
        let message = check_message(None, "http://auth.example/token").err().unwrap().to_string();
        assert!(message.contains("does not use TLS"), "{message}");
    }

    #[test]
    fn reads_tokens() {
        assert_eq!(parse(br#"{"token":"a"}"#).ok().unwrap().header, "Bearer a");
        let token = parse(br#"{"access_token":"b","expires_in":300,"refresh_token":"r"}"#);
        let token = token.ok().unwrap();
        assert_eq!(token.header, "Bearer b");
        assert_eq!(token.refresh_token.as_deref(), Some("r"));
        for body in ["", "{}", r#"{"token":""}"#, r#"{"token":"a\nb"}"#, "[]"] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
