//! One stage, step after step.

use super::builder::Job;
use super::copy::{self, Prepared};
use super::key::Key;
use super::state::State;
use super::views::View;
use super::{dates, run};
use crate::border::Sandboxes;
use crate::cache::{Cache, CacheEntry};
use crate::cancel::Cancel;
use crate::error::BuildError;
use crate::event::Event;
use crate::plan::{Input, Op, Step};
use crate::request::Request;
use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_images::{Images, chain_ids};
use isopod_oci::image::Descriptor;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the steps of a stage work with.
pub(super) struct Work<'a> {
    pub(super) job: &'a Job<'a>,
}

/// Where the files of a copy come from.
pub(super) struct Inputs<'a> {
    pub(super) root: Option<Root>,
    /// What names its content, if that never changes.
    pub(super) identity: Option<String>,
    /// Whether files keep their owners.
    pub(super) keeps_owners: bool,
    pub(super) _marker: std::marker::PhantomData<&'a ()>,
}

/// The root of a tree of files.
pub(super) enum Root {
    Directory(OwnedFd),
    View(View),
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Directory(fd) => fd.as_fd(),
            Self::View(view) => view.root(),
        }
    }
}

impl<'a> Work<'a> {
    pub(super) fn images(&self) -> &'a Images {
        &self.job.builder.images
    }

    pub(super) fn cache(&self) -> &'a Cache {
        &self.job.builder.cache
    }

    pub(super) fn border(&self) -> &'a dyn Sandboxes {
        &*self.job.builder.border
    }

    pub(super) fn cancel(&self) -> &'a Cancel {
        self.job.cancel
    }

    pub(super) fn request(&self) -> &'a Request {
        self.job.request
    }

    pub(super) fn scratch(&self) -> &'a Path {
        self.job.scratch
    }

    /// The directory of a context, if the input is one.
    pub(super) fn input_path(&self, input: &Input) -> Result<Option<PathBuf>, BuildError> {
        let Input::Context(name) = input else { return Ok(None) };
        let contexts = self.job.contexts;
        let path = match name {
            None => contexts.main.as_ref(),
            Some(name) => contexts.named.get(name),
        };
        Ok(path.cloned())
    }

    /// The snapshot of a stage or image.
    pub(super) fn input_chain(&self, input: &Input) -> Result<Option<Digest>, BuildError> {
        match input {
            Input::Stage(number) => Ok(self.job.result(*number)?.chain()),
            Input::Image(wanted) => {
                let image = self.job.images.get(wanted).ok_or_else(|| BuildError::Copy {
                    keyword: "COPY",
                    reason: format!("image {} is not here", wanted.name),
                })?;
                self.job.unpack(image)?;
                Ok(image.chain.clone())
            }
            _ => Ok(None),
        }
    }

    /// What names an input's content, if that never changes.
    pub(super) fn identity(&self, input: &Input) -> Result<Option<String>, BuildError> {
        Ok(match input {
            Input::Stage(_) | Input::Image(_) => Some(
                self.input_chain(input)?.map_or_else(|| "nothing".to_owned(), |c| c.to_string()),
            ),
            Input::Scratch => Some("nothing".to_owned()),
            Input::Context(_) => None,
        })
    }

    /// Opens an input's files.
    pub(super) fn open_input(&self, input: &Input) -> Result<Option<Root>, BuildError> {
        match input {
            Input::Scratch => Ok(None),
            Input::Context(_) => {
                let Some(path) = self.input_path(input)? else { return Ok(None) };
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let fd = openat(CWD, &path, flags, Mode::empty())
                    .map_err(|error| BuildError::io("open", &path)(error.into()))?;
                Ok(Some(Root::Directory(fd)))
            }
            Input::Stage(_) | Input::Image(_) => match self.input_chain(input)? {
                None => Ok(None),
                chain => Ok(Some(Root::View(View::readable(self.images(), chain.as_ref())?))),
            },
        }
    }

    /// Carries out a stage.
    pub(super) fn stage(&self, number: usize) -> Result<State, BuildError> {
        let stage = &self.job.plan.stages[number];
        let mut state = match &stage.base {
            Input::Stage(other) => {
                let mut state = State::clone(&*self.job.result(*other)?);
                // Triggers are for the stage that begins with it, not for this one's image.
                state.config.config.on_build.clear();
                state
            }
            Input::Image(wanted) => {
                let image = self.job.images.get(wanted).expect("the plan was made with it");
                State::of_image(image)
            }
            Input::Scratch | Input::Context(_) => State::scratch(stage),
        };
        let mut entries = Vec::new();
        let outcome = self.steps(&stage.steps, &mut state, &mut entries);
        // What was done counts, even if something after it failed.
        self.cache().put(&entries)?;
        outcome.map(|()| state)
    }

    fn steps(
        &self,
        steps: &[usize],
        state: &mut State,
        entries: &mut Vec<(String, CacheEntry)>,
    ) -> Result<(), BuildError> {
        for &number in steps {
            if self.cancel().is_cancelled() {
                return Err(BuildError::Cancelled);
            }
            if self.job.has_failed() {
                return Err(BuildError::Elsewhere);
            }
            let step = &self.job.plan.steps[number];
            self.job.tell(Event::Started(number));
            if let Err(error) = self.step(number, step, state, entries) {
                let text = isopod_base::chain(&error).to_string();
                self.job.tell(Event::Failed(number, text));
                return Err(error);
            }
            self.job.tell(Event::Done(number, state.id()));
        }
        Ok(())
    }

    fn step(
        &self,
        number: usize,
        step: &Step,
        state: &mut State,
        entries: &mut Vec<(String, CacheEntry)>,
    ) -> Result<(), BuildError> {
        match &step.op {
            Op::From => {
                if let Some(image) = &state.untouched {
                    self.job.unpack(image)?;
                }
                Ok(())
            }
            Op::Config => self.config(number, step, state, entries),
            Op::Workdir { path, user } => {
                let mut key = self.file_key("workdir", state);
                key.text(path).text(user);
                self.files(number, step, key, state, entries, &mut |view| {
                    copy::workdir(self, view.root(), path, user)
                })
            }
            Op::Run(run) => {
                let mut key = self.file_key("run", state);
                run::add_to_key(run, self, &mut key)?;
                self.files(number, step, key, state, entries, &mut |view| {
                    run::carry_out(run, self, view, &mut |stream, bytes| {
                        self.job.tell(Event::Output(number, stream, bytes.to_vec()));
                    })
                })
            }
            Op::Copy(copy) => {
                let input = copy.from.clone().unwrap_or(Input::Scratch);
                let inputs = Inputs {
                    root: self.open_input(&input)?,
                    identity: self.identity(&input)?,
                    keeps_owners: matches!(input, Input::Stage(_) | Input::Image(_)),
                    _marker: std::marker::PhantomData,
                };
                let mut key = self.file_key("copy", state);
                let mut prepared = Some(Prepared::new(copy, &inputs, self, &mut key)?);
                self.files(number, step, key, state, entries, &mut |view| {
                    let prepared = prepared.take().expect("done once");
                    prepared.carry_out(&inputs, self, view.root())
                })
            }
        }
    }

    fn file_key(&self, kind: &str, state: &State) -> Key {
        let mut key = Key::new(kind);
        let chain = state.chain().map(|chain| chain.to_string());
        key.optional(chain.as_deref());
        if let Some(epoch) = self.request().epoch {
            key.number(epoch as u64);
        }
        key
    }

    fn now(&self) -> Timestamp {
        match self.request().epoch {
            Some(epoch) => Timestamp::from_nanos(i128::from(epoch) * 1_000_000_000),
            None => Timestamp::now(),
        }
    }

    /// A step that changes no file. Its date is the only thing to be found again.
    fn config(
        &self,
        number: usize,
        step: &Step,
        state: &mut State,
        entries: &mut Vec<(String, CacheEntry)>,
    ) -> Result<(), BuildError> {
        let mut key = Key::new("config");
        key.text(&state.id().to_string()).text(&step.created_by);
        key.bytes(&serde_json::to_vec(&step.config).expect("plain data"));
        let key = key.finish();
        let known = self.known(&key, step);
        let created = match &known {
            Some(entry) => {
                self.job.tell(Event::Cached(number));
                entry.created
            }
            None => self.now(),
        };
        let created = if self.request().epoch.is_some() { self.now() } else { created };
        entries.push((key.clone(), renewed(known, None, created, step)));
        state.advance(step, created, None);
        state.keys.push((key, state.layers.len()));
        Ok(())
    }

    /// A step that may change files: found again, or done.
    fn files(
        &self,
        number: usize,
        step: &Step,
        key: Key,
        state: &mut State,
        entries: &mut Vec<(String, CacheEntry)>,
        carry_out: &mut dyn FnMut(&View) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        let key = key.finish();
        let mut known = self.known(&key, step);
        if let Some(entry) = &known
            && !self.is_here(&key, entry, state)?
        {
            known = None;
        }
        let (created, layer) = match &known {
            Some(entry) => {
                self.job.tell(Event::Cached(number));
                (entry.created, entry.layer.clone())
            }
            None => {
                let layer = self.make(&key, state, carry_out)?;
                (self.now(), layer)
            }
        };
        let entry = renewed(known, layer.clone(), created, step);
        // A layer is held by its lease from now on: its entry must not be lost with the engine.
        if entry.uses == 0 && layer.is_some() {
            self.cache().put(&[(key.clone(), entry)])?;
        } else {
            entries.push((key.clone(), entry));
        }
        state.advance(step, created, layer);
        state.keys.push((key, state.layers.len()));
        Ok(())
    }

    fn known(&self, key: &str, step: &Step) -> Option<CacheEntry> {
        if step.no_cache { None } else { self.cache().step(key) }
    }

    /// Whether the layer of an entry is here upon this state; unpacks it if only that is missing.
    fn is_here(&self, key: &str, entry: &CacheEntry, state: &State) -> Result<bool, BuildError> {
        let Some((blob, diff_id)) = &entry.layer else { return Ok(true) };
        let mut all = state.diff_ids.clone();
        all.push(diff_id.clone());
        let chain = chain_ids(&all).pop().expect("one for each layer");
        let transaction = self.job.transaction;
        if transaction.has_step(&blob.digest, &chain)? {
            return Ok(true);
        }
        if !transaction.has_blob(&blob.digest) {
            return Ok(false);
        }
        transaction.adopt_step(blob, diff_id, &state.diff_ids, &Cache::lease(key))?;
        Ok(true)
    }

    fn make(
        &self,
        key: &str,
        state: &State,
        carry_out: &mut dyn FnMut(&View) -> Result<(), BuildError>,
    ) -> Result<Option<(Descriptor, Digest)>, BuildError> {
        let mut view = View::writable(self.images(), state.chain().as_ref())?;
        carry_out(&view)?;
        if let Some(epoch) = self.request().epoch {
            dates::set_back(self.images().snapshots(), view.key(), view.root(), epoch)?;
        }
        view.close();
        let lease = Cache::lease(key);
        let layer = self.job.transaction.commit_step(view.key(), &state.diff_ids, &lease)?;
        view.keep();
        Ok(layer.map(|layer| (layer.blob, layer.diff_id)))
    }
}

/// The entry of a step that was done or found.
fn renewed(
    known: Option<CacheEntry>,
    layer: Option<(Descriptor, Digest)>,
    created: Timestamp,
    step: &Step,
) -> CacheEntry {
    match known {
        Some(entry) => CacheEntry { used: Timestamp::now(), uses: entry.uses + 1, ..entry },
        None => CacheEntry {
            size: layer.as_ref().map_or(0, |(blob, _)| blob.size),
            layer,
            created,
            used: Timestamp::now(),
            uses: 0,
            description: step.text.chars().take(256).collect(),
        },
    }
}

/// A finished stage, shared by those that use it.
pub(super) type Finished = Arc<State>;
