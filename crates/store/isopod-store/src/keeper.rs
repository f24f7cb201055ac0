//! The thread for the disk's slow work: laying out segments ahead, and writing checkpoints.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use isopod_mvcc::Snapshot;

use crate::checkpoint::{self, Metadata};
use crate::disk::Disk;
use crate::log::Spare;
use crate::member::Input;

/// Work for this thread.
pub(crate) enum Job {
    /// Lay out the log's next segment.
    Spare,
    /// Write a checkpoint.
    Checkpoint(Box<(Metadata, Snapshot)>),
}

pub(crate) struct Keeper {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) spare: Spare,
    pub(crate) member: SyncSender<Input>,
}

impl Keeper {
    /// Works until the others hang up.
    pub(crate) fn run(self, jobs: &Receiver<Job>) {
        for job in jobs {
            let done = match job {
                Job::Spare => Input::SpareDone(self.spare.prepare().is_ok()),
                Job::Checkpoint(work) => {
                    let (metadata, snapshot) = *work;
                    let written =
                        checkpoint::write(self.disk.as_ref(), &self.dir, &metadata, &snapshot);
                    drop(snapshot);
                    Input::CheckpointDone(written.map(|()| metadata.applied.0))
                }
            };
            if self.member.send(done).is_err() {
                return;
            }
        }
    }
}
