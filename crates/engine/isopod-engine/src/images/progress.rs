//! Progress of a running operation, in docker's vocabulary.

use crate::error::Result;
use crate::model::{Progress, ProgressStream};
use isopod_base::Digest;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Steps that wait for a slow client before the operation waits with them.
const QUEUED: usize = 256;
/// Byte counts of one item are told at most that often.
const INTERVAL: Duration = Duration::from_millis(100);

/// Tells what happens. Cheap to clone.
#[derive(Clone)]
pub(super) struct Reporter(mpsc::Sender<Result<Progress>>);

/// A reporter and what hears it.
pub(super) fn channel() -> (Reporter, ProgressStream) {
    let (sender, stream) = mpsc::channel(QUEUED);
    (Reporter(sender), stream)
}

impl Reporter {
    /// A line about the whole.
    pub(super) async fn line(&self, status: impl Into<String>) {
        self.item("", status).await;
    }

    /// A step of one layer or tag.
    pub(super) async fn item(&self, id: &str, status: impl Into<String>) {
        let (id, status) = (id.to_owned(), status.into());
        self.send(Progress { id, status, ..Progress::default() }).await;
    }

    pub(super) async fn send(&self, step: Progress) {
        // Nobody listens any more: `run` sees to it.
        let _ = self.0.send(Ok(step)).await;
    }

    /// Byte counts of one item. They are left out when the client does not keep up.
    pub(super) fn counter(&self, id: &str, status: &'static str, total: u64) -> Counter {
        let told = Instant::now().checked_sub(INTERVAL);
        Counter { reporter: self.clone(), id: id.to_owned(), status, total, told }
    }

    /// Runs an operation on a task of its own and tells its failure last. The operation is
    /// given up when nobody listens any more.
    pub(super) fn run(self, operation: impl Future<Output = Result<()>> + Send + 'static) {
        tokio::spawn(async move {
            tokio::select! {
                outcome = operation => {
                    if let Err(error) = outcome {
                        let _ = self.0.send(Err(error)).await;
                    }
                }
                () = self.0.closed() => {}
            }
        });
    }
}

/// Byte counts of one item.
pub(super) struct Counter {
    reporter: Reporter,
    id: String,
    status: &'static str,
    total: u64,
    told: Option<Instant>,
}

impl Counter {
    /// Tells how far it is, unless that was told a moment ago.
    pub(super) fn at(&mut self, done: u64) {
        if done < self.total && self.told.is_some_and(|told| told.elapsed() < INTERVAL) {
            return;
        }
        self.told = Some(Instant::now());
        let _ = self.reporter.0.try_send(Ok(Progress {
            id: self.id.clone(),
            status: self.status.to_owned(),
            bytes: Some((done, self.total)),
            ..Progress::default()
        }));
    }
}

/// The name of a layer in progress lines.
pub(super) fn short(digest: &Digest) -> String {
    digest.short().to_owned()
}
