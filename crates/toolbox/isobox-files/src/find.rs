//! `find`: walks trees and tests what it meets.

mod actions;
mod parse;
mod tests_of_files;

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::users::Names;
use isobox_applet::{Applet, Context, Error, Result, Status, tree};
use rustix::fs::{AtFlags, FileType, Stat};
use rustix::io::Errno;

use actions::{Batch, Target};

/// See the usage text.
pub(crate) const FIND: Applet = Applet::new(
    "find",
    find,
    "[-HLP] [PATH]... [EXPRESSION]\n\n\
     Walk the trees below PATHs (.) and do what EXPRESSION says (-print)\n\n\
     \t-L, -follow\tFollow links\n\
     \t-H\tFollow links that are named\n\
     \t-xdev, -mount\tStay on the file system\n\
     \t-maxdepth N, -mindepth N\tAt most, at least N levels below PATH\n\
     \t-depth, -d\tA directory after what is in it\n\
     Operators: ( A ), ! A, A [-a] B, A -o B, A , B\n\
     Tests; N is +N (more), -N (less) or N:\n\
     \t-name, -iname, -path, -ipath, -lname, -ilname PATTERN\n\
     \t-regex, -iregex REGEX\tOf the whole path; -regextype TYPE\n\
     \t-type, -xtype [fdlbcps]\n\
     \t-perm [-/+]MODE\tAll, any or exactly these bits\n\
     \t-readable, -writable, -executable\n\
     \t-mtime, -atime, -ctime N\tDays; -mmin, -amin, -cmin N minutes\n\
     \t-newer, -anewer, -cnewer FILE; -newerXY REFERENCE\n\
     \t-user, -group NAME; -uid, -gid N; -nouser, -nogroup\n\
     \t-size N[bcwkMG], -empty, -links N, -inum N, -samefile FILE, -fstype TYPE\n\
     \t-true, -false\n\
     Actions:\n\
     \t-print, -print0, -printf FORMAT, -ls, -fprint, -fprint0, -fprintf, -fls FILE\n\
     \t-exec, -ok PROGRAM ARGUMENT... ;\tRun it for each file {}\n\
     \t-exec PROGRAM ARGUMENT... {} +\tRun it for many files\n\
     \t-execdir, -okdir\tThe same in the file's directory\n\
     \t-delete, -prune, -quit",
);

/// What the parser made of the command line.
struct Plan {
    expression: Expression,
    follow: Follow,
    depth_first: bool,
    one_system: bool,
    least: usize,
    most: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    None,
    Named,
    All,
}

/// A condition or an action, which is one too.
enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Then(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Test(tests_of_files::Test),
    Print { target: usize, end: u8 },
    PrintFormat { target: usize, format: Vec<u8> },
    List { target: usize },
    Execute { words: Vec<OsString>, ask: bool, in_directory: bool },
    ExecuteMany(usize),
    Delete,
    Prune,
    Quit,
}

/// A walk.
struct Walk<'c, 'a> {
    cx: &'c mut Context<'a>,
    plan: Plan,
    targets: Vec<Target>,
    batches: Vec<Batch>,
    names: Names,
    now: (i64, u32),
    quit: bool,
}

/// A file that was met.
struct Found<'f> {
    dir: BorrowedFd<'f>,
    name: &'f OsStr,
    path: &'f OsStr,
    /// How much of the path was named on the command line.
    start: usize,
    depth: usize,
    kind: FileType,
    stat: Option<Stat>,
    follow: bool,
    inode: u64,
    prune: bool,
}

impl Found<'_> {
    /// What the kernel knows of it, asked for at most once.
    fn stat(&mut self) -> Option<Stat> {
        if self.stat.is_none() {
            self.stat = look(self.dir, self.name, self.follow).ok();
        }
        self.stat
    }

    fn base(&self) -> &[u8] {
        let bytes = self.path.as_bytes();
        let end =
            bytes.iter().rposition(|&byte| byte != b'/').map_or(bytes.len().min(1), |at| at + 1);
        let start = memchr::memrchr(b'/', &bytes[..end.saturating_sub(1)]).map_or(0, |at| at + 1);
        &bytes[start..end]
    }
}

/// A link that leads nowhere is a link.
fn look(dir: BorrowedFd<'_>, name: &OsStr, follow: bool) -> Result<Stat, Errno> {
    if follow {
        match rustix::fs::statat(dir, name, AtFlags::empty()) {
            Err(Errno::NOENT | Errno::LOOP) => {}
            outcome => return outcome,
        }
    }
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn find(cx: &mut Context<'_>) -> Result<Status> {
    let words = std::mem::take(&mut cx.args);
    let (paths, plan, targets, batches) = parse::parse(cx, words)?;
    tree::allow_deep_trees();
    let mut walk = Walk {
        cx,
        plan,
        targets,
        batches,
        names: Names::default(),
        now: isobox_applet::time::now(),
        quit: false,
    };
    for path in &paths {
        if walk.quit {
            break;
        }
        walk.start(path)?;
    }
    walk.finish()?;
    Ok(walk.cx.status())
}

impl Walk<'_, '_> {
    fn start(&mut self, path: &OsStr) -> Result<()> {
        let follow = self.plan.follow != Follow::None;
        let dir = self.cx.dir;
        match look(dir, path, follow) {
            Err(errno) => self.cx.report(&Error::path(path, errno)),
            Ok(stat) => {
                let found = Found {
                    dir,
                    name: path,
                    path,
                    start: path.len(),
                    depth: 0,
                    kind: FileType::from_raw_mode(stat.st_mode),
                    stat: Some(stat),
                    follow,
                    inode: stat.st_ino,
                    prune: false,
                };
                let mut ancestors = Vec::new();
                self.visit(found, stat.st_dev, &mut ancestors)?;
            }
        }
        Ok(())
    }

    fn visit(
        &mut self,
        mut found: Found<'_>,
        device: u64,
        ancestors: &mut Vec<(u64, u64)>,
    ) -> Result<()> {
        let apply = found.depth >= self.plan.least;
        if apply && !self.plan.depth_first {
            self.evaluate(&mut found)?;
        }
        let descend = found.kind.is_dir()
            && found.depth < self.plan.most
            && (!found.prune || self.plan.depth_first)
            && !self.quit;
        if descend {
            self.descend(&mut found, device, ancestors)?;
        }
        if apply && self.plan.depth_first && !self.quit {
            self.evaluate(&mut found)?;
        }
        Ok(())
    }

    fn descend(
        &mut self,
        found: &mut Found<'_>,
        device: u64,
        ancestors: &mut Vec<(u64, u64)>,
    ) -> Result<()> {
        let mut identity = (0, 0);
        if self.plan.one_system || self.plan.follow == Follow::All {
            let Some(stat) = found.stat() else { return Ok(()) };
            identity = (stat.st_dev, stat.st_ino);
            if self.plan.one_system && stat.st_dev != device {
                return Ok(());
            }
            if self.plan.follow == Follow::All && ancestors.contains(&identity) {
                let text = [b"'", found.path.as_bytes(), b"': file system loop"].concat();
                self.cx.report(&Error::Bytes(text));
                return Ok(());
            }
        }
        let opened = tree::open(found.dir, found.name, found.follow)
            .and_then(|directory| Ok((tree::entries(&directory)?, directory)));
        let (entries, directory) = match opened {
            Ok(opened) => opened,
            Err(errno) => {
                self.cx.report(&Error::path(found.path, errno));
                return Ok(());
            }
        };
        ancestors.push(identity);
        let follow = self.plan.follow == Follow::All;
        for entry in entries {
            if self.quit {
                break;
            }
            let path = tree::join(found.path, &entry.name);
            let mut kind = entry.kind;
            let mut stat = None;
            if kind == FileType::Unknown || follow && kind.is_symlink() {
                match look(directory.as_fd(), &entry.name, follow) {
                    Ok(known) => {
                        kind = FileType::from_raw_mode(known.st_mode);
                        stat = Some(known);
                    }
                    // It is gone since it was listed.
                    Err(Errno::NOENT) => continue,
                    Err(errno) => {
                        self.cx.report(&Error::path(&path, errno));
                        continue;
                    }
                }
            }
            let next = Found {
                dir: directory.as_fd(),
                name: &entry.name,
                path: &path,
                start: found.start,
                depth: found.depth + 1,
                kind,
                stat,
                follow,
                inode: entry.inode,
                prune: false,
            };
            self.visit(next, device, ancestors)?;
        }
        ancestors.pop();
        Ok(())
    }

    fn evaluate(&mut self, found: &mut Found<'_>) -> Result<bool> {
        // The plan is taken out while it is walked, since actions change the walk.
        let expression = std::mem::replace(&mut self.plan.expression, Expression::Quit);
        let outcome = self.holds(&expression, found);
        self.plan.expression = expression;
        outcome
    }

    fn holds(&mut self, expression: &Expression, found: &mut Found<'_>) -> Result<bool> {
        if self.quit {
            return Ok(false);
        }
        Ok(match expression {
            Expression::And(a, b) => self.holds(a, found)? && self.holds(b, found)?,
            Expression::Or(a, b) => self.holds(a, found)? || self.holds(b, found)?,
            Expression::Then(a, b) => {
                self.holds(a, found)?;
                self.holds(b, found)?
            }
            Expression::Not(inner) => !self.holds(inner, found)?,
            Expression::Test(test) => test.holds(found, self.now, self.cx, &mut self.names),
            Expression::Prune => {
                found.prune = true;
                true
            }
            Expression::Quit => {
                self.quit = true;
                true
            }
            action => self.act(action, found)?,
        })
    }
}
