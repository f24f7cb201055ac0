//! The client: one for a process, shared by everything that speaks to registries.

use std::sync::Arc;

use http::{Method, StatusCode};

use crate::auth::{self, Scope, TokenRequest, Tokens};
use crate::call::{Call, Reply, bearer};
use crate::config::{Config, is_loopback};
use crate::credentials::Credentials;
use crate::endpoint::{Endpoint, Servers, server_of};
use crate::error::Error;
use crate::reference::Reference;
use crate::transport::Transport;

/// Speaks to registries. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What all operations use.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) transport: Transport,
    pub(crate) servers: Servers,
    pub(crate) tokens: Tokens,
}

/// The outcome of a successful login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// To be kept in the place of the password, where the registry gives one.
    pub identity_token: Option<String>,
}

impl Client {
    /// Checks the settings. Connects to nothing. Its methods must run within a tokio runtime
    /// with timers and IO.
    pub fn new(config: Config) -> Result<Self, Error> {
        let transport = Transport::new(&config)?;
        let (servers, tokens) = (Servers::default(), Tokens::default());
        Ok(Self { shared: Arc::new(Shared { config, transport, servers, tokens }) })
    }

    /// A repository, by any reference into it. `credentials` go before those of the
    /// configuration and are shown to the registry only, never to its mirrors.
    pub fn repository(
        &self,
        reference: &Reference,
        credentials: Option<Credentials>,
    ) -> Repository {
        let mut endpoints: Vec<Endpoint> = self
            .shared
            .config
            .mirrors
            .iter()
            .filter(|mirror| mirror.registry == reference.domain())
            .map(|mirror| {
                let authority = mirror.url.authority();
                Endpoint {
                    domain: authority.clone(),
                    scheme: Some(mirror.url.scheme()),
                    insecure: self.shared.config.is_insecure(&authority),
                    authority,
                    credentials: None,
                    mirror: true,
                }
            })
            .collect();
        endpoints.push(self.endpoint(reference.domain(), credentials));
        Repository {
            shared: self.shared.clone(),
            reference: reference.repository(),
            endpoints: endpoints.into(),
        }
    }

    /// Checks credentials, as `docker login` does. `domain` is named as in references.
    pub async fn login(
        &self,
        domain: &str,
        credentials: Option<Credentials>,
    ) -> Result<Login, Error> {
        let endpoint = self.endpoint(domain, credentials);
        let server = self.shared.servers.find(&endpoint, &self.shared.transport).await?;
        let credentials = self.shared.credentials(&endpoint).await?;
        if let Some(challenge) = bearer(&server.challenges()) {
            let request = TokenRequest {
                challenge,
                scopes: &[],
                credentials: credentials.as_deref(),
                server: &server.base,
                insecure: endpoint.insecure,
                offline: true,
            };
            let token = auth::fetch(&self.shared.transport, &request).await?;
            return Ok(Login { identity_token: token.refresh_token });
        }
        let mut call = Call::new(Method::GET, "/v2/".to_owned(), Scope::Catalog);
        call.scopes.clear();
        let reply = self.shared.call(&endpoint, &call).await?;
        reply.expect(&[StatusCode::OK]).await?;
        Ok(Login { identity_token: None })
    }

    pub(crate) fn endpoint(&self, domain: &str, credentials: Option<Credentials>) -> Endpoint {
        let authority = server_of(domain).to_owned();
        Endpoint {
            domain: domain.to_owned(),
            scheme: None,
            insecure: self.shared.config.is_insecure(&authority),
            authority,
            credentials: credentials.map(Arc::new),
            mirror: false,
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Shared {
    /// The caller's credentials, or else the configured ones.
    pub(crate) async fn credentials(
        &self,
        endpoint: &Endpoint,
    ) -> Result<Option<Arc<Credentials>>, Error> {
        if let Some(given) = &endpoint.credentials {
            return Ok(Some(given.clone()));
        }
        let Some(docker) = &self.config.docker_config else { return Ok(None) };
        match docker.credentials(&endpoint.domain).await {
            Ok(found) => Ok(found.map(Arc::new)),
            Err(source) => Err(Error::Credentials { registry: endpoint.domain.clone(), source }),
        }
    }
}

/// One repository of a registry, with the credentials to use there. Cheap to clone.
#[derive(Clone)]
pub struct Repository {
    shared: Arc<Shared>,
    reference: Reference,
    /// Mirrors, then the registry itself.
    endpoints: Arc<[Endpoint]>,
}

impl Repository {
    /// The repository's name, without tag and digest.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// A path below the repository: `/v2/library/nginx/…`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.reference.path())
    }

    pub(crate) fn pull_scope(&self) -> Scope {
        Scope::Pull(self.reference.path().to_owned())
    }

    pub(crate) fn push_scope(&self) -> Scope {
        Scope::Push(self.reference.path().to_owned())
    }

    pub(crate) fn is_on_loopback(&self) -> bool {
        is_loopback(&self.origin().authority)
    }

    /// The registry itself.
    pub(crate) fn origin(&self) -> &Endpoint {
        self.endpoints.last().expect("the registry itself is always there")
    }

    /// Performs a call on the registry itself.
    pub(crate) async fn call(&self, call: &Call) -> Result<Reply, Error> {
        self.shared.call(self.origin(), call).await
    }

    /// Performs a reading call on the first mirror that succeeds, or on the registry itself.
    pub(crate) async fn call_any(&self, call: &Call) -> Result<Reply, Error> {
        for mirror in self.endpoints.iter().filter(|endpoint| endpoint.mirror) {
            if self.shared.servers.is_down(mirror) {
                continue;
            }
            // The registry itself is there to be asked instead of asking again.
            let once = Call { retry: false, ..call.clone() };
            match self.shared.call(mirror, &once).await {
                Ok(reply) if reply.response.status.is_success() => return Ok(reply),
                Ok(reply) => {
                    let status = reply.response.status.as_u16();
                    tracing::debug!(mirror = mirror.authority, status, "not to be had from mirror");
                }
                Err(error) => {
                    let error = isopod_base::chain(&error).to_string();
                    tracing::warn!(mirror = mirror.authority, error, "mirror failed");
                }
            }
        }
        self.call(call).await
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({})", self.reference)
    }
}
