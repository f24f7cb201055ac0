//! Reading a file while somebody else still writes it.
//!
//! A layer is unpacked while it arrives: the writer announces how far it got, the reader follows.
//! The bytes in between wait in the page cache, so that a slow reader never holds up the network
//! and nothing has to be bounded.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use isopod_base::{Algorithm, Digest};

use crate::error::LayerError;

/// How far a file has been written; shared by the writer and those who follow.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    state: Mutex<State>,
    changed: Condvar,
    /// By what the writer hashes: nobody who follows has to do it again.
    algorithm: Option<Algorithm>,
}

#[derive(Debug, Default)]
struct State {
    written: u64,
    /// How often the writer began anew.
    restarts: u64,
    end: End,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum End {
    #[default]
    Open,
    /// Of the digest that the writer found, if it hashes.
    Complete(Option<Digest>),
    Abandoned,
}

impl Arrival {
    /// The arrival of a file that is already complete, and hashed by nobody.
    pub(crate) fn complete_at(size: u64) -> Self {
        Self {
            state: Mutex::new(State { written: size, end: End::Complete(None), restarts: 0 }),
            ..Self::default()
        }
    }

    /// The arrival of a file that its writer hashes.
    pub(crate) fn hashed_by(algorithm: Algorithm) -> Self {
        Self { algorithm: Some(algorithm), ..Self::default() }
    }

    /// The file has grown.
    pub(crate) fn advance(&self, written: u64) {
        self.lock().written = written;
        self.changed.notify_all();
    }

    /// The writer begins anew. Whoever has followed so far has read what may not come again.
    pub(crate) fn restart(&self) {
        let mut state = self.lock();
        state.written = 0;
        state.restarts += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// All of it is there, and it is what it should be.
    pub(crate) fn complete(&self, digest: &Digest) {
        self.end(End::Complete(Some(digest.clone())));
    }

    /// By what the writer hashes, if it does.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// What the writer found, once all is there.
    pub(crate) fn digest(&self) -> Option<Digest> {
        match &self.lock().end {
            End::Complete(digest) => digest.clone(),
            End::Open | End::Abandoned => None,
        }
    }

    /// It will never be whole. Means nothing once it is complete.
    pub(crate) fn abandon(&self) {
        self.end(End::Abandoned);
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = end;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Bytes available after `position`, waiting for at least one; 0 at the end.
    fn wait(&self, position: u64, restarts: u64, cancelled: &AtomicBool) -> io::Result<u64> {
        let mut state = self.lock();
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Err(io::Error::other(LayerError::Abandoned));
            }
            match state.end {
                End::Abandoned => {
                    return Err(io::Error::other(LayerError::Abandoned));
                }
                _ if state.restarts != restarts => {
                    return Err(io::Error::other(LayerError::Abandoned));
                }
                _ if state.written > position => return Ok(state.written - position),
                End::Complete(_) => return Ok(0),
                End::Open => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a growing file from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Follower {
    file: File,
    arrival: Arc<Arrival>,
    position: u64,
    restarts: u64,
    cancelled: Arc<AtomicBool>,
}

/// Makes a follower's next read fail.
#[derive(Debug)]
pub(crate) struct Cancel {
    arrival: Arc<Arrival>,
    cancelled: Arc<AtomicBool>,
}

impl Cancel {
    pub(crate) fn cancel(&self) {
        // Under the lock, so that no reader goes to sleep in between.
        let state = self.arrival.lock();
        self.cancelled.store(true, Ordering::Relaxed);
        drop(state);
        self.arrival.changed.notify_all();
    }

    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.cancelled
    }

    pub(crate) fn share(&self) -> Self {
        Self { arrival: Arc::clone(&self.arrival), cancelled: Arc::clone(&self.cancelled) }
    }
}

impl Follower {
    pub(crate) fn new(file: File, arrival: Arc<Arrival>) -> Self {
        let restarts = arrival.lock().restarts;
        Self { file, arrival, position: 0, restarts, cancelled: Arc::default() }
    }

    /// What makes this follower stop.
    pub(crate) fn canceller(&self) -> Cancel {
        Cancel { arrival: Arc::clone(&self.arrival), cancelled: Arc::clone(&self.cancelled) }
    }

    /// How the file arrives.
    pub(crate) fn arrival(&self) -> Arc<Arrival> {
        Arc::clone(&self.arrival)
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}

impl Read for Follower {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.arrival.wait(self.position, self.restarts, &self.cancelled)?;
        let wanted = buffer.len().min(usize::try_from(available).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.file.read_at(&mut buffer[..wanted], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_reader_waits_for_the_writer_and_ends_with_it() {
        let mut file = tempfile::tempfile().expect("file");
        let arrival = Arc::new(Arrival::default());
        let mut follower = Follower::new(file.try_clone().expect("clones"), Arc::clone(&arrival));
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            follower.read_to_end(&mut all).map(|_| all)
        });
        for round in 1..=3u64 {
            file.write_all(b"abcd").expect("writes");
            arrival.advance(round * 4);
        }
        arrival.complete(&Digest::sha256(b""));
        assert_eq!(reader.join().expect("joins").expect("reads"), b"abcdabcdabcd");
    }

    #[test]
    fn a_writer_that_begins_anew_loses_its_readers() {
        let mut file = tempfile::tempfile().expect("file");
        let arrival = Arc::new(Arrival::default());
        file.write_all(b"abcd").expect("writes");
        arrival.advance(4);
        let mut before = Follower::new(file.try_clone().expect("clones"), Arc::clone(&arrival));
        before.read_exact(&mut [0; 2]).expect("there");
        arrival.restart();
        let mut after = Follower::new(file, Arc::clone(&arrival));
        arrival.advance(4);
        assert!(before.read(&mut [0; 2]).is_err());
        after.read_exact(&mut [0; 4]).expect("there");
    }

    #[test]
    fn an_abandoned_file_is_an_error_not_an_end() {
        let arrival = Arc::new(Arrival::default());
        arrival.advance(0);
        arrival.abandon();
        let mut follower = Follower::new(tempfile::tempfile().expect("file"), arrival);
        assert!(follower.read(&mut [0; 4]).is_err());
    }
}
