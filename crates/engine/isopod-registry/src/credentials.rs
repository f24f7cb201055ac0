//! What a client shows a registry to be let in.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use isopod_base::Digest;
use serde::{Deserialize, Serialize};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
/// Standard alphabet, with or without padding.
pub(crate) const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Credentials for one registry. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user name and a password (or personal token).
    Basic {
        /// The user.
        username: String,
        /// The secret.
        password: String,
    },
    /// An OAuth2 refresh token, exchanged for bearer tokens at the token server.
    IdentityToken {
        /// The user, may be empty.
        username: String,
        /// The refresh token.
        token: String,
    },
    /// A bearer token that is sent as it is.
    RegistryToken(String),
}

impl Credentials {
    /// A short text that differs between credentials, for keys of caches.
    pub(crate) fn fingerprint(&self) -> String {
        let (kind, name, secret) = match self {
            Self::Basic { username, password } => ("basic", username.as_str(), password),
            Self::IdentityToken { username, token } => ("identity", username.as_str(), token),
            Self::RegistryToken(token) => ("registry", "", token),
        };
        Digest::sha256(format!("{kind}\0{name}\0{secret}").as_bytes()).hex().to_owned()
    }

    /// The value of an `Authorization` header with a user name and a password.
    pub(crate) fn basic_header(username: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { username, .. } => write!(f, "Basic({username})"),
            Self::IdentityToken { username, .. } => write!(f, "IdentityToken({username})"),
            Self::RegistryToken(_) => f.write_str("RegistryToken"),
        }
    }
}

/// Credentials in docker's JSON form: the body of `POST /auth`, the `X-Registry-Auth` header and
/// the entries of `config.json`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthConfig {
    /// The user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
    /// `username:password` in base64.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth: String,
    /// The registry.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub serveraddress: String,
    /// An OAuth2 refresh token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub identitytoken: String,
    /// A bearer token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub registrytoken: String,
}

impl AuthConfig {
    /// Reads the value of an `X-Registry-Auth` header: JSON in base64, URL-safe or standard,
    /// padded or not. The error says what is wrong.
    pub fn from_header(value: &str) -> Result<Self, String> {
        let value = value.trim();
        let bytes = URL_SAFE
            .decode(value)
            .or_else(|_| STANDARD.decode(value))
            .map_err(|error| format!("invalid X-Registry-Auth header: {error}"))?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| format!("invalid X-Registry-Auth header: {error}"))
    }

    /// The credentials, or none when all fields are empty. The error says what is wrong.
    pub fn credentials(&self) -> Result<Option<Credentials>, &'static str> {
        if !self.registrytoken.is_empty() {
            return Ok(Some(Credentials::RegistryToken(self.registrytoken.clone())));
        }
        let (mut username, mut password) = (self.username.clone(), self.password.clone());
        if username.is_empty() && password.is_empty() && !self.auth.is_empty() {
            (username, password) = decode_auth(&self.auth)?;
        }
        if !self.identitytoken.is_empty() {
            let token = self.identitytoken.clone();
            return Ok(Some(Credentials::IdentityToken { username, token }));
        }
        if username.is_empty() && password.is_empty() {
            return Ok(None);
        }
        Ok(Some(Credentials::Basic { username, password }))
    }
}

impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthConfig")
            .field("username", &self.username)
            .field("serveraddress", &self.serveraddress)
            .finish_non_exhaustive()
    }
}

fn decode_auth(auth: &str) -> Result<(String, String), &'static str> {
    let bytes = STANDARD.decode(auth.trim()).map_err(|_| "auth is not base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "auth is not UTF-8")?;
    let (username, password) =
        text.split_once(':').ok_or("auth is not username:password in base64")?;
    // Docker pads passwords with NUL bytes in old files.
    Ok((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_headers() {
        let json = r#"{"username":"me","password":"p?>~","serveraddress":"x"}"#;
        let expected = Credentials::Basic { username: "me".into(), password: "p?>~".into() };
        for header in [
            base64::engine::general_purpose::URL_SAFE.encode(json),
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json),
            base64::engine::general_purpose::STANDARD.encode(json),
        ] {
            let auth = AuthConfig::from_header(&header).unwrap();
            assert_eq!(auth.credentials().unwrap().unwrap(), expected);
        }
        assert_eq!(AuthConfig::from_header("e30=").unwrap().credentials(), Ok(None));
        assert!(AuthConfig::from_header("{}").is_err());
    }

    #[test]
    fn secrets_are_not_printed() {
        let auth =
            AuthConfig { password: "hunter2".into(), auth: "aaaa".into(), ..Default::default() };
        let basic = Credentials::Basic { username: "me".into(), password: "hunter2".into() };
        assert!(!format!("{auth:?}{basic:?}").contains("hunter2"));
    }
}
