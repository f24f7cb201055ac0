//! `tree`: a directory as a drawing.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use isobox_applet::{Applet, Context, Error, Result, Spec, Status, number, tree};

/// See the usage text.
pub(crate) const TREE: Applet = Applet::new(
    "tree",
    tree_applet,
    "[-adfi] [-L LEVEL] [DIRECTORY]...\n\n\
     Draw trees of directories\n\n\
     \t-a\tAlso names that begin with a dot\n\
     \t-d\tOnly directories\n\
     \t-f\tWhole paths\n\
     \t-i\tNo lines\n\
     \t-L N\tAt most N levels\n\
     \t--noreport\tNo sum at the end",
);

const OPTIONS: Spec = Spec::new("adfiL:", &[("noreport", 'r')]);

struct Style {
    all: bool,
    directories: bool,
    paths: bool,
    plain: bool,
    levels: usize,
}

fn tree_applet(cx: &mut Context<'_>) -> Result<Status> {
    let mut style =
        Style { all: false, directories: false, paths: false, plain: false, levels: usize::MAX };
    let mut report = true;
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'a' => style.all = true,
            'd' => style.directories = true,
            'f' => style.paths = true,
            'i' => style.plain = true,
            'L' => {
                let value = arguments.value();
                style.levels = usize::try_from(number::unsigned(&value)?).unwrap_or(usize::MAX);
                if style.levels == 0 {
                    return Err(number::invalid(&value));
                }
            }
            _ => report = false,
        }
    }
    let mut operands = arguments.operands();
    if operands.is_empty() {
        operands.push(".".into());
    }
    let mut counts = [0_u64; 2];
    for name in &operands {
        cx.stdout.put(name.as_bytes())?;
        let dir = cx.dir;
        match tree::open(dir, name, true) {
            Ok(directory) => {
                cx.stdout.put(b"\n")?;
                draw(cx, &style, directory.as_fd(), name, &mut String::new(), 1, &mut counts)?;
            }
            Err(errno) => {
                writeln!(
                    cx.stdout,
                    "  [error opening dir: {}]",
                    isobox_applet::errno_text(&errno.into())
                )?;
                cx.failed = true;
            }
        }
    }
    if report {
        let plural = |count: u64, one: &str, many: &str| {
            format!("{count} {}", if count == 1 { one } else { many })
        };
        let directories = plural(counts[0], "directory", "directories");
        if style.directories {
            write!(cx.stdout, "\n{directories}\n")?;
        } else {
            write!(cx.stdout, "\n{directories}, {}\n", plural(counts[1], "file", "files"))?;
        }
    }
    Ok(cx.status())
}

fn draw(
    cx: &mut Context<'_>,
    style: &Style,
    directory: BorrowedFd<'_>,
    path: &OsStr,
    indent: &mut String,
    level: usize,
    counts: &mut [u64; 2],
) -> Result<()> {
    let mut entries = match tree::entries(directory) {
        Ok(entries) => entries,
        Err(errno) => {
            cx.report(&Error::path(path, errno));
            return Ok(());
        }
    };
    entries.retain(|entry| {
        (style.all || !entry.name.as_bytes().starts_with(b"."))
            && (!style.directories || entry.kind.is_dir())
    });
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let count = entries.len();
    for (index, entry) in entries.into_iter().enumerate() {
        let last = index + 1 == count;
        let next = tree::join(path, &entry.name);
        if !style.plain {
            cx.stdout.put(indent.as_bytes())?;
            cx.stdout.put(if last { "└── " } else { "├── " }.as_bytes())?;
        }
        cx.stdout.put(if style.paths { next.as_bytes() } else { entry.name.as_bytes() })?;
        if entry.kind.is_symlink()
            && let Ok(link) = rustix::fs::readlinkat(directory, &entry.name, Vec::new())
        {
            cx.stdout.put(b" -> ")?;
            cx.stdout.put(std::ffi::OsString::from_vec(link.into_bytes()).as_bytes())?;
        }
        cx.stdout.put(b"\n")?;
        counts[usize::from(!entry.kind.is_dir())] += 1;
        if entry.kind.is_dir() && level < style.levels {
            match tree::open(directory, &entry.name, false) {
                Ok(inner) => {
                    let length = indent.len();
                    indent.push_str(if last { "    " } else { "│   " });
                    draw(cx, style, inner.as_fd(), &next, indent, level + 1, counts)?;
                    indent.truncate(length);
                }
                Err(errno) => cx.report(&Error::path(&next, errno)),
            }
        }
    }
    Ok(())
}
