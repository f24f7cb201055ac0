//! The segment that waits: laid out ahead by whoever has time, so that an append need not.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::segment;
use crate::disk::{Disk, DiskFile};

/// A handle to a log's spare segment, for a thread beside the one that appends.
#[derive(Debug, Clone)]
pub struct Spare {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    segment_bytes: u64,
    /// Size of the file that waits; 0 without one.
    size_bytes: Mutex<u64>,
}

impl Spare {
    /// Takes over the file that an earlier run left, if it is of use.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path, segment_bytes: u64) -> Self {
        let path = segment::spare_path(dir);
        let left = disk.open(&path).and_then(|file| file.size_bytes()).unwrap_or(0);
        let size_bytes = Mutex::new(if left == segment_bytes { left } else { 0 });
        Self { shared: Arc::new(Shared { disk, path, segment_bytes, size_bytes }) }
    }

    /// Lays out the next segment unless one waits.
    pub fn prepare(&self) -> io::Result<()> {
        let mut waiting = self.lock();
        if *waiting == 0 {
            let shared = &self.shared;
            segment::lay_out(shared.disk.as_ref(), &shared.path, shared.segment_bytes)?;
            *waiting = shared.segment_bytes;
        }
        Ok(())
    }

    /// Bytes that the waiting segment has; 0 without one, and while one is being laid out.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.shared.size_bytes.try_lock().map_or(0, |waiting| *waiting)
    }

    /// The waiting file, if it has `needed_bytes`, or one made now. It keeps the spare's name until
    /// the caller renames it.
    pub(crate) fn take(&self, needed_bytes: u64) -> io::Result<(Box<dyn DiskFile>, u64)> {
        let mut waiting = self.lock();
        let shared = &self.shared;
        if *waiting >= needed_bytes {
            let file = shared.disk.open(&shared.path)?;
            return Ok((file, std::mem::take(&mut *waiting)));
        }
        *waiting = 0;
        Ok((segment::lay_out(shared.disk.as_ref(), &shared.path, needed_bytes)?, needed_bytes))
    }

    /// Makes the file at `path` the spare, if there is none and it has the right size.
    pub(crate) fn recycle(&self, path: &Path, size_bytes: u64) -> bool {
        let mut waiting = self.lock();
        let of_use = *waiting == 0 && size_bytes == self.shared.segment_bytes;
        let recycled = of_use && self.shared.disk.rename(path, &self.shared.path).is_ok();
        if recycled {
            *waiting = size_bytes;
        }
        recycled
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.shared.size_bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
