//! The stages of a plan, several at once.

use super::stage::{Finished, Work};
use super::state::State;
use super::views::PREFIX;
use crate::border::Sandboxes;
use crate::cache::{Cache, CacheEntry};
use crate::cancel::Cancel;
use crate::error::BuildError;
use crate::event::{Event, Teller};
use crate::plan::{Plan, Wanted};
use crate::request::Request;
use isopod_images::snapshot::SnapshotKind;
use isopod_images::{Image, Images, Transaction};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Stages that are built at once.
const WORKERS: usize = 16;

/// Builds images. Cheap to clone.
#[derive(Clone)]
pub struct Builder {
    pub(super) images: Images,
    pub(super) cache: Arc<Cache>,
    pub(super) border: Arc<dyn Sandboxes>,
}

/// Directories of files to copy from.
#[derive(Debug, Clone, Default)]
pub struct Contexts {
    /// The build's own.
    pub main: Option<PathBuf>,
    /// Further ones by name.
    pub named: BTreeMap<String, PathBuf>,
}

/// What a build came to.
#[derive(Debug)]
pub struct Outcome {
    /// The image.
    pub image: Image,
    /// What the steps of all stages left, for an export of the cache: key and entry.
    pub entries: Vec<(String, CacheEntry)>,
}

/// The images that a plan stands on.
pub type OutcomeImage = BTreeMap<Wanted, Image>;

/// One build at work.
pub(super) struct Job<'a> {
    pub(super) builder: &'a Builder,
    pub(super) plan: &'a Plan,
    pub(super) request: &'a Request,
    pub(super) images: &'a BTreeMap<Wanted, Image>,
    pub(super) contexts: &'a Contexts,
    pub(super) transaction: &'a Transaction,
    pub(super) scratch: &'a Path,
    pub(super) cancel: &'a Cancel,
    teller: &'a Teller,
    board: Mutex<Board>,
    changed: Condvar,
}

/// Which stages are done, and which are being done.
struct Board {
    taken: Vec<bool>,
    done: Vec<Option<Finished>>,
    failed: Option<BuildError>,
}

impl Builder {
    /// A builder over a store, its cache and its border.
    #[must_use]
    pub fn new(images: Images, cache: Arc<Cache>, border: Arc<dyn Sandboxes>) -> Self {
        Self { images, cache, border }
    }

    /// Carries out a plan; blocks until it is done or given up.
    pub fn build(
        &self,
        plan: &Arc<Plan>,
        request: &Request,
        images: &BTreeMap<Wanted, Image>,
        contexts: &Contexts,
        teller: &Teller,
        cancel: &Cancel,
    ) -> Result<Outcome, BuildError> {
        teller(Event::Planned(Arc::clone(plan)));
        for warning in &plan.warnings {
            teller(Event::Warning(warning.clone()));
        }
        let transaction = self.images.begin("build")?;
        let scratch = Scratch::new(&self.border.scratch())?;
        let job = Job {
            builder: self,
            plan,
            request,
            images,
            contexts,
            transaction: &transaction,
            scratch: &scratch.0,
            cancel,
            teller,
            board: Mutex::new(Board {
                taken: vec![false; plan.stages.len()],
                done: vec![None; plan.stages.len()],
                failed: None,
            }),
            changed: Condvar::new(),
        };
        let workers = plan.stages.len().min(WORKERS);
        std::thread::scope(|scope| {
            for _ in 1..workers {
                scope.spawn(|| job.work());
            }
            job.work();
        });
        let board = job.board.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = board.failed {
            return Err(error);
        }
        let state = board.done[plan.target].clone().expect("all stages are done");
        let entries = board
            .done
            .iter()
            .flatten()
            .flat_map(|state| &state.keys)
            .filter_map(|(key, _)| Some((key.clone(), self.cache.step(key)?)))
            .collect();
        let image = self.publish(&transaction, &state, request)?;
        Ok(Outcome { image, entries })
    }

    fn publish(
        &self,
        transaction: &Transaction,
        state: &State,
        request: &Request,
    ) -> Result<Image, BuildError> {
        if let Some(image) = &state.untouched {
            // Nothing was done upon it: it is the base itself.
            let platform = &image.config.platform;
            return Ok(transaction.commit(&image.target, platform, &request.names)?);
        }
        let inline = request.inline_cache.then(|| self.inline(state));
        let config = state.encode(inline);
        let platform = &state.config.platform;
        Ok(transaction.commit_image(&config, state.layers.clone(), platform, &request.names)?)
    }

    /// What an image tells of the steps that made it.
    fn inline(&self, state: &State) -> Value {
        let steps: Vec<Value> = state
            .keys
            .iter()
            .filter_map(|(key, layers)| {
                let entry = self.cache.step(key)?;
                let layer = entry.layer.as_ref().map(|_| layers - 1);
                Some(json!({
                    "key": key,
                    "layer": layer,
                    "created": entry.created.rfc3339_nanos(),
                    "description": entry.description,
                }))
            })
            .collect();
        Value::Array(steps)
    }
}

/// Takes over what an image tells of the steps that made it; returns how many.
pub fn import_inline(cache: &Cache, image: &Image) -> Result<usize, BuildError> {
    use isopod_base::times::Timestamp;
    let Ok(Value::Object(config)) = serde_json::from_slice(&image.config_bytes) else {
        return Ok(0);
    };
    let Some(Value::Array(steps)) = config.get(super::state::INLINE) else { return Ok(0) };
    let mut entries = Vec::new();
    for step in steps {
        let text = |name: &str| step.get(name).and_then(Value::as_str);
        let (Some(key), Some(created)) = (text("key"), text("created")) else { continue };
        let Ok(created) = Timestamp::parse(created) else { continue };
        if key.len() != 64 || cache.step(key).is_some() {
            continue;
        }
        let number = step.get("layer").and_then(Value::as_u64).map(|n| n as usize);
        let layer = match number {
            None => None,
            Some(number) => match (image.layers.get(number), image.diff_ids.get(number)) {
                (Some(blob), Some(diff_id)) => Some((blob.clone(), diff_id.clone())),
                _ => continue,
            },
        };
        entries.push((
            key.to_owned(),
            CacheEntry {
                size: layer.as_ref().map_or(0, |(blob, _)| blob.size),
                layer,
                created,
                used: Timestamp::now(),
                uses: 0,
                description: text("description").unwrap_or_default().to_owned(),
            },
        ));
    }
    cache.put(&entries)?;
    Ok(entries.len())
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Job<'_> {
    pub(super) fn tell(&self, event: Event) {
        (self.teller)(event);
    }

    /// The result of a stage that this one waited for.
    pub(super) fn result(&self, stage: usize) -> Result<Finished, BuildError> {
        self.lock().done[stage].clone().ok_or(BuildError::Elsewhere)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.lock().failed.is_some()
    }

    /// Sees to it that an image's files are there, and stay as long as the build.
    pub(super) fn unpack(&self, image: &Image) -> Result<(), BuildError> {
        let Some(chain) = &image.chain else { return Ok(()) };
        if !self.transaction.has_snapshot(chain)? {
            let again = self.builder.images.begin("unpack")?;
            again.commit(&image.target, &image.config.platform, &[])?;
        }
        Ok(())
    }

    /// Does stages as long as there are any.
    fn work(&self) {
        while let Some(number) = self.take() {
            let outcome = Work { job: self }.stage(number);
            let mut board = self.lock();
            match outcome {
                Ok(state) => board.done[number] = Some(Arc::new(state)),
                Err(error) => {
                    // The first failure is the one that counts.
                    let replaces = matches!(board.failed, None | Some(BuildError::Elsewhere));
                    if replaces {
                        board.failed = Some(error);
                    }
                }
            }
            self.changed.notify_all();
        }
    }

    /// The next stage whose inputs are there.
    fn take(&self) -> Option<usize> {
        let mut board = self.lock();
        loop {
            if board.failed.is_some() || board.taken.iter().all(|taken| *taken) {
                return None;
            }
            let ready = (0..self.plan.stages.len()).find(|&number| {
                !board.taken[number]
                    && self.plan.stages[number].needs.iter().all(|need| board.done[*need].is_some())
            });
            if let Some(number) = ready {
                board.taken[number] = true;
                return Some(number);
            }
            board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A directory that goes with the build.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path) -> Result<Self, BuildError> {
        use std::os::unix::fs::DirBuilderExt;
        let path = parent.join(format!("{PREFIX}{}", isopod_base::id::full()));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(BuildError::io("create", &path))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Removes what builds of an engine that was killed left in a store and a scratch directory.
/// No build may be at work.
pub fn clean(images: &Images, scratch: &Path) {
    for snapshot in images.snapshots().list().unwrap_or_default() {
        if snapshot.kind != SnapshotKind::Committed
            && snapshot.key.starts_with(PREFIX)
            && let Err(error) = images.snapshots().remove(&snapshot.key)
        {
            tracing::warn!(snapshot = %snapshot.key, error = %isopod_base::chain(&error), "orphan of a build stays");
        }
    }
    let _ = std::fs::remove_dir_all(scratch);
}
