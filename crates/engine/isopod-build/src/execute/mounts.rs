//! What `RUN --mount` shows.

use super::key::Key;
use super::source::find;
use super::stage::Work;
use super::sum::Summing;
use super::views::View;
use crate::border::{MountSource, Mounted};
use crate::cache::HeldMount;
use crate::error::BuildError;
use crate::plan::{Input, RunStep};
use isopod_dockerfile::{IgnoreList, Mount, MountKind, Sharing};
use isopod_images::snapshot::OverlayMount;
use isopod_images::{MountOptions, Mounts as StoreMounts};
use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, chown, open};
use rustix::mount::{OpenTreeFlags, open_tree};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The mounts of a step, and what must stay until it is done.
#[derive(Default)]
pub(super) struct Mounts<'a> {
    pub(super) mounts: Vec<Mounted>,
    /// Variables with secrets.
    pub(super) env: Vec<String>,
    views: Vec<View>,
    caches: Vec<HeldMount<'a>>,
    scratch: Vec<PathBuf>,
}

impl Drop for Mounts<'_> {
    fn drop(&mut self) {
        self.mounts.clear();
        self.views.clear();
        for path in &self.scratch {
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
            if let Err(error) = removed {
                tracing::warn!(path = %path.display(), %error, "stays until the next start");
            }
        }
        self.caches.clear();
    }
}

/// Adds to `key` what the mounts show that a result depends on.
pub(super) fn add_to_key(run: &RunStep, work: &Work<'_>, key: &mut Key) -> Result<(), BuildError> {
    key.number(run.mounts.len() as u64);
    for (mount, input) in &run.mounts {
        key.text(&format!("{:?}", mount.kind)).text(&mount.target).text(&mount.source);
        key.optional(mount.id.as_deref()).optional(mount.env.as_deref());
        let (MountKind::Bind, Some(input)) = (mount.kind, input) else { continue };
        match work.identity(input)? {
            Some(identity) => _ = key.text(&identity),
            None => {
                let Some(root) = work.open_input(input)? else { continue };
                let source = if mount.source.is_empty() { "/" } else { &mount.source };
                let none = IgnoreList::default();
                let failed = |reason: String| failed(mount, reason);
                let found = find(root.as_fd(), source).map_err(failed)?;
                Summing { owners: false, exclude: &none }
                    .add(key, root.as_fd(), &found)
                    .map_err(|error| failed(error.to_string()))?;
            }
        }
    }
    Ok(())
}

fn failed(mount: &Mount, reason: impl Into<String>) -> BuildError {
    BuildError::Mount { target: mount.target.clone(), reason: reason.into() }
}

/// Prepares the mounts of a step.
pub(super) fn prepare<'a>(run: &RunStep, work: &Work<'a>) -> Result<Mounts<'a>, BuildError> {
    let mut mounts = Mounts::default();
    if let Some((name, content)) = &run.script {
        let path = mounts.scratch_file(work, content.as_bytes(), 0o755, (0, 0))?;
        mounts.add(format!("/dev/pipes/{name}"), clone_tree(&path)?, String::new(), true);
    }
    for (mount, input) in &run.mounts {
        match mount.kind {
            MountKind::Bind => mounts.bind(mount, input.as_ref(), work)?,
            MountKind::Cache => mounts.cache(mount, input.as_ref(), work)?,
            MountKind::Tmpfs => mounts.mounts.push(Mounted {
                target: mount.target.clone(),
                source: MountSource::Tmpfs(mount.size_bytes),
                read_only: mount.read_only,
            }),
            MountKind::Secret => mounts.secret(mount, work)?,
            MountKind::Ssh => mounts.agent(mount, work)?,
        }
    }
    Ok(mounts)
}

impl<'a> Mounts<'a> {
    fn add(&mut self, target: String, mount: OwnedFd, path: String, read_only: bool) {
        self.mounts.push(Mounted { target, source: MountSource::Tree(mount, path), read_only });
    }

    fn bind(
        &mut self,
        mount: &Mount,
        input: Option<&Input>,
        work: &Work<'a>,
    ) -> Result<(), BuildError> {
        let input = input.unwrap_or(&Input::Scratch);
        let source = crate::plan::absolute("/", &mount.source);
        let path = source.trim_start_matches('/').to_owned();
        let fd = match (input, work.input_path(input)?) {
            (_, Some(directory)) if mount.read_only => clone_tree(&directory)?,
            // What is written to a context goes with the step.
            (_, Some(directory)) => self.overlay(&directory, work)?,
            (Input::Stage(_) | Input::Image(_), None) => {
                let chain = work.input_chain(input)?;
                let view = if mount.read_only {
                    View::readable(work.images(), chain.as_ref())?
                } else {
                    View::writable(work.images(), chain.as_ref())?
                };
                let fd = view.share()?;
                self.views.push(view);
                fd
            }
            _ => return Err(failed(mount, format!("{input} has no files"))),
        };
        if super::tree::stat(fd.as_fd(), &path).ok().flatten().is_none() {
            return Err(failed(mount, format!("source {source} does not exist in {input}")));
        }
        self.add(mount.target.clone(), fd, path, mount.read_only);
        Ok(())
    }

    fn overlay(&mut self, lower: &Path, work: &Work<'a>) -> Result<OwnedFd, BuildError> {
        let writable = self.scratch_dir(work)?;
        for name in ["fs", "work"] {
            let path = writable.join(name);
            std::fs::create_dir(&path).map_err(BuildError::io("create", &path))?;
        }
        let overlay = StoreMounts::Overlay(OverlayMount {
            key: "a writable bind mount".to_owned(),
            lower: vec![lower.to_path_buf()],
            writable: Some(writable),
            userxattr: false,
        });
        Ok(overlay.open(&MountOptions::default())?)
    }

    fn cache(
        &mut self,
        mount: &Mount,
        input: Option<&Input>,
        work: &Work<'a>,
    ) -> Result<(), BuildError> {
        let id = mount.id.clone().unwrap_or_else(|| mount.target.clone());
        let mut key = Key::new("cache mount");
        key.text(&id);
        if let Some(input) = input {
            key.text(&input.to_string()).text(&mount.source);
        }
        let name = key.finish();
        let wait = || mount.sharing == Sharing::Locked && !work.cancel().is_cancelled();
        let exclusive = mount.sharing != Sharing::Shared;
        let mut held = work.cache().take_mount(&name, exclusive, &wait);
        let mut number = 1;
        while held.is_none() && !work.cancel().is_cancelled() {
            held = work.cache().take_mount(&format!("{name}-{number}"), true, &|| false);
            number += 1;
        }
        let held = held.ok_or(BuildError::Cancelled)?;
        if !held.path.exists() {
            self.new_cache(mount, input, work, &held.path)?;
        }
        let fd = clone_tree(&held.path)?;
        self.caches.push(held);
        self.add(mount.target.clone(), fd, String::new(), mount.read_only);
        Ok(())
    }

    fn new_cache(
        &mut self,
        mount: &Mount,
        input: Option<&Input>,
        work: &Work<'a>,
        path: &Path,
    ) -> Result<(), BuildError> {
        let temporary = path.with_extension(isopod_base::id::full());
        std::fs::create_dir(&temporary).map_err(BuildError::io("create", &temporary))?;
        let io = |action| BuildError::io(action, &temporary);
        if let Some(input) = input
            && let Some(root) = work.open_input(input)?
        {
            let from =
                super::tree::open(root.as_fd(), &mount.source, OFlags::RDONLY | OFlags::DIRECTORY)
                    .map_err(|error| failed(mount, format!("source {}: {error}", mount.source)))?;
            let to = open(
                &temporary,
                OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
                Mode::empty(),
            )
            .map_err(|error| io("open")(error.into()))?;
            let none = IgnoreList::default();
            super::copying::Copier { owner: None, mode: None, exclude: &none }
                .contents(from.as_fd(), to.as_fd(), "", 0)
                .map_err(io("fill"))?;
        }
        let mode = std::fs::Permissions::from_mode(mount.mode.unwrap_or(0o755));
        std::fs::set_permissions(&temporary, mode).map_err(io("set the mode of"))?;
        let (uid, gid) = (mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
        chown(&temporary, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .map_err(|error| io("set the owner of")(error.into()))?;
        match std::fs::rename(&temporary, path) {
            // Another build was faster.
            Err(_) if path.exists() => std::fs::remove_dir_all(&temporary).map_err(io("remove")),
            other => other.map_err(BuildError::io("rename to", path)),
        }
    }

    fn secret(&mut self, mount: &Mount, work: &Work<'a>) -> Result<(), BuildError> {
        let from_target = || mount.target.rsplit('/').next().unwrap_or_default().to_owned();
        let id = mount.id.clone().unwrap_or_else(from_target);
        let Some(secret) = work.request().secrets.get(&id) else {
            if mount.required {
                return Err(failed(
                    mount,
                    format!("secret {id}: not found: give it with --secret id={id}"),
                ));
            }
            return Ok(());
        };
        if let Some(variable) = &mount.env {
            let value = String::from_utf8(secret.clone()).map_err(|_| {
                failed(mount, format!("secret {id} is no text, as a variable must be"))
            })?;
            self.env.push(format!("{variable}={value}"));
        }
        if !mount.target.is_empty() {
            let owner = (mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
            let path = self.scratch_file(work, secret, mount.mode.unwrap_or(0o400), owner)?;
            self.add(mount.target.clone(), clone_tree(&path)?, String::new(), true);
        }
        Ok(())
    }

    fn agent(&mut self, mount: &Mount, work: &Work<'a>) -> Result<(), BuildError> {
        let id = mount.id.clone().unwrap_or_else(|| "default".to_owned());
        let Some(socket) = work.request().agents.get(&id) else {
            if mount.required {
                return Err(failed(
                    mount,
                    format!("ssh agent {id}: not found: give it with --ssh {id}"),
                ));
            }
            return Ok(());
        };
        if mount.mode.is_some() || mount.uid.is_some() || mount.gid.is_some() {
            return Err(failed(mount, "mode, uid and gid of an agent's socket are not supported"));
        }
        let number = self.env.iter().filter(|entry| entry.starts_with("SSH_AUTH_SOCK=")).count();
        let target = if mount.target.is_empty() {
            format!("/run/buildkit/ssh_agent.{number}")
        } else {
            mount.target.clone()
        };
        if number == 0 {
            self.env.push(format!("SSH_AUTH_SOCK={target}"));
        }
        let fd = clone_tree(socket)?;
        self.add(target, fd, String::new(), false);
        Ok(())
    }

    fn scratch_dir(&mut self, work: &Work<'a>) -> Result<PathBuf, BuildError> {
        let path = work.scratch().join(isopod_base::id::full());
        std::fs::create_dir(&path).map_err(BuildError::io("create", &path))?;
        self.scratch.push(path.clone());
        Ok(path)
    }

    fn scratch_file(
        &mut self,
        work: &Work<'a>,
        content: &[u8],
        mode: u32,
        (uid, gid): (u32, u32),
    ) -> Result<PathBuf, BuildError> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = work.scratch().join(isopod_base::id::full());
        let mut file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(BuildError::io("create", &path))?;
        self.scratch.push(path.clone());
        file.write_all(content).map_err(BuildError::io("write", &path))?;
        rustix::fs::fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .and_then(|()| rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)))
            .map_err(|error| BuildError::io("prepare", &path)(error.into()))?;
        Ok(path)
    }
}

/// A mount of a path of the host, standing nowhere.
pub(super) fn clone_tree(path: &Path) -> Result<OwnedFd, BuildError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(CWD, path, flags).map_err(|error| BuildError::io("mount", path)(error.into()))
}
