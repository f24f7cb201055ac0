//! The registries that a user has logged in to: docker's `config.json`.
//!
//! Fields that isopod does not know are kept when the file is written back.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::credentials::{AuthConfig, Credentials, STANDARD};
use crate::helper::{self, HelperError};
use crate::reference::DEFAULT_DOMAIN;

/// The key of Docker Hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// Largest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Credentials could not be read or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DockerConfigError {
    /// The file cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The file cannot be written.
    #[error("write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A credential helper failed.
    #[error(transparent)]
    Helper(#[from] HelperError),
}

/// A user's `config.json`.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    path: PathBuf,
    root: Map<String, Value>,
    auths: BTreeMap<String, AuthConfig>,
    default_helper: Option<String>,
    helpers: BTreeMap<String, String>,
}

impl DockerConfig {
    /// Reads `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`. A missing file is empty.
    pub fn load_default() -> Result<Self, DockerConfigError> {
        let directory = match env::var_os("DOCKER_CONFIG").filter(|dir| !dir.is_empty()) {
            Some(directory) => PathBuf::from(directory),
            None => match env::var_os("HOME").filter(|home| !home.is_empty()) {
                Some(home) => Path::new(&home).join(".docker"),
                None => return Ok(Self::default()),
            },
        };
        Self::load(&directory.join("config.json"))
    }

    /// Reads a file. A missing file is empty.
    pub fn load(path: &Path) -> Result<Self, DockerConfigError> {
        let invalid = |reason: String| DockerConfigError::Invalid { path: path.to_owned(), reason };
        let read = |source| DockerConfigError::Read { path: path.to_owned(), source };
        let bytes = match fs::metadata(path) {
            Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
                return Err(invalid("the file is larger than 1 MiB".to_owned()));
            }
            Ok(_) => fs::read(path).map_err(read)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => b"{}".to_vec(),
            Err(error) => return Err(read(error)),
        };
        let bytes = if bytes.trim_ascii().is_empty() { b"{}".to_vec() } else { bytes };
        let root: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        let field = |name: &str| root.get(name).filter(|value| !value.is_null()).cloned();
        let auths = parse_field(field("auths"), "auths").map_err(invalid)?;
        let helpers = parse_field(field("credHelpers"), "credHelpers").map_err(invalid)?;
        let default_helper: Option<String> =
            parse_field(field("credsStore"), "credsStore").map_err(invalid)?;
        Ok(Self {
            path: path.to_owned(),
            default_helper: default_helper.filter(|name| !name.is_empty()),
            root,
            auths,
            helpers,
        })
    }

    /// The credentials for a registry, named as references name it.
    pub async fn credentials(
        &self,
        domain: &str,
    ) -> Result<Option<Credentials>, DockerConfigError> {
        let key = key_of(domain);
        if let Some(helper) = self.helper(domain)
            && let Some(found) = helper::get(helper, key).await?
        {
            return Ok(Some(found));
        }
        let entry = self.auths.get(key).or_else(|| {
            let normal = normalise(key);
            self.auths.iter().find(|(name, _)| normalise(name) == normal).map(|(_, auth)| auth)
        });
        let Some(entry) = entry else { return Ok(None) };
        entry.credentials().map_err(|reason| DockerConfigError::Invalid {
            path: self.path.clone(),
            reason: format!("auths.{key:?}: {reason}"),
        })
    }

    /// Remembers credentials, in the helper if one is configured, else in the file.
    pub async fn store(
        &mut self,
        domain: &str,
        credentials: &Credentials,
    ) -> Result<(), DockerConfigError> {
        let key = key_of(domain).to_owned();
        if let Some(helper) = self.helper(domain) {
            helper::store(helper, &key, credentials).await?;
            self.auths.insert(key, AuthConfig::default());
            return self.save();
        }
        let entry = match credentials {
            Credentials::Basic { username, password } => AuthConfig {
                auth: STANDARD.encode(format!("{username}:{password}")),
                ..AuthConfig::default()
            },
            Credentials::IdentityToken { username, token } => AuthConfig {
                auth: STANDARD.encode(format!("{username}:")),
                identitytoken: token.clone(),
                ..AuthConfig::default()
            },
            Credentials::RegistryToken(token) => {
                AuthConfig { registrytoken: token.clone(), ..AuthConfig::default() }
            }
        };
        self.auths.insert(key, entry);
        self.save()
    }

    /// Forgets a registry. Returns whether it was known.
    pub async fn erase(&mut self, domain: &str) -> Result<bool, DockerConfigError> {
        let key = key_of(domain);
        if let Some(helper) = self.helper(domain) {
            helper::erase(helper, key).await?;
        }
        let normal = normalise(key);
        let before = self.auths.len();
        self.auths.retain(|name, _| normalise(name) != normal);
        if self.auths.len() == before {
            return Ok(false);
        }
        self.save()?;
        Ok(true)
    }

    fn helper(&self, domain: &str) -> Option<&str> {
        self.helpers
            .get(key_of(domain))
            .or_else(|| self.helpers.get(domain))
            .or(self.default_helper.as_ref())
            .map(String::as_str)
    }

    fn save(&mut self) -> Result<(), DockerConfigError> {
        let write = |source| DockerConfigError::Write { path: self.path.clone(), source };
        let auths = serde_json::to_value(&self.auths).map_err(|e| write(io::Error::other(e)))?;
        self.root.insert("auths".to_owned(), auths);
        let mut text =
            serde_json::to_vec_pretty(&self.root).map_err(|e| write(io::Error::other(e)))?;
        text.push(b'\n');
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(write)?;
        }
        isopod_base::files::replace(&self.path, &text, 0o600)
            .map_err(|error| write(io::Error::other(error)))
    }
}

fn parse_field<T>(value: Option<Value>, name: &str) -> Result<T, String>
where
    T: Default + serde::de::DeserializeOwned,
{
    match value {
        None => Ok(T::default()),
        Some(value) => serde_json::from_value(value).map_err(|error| format!("{name}: {error}")),
    }
}

fn key_of(domain: &str) -> &str {
    if domain == DEFAULT_DOMAIN { HUB_KEY } else { domain }
}

/// `https://reg.example/v1/` and `reg.example` mean the same registry.
fn normalise(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.split('/').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> (tempfile::TempDir, DockerConfig) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, text).unwrap();
        let config = DockerConfig::load(&path).unwrap();
        (directory, config)
    }

    #[tokio::test]
    async fn finds_entries_however_the_registry_is_spelled() {
        let (_dir, config) = config(
            r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},
                "https://reg.example:5000/v2/":{"username":"u","password":"p"},
                "tok.example":{"auth":"YTo=","identitytoken":"t"},
                "empty.example":{}}}"#,
        );
        let basic =
            |u: &str, p: &str| Some(Credentials::Basic { username: u.into(), password: p.into() });
        assert_eq!(config.credentials("docker.io").await.unwrap(), basic("a", "b"));
        assert_eq!(config.credentials("reg.example:5000").await.unwrap(), basic("u", "p"));
        assert_eq!(
            config.credentials("tok.example").await.unwrap(),
            Some(Credentials::IdentityToken { username: "a".into(), token: "t".into() })
        );
        assert_eq!(config.credentials("empty.example").await.unwrap(), None);
        assert_eq!(config.credentials("other.example").await.unwrap(), None);
    }

    #[tokio::test]
    async fn keeps_what_it_does_not_know() {
        let (dir, mut config) = config(r#"{"psFormat":"x","auths":{}}"#);
        let login = Credentials::Basic { username: "u".into(), password: "p:q".into() };
        config.store("localhost:5000", &login).await.unwrap();
        let path = dir.path().join("config.json");
        let mut again = DockerConfig::load(&path).unwrap();
        assert_eq!(again.credentials("localhost:5000").await.unwrap(), Some(login));
        assert!(fs::read_to_string(&path).unwrap().contains("psFormat"));
        assert!(again.erase("localhost:5000").await.unwrap());
        assert!(!again.erase("localhost:5000").await.unwrap());
    }

    #[test]
    fn names_file_and_field() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for (text, words) in [
            ("{", "EOF"),
            (r#"{"auths":[]}"#, "auths"),
            (r#"{"credHelpers":{"a":1}}"#, "credHelpers"),
        ] {
            fs::write(&path, text).unwrap();
            let message = DockerConfig::load(&path).unwrap_err().to_string();
            assert!(message.contains("config.json") && message.contains(words), "{message}");
        }
        let absent = DockerConfig::load(&directory.path().join("absent")).unwrap();
        assert!(absent.auths.is_empty());
    }
}
