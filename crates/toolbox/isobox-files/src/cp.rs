//! `cp`: copies files and trees.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place as Installed, Result, Spec, Status, tree};
use rustix::fs::FileType;

use crate::copying::{Copier, Existing, Follow, Place, Preserve, Sparse, Style};

/// See the usage text.
pub(crate) const CP: Applet = Applet::new(
    "cp",
    cp,
    "[-arRdPLHpfinlsuvxTb] SOURCE... {DEST | -t DIRECTORY}\n\n\
     Copy files\n\n\
     \t-a\tAll attributes, trees, links as links (-dR --preserve=all)\n\
     \t-r, -R\tTrees too\n\
     \t-d\tLinks as links, and hard links among the SOURCEs\n\
     \t-P\tLinks as links (default with -R)\n\
     \t-L\tFollow all links\n\
     \t-H\tFollow links that are named\n\
     \t-p\tKeep permissions, owner and times\n\
     \t--preserve[=LIST]\tKeep mode, ownership, timestamps, links, xattr, all\n\
     \t--no-preserve=LIST\tDo not keep these\n\
     \t-f\tReplace targets that cannot be written\n\
     \t-i\tAsk before overwriting\n\
     \t-n\tNever overwrite\n\
     \t-l, -s\tMake hard or symbolic links, no copies\n\
     \t-u\tOnly files newer than the target\n\
     \t-x\tStay on the file system\n\
     \t-v\tName files that are copied\n\
     \t-t DIR\tInto DIR\n\
     \t-T\tDEST is not a directory to copy into\n\
     \t-b, -S SUFFIX\tKeep what is overwritten with a suffix (~)\n\
     \t--parents\tUse the whole path of SOURCE below DEST\n\
     \t--remove-destination\tRemove targets first\n\
     \t--sparse=WHEN\tMake holes: auto, always, never\n\
     \t--reflink[=WHEN]\tShare content: auto\n\
     \t--attributes-only\tNo content",
)
.at(Installed::Bin);

const OPTIONS: Spec = Spec::new(
    "arRdPLHpfinlsuvxTt:bS:",
    &[
        ("archive", 'a'),
        ("recursive", 'r'),
        ("no-dereference", 'P'),
        ("dereference", 'L'),
        ("preserve=?", '\x01'),
        ("no-preserve=", '\x02'),
        ("force", 'f'),
        ("interactive", 'i'),
        ("no-clobber", 'n'),
        ("link", 'l'),
        ("symbolic-link", 's'),
        ("update", 'u'),
        ("verbose", 'v'),
        ("one-file-system", 'x'),
        ("no-target-directory", 'T'),
        ("target-directory=", 't'),
        ("backup=?", 'b'),
        ("suffix=", 'S'),
        ("parents", '\x03'),
        ("remove-destination", '\x04'),
        ("sparse=", '\x05'),
        ("reflink=?", '\x06'),
        ("attributes-only", '\x07'),
        ("strip-trailing-slashes", '\x08'),
    ],
);

const ALL: Preserve =
    Preserve { mode: true, owner: true, times: true, links: true, attributes: true };

fn cp(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style::default();
    let (mut follow, mut target, mut no_directory, mut parents) = (None, None, false, false);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => {
                style.recursive = true;
                style.preserve = ALL;
                follow = Some(Follow::None);
            }
            'r' | 'R' => style.recursive = true,
            'd' => {
                style.preserve.links = true;
                follow = Some(Follow::None);
            }
            'P' => follow = Some(Follow::None),
            'L' => follow = Some(Follow::All),
            'H' => follow = Some(Follow::Named),
            'p' => keep(&mut style.preserve, "mode,ownership,timestamps", true)?,
            '\x01' => match arguments.optional_value() {
                Some(list) => keep(&mut style.preserve, &list.to_string_lossy(), true)?,
                None => keep(&mut style.preserve, "mode,ownership,timestamps", true)?,
            },
            '\x02' => keep(&mut style.preserve, &arguments.text()?, false)?,
            'f' => style.force = true,
            'i' => style.existing = Existing::Ask,
            'n' => style.existing = Existing::Keep,
            'l' => style.hard_links = true,
            's' => style.symbolic_links = true,
            'u' => style.update = true,
            'v' => style.verbose = true,
            'x' => style.one_system = true,
            'T' => no_directory = true,
            't' => target = Some(arguments.value()),
            'b' => {
                simple_backup(arguments.optional_value())?;
                style.backup.get_or_insert_with(|| "~".into());
            }
            'S' => style.backup = Some(arguments.text()?),
            '\x03' => parents = true,
            '\x04' => style.remove_first = true,
            '\x05' => {
                style.sparse = match arguments.text()?.as_str() {
                    "auto" => Sparse::Auto,
                    "always" => Sparse::Always,
                    "never" => Sparse::Never,
                    other => {
                        return Err(Error::message(format!(
                            "bad --sparse={other}: expected auto, always or never"
                        )));
                    }
                }
            }
            '\x06' => match arguments.optional_value() {
                Some(when) if when == "auto" => {}
                _ => {
                    return Err(Error::message(
                        "--reflink=always and never are not supported: it is auto",
                    ));
                }
            },
            '\x07' => style.attributes_only = true,
            _ => {}
        }
    }
    style.follow = follow.unwrap_or(if style.recursive { Follow::None } else { Follow::All });
    let mut operands = arguments.operands();
    let target = target_of(cx, &mut operands, target, no_directory)?;
    if parents && !target.into {
        return Err(Error::usage("with --parents, the destination must be a directory"));
    }
    let mut copier = Copier::new(style);
    for source in &operands {
        let path =
            if parents { make_parents(cx, source, &target.path)? } else { target.below(source) };
        let dir = cx.dir;
        let from = Place { dir, name: source, path: source };
        let to = Place { dir, name: &path, path: &path };
        copier.copy(cx, from, to)?;
    }
    Ok(cx.status())
}

/// Of GNU's ways to name backups there is the simple one.
pub(crate) fn simple_backup(control: Option<OsString>) -> Result<()> {
    match control {
        None => Ok(()),
        Some(control) if control == "simple" || control == "never" => Ok(()),
        Some(control) => Err(Error::about("only simple backups are supported, not", control)),
    }
}

fn keep(preserve: &mut Preserve, list: &str, wanted: bool) -> Result<()> {
    for part in list.split(',') {
        match part {
            "mode" => preserve.mode = wanted,
            "ownership" => preserve.owner = wanted,
            "timestamps" => preserve.times = wanted,
            "links" => preserve.links = wanted,
            "xattr" | "context" => preserve.attributes = wanted,
            "all" => *preserve = if wanted { ALL } else { Preserve::default() },
            _ => {
                return Err(Error::message(format!(
                    "cannot keep '{part}': expected mode, ownership, timestamps, links, xattr or all"
                )));
            }
        }
    }
    Ok(())
}

/// Where files go: to this path, or into this directory.
pub(crate) struct Target {
    pub(crate) path: OsString,
    pub(crate) into: bool,
}

impl Target {
    /// Where a source goes.
    pub(crate) fn below(&self, source: &OsStr) -> OsString {
        if !self.into {
            return self.path.clone();
        }
        let bytes = source.as_bytes();
        let end =
            bytes.iter().rposition(|&byte| byte != b'/').map_or(bytes.len().min(1), |at| at + 1);
        let name = &bytes[..end];
        let start = memchr::memrchr(b'/', &name[..end.saturating_sub(1)]).map_or(0, |at| at + 1);
        match &name[start..] {
            // `cp -r dir/. target` copies what is in the directory.
            b"." | b"/" => self.path.clone(),
            b".." => self.path.clone(),
            last => tree::join(&self.path, OsStr::from_bytes(last)),
        }
    }
}

/// Takes the destination from the operands, unless `-t` named it.
pub(crate) fn target_of(
    cx: &Context<'_>,
    operands: &mut Vec<OsString>,
    given: Option<OsString>,
    no_directory: bool,
) -> Result<Target> {
    let is_directory = |path: &OsStr| {
        rustix::fs::statat(cx.dir, path, rustix::fs::AtFlags::empty())
            .map(|status| FileType::from_raw_mode(status.st_mode).is_dir())
    };
    if let Some(path) = given {
        if no_directory {
            return Err(Error::usage("-t and -T exclude each other"));
        }
        if operands.is_empty() {
            return Err(Error::usage("missing file operand"));
        }
        return match is_directory(&path) {
            Ok(true) => Ok(Target { path, into: true }),
            Ok(false) => Err(Error::path(path, rustix::io::Errno::NOTDIR)),
            Err(errno) => Err(Error::path(path, errno)),
        };
    }
    if operands.len() < 2 {
        return Err(Error::usage(if operands.is_empty() {
            "missing file operand"
        } else {
            "missing destination"
        }));
    }
    let path = operands.pop().unwrap_or_default();
    if no_directory {
        return match operands.len() {
            1 => Ok(Target { path, into: false }),
            _ => Err(Error::usage("-T takes two operands")),
        };
    }
    let into = is_directory(&path);
    if operands.len() > 1 && !matches!(into, Ok(true)) {
        return Err(match into {
            Err(errno) => Error::doing("target", path, errno),
            Ok(_) => Error::doing("target", path, rustix::io::Errno::NOTDIR),
        });
    }
    Ok(Target { path, into: into.unwrap_or(false) })
}

/// Makes the directories of a source below the target.
fn make_parents(cx: &Context<'_>, source: &OsStr, target: &OsStr) -> Result<OsString> {
    let bytes = source.as_bytes();
    let start = bytes.iter().position(|&byte| byte != b'/').unwrap_or(bytes.len());
    let path = tree::join(target, OsStr::from_bytes(&bytes[start..]));
    let from = target.len() + 1;
    for slash in memchr::memchr_iter(b'/', path.as_bytes()).filter(|&at| at > from) {
        let part = OsStr::from_bytes(&path.as_bytes()[..slash]);
        match rustix::fs::mkdirat(cx.dir, part, rustix::fs::Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(Error::doing("can't create directory", part, errno)),
        }
    }
    Ok(path)
}
