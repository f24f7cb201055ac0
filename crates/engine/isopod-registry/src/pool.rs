//! Connections that wait for their next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;

use crate::body::RequestBody;
use crate::url::Scheme;

/// Idle connections kept for one server, and in all.
const MAX_PER_SERVER: usize = 8;
const MAX_IDLE: usize = 32;
/// Shorter than the idle limit of common servers, so that a request rarely meets a closing one.
const IDLE_LIMIT: Duration = Duration::from_secs(50);

/// What must be equal for a connection to be usable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) scheme: Scheme,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) insecure: bool,
    pub(crate) proxied: bool,
}

/// The waiting connections.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Key, Vec<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

/// A connection in use, which returns to its pool.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Weak<Pool>,
    key: Key,
    sender: SendRequest<RequestBody>,
}

impl Lease {
    pub(crate) fn new(pool: &Arc<Pool>, key: Key, sender: SendRequest<RequestBody>) -> Self {
        Self { pool: Arc::downgrade(pool), key, sender }
    }

    /// Keeps the connection for the next request. To be called when the answer was read.
    pub(crate) fn give_back(self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.put(self.key, self.sender);
        }
    }
}

impl Pool {
    /// A connection that is ready for a request, if one waits.
    pub(crate) async fn take(&self, key: &Key) -> Option<SendRequest<RequestBody>> {
        loop {
            let mut candidate = self.pop(key)?;
            if candidate.since.elapsed() > IDLE_LIMIT || candidate.sender.is_closed() {
                continue;
            }
            // The connection's task may not have seen the end of the last answer yet.
            if candidate.sender.ready().await.is_ok() {
                return Some(candidate.sender);
            }
        }
    }

    fn pop(&self, key: &Key) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The last one used is the least likely to have been closed.
        idle.get_mut(key)?.pop()
    }

    fn put(&self, key: Key, sender: SendRequest<RequestBody>) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        for waiting in idle.values_mut() {
            waiting.retain(|one| one.since.elapsed() <= IDLE_LIMIT && !one.sender.is_closed());
        }
        idle.retain(|_, waiting| !waiting.is_empty());
        if idle.values().map(Vec::len).sum::<usize>() >= MAX_IDLE {
            return;
        }
        let waiting = idle.entry(key).or_default();
        if waiting.len() < MAX_PER_SERVER {
            waiting.push(Idle { sender, since: Instant::now() });
        }
    }
}
