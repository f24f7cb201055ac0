//! What every command needs: the program's name, the engine, the user's configuration.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use isopod_client::{ApiError, Client, ClientError};

/// The surroundings of a command.
pub(crate) struct Session {
    /// What the program is called in messages: `isopod`, or `docker` if it was called so.
    pub(crate) program: String,
    /// The engine.
    pub(crate) client: Client,
    /// Directory of the user's configuration.
    config_directory: PathBuf,
}

/// The part of `config.json` that is of use here; it is docker's file.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct UserConfig {
    /// Keys that detach.
    pub(crate) detach_keys: String,
}

impl Session {
    /// The surroundings for a client.
    pub(crate) fn new(program: String, client: Client, config_directory: PathBuf) -> Self {
        Self { program, client, config_directory }
    }

    /// Directory of the user's configuration.
    pub(crate) fn config_directory(&self) -> &Path {
        &self.config_directory
    }

    /// `config.json`.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.config_directory.join("config.json")
    }

    /// The keys that detach: those of the flag, of the configuration, or the default.
    pub(crate) fn detach_keys(&self, flag: Option<&str>) -> Result<String> {
        match flag {
            Some(keys) if !keys.is_empty() => Ok(keys.to_owned()),
            _ => Ok(self.read_config::<UserConfig>()?.detach_keys),
        }
    }

    /// Reads `config.json`; its absence is an empty document.
    pub(crate) fn read_config<T: Default + serde::de::DeserializeOwned>(&self) -> Result<T> {
        Ok(read_json(&self.config_path())?.unwrap_or_default())
    }
}

/// A file's JSON document, or `None` if there is no such file or nothing in it.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match read_if_there(path)? {
        Some(text) if !text.trim().is_empty() => serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("{} is not as expected", path.display())),
        _ => Ok(None),
    }
}

/// A file's text, or `None` if there is no such file.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// An error that may be the engine's refusal.
pub(crate) trait MaybeRefusal {
    /// The refusal, if it is one.
    fn refusal(&self) -> Option<&ApiError>;
}

impl MaybeRefusal for ClientError {
    fn refusal(&self) -> Option<&ApiError> {
        ClientError::refusal(self)
    }
}

impl MaybeRefusal for anyhow::Error {
    fn refusal(&self) -> Option<&ApiError> {
        self.downcast_ref::<ClientError>().and_then(ClientError::refusal)
    }
}

/// Whether `error` is the engine's answer with this status.
pub(crate) fn answered(error: &impl MaybeRefusal, status: u16) -> bool {
    error.refusal().is_some_and(|refusal| refusal.status == status)
}

/// A JSON text as it was sent.
pub(crate) type Raw = Box<RawValue>;

/// An outcome with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Exit {
    /// The process's exit code.
    pub(crate) code: i32,
    /// What to print on standard error, if anything.
    pub(crate) message: String,
}

impl Exit {
    /// An error with this exit code.
    pub(crate) fn error(code: i32, message: impl Into<String>) -> anyhow::Error {
        Self { code, message: message.into() }.into()
    }
}

/// An I/O error in Go's words: `open /x: no such file or directory`.
pub(crate) fn open_error(action: &str, path: &str, error: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!("{action} {path}: {}", system_words(error))
}

/// The system's words for an error, in lower case and without Rust's `(os error 2)`.
pub(crate) fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => text.to_owned(),
    }
}
