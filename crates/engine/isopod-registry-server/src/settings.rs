//! What a registry is told: addresses, access, limits. Read once, checked before anything is bound.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ServeError;

/// Settings of a registry. Also the document by which one is asked for within an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    /// Certificate chain, PEM.
    pub tls_certificate: Option<PathBuf>,
    /// Its key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Users and their bcrypt hashes, as `htpasswd -B` writes them.
    pub htpasswd: Option<PathBuf>,
    /// How clients prove who they are.
    pub auth: AuthKind,
    /// Whether pulling needs no credentials.
    pub anonymous_pull: bool,
    /// Whether other machines may speak to it without TLS.
    pub plain_http: bool,
    /// Nothing can be pushed or deleted.
    pub read_only: bool,
    /// Nothing can be deleted.
    pub no_delete: bool,
    /// A registry that this one is a copy of.
    pub upstream: Option<String>,
    /// User at the upstream.
    pub upstream_user: Option<String>,
    /// File with the password there.
    pub upstream_password_file: Option<PathBuf>,
    /// How long a copy is kept after it was fetched.
    pub cache_age: Duration,
    /// Largest blob that is taken.
    pub max_blob_bytes: u64,
}

/// How clients prove who they are, where there are users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthKind {
    /// By user and password with each request.
    Basic,
    /// By a token, which the registry itself gives for user and password.
    Token,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 5000))],
            tls_certificate: None,
            tls_key: None,
            htpasswd: None,
            auth: AuthKind::Basic,
            anonymous_pull: false,
            plain_http: false,
            read_only: false,
            no_delete: false,
            upstream: None,
            upstream_user: None,
            upstream_password_file: None,
            cache_age: Duration::from_secs(7 * 24 * 3600),
            max_blob_bytes: 256 << 30,
        }
    }
}

impl Settings {
    /// Refuses what does not go together.
    pub fn check(&self) -> Result<(), ServeError> {
        let refuse =
            |setting, reason: &str| Err(ServeError::Setting { setting, reason: reason.to_owned() });
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), None) => return refuse("tls-key", "expected, since --tls-cert is given"),
            (None, Some(_)) => return refuse("tls-cert", "expected, since --tls-key is given"),
            _ => {}
        }
        if self.htpasswd.is_none() && self.auth == AuthKind::Token {
            return refuse("auth", "token needs --htpasswd FILE with the users");
        }
        if self.htpasswd.is_none() && self.anonymous_pull {
            return refuse("anonymous-pull", "means nothing without --htpasswd");
        }
        if self.upstream.is_none()
            && (self.upstream_user.is_some() || self.upstream_password_file.is_some())
        {
            return refuse("upstream-user", "means nothing without --upstream");
        }
        if self.upstream_user.is_some() != self.upstream_password_file.is_some() {
            return refuse("upstream-user", "goes together with --upstream-password-file");
        }
        let open = self.listen.iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = open
            && self.tls_certificate.is_none()
            && !self.plain_http
        {
            return refuse(
                "listen",
                &format!(
                    "{address} can be reached from other machines: give --tls-cert and --tls-key, \
                     or --plain-http if something in front of it does TLS"
                ),
            );
        }
        if self.listen.is_empty() {
            return refuse("listen", "expected an address");
        }
        Ok(())
    }
}
