//! Limited sockets: what is durable of each, under `socket/NAME` in the journal. The front end
//! listens on them.

use super::Scope;
use super::confine::check_labels;
use crate::Engine;
use crate::error::{Error, Result};
use isopod_base::times::Timestamp;
use isopod_journal::{Batch, Journal};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

const PREFIX: &str = "socket/";

/// Sockets at once.
const LIMIT: usize = 256;

/// A limited socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// User who owns the file, beside root.
    pub owner: Option<u32>,
    /// Group that may connect.
    pub group: Option<u32>,
    /// What is permitted on it.
    pub scope: Scope,
    /// When it was made.
    #[serde(with = "crate::model::nanos")]
    pub created: Option<Timestamp>,
}

/// A request for a socket.
#[derive(Clone, Debug, Default)]
pub struct CreateSocket {
    /// Its name.
    pub name: String,
    /// Where it is to lie; `None` for a directory of its own below the engine's run-time
    /// directory.
    pub path: Option<PathBuf>,
    /// User who is to own the file.
    pub owner: Option<u32>,
    /// Group that may connect.
    pub group: Option<u32>,
    /// What is permitted on it.
    pub scope: Scope,
}

/// The sockets of an engine.
#[derive(Debug)]
pub(crate) struct Sockets(Mutex<BTreeMap<String, Socket>>);

impl Sockets {
    pub(crate) fn load(journal: &Journal) -> Result<Self> {
        let mut by_name = BTreeMap::new();
        for (key, bytes) in journal.scan(PREFIX) {
            let socket: Socket = serde_json::from_slice(&bytes).map_err(|source| {
                Error::internal(format_args!("the journal's record {key} is damaged"))
                    .because(source)
            })?;
            by_name.insert(socket.name.clone(), socket);
        }
        Ok(Self(Mutex::new(by_name)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Socket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(name: &str) -> Error {
    Error::not_found(format_args!("No such socket: {name}"))
}

impl Engine {
    /// All limited sockets, by name.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.sockets.lock().values().cloned().collect()
    }

    /// A limited socket.
    pub fn socket(&self, name: &str) -> Result<Socket> {
        self.sockets.lock().get(name).cloned().ok_or_else(|| missing(name))
    }

    /// Checks a request and completes it. Nothing is kept yet: the front end listens first, so
    /// that a path which cannot be had leaves no record.
    pub fn plan_socket(&self, request: CreateSocket) -> Result<Socket> {
        let CreateSocket { name, path, owner, group, scope } = request;
        check_name(&name)?;
        check_labels(&scope.labels)?;
        if scope.allow.is_empty() {
            return Err(Error::invalid(format_args!(
                "socket {name} would permit nothing: expected permissions such as containers:list,read"
            )));
        }
        let path = match path {
            None => self.config.exec_root.join("sockets").join(&name).join("api.sock"),
            Some(path) if path.is_absolute() => path,
            Some(path) => {
                return Err(Error::invalid(format_args!(
                    "invalid path of socket {name}: {}: expected an absolute path",
                    path.display()
                )));
            }
        };
        let sockets = self.sockets.lock();
        if sockets.contains_key(&name) {
            return Err(Error::conflict(format_args!(
                "the socket {name} exists already: remove it first, or choose another name"
            )));
        }
        if let Some(other) = sockets.values().find(|other| other.path == path) {
            return Err(Error::conflict(format_args!(
                "{} is already the path of the socket {}",
                path.display(),
                other.name
            )));
        }
        if sockets.len() >= LIMIT {
            return Err(Error::conflict(format_args!("there are {LIMIT} sockets already")));
        }
        Ok(Socket { name, path, owner, group, scope, created: Some(Timestamp::now()) })
    }

    /// Keeps a planned socket.
    pub async fn keep_socket(&self, socket: Socket) -> Result<()> {
        let bytes = serde_json::to_vec(&socket).expect("records have string keys");
        self.commit(Batch::new().put(format!("{PREFIX}{}", socket.name), bytes)).await?;
        self.sockets.lock().insert(socket.name.clone(), socket);
        Ok(())
    }

    /// Forgets a socket.
    pub async fn remove_socket(&self, name: &str) -> Result<()> {
        self.socket(name)?;
        self.commit(Batch::new().delete(format!("{PREFIX}{name}"))).await?;
        self.sockets.lock().remove(name);
        Ok(())
    }
}

fn check_name(name: &str) -> Result<()> {
    let mut characters = name.chars();
    let valid = characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && characters.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && name.len() <= 64;
    if valid {
        return Ok(());
    }
    Err(Error::invalid(format_args!(
        "invalid name of a socket {name:?}: expected up to 64 letters, digits and _.- after a letter or digit"
    )))
}
