//! `cpio`: archives of the files whose names it reads.

mod format;
mod pack;
mod read;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Arguments, Context, Error, Input, Place, Result, Spec, Status, users};

use format::Format;
pub(crate) use format::{finish, next};

/// `cpio`
pub(crate) const CPIO: Applet = Applet::new(
    "cpio",
    cpio,
    "-i [-tdmuvf0] [-H FMT] [-F FILE] [-D DIR] [-R USER[:GROUP]] [-E FILE] [PATTERN]...\n   \
    or: cpio -o [-0vL] [-H FMT] [-F FILE] [-D DIR] [-R USER[:GROUP]] <NAMES\n   \
    or: cpio -p [-0dmuvlL] [-R USER[:GROUP]] DIR <NAMES\n\n\
    Unpack (-i), list (-t), make (-o) cpio archives, or copy files (-p)\n\n\
    \t-H FMT\tFormat: newc (default), crc, odc\n\
    \t-F FILE\tThe archive, instead of standard input or output\n\
    \t-D DIR\tGo to DIR first\n\
    \t-d\tMake directories as needed\n\t-m\tRestore times\n\
    \t-u\tReplace newer files, too\n\
    \t-f\tAll but what matches PATTERNs\n\t-E FILE\tMore PATTERNs from FILE\n\
    \t-0\tNames end in a NUL\n\t-L\tStore what links point to\n\t-l\tLink instead of copying\n\
    \t-R USER\tOwner of everything\n\
    \t-v\tNames of files; with -t all about them\n\
    \t--quiet\tDo not say how many blocks there were\n\
    \t--absolute-filenames\tUnpack to absolute names as well\n\
    \t--no-preserve-owner\tFiles belong to who unpacks them",
)
.at(Place::Bin);

const SPEC: Spec = Spec::new(
    "iotpdmuvf0lLH:F:I:O:D:R:E:BC:c",
    &[
        ("extract", 'i'),
        ("create", 'o'),
        ("list", 't'),
        ("pass-through", 'p'),
        ("make-directories", 'd'),
        ("preserve-modification-time", 'm'),
        ("unconditional", 'u'),
        ("verbose", 'v'),
        ("nonmatching", 'f'),
        ("null", '0'),
        ("link", 'l'),
        ("dereference", 'L'),
        ("format=", 'H'),
        ("file=", 'F'),
        ("directory=", 'D'),
        ("owner=", 'R'),
        ("pattern-file=", 'E'),
        ("quiet", 'q'),
        ("absolute-filenames", 'A'),
        ("no-absolute-filenames", 'N'),
        ("no-preserve-owner", 'n'),
    ],
);

#[derive(Debug, Default)]
struct Options {
    extract: bool,
    create: bool,
    list: bool,
    pass: bool,
    make_directories: bool,
    times: bool,
    unconditional: bool,
    verbose: bool,
    nonmatching: bool,
    null: bool,
    link: bool,
    dereference: bool,
    quiet: bool,
    absolute: bool,
    own_files: bool,
    format: Format,
    archive: Option<OsString>,
    directory: Option<OsString>,
    owner: (Option<u32>, Option<u32>),
    patterns: Vec<OsString>,
}

fn cpio(cx: &mut Context<'_>) -> Result<Status> {
    let options = parse(cx)?;
    match (options.extract || options.list, options.create, options.pass) {
        (true, false, false) => read::read(cx, &options)?,
        (false, true, false) => pack::create(cx, &options)?,
        (false, false, true) => pack::pass(cx, &options)?,
        _ => return Err(Error::usage("one of -i, -t, -o, -p is needed")),
    }
    Ok(cx.status())
}

fn parse(cx: &mut Context<'_>) -> Result<Options> {
    let mut options = Options::default();
    let mut pattern_files = Vec::new();
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'i' => options.extract = true,
            'o' => options.create = true,
            't' => options.list = true,
            'p' => options.pass = true,
            'd' => options.make_directories = true,
            'm' => options.times = true,
            'u' => options.unconditional = true,
            'v' => options.verbose = true,
            'f' => options.nonmatching = true,
            '0' => options.null = true,
            'l' => options.link = true,
            'L' => options.dereference = true,
            'q' => options.quiet = true,
            'A' => options.absolute = true,
            'N' => options.absolute = false,
            'n' => options.own_files = true,
            'c' => options.format = Format::Odc,
            'H' => options.format = format(&mut arguments)?,
            'F' | 'I' | 'O' => options.archive = Some(arguments.value()),
            'D' => options.directory = Some(arguments.value()),
            'R' => options.owner = users::owner(&arguments.text()?).map_err(Error::message)?,
            'E' => pattern_files.push(arguments.value()),
            // The size of blocks, which nothing depends on but tape drives.
            _ => {}
        }
    }
    options.patterns = arguments.operands();
    for file in pattern_files {
        options.patterns.extend(lines(&mut cx.open(&file)?, b'\n').map_err(|e| e.on(&file))?);
    }
    Ok(options)
}

fn format(arguments: &mut Arguments) -> Result<Format> {
    match arguments.text()?.as_str() {
        "newc" => Ok(Format::Newc),
        "crc" => Ok(Format::Crc),
        "odc" => Ok(Format::Odc),
        other => {
            Err(Error::message(format!("unknown format '{other}': expected newc, crc or odc")))
        }
    }
}

/// The names in a file; empty ones say nothing.
fn lines(input: &mut Input<'_>, delimiter: u8) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    while let Some(line) = input.line(delimiter).map_err(Error::Read)? {
        let name = line.strip_suffix(&[delimiter]).unwrap_or(line);
        if !name.is_empty() {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Says how long the archive was, in blocks of 512 bytes.
fn tell_blocks(cx: &mut Context<'_>, options: &Options, bytes: u64) -> Result<()> {
    cx.stdout.flush()?;
    if !options.quiet {
        let line = format!("{} blocks\n", bytes.div_ceil(512));
        // A message that nobody can read has nowhere else to go.
        isobox_applet::write_all(cx.stderr, line.as_bytes()).ok();
    }
    Ok(())
}
