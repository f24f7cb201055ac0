//! A disk in memory that loses and tears what was not synced, fails at a chosen step, runs full,
//! and has its bits flipped.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use isopod_store::disk::{Disk, DiskFile};

use crate::random::Random;

/// What a torn write keeps together.
const SECTOR_BYTES: usize = 512;

type Names = BTreeMap<PathBuf, usize>;

#[derive(Debug, Clone, Default)]
pub(crate) struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Inode>,
    names: Names,
    /// The names before each directory operation that is not durable yet.
    history: Vec<Names>,
    /// Operations until the power fails.
    steps_left: Option<u64>,
    steps: u64,
    /// Most bytes that all files may have.
    capacity_bytes: Option<u64>,
    /// Whether syncs do nothing, for the tests of the tests.
    lying: bool,
    /// Counts power cuts: handles from before one are dead.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug)]
struct Handle {
    disk: FaultyDisk,
    inode: usize,
    epoch: u64,
}

impl FaultyDisk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets `steps` more operations pass; the next one and all after it fail.
    pub(crate) fn fail_after(&self, steps: u64) {
        self.lock().steps_left = Some(steps);
    }

    /// Operations so far.
    pub(crate) fn steps(&self) -> u64 {
        self.lock().steps
    }

    pub(crate) fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().capacity_bytes = bytes;
    }

    /// From now on syncs return at once and make nothing durable.
    pub(crate) fn lie_about_syncs(&self) {
        self.lock().lying = true;
    }

    /// The power goes and comes back: what was not synced is there or not, sector by sector.
    pub(crate) fn crash(&self, random: &mut Random) {
        let mut state = self.lock();
        state.steps_left = None;
        state.epoch += 1;
        let kept = random.below(state.history.len() as u64 + 1) as usize;
        if kept < state.history.len() {
            state.names = state.history[kept].clone();
        }
        state.history.clear();
        for file in &mut state.files {
            for (offset, bytes) in std::mem::take(&mut file.pending) {
                for (at, sector) in sectors(offset, &bytes) {
                    if random.one_in(2) {
                        put(&mut file.durable, at, sector);
                    }
                }
            }
            file.content = file.durable.clone();
        }
    }

    /// The files whose names begin with `prefix`, by name.
    pub(crate) fn files(&self, prefix: &str) -> Vec<PathBuf> {
        let state = self.lock();
        let named = |path: &&PathBuf| name(path).starts_with(prefix);
        state.names.keys().filter(named).cloned().collect()
    }

    pub(crate) fn content(&self, path: &Path) -> Vec<u8> {
        let state = self.lock();
        state.files[state.names[path]].content.clone()
    }

    /// Flips a bit of what is on the disk.
    pub(crate) fn flip(&self, path: &Path, offset: usize, bit: u8) {
        let mut state = self.lock();
        let inode = state.names[path];
        let file = &mut state.files[inode];
        file.content[offset] ^= 1 << bit;
        file.durable = file.content.clone();
        file.pending.clear();
    }

    pub(crate) fn lose(&self, path: &Path) {
        self.lock().names.remove(path);
    }
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn sectors(offset: usize, bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut parts = Vec::new();
    let (mut at, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let (sector, behind) = rest.split_at(rest.len().min(SECTOR_BYTES - at % SECTOR_BYTES));
        parts.push((at, sector));
        at += sector.len();
        rest = behind;
    }
    parts
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

impl State {
    /// Counts an operation, and fails it if the power is gone.
    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        match &mut self.steps_left {
            Some(0) => Err(io::Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn used_bytes(&self) -> u64 {
        self.names.values().map(|inode| self.files[*inode].content.len() as u64).sum()
    }

    fn change_names(&mut self, change: impl FnOnce(&mut Names)) {
        self.history.push(self.names.clone());
        change(&mut self.names);
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.lock();
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.map(|path| name(path).to_owned()).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.lock();
        let inode = state.find(path)?;
        Ok(Box::new(Handle { disk: self.clone(), inode, epoch: state.epoch }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        state.step()?;
        state.files.push(Inode::default());
        let inode = state.files.len() - 1;
        state.change_names(|names| {
            names.insert(path.to_path_buf(), inode);
        });
        Ok(Box::new(Handle { disk: self.clone(), inode, epoch: state.epoch }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        let inode = state.find(from)?;
        state.change_names(|names| {
            names.remove(from);
            names.insert(to.to_path_buf(), inode);
        });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        state.find(path)?;
        state.change_names(|names| {
            names.remove(path);
        });
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        if !state.lying {
            state.history.clear();
        }
        Ok(())
    }
}

impl Handle {
    fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.lock();
        if state.epoch == self.epoch { Ok(state) } else { Err(io::Error::other("power was cut")) }
    }
}

impl DiskFile for Handle {
    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.alive()?.files[self.inode].content.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.alive()?;
        let content = &state.files[self.inode].content;
        let offset = offset as usize;
        let found = content.get(offset..offset + buffer.len());
        buffer.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.alive()?;
        // The power may go in the middle of a write.
        let outcome = state.step();
        let offset = offset as usize;
        let size = state.files[self.inode].content.len();
        let grown = (offset + bytes.len()).saturating_sub(size) as u64;
        if state.capacity_bytes.is_some_and(|most| grown > 0 && state.used_bytes() + grown > most) {
            return Err(ErrorKind::StorageFull.into());
        }
        let file = &mut state.files[self.inode];
        put(&mut file.content, offset, bytes);
        file.pending.push((offset, bytes.to_vec()));
        outcome
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.alive()?;
        state.step()?;
        if !state.lying {
            let file = &mut state.files[self.inode];
            for (offset, bytes) in std::mem::take(&mut file.pending) {
                put(&mut file.durable, offset, &bytes);
            }
        }
        Ok(())
    }
}
