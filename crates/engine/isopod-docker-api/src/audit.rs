//! The audit log of a limited socket: a JSON document a line for every request, in a file that is
//! replaced by another when it is large.

use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// How large a file becomes; one older file is kept beside it, as `NAME.1`.
const LIMIT_BYTES: u64 = 8 << 20;

/// A request, as it is recorded.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    pub(crate) time: String,
    pub(crate) socket: &'a str,
    pub(crate) peer: super::gate::Peer,
    /// What it needed: `KIND:VERB`, or nothing where nothing is needed or helps.
    pub(crate) verb: &'a str,
    /// What it concerned, as the client called it.
    pub(crate) object: &'a str,
    /// The request itself, without its parameters.
    pub(crate) request: String,
    pub(crate) status: u16,
}

/// The log.
#[derive(Debug)]
pub(crate) struct Audit {
    path: PathBuf,
    open: Mutex<Option<(File, u64)>>,
}

impl Audit {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, open: Mutex::new(None) }
    }

    /// Appends an entry. Failures reach the engine's log: the request is over by now.
    pub(crate) fn record(&self, entry: &Entry<'_>) {
        let mut line = serde_json::to_vec(entry).expect("entries have string keys");
        line.push(b'\n');
        if let Err(error) = self.append(&line) {
            tracing::error!(%error, path = %self.path.display(), "the audit log cannot be written");
        }
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_some_and(|(_, length)| *length + line.len() as u64 > LIMIT_BYTES) {
            *open = None;
            let mut older = self.path.clone().into_os_string();
            older.push(".1");
            std::fs::rename(&self.path, older)?;
        }
        let (file, length) = match &mut *open {
            Some(open) => open,
            None => open.insert(self.open_file()?),
        };
        file.write_all(line)?;
        *length += line.len() as u64;
        Ok(())
    }

    fn open_file(&self) -> io::Result<(File, u64)> {
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_followed_by_another() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("audit/ci.log");
        let audit = Audit::new(path.clone());
        audit.append(b"first\n").expect("writable");
        audit.append(&vec![b'x'; LIMIT_BYTES as usize]).expect("writable");
        audit.append(b"last\n").expect("writable");
        assert_eq!(std::fs::read(&path).expect("there"), b"last\n");
        // What was there before is taken into account.
        let again = Audit::new(path.clone());
        again.append(b"next\n").expect("writable");
        assert_eq!(std::fs::read(&path).expect("there"), b"last\nnext\n");
        assert_eq!(std::fs::read_dir(directory.path().join("audit")).expect("lists").count(), 2);
    }
}
