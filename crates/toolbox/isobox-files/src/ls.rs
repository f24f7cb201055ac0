//! `ls`: lists directories.

mod show;

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use isobox_applet::users::Names;
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, number, tree, version};
use rustix::fs::{AtFlags, FileType, Stat};

use show::{quoted, show};

/// See the usage text.
pub(crate) const LS: Applet = Applet::new(
    "ls",
    ls,
    "[-1AaBbCcdFfGghikLHlmNnopQqRrSsTtUuvXxw] [FILE]...\n\n\
     List directories\n\n\
     \t-1\tA line each\n\
     \t-C, -x, -m\tIn columns, in rows, with commas\n\
     \t-a, -A\tAlso names that begin with a dot; without . and ..\n\
     \t-B\tNot names that end in ~\n\
     \t-l\tType, permissions, links, owner, group, size, time\n\
     \t-n, -g, -o\tWith numbers of users; without owner; without group\n\
     \t-h, --si\tSizes for people\n\
     \t-i, -s\tNumber of the file, blocks\n\
     \t-F, -p\tMark types with */=@|; directories with /\n\
     \t-d\tDirectories themselves\n\
     \t-R\tTrees\n\
     \t-L, -H\tFollow links; those that are named\n\
     \t-t, -S, -X, -v, -U\tSort by time, size, extension, version, not at all\n\
     \t-c, -u\tTime of change, of access\n\
     \t-r\tReverse\n\
     \t-f\tAll, unsorted\n\
     \t-q, -b, -Q, -N\tNames with ?, with escapes, in quotes, as they are\n\
     \t-w N\tColumns\n\
     \t--full-time, --time-style=STYLE\tfull-iso, long-iso, iso, locale or +FORMAT\n\
     \t--group-directories-first\n\
     \t--color[=always|never|auto]",
)
.at(Place::Bin);

const OPTIONS: Spec = Spec::new(
    "1AaBbCcdFfGghikLHlmNnopQqRrSsT:tUuvXxw:",
    &[
        ("all", 'a'),
        ("almost-all", 'A'),
        ("ignore-backups", 'B'),
        ("escape", 'b'),
        ("directory", 'd'),
        ("classify", 'F'),
        ("no-group", 'G'),
        ("human-readable", 'h'),
        ("si", '\x01'),
        ("inode", 'i'),
        ("kibibytes", 'k'),
        ("dereference", 'L'),
        ("dereference-command-line", 'H'),
        ("literal", 'N'),
        ("numeric-uid-gid", 'n'),
        ("quote-name", 'Q'),
        ("hide-control-chars", 'q'),
        ("show-control-chars", 'N'),
        ("recursive", 'R'),
        ("reverse", 'r'),
        ("size", 's'),
        ("width=", 'w'),
        ("tabsize=", 'T'),
        ("full-time", '\x02'),
        ("time-style=", '\x03'),
        ("group-directories-first", '\x04'),
        ("color=?", '\x05'),
        ("sort=", '\x06'),
        ("time=", '\x07'),
        ("format=", '\x08'),
        ("indicator-style=", '\x0e'),
        ("file-type", '\x0f'),
        ("block-size=", '\x10'),
        ("ignore=", '\x11'),
        ("hide=", '\x11'),
    ],
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Single,
    Columns,
    Rows,
    Commas,
    Long,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Name,
    Time,
    Size,
    Extension,
    Version,
    None,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    No,
    Questions,
    Escapes,
    Quotes,
}

struct Style {
    layout: Layout,
    sort: Sort,
    reverse: bool,
    all: bool,
    almost_all: bool,
    no_backups: bool,
    ignored: Vec<String>,
    directory: bool,
    recursive: bool,
    follow: bool,
    follow_named: bool,
    inode: bool,
    blocks: bool,
    numeric: bool,
    owner: bool,
    group: bool,
    human: Option<u64>,
    block_size: u64,
    indicators: &'static str,
    time: char,
    time_style: String,
    directories_first: bool,
    color: bool,
    quote: Quote,
    width: usize,
}

/// A file to be shown.
struct File {
    name: OsString,
    stat: Option<Stat>,
    kind: FileType,
    inode: u64,
    link: Option<OsString>,
    /// What the link leads to.
    target: Option<Stat>,
}

fn ls(cx: &mut Context<'_>) -> Result<Status> {
    let terminal = cx.stdout.is_terminal();
    let mut style = Style {
        layout: if terminal { Layout::Columns } else { Layout::Single },
        sort: Sort::Name,
        reverse: false,
        all: false,
        almost_all: false,
        no_backups: false,
        ignored: Vec::new(),
        directory: false,
        recursive: false,
        follow: false,
        follow_named: false,
        inode: false,
        blocks: false,
        numeric: false,
        owner: true,
        group: true,
        human: None,
        block_size: 1024,
        indicators: "",
        time: 'm',
        time_style: "locale".into(),
        directories_first: false,
        color: false,
        quote: if terminal { Quote::Questions } else { Quote::No },
        width: 0,
    };
    let mut arguments = cx.parse(&OPTIONS);
    let (mut sorted, mut timed) = (false, false);
    while let Some(option) = arguments.next()? {
        match option {
            '1' if style.layout != Layout::Long => style.layout = Layout::Single,
            '1' => {}
            'C' => style.layout = Layout::Columns,
            'x' => style.layout = Layout::Rows,
            'm' => style.layout = Layout::Commas,
            'l' => style.layout = Layout::Long,
            'n' => (style.layout, style.numeric) = (Layout::Long, true),
            'g' => (style.layout, style.owner) = (Layout::Long, false),
            'o' => (style.layout, style.group) = (Layout::Long, false),
            'G' => style.group = false,
            'a' => style.all = true,
            'A' => style.almost_all = true,
            'B' => style.no_backups = true,
            '\x11' => style.ignored.push(arguments.text()?),
            'd' => style.directory = true,
            'R' => style.recursive = true,
            'L' => style.follow = true,
            'H' => style.follow_named = true,
            'i' => style.inode = true,
            's' => style.blocks = true,
            'h' => style.human = Some(1024),
            '\x01' => style.human = Some(1000),
            'k' => style.block_size = 1024,
            '\x10' => style.block_size = number::size(&arguments.value())?.max(1),
            'F' => style.indicators = "*/=@|",
            'p' => style.indicators = "/",
            '\x0f' => style.indicators = "/=@|",
            '\x0e' => {
                style.indicators = match arguments.text()?.as_str() {
                    "none" => "",
                    "slash" => "/",
                    "file-type" => "/=@|",
                    "classify" => "*/=@|",
                    other => return Err(unknown("--indicator-style", other)),
                }
            }
            't' => (style.sort, sorted) = (Sort::Time, true),
            'S' => (style.sort, sorted) = (Sort::Size, true),
            'X' => (style.sort, sorted) = (Sort::Extension, true),
            'v' => (style.sort, sorted) = (Sort::Version, true),
            'U' => (style.sort, sorted) = (Sort::None, true),
            '\x06' => {
                sorted = true;
                style.sort = match arguments.text()?.as_str() {
                    "none" => Sort::None,
                    "time" => Sort::Time,
                    "size" => Sort::Size,
                    "extension" => Sort::Extension,
                    "version" => Sort::Version,
                    "name" => Sort::Name,
                    other => return Err(unknown("--sort", other)),
                };
            }
            'c' | 'u' => (style.time, timed) = (option, true),
            '\x07' => {
                timed = true;
                style.time = match arguments.text()?.as_str() {
                    "atime" | "access" | "use" => 'u',
                    "ctime" | "status" => 'c',
                    "mtime" | "modification" => 'm',
                    other => return Err(unknown("--time", other)),
                };
            }
            '\x08' => {
                style.layout = match arguments.text()?.as_str() {
                    "long" | "verbose" => Layout::Long,
                    "commas" => Layout::Commas,
                    "horizontal" | "across" => Layout::Rows,
                    "vertical" => Layout::Columns,
                    "single-column" => Layout::Single,
                    other => return Err(unknown("--format", other)),
                }
            }
            'r' => style.reverse = true,
            'f' => (style.sort, style.all, sorted) = (Sort::None, true, true),
            'q' => style.quote = Quote::Questions,
            'b' => style.quote = Quote::Escapes,
            'Q' => style.quote = Quote::Quotes,
            'N' => style.quote = Quote::No,
            'w' => {
                let width = number::unsigned(&arguments.value())?;
                style.width = if width == 0 {
                    usize::MAX
                } else {
                    usize::try_from(width).unwrap_or(usize::MAX)
                };
            }
            'T' => drop(number::unsigned(&arguments.value())?),
            '\x02' => (style.layout, style.time_style) = (Layout::Long, "full-iso".into()),
            '\x03' => style.time_style = arguments.text()?,
            '\x04' => style.directories_first = true,
            _ => {
                let when = arguments.optional_value().unwrap_or_else(|| "always".into());
                style.color = match when.to_str() {
                    Some("always" | "yes" | "force") => true,
                    Some("never" | "no" | "none") => false,
                    Some("auto" | "tty" | "if-tty") => terminal,
                    _ => return Err(unknown("--color", &when.to_string_lossy())),
                };
            }
        }
    }
    if timed && !sorted && style.layout != Layout::Long {
        style.sort = Sort::Time;
    }
    if style.width == 0 {
        let columns =
            cx.variables.get("COLUMNS").and_then(|columns| columns.to_str()?.parse().ok());
        style.width = columns.unwrap_or_else(|| {
            rustix::termios::tcgetwinsize(cx.stdout.fd())
                .map_or(80, |size| usize::from(size.ws_col))
        });
        if style.width == 0 {
            style.width = 80;
        }
    }
    let mut operands = arguments.operands();
    if operands.is_empty() {
        operands.push(".".into());
    }
    list(cx, &style, operands)
}

fn unknown(option: &str, value: &str) -> Error {
    Error::message(format!("invalid argument '{value}' for {option}"))
}

fn list(cx: &mut Context<'_>, style: &Style, operands: Vec<OsString>) -> Result<Status> {
    let several = operands.len() > 1;
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for name in operands {
        // A directory that is named is entered through a link, unless the link itself is asked for.
        let enter = !style.directory && style.layout != Layout::Long && style.indicators != "*/=@|";
        let follow = style.follow || style.follow_named || enter;
        let flags = |follow| if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let status = rustix::fs::statat(cx.dir, &name, flags(follow))
            .or_else(|_| rustix::fs::statat(cx.dir, &name, AtFlags::SYMLINK_NOFOLLOW));
        match status {
            Err(errno) => cx.report(&Error::path(&name, errno)),
            Ok(status) => {
                let file = File::new(cx.dir, name.clone(), &name, status, style);
                if file.kind.is_dir() && !style.directory {
                    directories.push(file)
                } else {
                    files.push(file)
                }
            }
        }
    }
    let mut names = Names::default();
    sort(&mut files, style);
    sort(&mut directories, style);
    let headers = several || style.recursive;
    let mut first = files.is_empty();
    if !files.is_empty() {
        show(cx, style, &files, &mut names, None)?;
    }
    for directory in directories {
        enter(cx, style, &directory.name, headers, &mut first, &mut names, 0)?;
    }
    Ok(cx.status())
}

impl File {
    fn new(
        dir: std::os::fd::BorrowedFd<'_>,
        name: OsString,
        at: &OsStr,
        stat: Stat,
        style: &Style,
    ) -> Self {
        let kind = FileType::from_raw_mode(stat.st_mode);
        let (mut link, mut target) = (None, None);
        if kind.is_symlink()
            && (style.layout == Layout::Long || style.color || style.indicators.len() > 3)
        {
            link = rustix::fs::readlinkat(dir, at, Vec::new())
                .ok()
                .map(|link| OsString::from_vec(link.into_bytes()));
            target = rustix::fs::statat(dir, at, AtFlags::empty()).ok();
        }
        Self { name, kind, inode: stat.st_ino, stat: Some(stat), link, target }
    }

    fn time(&self, style: &Style) -> (i64, u32) {
        let Some(stat) = &self.stat else { return (0, 0) };
        let (seconds, nano) = match style.time {
            'c' => (stat.st_ctime, stat.st_ctime_nsec),
            'u' => (stat.st_atime, stat.st_atime_nsec),
            _ => (stat.st_mtime, stat.st_mtime_nsec),
        };
        (seconds, u32::try_from(nano).unwrap_or(0))
    }

    fn size(&self) -> i64 {
        self.stat.as_ref().map_or(0, |stat| stat.st_size)
    }

    fn is_directory(&self) -> bool {
        self.kind.is_dir()
            || self.target.is_some_and(|target| FileType::from_raw_mode(target.st_mode).is_dir())
    }
}

fn enter(
    cx: &mut Context<'_>,
    style: &Style,
    path: &OsStr,
    headers: bool,
    first: &mut bool,
    names: &mut Names,
    depth: usize,
) -> Result<()> {
    if !std::mem::take(first) {
        cx.stdout.put(b"\n")?;
    }
    if headers {
        cx.stdout.put(&quoted(path, style))?;
        cx.stdout.put(b":\n")?;
    }
    let opened = tree::open(cx.dir, path, true)
        .and_then(|directory| Ok((tree::entries(&directory)?, directory)));
    let (entries, directory) = match opened {
        Ok(found) => found,
        Err(errno) => {
            cx.report(&Error::path(path, errno));
            return Ok(());
        }
    };
    let mut files = read(cx, style, path, entries, &directory);
    sort(&mut files, style);
    let total = style.layout == Layout::Long || style.blocks;
    show(cx, style, &files, names, Some(total))?;
    drop(directory);
    if style.recursive && depth < 4096 {
        for file in &files {
            if file.kind.is_dir() && file.name != "." && file.name != ".." {
                enter(cx, style, &tree::join(path, &file.name), headers, first, names, depth + 1)?;
            }
        }
    }
    Ok(())
}

fn read(
    cx: &mut Context<'_>,
    style: &Style,
    path: &OsStr,
    mut entries: Vec<tree::Entry>,
    directory: &std::os::fd::OwnedFd,
) -> Vec<File> {
    // Names alone need no call for each file.
    let stat = style.layout == Layout::Long
        || style.blocks
        || style.follow
        || matches!(style.sort, Sort::Time | Sort::Size)
        || style.indicators.contains('*')
        || style.color;
    if style.all {
        for name in ["..", "."] {
            let inode =
                rustix::fs::statat(directory, name, AtFlags::empty()).map_or(0, |stat| stat.st_ino);
            entries.insert(0, tree::Entry { name: name.into(), kind: FileType::Directory, inode });
        }
    }
    let mut files = Vec::with_capacity(entries.len());
    for entry in entries {
        let bytes = entry.name.as_bytes();
        let hidden = bytes.starts_with(b".") && !style.all && !style.almost_all;
        let ignored = style.ignored.iter().any(|pattern| {
            isobox_applet::glob::matches(
                pattern.as_bytes(),
                bytes,
                isobox_applet::glob::Flags::default(),
            )
        });
        if hidden || style.no_backups && bytes.ends_with(b"~") || ignored {
            continue;
        }
        if !stat && entry.kind != FileType::Unknown {
            files.push(File {
                name: entry.name,
                stat: None,
                kind: entry.kind,
                inode: entry.inode,
                link: None,
                target: None,
            });
            continue;
        }
        let flags = if style.follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let status = rustix::fs::statat(directory, &entry.name, flags)
            .or_else(|_| rustix::fs::statat(directory, &entry.name, AtFlags::SYMLINK_NOFOLLOW));
        match status {
            Ok(status) => {
                let name = entry.name.clone();
                files.push(File::new(directory.as_fd(), entry.name, &name, status, style));
            }
            Err(errno) => cx.report(&Error::path(tree::join(path, &entry.name), errno)),
        }
    }
    files
}

fn sort(files: &mut [File], style: &Style) {
    let by_name = |a: &File, b: &File| a.name.as_bytes().cmp(b.name.as_bytes());
    let extension = |file: &File| -> Vec<u8> {
        let name = file.name.as_bytes();
        memchr::memrchr(b'.', name).map_or(Vec::new(), |at| name[at..].to_vec())
    };
    if style.sort != Sort::None {
        files.sort_by(|a, b| {
            let order = match style.sort {
                Sort::Time => b.time(style).cmp(&a.time(style)),
                Sort::Size => b.size().cmp(&a.size()),
                Sort::Extension => extension(a).cmp(&extension(b)),
                Sort::Version => version::compare(a.name.as_bytes(), b.name.as_bytes()),
                Sort::Name | Sort::None => Ordering::Equal,
            };
            let order = order.then_with(|| by_name(a, b));
            if style.reverse { order.reverse() } else { order }
        });
    } else if style.reverse {
        files.reverse();
    }
    if style.directories_first {
        files.sort_by_key(|file| !file.is_directory());
    }
}
