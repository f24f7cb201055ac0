//! Credentials for registries, in docker's `config.json` or in a credential helper.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use isopod_docker_types::AuthConfig;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;

use crate::session::Session;
use crate::template::Value;

/// The key of Docker Hub's credentials.
pub(crate) const DEFAULT_REGISTRY: &str = "https://index.docker.io/v1/";

/// The part of `config.json` that is about credentials.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Credentials {
    auths: BTreeMap<String, AuthConfig>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

impl Credentials {
    /// The helper for a registry, if there is one.
    fn helper(&self, key: &str) -> Option<&str> {
        let own = self.cred_helpers.get(key).map(String::as_str);
        own.or(Some(self.creds_store.as_str())).filter(|name| !name.is_empty())
    }
}

/// What a credential helper says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Secret {
    username: String,
    secret: String,
}

/// The key of a registry in `config.json`.
fn key(registry: &str) -> &str {
    match registry {
        "" | "docker.io" | "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY,
        other => other,
    }
}

/// The `X-Registry-Auth` header for a registry (`{}` if nothing is known).
pub(super) async fn auth_header(session: &Session, registry: &str) -> Result<String> {
    let credentials: Credentials = session.read_config()?;
    let key = key(registry);
    let mut auth = match credentials.helper(key) {
        Some(helper) => from_helper(helper, key).await?,
        None => from_file(&credentials, key)?,
    };
    if auth != AuthConfig::default() {
        auth.server_address = key.to_owned();
    }
    Ok(URL_SAFE.encode(serde_json::to_vec(&auth).context("encode credentials")?))
}

/// The `X-Registry-Config` header: all that is known, by registry.
pub(crate) async fn all_credentials(session: &Session) -> Result<String> {
    let credentials: Credentials = session.read_config()?;
    let mut all = BTreeMap::new();
    let keys = credentials.auths.keys().chain(credentials.cred_helpers.keys());
    for key in keys {
        let auth = match credentials.helper(key) {
            Some(helper) => from_helper(helper, key).await?,
            None => from_file(&credentials, key)?,
        };
        if auth != AuthConfig::default() {
            all.insert(key.clone(), auth);
        }
    }
    Ok(URL_SAFE.encode(serde_json::to_vec(&all).context("encode credentials")?))
}

fn from_file(credentials: &Credentials, key: &str) -> Result<AuthConfig> {
    let host = |name: &str| {
        let name = name.trim_start_matches("https://").trim_start_matches("http://");
        name.split('/').next().unwrap_or_default().to_owned()
    };
    let found = credentials.auths.get(key).or_else(|| {
        let known = credentials.auths.iter().find(|(name, _)| host(name) == host(key));
        known.map(|(_, auth)| auth)
    });
    let Some(found) = found else { return Ok(AuthConfig::default()) };
    let mut auth = found.clone();
    if !auth.auth.is_empty() {
        let decoded = STANDARD
            .decode(auth.auth.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .with_context(|| format!("config.json: the credentials for {key} are not base64"))?;
        let Some((username, password)) = decoded.split_once(':') else {
            bail!("config.json: the credentials for {key} are not USER:PASSWORD in base64");
        };
        auth.username = username.to_owned();
        auth.password = password.trim_end_matches('\0').to_owned();
        auth.auth = String::new();
    }
    Ok(auth)
}

async fn from_helper(helper: &str, key: &str) -> Result<AuthConfig> {
    let answer = match ask_helper(helper, "get", key.as_bytes()).await {
        Ok(answer) => answer,
        // "credentials not found in native keychain" is how helpers say that they know nothing.
        Err(error) if error.to_string().contains("credentials not found") => {
            return Ok(AuthConfig::default());
        }
        Err(error) => return Err(error),
    };
    let secret: Secret = serde_json::from_slice(&answer)
        .with_context(|| format!("docker-credential-{helper} gave no credentials for {key}"))?;
    Ok(match secret.username.as_str() {
        "<token>" => AuthConfig { identity_token: secret.secret, ..AuthConfig::default() },
        _ => AuthConfig {
            username: secret.username,
            password: secret.secret,
            ..AuthConfig::default()
        },
    })
}

/// Runs `docker-credential-HELPER ACTION` with `input`; its output.
async fn ask_helper(helper: &str, action: &str, input: &[u8]) -> Result<Vec<u8>> {
    if helper.contains('/') {
        bail!("config.json: a credential helper's name cannot be {helper:?}");
    }
    let program = format!("docker-credential-{helper}");
    let mut child = tokio::process::Command::new(&program)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {program}"))?;
    let mut stdin = child.stdin.take().expect("it was piped");
    // A helper that does not read its input says why on its output.
    let _ = stdin.write_all(input).await;
    drop(stdin);
    let output = child.wait_with_output().await.with_context(|| format!("wait for {program}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        bail!("{program} {action}: {}", text.trim());
    }
    Ok(output.stdout)
}

/// Keeps credentials for a registry, in its helper or in `config.json`.
pub(crate) async fn store_credentials(session: &Session, auth: &AuthConfig) -> Result<()> {
    let credentials: Credentials = session.read_config()?;
    let key = key(&auth.server_address).to_owned();
    let (username, secret) = match auth.identity_token.as_str() {
        "" => (auth.username.as_str(), auth.password.as_str()),
        token => ("<token>", token),
    };
    if let Some(helper) = credentials.helper(&key) {
        let entry = Value::Map(vec![
            ("ServerURL".into(), Value::text(key.clone())),
            ("Username".into(), Value::text(username)),
            ("Secret".into(), Value::text(secret)),
        ]);
        let input = serde_json::to_vec(&entry).context("encode credentials")?;
        ask_helper(helper, "store", &input).await?;
        return Ok(());
    }
    let mut entry = vec![(
        "auth".to_owned(),
        Value::text(STANDARD.encode(format!("{}:{}", auth.username, auth.password))),
    )];
    if !auth.identity_token.is_empty() {
        entry[0].1 = Value::text(STANDARD.encode(format!("{}:", auth.username)));
        entry.push(("identitytoken".to_owned(), Value::text(auth.identity_token.clone())));
    }
    edit_config(session, |auths| {
        auths.retain(|(name, _)| *name != key);
        auths.push((key.clone(), Value::Map(entry)));
    })?;
    let path = session.config_path();
    let _ = writeln!(
        crate::output::stderr(),
        "\nWARNING! Your credentials are stored unencrypted in '{}'.\nConfigure a credential \
         helper to remove this warning.\n",
        path.display()
    );
    Ok(())
}

/// Forgets the credentials for a registry; whether there were any.
pub(crate) async fn forget_credentials(session: &Session, registry: &str) -> Result<bool> {
    let credentials: Credentials = session.read_config()?;
    let key = key(registry).to_owned();
    if let Some(helper) = credentials.helper(&key) {
        ask_helper(helper, "erase", key.as_bytes()).await?;
        return Ok(true);
    }
    if !credentials.auths.contains_key(&key) {
        return Ok(false);
    }
    edit_config(session, |auths| auths.retain(|(name, _)| *name != key))?;
    Ok(true)
}

/// Changes `auths` in `config.json` and nothing else, so that docker's other settings stay.
fn edit_config(session: &Session, edit: impl FnOnce(&mut Vec<(String, Value)>)) -> Result<()> {
    let path = session.config_path();
    let mut document: Value = match crate::session::read_if_there(&path)? {
        Some(text) if !text.trim().is_empty() => serde_json::from_str(&text)
            .with_context(|| format!("{} is not as expected", path.display()))?,
        _ => Value::Map(vec![]),
    };
    let Value::Map(members) = &mut document else {
        bail!("{} is not as expected: it is no JSON object", path.display());
    };
    if !members.iter().any(|(name, _)| name == "auths") {
        members.push(("auths".to_owned(), Value::Map(vec![])));
    }
    let auths = members.iter_mut().find(|(name, _)| name == "auths").map(|(_, value)| value);
    match auths {
        Some(Value::Map(auths)) => edit(auths),
        Some(other) => {
            let mut auths = vec![];
            edit(&mut auths);
            *other = Value::Map(auths);
        }
        None => {}
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("create {}", directory.display()))?;
    }
    let mut text = serde_json::to_vec_pretty(&document).context("encode credentials")?;
    text.push(b'\n');
    isopod_base::files::replace(&path, &text, 0o600)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use isopod_client::{Client, Endpoint};

    #[test]
    fn credentials_of_a_file() {
        let credentials: Credentials = serde_json::from_str(
            r#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6c2VjcmV0"},
                "https://reg.example/v2/":{"username":"u","password":"p"},
                "bad.example":{"auth":"%%%"}},"HttpHeaders":{"a":"b"}}"#,
        )
        .expect("test data");
        let hub = from_file(&credentials, key("docker.io")).expect("good");
        assert_eq!((hub.username.as_str(), hub.password.as_str()), ("me", "secret"));
        assert_eq!(from_file(&credentials, "reg.example").expect("good").username, "u");
        assert_eq!(from_file(&credentials, "none.example").expect("good"), AuthConfig::default());
        assert!(from_file(&credentials, "bad.example").is_err());
    }

    #[tokio::test]
    async fn storing_and_forgetting_keep_everything_else() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("config.json");
        std::fs::write(&path, r#"{"detachKeys":"ctrl-x","auths":{"a":{"auth":"eA=="}}}"#)
            .expect("writes");
        let client = Client::new(Endpoint::Unix("/nonexistent".into()), false, None);
        let session = Session::new("isopod".into(), client, dir.path().to_owned());
        let auth = AuthConfig {
            username: "me".into(),
            password: "p:w".into(),
            server_address: "localhost:5000".into(),
            ..AuthConfig::default()
        };
        store_credentials(&session, &auth).await.expect("stores");
        let credentials: Credentials = session.read_config().expect("reads");
        assert_eq!(from_file(&credentials, "localhost:5000").expect("good").password, "p:w");
        assert_eq!(credentials.auths.len(), 2);
        assert!(forget_credentials(&session, "localhost:5000").await.expect("forgets"));
        assert!(!forget_credentials(&session, "localhost:5000").await.expect("forgets"));
        assert!(std::fs::read_to_string(&path).expect("reads").contains("ctrl-x"));
    }
}
