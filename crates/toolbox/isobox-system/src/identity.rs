//! `id`, `whoami`, `groups`, `logname`: who one is.

use isobox_applet::users::{self, Names};
use isobox_applet::{Applet, Context, Error, Result, Spec, Status};

/// `id`
pub(crate) const ID: Applet = Applet::new(
    "id",
    id,
    "[-ugGnr] [USER]\n\nShow numbers and names of a user and its groups\n\n\
    \t-u\tThe user only\n\t-g\tThe group only\n\t-G\tAll groups only\n\
    \t-n\tNames instead of numbers\n\t-r\tThe real ones, not the effective ones",
);

const SPEC: Spec = Spec::new(
    "ugGnra",
    &[("user", 'u'), ("group", 'g'), ("groups", 'G'), ("name", 'n'), ("real", 'r')],
);

/// The numbers of a user or process.
struct Identity {
    uid: u32,
    euid: u32,
    gid: u32,
    egid: u32,
    groups: Vec<u32>,
}

impl Identity {
    fn own() -> Result<Self> {
        use rustix::process::{getegid, geteuid, getgid, getgroups, getuid};
        let failed = |errno| Error::doing("can't get", "groups", errno);
        let others = getgroups().map_err(failed)?.into_iter().map(rustix::process::Gid::as_raw);
        let (gid, egid) = (getgid().as_raw(), getegid().as_raw());
        let mut identity =
            Self { uid: getuid().as_raw(), euid: geteuid().as_raw(), gid, egid, groups: vec![gid] };
        identity.add(std::iter::once(egid).chain(others));
        Ok(identity)
    }

    fn of(name: &str) -> Result<Self> {
        let user = users::users().into_iter().find(|user| user.name == name);
        let user = user.ok_or_else(|| Error::message(format!("unknown user {name}")))?;
        let (uid, gid) = (user.uid, user.gid);
        let mut identity = Self { uid, euid: uid, gid, egid: gid, groups: vec![gid] };
        identity.add(users::supplementary(name).into_iter());
        Ok(identity)
    }

    fn add(&mut self, groups: impl Iterator<Item = u32>) {
        for group in groups {
            if !self.groups.contains(&group) {
                self.groups.push(group);
            }
        }
    }
}

fn id(cx: &mut Context<'_>) -> Result<Status> {
    let (mut what, mut by_name, mut real) = (None, false, false);
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'n' => by_name = true,
            'r' => real = true,
            'a' => {}
            option if what.is_some_and(|other| other != option) => {
                return Err(Error::usage("only one of -u, -g, -G can be shown"));
            }
            option => what = Some(option),
        }
    }
    if (by_name || real) && what.is_none() {
        return Err(Error::usage("-n and -r go with -u, -g or -G"));
    }
    let operands = arguments.operands_between(0, 1)?;
    let identity = match operands.first() {
        Some(name) => Identity::of(&name.to_string_lossy())?,
        None => Identity::own()?,
    };
    let mut names = Names::default();
    let Some(what) = what else {
        let line = whole(&identity, &mut names);
        writeln!(cx.stdout, "{line}")?;
        return Ok(Status::SUCCESS);
    };
    let user = if real { identity.uid } else { identity.euid };
    let group = if real { identity.gid } else { identity.egid };
    let text = match (what, by_name) {
        ('u', false) => user.to_string(),
        ('u', true) => names.user(user),
        ('g', false) => group.to_string(),
        ('g', true) => names.group(group),
        (_, by_name) => list(&identity.groups, by_name, &mut names),
    };
    writeln!(cx.stdout, "{text}")?;
    Ok(Status::SUCCESS)
}

fn list(groups: &[u32], by_name: bool, names: &mut Names) -> String {
    let text = |&group: &u32| if by_name { names.group(group) } else { group.to_string() };
    groups.iter().map(text).collect::<Vec<String>>().join(" ")
}

/// `uid=0(root) gid=0(root) groups=0(root)`
fn whole(identity: &Identity, names: &mut Names) -> String {
    let with = |number: u32, name: Option<String>| match name {
        Some(name) => format!("{number}({name})"),
        None => number.to_string(),
    };
    let mut line = format!(
        "uid={} gid={}",
        with(identity.uid, names.known_user(identity.uid)),
        with(identity.gid, names.known_group(identity.gid))
    );
    if identity.euid != identity.uid {
        let shown = with(identity.euid, names.known_user(identity.euid));
        line.push_str(&format!(" euid={shown}"));
    }
    if identity.egid != identity.gid {
        let shown = with(identity.egid, names.known_group(identity.egid));
        line.push_str(&format!(" egid={shown}"));
    }
    let groups: Vec<String> =
        identity.groups.iter().map(|&group| with(group, names.known_group(group))).collect();
    line.push_str(&format!(" groups={}", groups.join(",")));
    line
}

/// `whoami`
pub(crate) const WHOAMI: Applet =
    Applet::new("whoami", whoami, "\n\nShow the name of the effective user").in_process();
/// `groups`
pub(crate) const GROUPS: Applet =
    Applet::new("groups", groups, "[USER]\n\nShow the names of a user's groups").in_process();
/// `logname`
pub(crate) const LOGNAME: Applet =
    Applet::new("logname", logname, "\n\nShow the name by which one has logged in").in_process();

const NONE: Spec = Spec::new("", &[]);

fn whoami(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    arguments.operands_between(0, 0)?;
    let uid = rustix::process::geteuid().as_raw();
    let name = Names::default().known_user(uid);
    let name = name.ok_or_else(|| Error::message(format!("unknown uid {uid}")))?;
    writeln!(cx.stdout, "{name}")?;
    Ok(Status::SUCCESS)
}

fn groups(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    let operands = arguments.operands_between(0, 1)?;
    let identity = match operands.first() {
        Some(name) => Identity::of(&name.to_string_lossy())?,
        None => Identity::own()?,
    };
    let line = list(&identity.groups, true, &mut Names::default());
    writeln!(cx.stdout, "{line}")?;
    Ok(Status::SUCCESS)
}

fn logname(cx: &mut Context<'_>) -> Result<Status> {
    let mut arguments = cx.parse(&NONE);
    while arguments.next()?.is_some() {}
    arguments.operands_between(0, 0)?;
    // The kernel remembers who logged in, if whatever let them in told it.
    let text = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let uid = text.trim().parse().ok().filter(|&uid| uid != u32::MAX);
    let name = uid.and_then(|uid| Names::default().known_user(uid));
    match name {
        Some(name) => writeln!(cx.stdout, "{name}")?,
        None => return Err(Error::message("no login name")),
    }
    Ok(Status::SUCCESS)
}
