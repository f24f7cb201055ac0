//! `diff`: what differs between files, and between directories.

mod changes;
mod directory;
mod hunks;
mod lines;
mod show;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status};
use rustix::fs::{AtFlags, FileType};

use lines::{Ignore, Text};
use show::Style;

/// See the usage text.
pub(crate) const DIFF: Applet = Applet::new(
    "diff",
    diff,
    "[-abBdiNpqrTstw] [-u|-c|--normal] [-U N] [-C N] [-L LABEL] [-S FILE] [-x PATTERN]\n\
     \tFILE1 FILE2\n\n\
     Compare files line by line and output the differences between them\n\n\
     \t-u,-U N\tUnified output with N lines of context (3); the default\n\
     \t-c,-C N\tContext output\n\
     \t--normal\tOutput without context\n\
     \t-q\tOutput only whether files differ\n\
     \t-s\tReport when two files are the same\n\
     \t-a\tTreat all files as text\n\
     \t-b\tIgnore changes in the amount of whitespace\n\
     \t-w\tIgnore all whitespace\n\
     \t-B\tIgnore changes whose lines are all blank\n\
     \t-i\tIgnore case differences\n\
     \t--strip-trailing-cr\tIgnore carriage returns at the end of lines\n\
     \t-d\tTry hard to find a smaller set of changes\n\
     \t-r\tRecurse\n\
     \t-N\tTreat absent files as empty\n\
     \t-S FILE\tStart with FILE when comparing directories\n\
     \t-x PATTERN\tLeave out files of directories whose names match\n\
     \t-L LABEL\tUse LABEL instead of the file's name\n\
     \t-p\tShow which C function a change is in\n\
     \t-T\tMake tabs line up by prefixing a tab when necessary\n\
     \t-t\tExpand tabs to spaces in output",
)
.fails_with(2);

const OPTIONS: Spec = Spec::new(
    "abBdiNpqrTstwucU:C:L:S:x:",
    &[
        ("text", 'a'),
        ("ignore-space-change", 'b'),
        ("ignore-blank-lines", 'B'),
        ("minimal", 'd'),
        ("ignore-case", 'i'),
        ("new-file", 'N'),
        ("show-c-function", 'p'),
        ("brief", 'q'),
        ("recursive", 'r'),
        ("initial-tab", 'T'),
        ("report-identical-files", 's'),
        ("expand-tabs", 't'),
        ("ignore-all-space", 'w'),
        ("unified=?", 'U'),
        ("context=?", 'C'),
        ("normal", 'n'),
        ("label=", 'L'),
        ("starting-file=", 'S'),
        ("exclude=", 'x'),
        ("strip-trailing-cr", 'R'),
    ],
);

/// What the command line asks for.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    style: Style,
    brief: bool,
    report_same: bool,
    text: bool,
    ignore: Ignore,
    ignore_blank_lines: bool,
    minimal: bool,
    recursive: bool,
    new_file: bool,
    start: Option<OsString>,
    exclude: Vec<OsString>,
    labels: Vec<OsString>,
    functions: bool,
    initial_tab: bool,
    expand_tabs: bool,
}

/// A side of a comparison: its name and its content.
struct Side {
    name: OsString,
    bytes: Vec<u8>,
}

fn diff(cx: &mut Context<'_>) -> Result<Status> {
    let mut settings = Settings {
        style: Style::Unified(3),
        brief: false,
        report_same: false,
        text: false,
        ignore: Ignore::default(),
        ignore_blank_lines: false,
        minimal: false,
        recursive: false,
        new_file: false,
        start: None,
        exclude: Vec::new(),
        labels: Vec::new(),
        functions: false,
        initial_tab: false,
        expand_tabs: false,
    };
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        let mut lines = || match arguments.optional_value() {
            Some(value) => isobox_applet::number::unsigned(&value)
                .map(|lines| usize::try_from(lines).unwrap_or(usize::MAX / 4).min(usize::MAX / 4)),
            None => Ok(3),
        };
        match option {
            'a' => settings.text = true,
            'b' => settings.ignore.space_change = true,
            'B' => settings.ignore_blank_lines = true,
            'd' => settings.minimal = true,
            'i' => settings.ignore.case = true,
            'N' => settings.new_file = true,
            'p' => settings.functions = true,
            'q' => settings.brief = true,
            'r' => settings.recursive = true,
            'T' => settings.initial_tab = true,
            's' => settings.report_same = true,
            't' => settings.expand_tabs = true,
            'w' => settings.ignore.all_space = true,
            'R' => settings.ignore.trailing_cr = true,
            'u' | 'U' => settings.style = Style::Unified(lines()?),
            'c' | 'C' => settings.style = Style::Context(lines()?),
            'n' => settings.style = Style::Normal,
            'L' => settings.labels.push(arguments.value()),
            'S' => settings.start = Some(arguments.value()),
            'x' => settings.exclude.push(arguments.value()),
            _ => unreachable!("not in the table of options"),
        }
    }
    let operands = arguments.operands_between(2, 2)?;
    let [old, new] = operands.as_slice() else { unreachable!("two operands") };
    let differs = operands_differ(cx, &settings, old, new)?;
    Ok(if cx.failed { Status(2) } else { Status::failed_if(differs) })
}

fn operands_differ(
    cx: &mut Context<'_>,
    settings: &Settings,
    old: &OsStr,
    new: &OsStr,
) -> Result<bool> {
    let (old_kind, new_kind) = (kind(cx, old)?, kind(cx, new)?);
    match (old_kind == FileType::Directory, new_kind == FileType::Directory) {
        (true, true) => directory::compare(cx, settings, old, new),
        (false, true) => paths_differ(cx, settings, old, &directory::join(new, base(old))),
        (true, false) => paths_differ(cx, settings, &directory::join(old, base(new)), new),
        (false, false) => paths_differ(cx, settings, old, new),
    }
}

fn base(path: &OsStr) -> &OsStr {
    std::path::Path::new(path).file_name().unwrap_or(path)
}

fn kind(cx: &Context<'_>, path: &OsStr) -> Result<FileType> {
    if path == "-" {
        return Ok(FileType::RegularFile);
    }
    let status = rustix::fs::statat(cx.dir, path, AtFlags::empty())
        .map_err(|errno| Error::path(path, errno))?;
    Ok(FileType::from_raw_mode(status.st_mode))
}

/// Compares two files that are no directories.
fn paths_differ(
    cx: &mut Context<'_>,
    settings: &Settings,
    old: &OsStr,
    new: &OsStr,
) -> Result<bool> {
    if old == new {
        // Nothing needs to be read but to know that it can be.
        if old != "-" {
            cx.open_file(old)?;
        }
        return finish(cx, settings, old, new, false);
    }
    let old = Side { name: old.to_owned(), bytes: read(cx, old)? };
    let new = Side { name: new.to_owned(), bytes: read(cx, new)? };
    sides_differ(cx, settings, &old, &new)
}

fn read(cx: &Context<'_>, path: &OsStr) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut input: Input<'_> = cx.open(path)?;
    input.read_to_end(&mut bytes).map_err(|error| Error::path(path, error))?;
    Ok(bytes)
}

fn sides_differ(cx: &mut Context<'_>, settings: &Settings, old: &Side, new: &Side) -> Result<bool> {
    if old.bytes == new.bytes {
        return finish(cx, settings, &old.name, &new.name, false);
    }
    let binary = |bytes: &[u8]| memchr::memchr(0, &bytes[..bytes.len().min(32 * 1024)]).is_some();
    let exact = settings.ignore == Ignore::default() && !settings.ignore_blank_lines;
    if !settings.text && (binary(&old.bytes) || binary(&new.bytes)) {
        return say_differ(cx, &old.name, &new.name);
    }
    if settings.brief && exact {
        return finish(cx, settings, &old.name, &new.name, true);
    }
    let (old_text, new_text) = (Text::new(&old.bytes), Text::new(&new.bytes));
    let mut script = hunks::script(&old_text, &new_text, &settings.ignore, settings.minimal);
    if settings.ignore_blank_lines {
        script.retain(|change| {
            let blank = |text: &Text<'_>, range: &std::ops::Range<usize>| {
                range.clone().all(|line| text.line(line).trim_ascii().is_empty())
            };
            !(blank(&old_text, &change.old) && blank(&new_text, &change.new))
        });
    }
    if script.is_empty() || settings.brief {
        return finish(cx, settings, &old.name, &new.name, !script.is_empty());
    }
    let label =
        |index: usize, name: &OsStr| settings.labels.get(index).map_or(name, |l| l).to_owned();
    let names = (label(0, &old.name), label(1, &new.name));
    show::Show { settings, old: &old_text, new: &new_text }.all(cx, &names, &script)?;
    Ok(true)
}

/// Says of two files what is asked to be said of them as a whole.
fn finish(
    cx: &mut Context<'_>,
    settings: &Settings,
    old: &OsStr,
    new: &OsStr,
    differ: bool,
) -> Result<bool> {
    if differ {
        return say_differ(cx, old, new);
    }
    if settings.report_same {
        say(cx, &[b"Files ", old.as_bytes(), b" and ", new.as_bytes(), b" are identical\n"])?;
    }
    Ok(false)
}

fn say_differ(cx: &mut Context<'_>, old: &OsStr, new: &OsStr) -> Result<bool> {
    say(cx, &[b"Files ", old.as_bytes(), b" and ", new.as_bytes(), b" differ\n"])?;
    Ok(true)
}

fn say(cx: &mut Context<'_>, parts: &[&[u8]]) -> Result<()> {
    parts.iter().try_for_each(|part| cx.stdout.put(part))
}
