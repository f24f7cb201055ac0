//! Credential helpers: programs named `docker-credential-NAME` that keep secrets.
//!
//! The protocol: the action is the argument, the input goes to stdin, the answer comes on
//! stdout, an error is a text on stdout and exit status 1.

use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::credentials::Credentials;

/// How long a helper may take; some ask the user.
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_OUTPUT_BYTES: u64 = 64 << 10;
/// The user name that marks a secret as an identity token.
const TOKEN_USER: &str = "<token>";

/// A credential helper failed.
#[derive(Debug, thiserror::Error)]
#[error("credential helper docker-credential-{name} {action}: {reason}")]
pub struct HelperError {
    /// The helper, without the prefix.
    pub name: String,
    /// What it was asked to do.
    pub action: &'static str,
    /// What went wrong.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(rename = "ServerURL", default)]
    server_url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Asks a helper for the credentials of a server.
pub(crate) async fn get(name: &str, server: &str) -> Result<Option<Credentials>, HelperError> {
    let fail = |reason: String| HelperError { name: name.to_owned(), action: "get", reason };
    let output = match run(name, "get", server.as_bytes()).await {
        Ok(output) => output,
        Err(error) if error.reason.contains("credentials not found") => return Ok(None),
        Err(error) => return Err(error),
    };
    let entry: Entry = serde_json::from_slice(&output).map_err(|error| {
        fail(format!("expected a JSON object with Username and Secret: {error}"))
    })?;
    if entry.username.is_empty() && entry.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(match entry.username.as_str() {
        TOKEN_USER => Credentials::IdentityToken { username: String::new(), token: entry.secret },
        _ => Credentials::Basic { username: entry.username, password: entry.secret },
    }))
}

/// Gives credentials to a helper to keep.
pub(crate) async fn store(
    name: &str,
    server: &str,
    credentials: &Credentials,
) -> Result<(), HelperError> {
    let (username, secret) = match credentials {
        Credentials::Basic { username, password } => (username.as_str(), password),
        Credentials::IdentityToken { token, .. } | Credentials::RegistryToken(token) => {
            (TOKEN_USER, token)
        }
    };
    let entry = Entry {
        server_url: server.to_owned(),
        username: username.to_owned(),
        secret: secret.clone(),
    };
    let input = serde_json::to_vec(&entry).expect("strings are serialisable");
    run(name, "store", &input).await.map(drop)
}

/// Makes a helper forget a server.
pub(crate) async fn erase(name: &str, server: &str) -> Result<(), HelperError> {
    run(name, "erase", server.as_bytes()).await.map(drop)
}

async fn run(name: &str, action: &'static str, input: &[u8]) -> Result<Vec<u8>, HelperError> {
    let fail = |reason: String| HelperError { name: name.to_owned(), action, reason };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(fail("the name must consist of letters, digits, '-', '_' and '.'".to_owned()));
    }
    let exchange = async {
        let mut child = Command::new(format!("docker-credential-{name}"))
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fail(format!("cannot be started: {error}")))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A helper that does not read its input fails by its own words below.
            let _ = stdin.write_all(input).await;
        }
        let mut output = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout
                .take(MAX_OUTPUT_BYTES)
                .read_to_end(&mut output)
                .await
                .map_err(|error| fail(error.to_string()))?;
        }
        let status = child.wait().await.map_err(|error| fail(error.to_string()))?;
        if status.success() {
            return Ok(output);
        }
        let said: String = String::from_utf8_lossy(&output).trim().chars().take(500).collect();
        Err(fail(if said.is_empty() { status.to_string() } else { said }))
    };
    match tokio::time::timeout(TIMEOUT, exchange).await {
        Ok(result) => result,
        Err(_) => Err(fail(format!("no answer within {} s", TIMEOUT.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_that_are_paths_are_refused() {
        for name in ["", "../x", "a b", "a/b"] {
            assert!(get(name, "s").await.unwrap_err().to_string().contains("letters"));
        }
        let missing = get("isopod-does-not-exist", "s").await.unwrap_err().to_string();
        assert!(missing.contains("cannot be started"), "{missing}");
    }
}
