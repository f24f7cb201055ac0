//! The groups of one container: made, joined, changed, watched and removed.

use std::os::fd::OwnedFd;
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
    /// What [`Manager::make`] still has to do.
    planned: Option<Planned>,
    /// What [`Manager::attach`] still has to do, for the systemd driver.
    pending: Option<systemd::Pending>,
}

/// Groups that are settled but not made.
#[derive(Debug)]
struct Planned {
    resources: LinuxResources,
    owner: Option<u32>,
    /// Whether the path was asked for.
    explicit: bool,
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
    /// [`Manager::plan`] and [`Manager::make`] in one.
    pub fn create(hierarchy: &Hierarchy, config: &Config<'_>) -> Result<Self> {
        let mut manager = Self::plan(hierarchy, config)?;
        manager.make()?;
        Ok(manager)
    }

    /// Settles where the groups will be, and refuses what cannot be; makes nothing, so that
    /// the caller can store the paths before anything is there to be forgotten.
    ///
    /// With [`Driver::Systemd`] there is nothing for [`Manager::make`] to do: the unit needs a
    /// process, so groups and limits follow in [`Manager::attach`].
    pub fn plan(hierarchy: &Hierarchy, config: &Config<'_>) -> Result<Self> {
        let paths = Paths::plan(hierarchy, config)?;
        if paths.mode != Mode::V2 && !config.resources.unified.is_empty() {
            return Err(Error::UnifiedOnV1);
        }
        if paths.of("devices").is_none() && !config.rootless {
            return Err(Error::DevicesMissing);
        }
        let mut resources = config.resources.clone();
        resources.devices.extend(devices::default_rules());
        let mut manager = Self { groups: members(&paths), paths, planned: None, pending: None };
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
        if let Some(main) = manager.main().filter(|main| main.exists()) {
            manager.refuse_used(main)?;
        }
        manager.planned = Some(Planned {
            resources,
            owner: config.owner,
            explicit: config.path.is_some_and(|path| !path.is_empty()),
        });
        Ok(manager)
    }

    /// Makes what was planned, and writes the limits; nothing is left behind when it fails.
    pub fn make(&mut self) -> Result<()> {
        let Some(planned) = self.planned.take() else { return Ok(()) };
        let mut made = Vec::new();
        self.make_groups(&planned, &mut made).inspect_err(|_| {
            remove::undo(&made);
            self.planned = Some(planned);
        })
    }

    /// Whether a process can be made before the groups are, and get into them later by what
    /// [`Join::descriptors`] gives: version 1 only, where that costs nothing, and only where
    /// none of the groups may be missing.
    pub fn can_be_late(&self) -> bool {
        self.planned.is_some() && !self.paths.rootless && !self.groups.iter().any(Member::is_tree)
    }

    /// The groups of a container that was made before.
    pub fn load(paths: &Paths) -> Result<Self> {
        Ok(Self { groups: members(paths), paths: paths.clone(), planned: None, pending: None })
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

    /// The same on the other side of a socket: what [`Join::descriptors`] gave there.
    pub fn join_by(&self, descriptors: Vec<OwnedFd>) -> Join {
        Join::from_tasks(descriptors.into_iter().zip(&self.groups).map(|(fd, m)| (fd, &m.group)))
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
        self.write_limits(&pending.resources, false)
    }

    /// Changes limits; what is absent in `resources` stays as it is.
    pub fn apply(&self, resources: &LinuxResources) -> Result<()> {
        if self.paths.mode != Mode::V2 && !resources.unified.is_empty() {
            return Err(Error::UnifiedOnV1);
        }
        if let Some(unit) = &self.paths.unit {
            systemd::update(unit, resources, &self.paths)?;
        }
        self.write_limits(resources, false)
    }

    /// The processes in the groups; those of groups below them too if `recursive`.
    pub fn processes(&self, recursive: bool) -> Result<Vec<i32>> {
        match self.main() {
            Some(group) => processes::list(group, recursive),
            None => Ok(Vec::new()),
        }
    }

    /// Removes the groups and all below them, deepest first. Frozen groups are thawed first,
    /// so that killed processes can end. Groups that are gone are no error, and what was only
    /// planned is left alone.
    pub fn delete(&self) -> Result<()> {
        if !self.is_made() {
            return Ok(());
        }
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

    /// Whether nothing is left of what [`Manager::plan`] has settled.
    pub(crate) fn is_made(&self) -> bool {
        self.planned.is_none()
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

    fn make_groups(&mut self, planned: &Planned, made: &mut Vec<PathBuf>) -> Result<()> {
        let Planned { resources, owner, explicit } = planned;
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
        let is_new = |group: &Group| made.iter().any(|path| path == group.path());
        if let Some(main) = self.main().filter(|group| !is_new(group)) {
            self.refuse_used(main)?;
        }
        self.write_limits(resources, self.group("devices").is_some_and(is_new))
    }

    fn make_v1(
        &self,
        member: &Member,
        resources: &LinuxResources,
        made: &mut Vec<PathBuf>,
    ) -> Result<()> {
        member.group.create(made)?;
        if member.controllers.iter().any(|name| name == "cpuset") {
            let new = made.iter().any(|path| path == member.group.path());
            v1::inherit_cpuset(&member.group, resources, new)?;
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

    fn write_limits(&self, resources: &LinuxResources, new_devices: bool) -> Result<()> {
        match self.mode() {
            Mode::V2 => match self.group("") {
                Some(group) => v2::apply(group, resources, self.paths.rootless),
                None => Ok(()),
            },
            Mode::V1 | Mode::Hybrid => v1::apply(self, resources, self.paths.rootless, new_devices),
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
