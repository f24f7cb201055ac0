//! `rm`: removes files and trees. Directories are entered by descriptor and never through links.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, tree};
use rustix::fs::{Access, AtFlags, FileType};
use rustix::io::Errno;

/// See the usage text.
pub(crate) const RM: Applet = Applet::new(
    "rm",
    rm,
    "[-irfdvI] FILE...\n\n\
     Remove files\n\n\
     \t-i\tAsk before each\n\
     \t-I\tAsk once before many, or before trees\n\
     \t-f\tNever ask; files that do not exist are no failure\n\
     \t-r, -R\tTrees too\n\
     \t-d\tEmpty directories too\n\
     \t-v\tName what is removed\n\
     \t--one-file-system\tStay on the file system of each FILE\n\
     \t--no-preserve-root\tEven /",
)
.at(Place::Bin);

const OPTIONS: Spec = Spec::new(
    "iIrRfdv",
    &[
        ("force", 'f'),
        ("recursive", 'r'),
        ("dir", 'd'),
        ("verbose", 'v'),
        ("interactive=?", 'x'),
        ("one-file-system", 'o'),
        ("preserve-root=?", 'p'),
        ("no-preserve-root", 'n'),
    ],
);

#[derive(Default)]
struct Style {
    ask: bool,
    ask_once: bool,
    force: bool,
    recursive: bool,
    directories: bool,
    verbose: bool,
    one_system: bool,
    root_too: bool,
    terminal: bool,
}

fn rm(cx: &mut Context<'_>) -> Result<Status> {
    let mut style = Style::default();
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'i' => (style.ask, style.ask_once, style.force) = (true, false, false),
            'I' => (style.ask, style.ask_once, style.force) = (false, true, false),
            'f' => (style.ask, style.ask_once, style.force) = (false, false, true),
            'r' | 'R' => style.recursive = true,
            'd' => style.directories = true,
            'v' => style.verbose = true,
            'x' => match arguments.optional_value() {
                Some(when) if when == "never" => (style.ask, style.ask_once) = (false, false),
                Some(when) if when == "once" => (style.ask, style.ask_once) = (false, true),
                Some(when) if when != "always" => {
                    return Err(Error::about(
                        "expected --interactive=never, once or always, not",
                        when,
                    ));
                }
                _ => (style.ask, style.ask_once) = (true, false),
            },
            'o' => style.one_system = true,
            'n' => style.root_too = true,
            _ => {}
        }
    }
    let operands = arguments.operands();
    if operands.is_empty() {
        return if style.force {
            Ok(Status::SUCCESS)
        } else {
            Err(Error::usage("missing operand"))
        };
    }
    if style.ask_once && (style.recursive || operands.len() > 3) {
        let question = format!("rm: remove {} arguments? ", operands.len());
        if !cx.ask(question.as_bytes()) {
            return Ok(Status::SUCCESS);
        }
    }
    style.terminal = !style.force && cx.stdin_is_terminal();
    tree::allow_deep_trees();
    for operand in &operands {
        let last = operand.as_bytes().split(|&byte| byte == b'/').rfind(|part| !part.is_empty());
        if matches!(last, Some(b"." | b"..")) {
            cx.report(&Error::about("refusing to remove '.' or '..':", operand));
            continue;
        }
        let dir = cx.dir;
        if style.recursive && !style.root_too && is_root(dir, operand) {
            cx.report(&Error::message("refusing to remove / (--no-preserve-root would)"));
            continue;
        }
        remove(cx, dir, operand, operand, &style, None)?;
    }
    Ok(cx.status())
}

fn is_root(dir: BorrowedFd<'_>, name: &OsStr) -> bool {
    let id = |dir, name: &OsStr| {
        let status = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some((status.st_dev, status.st_ino))
    };
    let root = id(rustix::fs::CWD, OsStr::new("/"));
    root.is_some() && id(dir, name) == root
}

/// Removes `name` in `parent`; `path` is what it is called in messages. Returns whether it is
/// gone.
fn remove(
    cx: &mut Context<'_>,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    path: &OsStr,
    style: &Style,
    device: Option<u64>,
) -> Result<bool> {
    // Most files need one call: unlinking a directory fails without harm.
    if !style.ask && !style.terminal {
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) => return told(cx, path, "removed", style),
            Err(Errno::NOENT) if style.force => return Ok(true),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return failed(cx, path, errno),
        }
    }
    let status = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => status,
        Err(Errno::NOENT | Errno::NOTDIR) if style.force => return Ok(true),
        Err(errno) => return failed(cx, path, errno),
    };
    let kind = FileType::from_raw_mode(status.st_mode);
    if !kind.is_dir() {
        if !permitted(cx, parent, name, path, kind, style) {
            return Ok(false);
        }
        return match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) => told(cx, path, "removed", style),
            Err(errno) => failed(cx, path, errno),
        };
    }
    if !style.recursive && !style.directories {
        cx.report(&Error::path(with_quotes(path), Errno::ISDIR));
        return Ok(false);
    }
    if style.one_system && device.is_some_and(|device| device != status.st_dev) {
        cx.report(&Error::about("skipping, since it is on another file system:", path));
        return Ok(false);
    }
    let mut emptied = true;
    if style.recursive {
        let entries = tree::open(parent, name, false)
            .and_then(|directory| Ok((tree::entries(&directory)?, directory)));
        let (entries, directory) = match entries {
            Ok(found) => found,
            // One that cannot be read may still be empty.
            Err(errno) => {
                return match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
                    Ok(()) => told(cx, path, "removed directory:", style),
                    Err(_) => failed(cx, path, errno),
                };
            }
        };
        if style.ask && !entries.is_empty() && !cx.ask(&question("descend into directory", path)) {
            return Ok(false);
        }
        for entry in entries {
            let below = tree::join(path, &entry.name);
            emptied &=
                remove(cx, directory.as_fd(), &entry.name, &below, style, Some(status.st_dev))?;
        }
    }
    if !emptied || !permitted(cx, parent, name, path, kind, style) {
        return Ok(false);
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) => told(cx, path, "removed directory:", style),
        Err(errno) => failed(cx, path, errno),
    }
}

/// Asks if it should, and also before a file that may not be written where somebody can answer.
fn permitted(
    cx: &mut Context<'_>,
    parent: BorrowedFd<'_>,
    name: &OsStr,
    path: &OsStr,
    kind: FileType,
    style: &Style,
) -> bool {
    let protected = style.terminal
        && !kind.is_symlink()
        && rustix::fs::accessat(parent, name, Access::WRITE_OK, AtFlags::EACCESS).is_err();
    if !style.ask && !protected {
        return true;
    }
    let what = match (protected, kind.is_dir()) {
        (true, true) => "remove write-protected directory",
        (true, false) => "remove write-protected file",
        (false, true) => "remove directory",
        (false, false) => "remove",
    };
    cx.ask(&question(what, path))
}

fn question(what: &str, path: &OsStr) -> Vec<u8> {
    [b"rm: ", what.as_bytes(), b" '", path.as_bytes(), b"'? "].concat()
}

fn told(cx: &mut Context<'_>, path: &OsStr, what: &str, style: &Style) -> Result<bool> {
    if style.verbose {
        cx.stdout.put(&[what.as_bytes(), b" '", path.as_bytes(), b"'\n"].concat())?;
    }
    Ok(true)
}

fn failed(cx: &mut Context<'_>, path: &OsStr, errno: Errno) -> Result<bool> {
    cx.report(&Error::doing("can't remove", path, errno));
    Ok(false)
}

fn with_quotes(path: &OsStr) -> OsString {
    let mut text = OsString::from("'");
    text.push(path);
    text.push("'");
    text
}

/// Removes a tree for another applet.
pub(crate) fn remove_quietly(cx: &mut Context<'_>, name: &OsStr) -> Result<bool> {
    let style = Style { recursive: true, force: true, ..Style::default() };
    let dir = cx.dir;
    remove(cx, dir, name, name, &style, None)
}
