//! The groups of one container: made, joined, changed, watched and removed.

use std::path::{Path, PathBuf};

use isopod_oci::runtime::LinuxResources;

use crate::config::{Config, Driver, Paths};
use crate::devices;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::hierarchy::{self, Hierarchy, Mode};
use crate::join::{self, Join};
use crate::systemd;
use crate::{processes, remove, v1, v2};

/// The groups of one container.
#[derive(Debug)]
pub struct Manager {
    paths: Paths,
    /// Distinct directories; controllers mounted together share one.
    groups: Vec<Member>,
    /// What [`Manager::attach`] still has to do, for the systemd driver.
    pending: Option<systemd::Pending>,
}

/// A group, and the controllers that it is of.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) controllers: Vec<String>,
    pub(crate) group: Group,
}

/// A group below the container's, for a process that is added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubGroup {
    /// The controllers it is meant for; all of them when empty (and always on version 2).
    pub controllers: Vec<String>,
    /// Its path below the container's group.
    pub path: PathBuf,
}

impl Manager {
    /// Makes the groups and writes the limits; nothing is left behind when it fails.
    ///
    /// With [`Driver::Systemd`] only the names are settled: the unit needs a process, so
    /// groups and limits follow in [`Manager::attach`].
    pub fn create(hierarchy: &Hierarchy, config: &Config<'_>) -> Result<Self> {
        let paths = Paths::plan(hierarchy, config)?;
        if paths.mode != Mode::V2 && !config.resources.unified.is_empty() {
            return Err(Error::UnifiedOnV1);
        }
        if paths.of("devices").is_none() && !config.rootless {
            return Err(Error::DevicesMissing);
        }
        let mut resources = config.resources.clone();
        resources.devices.extend(devices::default_rules());
        let mut manager = Self { groups: members(&paths), paths, pending: None };
        if config.driver == Driver::Systemd {
            if config.rootless && manager.paths.mode != Mode::V2 {
                return Err(systemd::Error::RootlessV1.into());
            }
            systemd::require()?;
            manager.pending = Some(systemd::Pending {
                id: config.id.to_owned(),
                resources,
                properties: systemd::annotated(config.properties)?,
                owner: config.owner,
            });
            return Ok(manager);
        }
        let mut made = Vec::new();
        let explicit = config.path.is_some_and(|path| !path.is_empty());
        if let Err(error) = manager.make(&resources, config.owner, explicit, &mut made) {
            remove::undo(&made);
            return Err(error);
        }
        Ok(manager)
    }

    /// The groups of a container that was made before.
    pub fn load(paths: &Paths) -> Result<Self> {
        Ok(Self { groups: members(paths), paths: paths.clone(), pending: None })
    }

    /// Where the groups are; to be stored, and given to [`Manager::load`] later.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The directory of a controller's group.
    pub fn group_path(&self, controller: &str) -> Option<&Path> {
        self.paths.of(controller)
    }

    /// Whether any of the groups is still there.
    pub fn exists(&self) -> bool {
        self.main().is_some_and(|group| group.exists())
            || self.groups.iter().any(|member| member.group.exists())
    }

    /// Opens what a new process needs to get into the groups.
    pub fn join(&self) -> Result<Join> {
        if self.pending.is_some() {
            return Ok(Join::default());
        }
        self.join_groups(self.groups.iter().map(|m| (m, m.group.clone())))
    }

    /// As [`Manager::join`], for a process that is added to a running container: into the
    /// given sub-groups, or on version 2 into the group where the container's init has moved
    /// itself, if the container's own group has passed its controllers on and may therefore
    /// hold no process.
    pub fn join_for_exec(&self, sub_groups: &[SubGroup], init: i32) -> Result<Join> {
        for sub in sub_groups {
            for name in &sub.controllers {
                let known = self.groups.iter().any(|m| m.controllers.contains(name));
                if self.paths.mode != Mode::V2 && !known {
                    return Err(Error::InvalidPath {
                        path: format!("{name}:{}", sub.path.display()),
                        reason: "unknown controller",
                    });
                }
            }
        }
        let target = |member: &Member| -> Result<Group> {
            let sub = sub_groups.iter().find(|sub| {
                sub.controllers.is_empty()
                    || self.paths.mode == Mode::V2
                    || sub.controllers.iter().any(|name| member.controllers.contains(name))
            });
            if let Some(sub) = sub {
                return sub_group(&member.group, &sub.path);
            }
            if member.is_tree() {
                return Ok(init_group(&member.group, init).unwrap_or(member.group.clone()));
            }
            Ok(member.group.clone())
        };
        let mut targets = Vec::with_capacity(self.groups.len());
        for member in &self.groups {
            targets.push((member, target(member)?));
        }
        self.join_groups(targets.into_iter())
    }

    /// Whether the new process must wait until [`Manager::attach`] has returned.
    pub fn needs_attach(&self) -> bool {
        self.pending.is_some()
    }

    /// Completes the groups around process `pid`, which has not done anything yet; for the
    /// systemd driver, otherwise there is nothing left to do.
    pub fn attach(&mut self, pid: i32) -> Result<()> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let unit = self.paths.unit.clone().expect("planned for the systemd driver");
        systemd::start(&unit, &pending, &self.paths, pid)?;
        let mut made = Vec::new();
        for member in &self.groups {
            if member.controllers.iter().any(|name| name == "name=systemd") {
                continue;
            }
            if member.is_tree() {
                v2::create(&member.group, &pending.resources, &mut made)?;
                if let Some(owner) = pending.owner {
                    v2::delegate(&member.group, owner)?;
                }
            } else {
                self.make_v1(member, &pending.resources, &mut made)?;
                join::move_process(&member.group, pid)?;
            }
        }
        self.write_limits(&pending.resources)
    }

    /// Changes limits; what is absent in `resources` stays as it is.
    pub fn apply(&self, resources: &LinuxResources) -> Result<()> {
        if self.paths.mode != Mode::V2 && !resources.unified.is_empty() {
            return Err(Error::UnifiedOnV1);
        }
        if let Some(unit) = &self.paths.unit {
            systemd::update(unit, resources, &self.paths)?;
        }
        self.write_limits(resources)
    }

    /// The processes in the groups; those of groups below them too if `recursive`.
    pub fn processes(&self, recursive: bool) -> Result<Vec<i32>> {
        match self.main() {
            Some(group) => processes::list(group, recursive),
            None => Ok(Vec::new()),
        }
    }

    /// Removes the groups and all below them, deepest first. Frozen groups are thawed first,
    /// so that killed processes can end. Groups that are gone are no error.
    pub fn delete(&self) -> Result<()> {
        if let Some(unit) = self.paths.unit.as_ref().filter(|_| self.pending.is_none()) {
            systemd::stop(unit, self.paths.rootless)?;
        }
        let mut failed = None;
        for member in &self.groups {
            if let Err(error) = remove::tree(&member.group) {
                let ignored = self.paths.rootless && error.is_permission();
                failed = failed.or((!ignored).then_some(error));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    pub(crate) fn mode(&self) -> Mode {
        self.paths.mode
    }

    /// The group of a controller.
    pub(crate) fn group(&self, controller: &str) -> Option<&Group> {
        let name = if self.mode() == Mode::V2 { "" } else { controller };
        self.member(name).map(|member| &member.group)
    }

    /// The group in which processes are counted and signalled.
    pub(crate) fn main(&self) -> Option<&Group> {
        ["", "devices", "freezer", "memory", "pids"]
            .into_iter()
            .filter(|name| self.mode() == Mode::V2 || !name.is_empty())
            .find_map(|name| self.member(name))
            .or(self.groups.first())
            .map(|member| &member.group)
    }

    fn member(&self, name: &str) -> Option<&Member> {
        self.groups.iter().find(|m| m.controllers.iter().any(|known| known == name))
    }

    fn make(
        &mut self,
        resources: &LinuxResources,
        owner: Option<u32>,
        explicit: bool,
        made: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let mut refused = Vec::new();
        for (index, member) in self.groups.iter().enumerate() {
            let result = if member.is_tree() {
                v2::create(&member.group, resources, made)
                    .and_then(|()| owner.map_or(Ok(()), |uid| v2::delegate(&member.group, uid)))
            } else {
                self.make_v1(member, resources, made)
            };
            match result {
                Ok(()) => {}
                // Without a path of its own a rootless container may do without the group;
                // limits that need it are refused below.
                Err(error) if self.paths.rootless && !explicit && error.is_permission() => {
                    if member.is_tree() && v2::needs_controllers(resources) {
                        return Err(Error::RootlessLimits { source: Box::new(error) });
                    }
                    refused.push(index);
                }
                Err(error) => return Err(error),
            }
        }
        for index in refused.into_iter().rev() {
            for name in self.groups.remove(index).controllers {
                self.paths.groups.remove(&name);
            }
        }
        if let Some(main) = self.main().filter(|group| !made.iter().any(|p| p == group.path())) {
            self.refuse_used(main)?;
        }
        self.write_limits(resources)
    }

    fn make_v1(
        &self,
        member: &Member,
        resources: &LinuxResources,
        made: &mut Vec<PathBuf>,
    ) -> Result<()> {
        member.group.create(made)?;
        if member.controllers.iter().any(|name| name == "cpuset") {
            v1::inherit_cpuset(&member.group, resources)?;
        }
        Ok(())
    }

    /// A group that was there before belongs to somebody if it holds processes.
    fn refuse_used(&self, main: &Group) -> Result<()> {
        let count = processes::list(main, true)?.len();
        if count > 0 {
            return Err(Error::NotEmpty { path: main.path().to_owned(), count });
        }
        if self.freezer_state().is_ok_and(|state| state == crate::FreezerState::Frozen) {
            return Err(Error::Frozen { path: main.path().to_owned() });
        }
        Ok(())
    }

    fn write_limits(&self, resources: &LinuxResources) -> Result<()> {
        match self.mode() {
            Mode::V2 => match self.group("") {
                Some(group) => v2::apply(group, resources, self.paths.rootless),
                None => Ok(()),
            },
            Mode::V1 | Mode::Hybrid => v1::apply(self, resources, self.paths.rootless),
        }
    }

    /// The version 2 group beside version 1 hierarchies.
    pub(crate) fn hybrid_tree(&self) -> Option<&Group> {
        self.member("").map(|member| &member.group)
    }

    fn join_groups<'a>(&self, targets: impl Iterator<Item = (&'a Member, Group)>) -> Result<Join> {
        let mut join = Join::default();
        for (member, group) in targets {
            let added =
                if member.is_tree() { join.add_tree(&group) } else { join.add_tasks(&group) };
            match added {
                Err(error) if self.paths.rootless && error.is_permission() => {}
                other => other?,
            }
        }
        Ok(join)
    }
}

impl Member {
    fn is_tree(&self) -> bool {
        self.controllers.iter().any(String::is_empty)
    }
}

fn members(paths: &Paths) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::with_capacity(paths.groups.len());
    for (controller, path) in &paths.groups {
        match members.iter_mut().find(|member| member.group.path() == path) {
            Some(member) => member.controllers.push(controller.clone()),
            None => members.push(Member {
                controllers: vec![controller.clone()],
                group: Group::new(path.clone()),
            }),
        }
    }
    members
}

fn sub_group(group: &Group, path: &Path) -> Result<Group> {
    let invalid = |reason| Error::InvalidPath { path: path.display().to_string(), reason };
    if path.components().any(|part| part == std::path::Component::ParentDir) {
        return Err(invalid("leads out of the container's group"));
    }
    let mut full = group.path().to_owned();
    hierarchy::push_confined(&mut full, path);
    let sub = Group::new(full);
    if sub.exists() { Ok(sub) } else { Err(invalid("no such group below the container's")) }
}

/// The group of the container's init, if the container's own may hold no process.
fn init_group(group: &Group, init: i32) -> Option<Group> {
    let passed_on = group.read("cgroup.subtree_control").ok()?;
    if passed_on.trim().is_empty() {
        return None;
    }
    let text = std::fs::read(format!("/proc/{init}/cgroup")).ok()?;
    let membership = hierarchy::parse_membership(&text).ok()?;
    let name = hierarchy::membership(&membership, "")?;
    let own = Hierarchy::detect().ok()?;
    let directory = own.v2()?.directory_of(&name);
    directory.starts_with(group.path()).then(|| Group::new(directory))
}
