//! The command line of `tar`, in its old form (`tar xzf FILE`) as well.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::mode::ModeChange;
use isobox_applet::{Arguments, Context, Error, Result, Spec, dates, number, time, users};
use isopod_tar::Format;

use super::names::Excluded;
use super::transform::Transform;
use crate::codec::Codec;
use crate::unpack::Existing;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Extract,
    List,
    Append,
    Update,
}

/// An operand, and how many of the directories it comes after.
#[derive(Debug)]
pub(crate) struct Operand {
    pub(super) name: OsString,
    pub(super) directories: usize,
}

/// Everything that was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) action: Action,
    pub(crate) archive: Option<OsString>,
    pub(crate) codec: Option<Codec>,
    pub(crate) level: Option<i32>,
    pub(crate) format: Option<Format>,
    pub(crate) record_blocks: u64,
    pub(crate) verbose: u8,
    pub(crate) operands: Vec<Operand>,
    pub(crate) directories: Vec<OsString>,
    pub(crate) excluded: Excluded,
    pub(crate) wildcards: bool,
    pub(crate) transforms: Vec<Transform>,
    pub(crate) strip: usize,
    pub(crate) absolute: bool,
    pub(crate) recursive: bool,
    pub(crate) xattrs: bool,
    pub(crate) numeric_owner: bool,
    pub(crate) ignore_zeros: bool,
    // Unpacking.
    pub(crate) to_stdout: bool,
    pub(crate) existing: Existing,
    pub(crate) same_owner: Option<bool>,
    pub(crate) same_permissions: Option<bool>,
    pub(crate) touch: bool,
    // Packing.
    pub(crate) dereference: bool,
    pub(crate) hard_dereference: bool,
    pub(crate) one_file_system: bool,
    pub(crate) sparse: bool,
    pub(crate) sorted: bool,
    pub(crate) owner: Option<(String, u32)>,
    pub(crate) group: Option<(String, u32)>,
    pub(crate) mode: Option<ModeChange>,
    pub(crate) mtime: Option<(i64, u32)>,
    pub(crate) clamp_mtime: bool,
}

const SPEC: Spec = Spec::new(
    "cxtruf:C:zjJavpPOkmT:X:hoSb:BiUH:",
    &[
        ("create", 'c'),
        ("extract", 'x'),
        ("get", 'x'),
        ("list", 't'),
        ("append", 'r'),
        ("update", 'u'),
        ("file=", 'f'),
        ("directory=", 'C'),
        ("gzip", 'z'),
        ("gunzip", 'z'),
        ("ungzip", 'z'),
        ("bzip2", 'j'),
        ("xz", 'J'),
        ("lzma", 'L'),
        ("zstd", 'Z'),
        ("auto-compress", 'a'),
        ("verbose", 'v'),
        ("same-permissions", 'p'),
        ("preserve-permissions", 'p'),
        ("no-same-permissions", 'Q'),
        ("absolute-names", 'P'),
        ("to-stdout", 'O'),
        ("keep-old-files", 'k'),
        ("skip-old-files", 's'),
        ("keep-newer-files", 'n'),
        ("overwrite", 'w'),
        ("unlink-first", 'U'),
        ("touch", 'm'),
        ("same-owner", 'A'),
        ("no-same-owner", 'o'),
        ("numeric-owner", 'N'),
        ("files-from=", 'T'),
        ("null", '0'),
        ("exclude=", 'e'),
        ("exclude-from=", 'X'),
        ("exclude-vcs", 'V'),
        ("anchored", '^'),
        ("no-anchored", '~'),
        ("wildcards", '*'),
        ("no-wildcards", '\''),
        ("strip-components=", 'd'),
        ("transform=", '/'),
        ("xform=", '/'),
        ("recursion", 'R'),
        ("no-recursion", 'D'),
        ("dereference", 'h'),
        ("hard-dereference", 'l'),
        ("one-file-system", '1'),
        ("sparse", 'S'),
        ("xattrs", 'E'),
        ("no-xattrs", 'F'),
        ("ignore-zeros", 'i'),
        ("read-full-records", 'B'),
        ("blocking-factor=", 'b'),
        ("format=", 'H'),
        ("owner=", '2'),
        ("group=", '3'),
        ("mode=", '4'),
        ("mtime=", '5'),
        ("clamp-mtime", '6'),
        ("sort=", '7'),
        ("keep-directory-symlink", '8'),
    ],
);

/// Directories and files of version control, for `--exclude-vcs`.
const VERSION_CONTROL: &[&str] = &[
    "CVS",
    ".cvsignore",
    "RCS",
    "SCCS",
    ".svn",
    ".git",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".arch-ids",
    "{arch}",
    "=RELEASE-ID",
    "=meta-update",
    "=update",
    ".bzr",
    ".bzrignore",
    ".bzrtags",
    ".hg",
    ".hgignore",
    ".hgtags",
    "_darcs",
];

/// Reads the command line.
pub(super) fn parse(cx: &mut Context<'_>) -> Result<Options> {
    cx.args = expand_old(std::mem::take(&mut cx.args))?;
    let mut reading = Reading {
        options: defaults(Action::List),
        action: None,
        auto: false,
        lists: Vec::new(),
        null: false,
        places: Vec::new(),
    };
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        reading.option(cx, option, &mut arguments)?;
    }
    reading.finish(cx, arguments.operands())
}

impl Options {
    /// What lists an archive.
    pub(crate) fn list() -> Self {
        defaults(Action::List)
    }

    /// What unpacks an archive.
    pub(crate) fn extract() -> Self {
        defaults(Action::Extract)
    }

    /// What makes an archive of one operand, which comes after all directories.
    pub(crate) fn create(name: OsString) -> Self {
        Self {
            operands: vec![Operand { name, directories: usize::MAX }],
            ..defaults(Action::Create)
        }
    }
}

fn defaults(action: Action) -> Options {
    Options {
        action,
        archive: None,
        codec: None,
        level: None,
        format: None,
        record_blocks: 20,
        verbose: 0,
        operands: Vec::new(),
        directories: Vec::new(),
        excluded: Excluded::default(),
        wildcards: true,
        transforms: Vec::new(),
        strip: 0,
        absolute: false,
        recursive: true,
        xattrs: false,
        numeric_owner: false,
        ignore_zeros: false,
        to_stdout: false,
        existing: Existing::Replace,
        same_owner: None,
        same_permissions: None,
        touch: false,
        dereference: false,
        hard_dereference: false,
        one_file_system: false,
        sparse: false,
        sorted: true,
        owner: None,
        group: None,
        mode: None,
        mtime: None,
        clamp_mtime: false,
    }
}

/// Options as they are read.
struct Reading {
    options: Options,
    action: Option<Action>,
    auto: bool,
    null: bool,
    /// Files with names, and how many operands and directories stand before them.
    lists: Vec<(OsString, usize, usize)>,
    /// How many operands stand before each directory.
    places: Vec<usize>,
}

impl Reading {
    fn option(&mut self, cx: &Context<'_>, option: char, arguments: &mut Arguments) -> Result<()> {
        let options = &mut self.options;
        match option {
            'c' => self.act(Action::Create)?,
            'x' => self.act(Action::Extract)?,
            't' => self.act(Action::List)?,
            'r' => self.act(Action::Append)?,
            'u' => self.act(Action::Update)?,
            'f' => options.archive = Some(arguments.value()).filter(|name| name != "-"),
            'C' => {
                options.directories.push(arguments.value());
                self.places.push(arguments.operands_so_far());
            }
            'z' => options.codec = Some(Codec::Gzip),
            'j' => options.codec = Some(Codec::Bzip2),
            'J' => options.codec = Some(Codec::Xz),
            'L' => options.codec = Some(Codec::Lzma),
            'Z' => options.codec = Some(Codec::Zstd),
            'a' => self.auto = true,
            'v' => options.verbose = options.verbose.saturating_add(1),
            'p' => options.same_permissions = Some(true),
            'Q' => options.same_permissions = Some(false),
            'P' => options.absolute = true,
            'O' => options.to_stdout = true,
            'k' => options.existing = Existing::Refuse,
            's' => options.existing = Existing::Skip,
            'n' => options.existing = Existing::KeepNewer,
            'w' => options.existing = Existing::Overwrite,
            'm' => options.touch = true,
            'A' => options.same_owner = Some(true),
            'o' => options.same_owner = Some(false),
            'N' => options.numeric_owner = true,
            'T' => {
                let (operands, places) = (arguments.operands_so_far(), self.places.len());
                self.lists.push((arguments.value(), operands, places));
            }
            '0' => self.null = true,
            'e' => options.excluded.add(arguments.value().as_bytes()),
            'X' => {
                let name = arguments.value();
                for pattern in lines(cx, &name, b'\n')? {
                    options.excluded.add(pattern.as_bytes());
                }
            }
            'V' => VERSION_CONTROL.iter().for_each(|name| options.excluded.add(name.as_bytes())),
            '^' => options.excluded.anchored = true,
            '~' => options.excluded.anchored = false,
            '*' => options.wildcards = true,
            '\'' => options.wildcards = false,
            'd' => {
                let count = number::unsigned(&arguments.value())?;
                options.strip = usize::try_from(count).unwrap_or(usize::MAX);
            }
            '/' => options.transforms.push(Transform::parse(arguments.value().as_bytes())?),
            'R' => options.recursive = true,
            'D' => options.recursive = false,
            'h' => options.dereference = true,
            'l' => options.hard_dereference = true,
            '1' => options.one_file_system = true,
            'S' => options.sparse = true,
            'E' => options.xattrs = true,
            'F' => options.xattrs = false,
            'i' => options.ignore_zeros = true,
            'b' => options.record_blocks = number::unsigned(&arguments.value())?.clamp(1, 1 << 20),
            'H' => options.format = Some(format(&arguments.text()?)?),
            '2' => options.owner = Some(owner(&arguments.text()?, users::uid_of, "user")?),
            '3' => options.group = Some(owner(&arguments.text()?, users::gid_of, "group")?),
            '4' => {
                let text = arguments.text()?;
                let change = ModeChange::parse(&text);
                let bad = || Error::message(format!("invalid mode '{text}'"));
                options.mode = Some(change.ok_or_else(bad)?);
            }
            '5' => {
                let text = arguments.text()?;
                let moment = dates::parse(&text, time::now(), false);
                let bad = || Error::message(format!("invalid date '{text}'"));
                options.mtime = Some(moment.ok_or_else(bad)?);
            }
            '6' => options.clamp_mtime = true,
            '7' => {
                options.sorted = match arguments.text()?.as_str() {
                    "name" => true,
                    "none" => false,
                    other => {
                        return Err(Error::message(format!(
                            "unknown order '{other}': expected name or none"
                        )));
                    }
                };
            }
            // Files are removed before they are made anyway, links to directories stay, and
            // records are always read whole.
            _ => {}
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Result<()> {
        if self.action.is_some_and(|other| other != action) {
            return Err(Error::usage("only one of c, x, t, r, u can be done"));
        }
        self.action = Some(action);
        Ok(())
    }

    fn finish(self, cx: &Context<'_>, words: Vec<OsString>) -> Result<Options> {
        let mut options = self.options;
        options.action =
            self.action.ok_or_else(|| Error::usage("one of c, x, t, r, u is needed"))?;
        let packs = !matches!(options.action, Action::Extract | Action::List);
        if self.auto && packs {
            options.codec = options
                .archive
                .as_ref()
                .and_then(|name| Codec::of_name(name.as_bytes()))
                .or(options.codec);
        }
        for (index, name) in words.into_iter().enumerate() {
            let directories = self.places.iter().filter(|&&place| place <= index).count();
            options.operands.push(Operand { name, directories });
        }
        // The last first, so that the places of the others stay.
        for (list, place, directories) in self.lists.into_iter().rev() {
            let names = lines(cx, &list, if self.null { 0 } else { b'\n' })?;
            let operands = names.into_iter().map(|name| Operand { name, directories });
            options.operands.splice(place..place, operands);
        }
        Ok(options)
    }
}

/// The lines of a file of names or patterns; empty ones say nothing.
fn lines(cx: &Context<'_>, name: &OsStr, delimiter: u8) -> Result<Vec<OsString>> {
    let mut bytes = Vec::new();
    let mut input = cx.open(name)?;
    input.read_to_end(&mut bytes).map_err(|error| Error::path(name, error))?;
    Ok(bytes
        .split(|&byte| byte == delimiter)
        .filter(|line| !line.is_empty())
        .map(|line| OsStr::from_bytes(line).to_owned())
        .collect())
}

fn format(text: &str) -> Result<Format> {
    match text {
        "gnu" | "oldgnu" => Ok(Format::Gnu),
        "pax" | "posix" => Ok(Format::Pax),
        "ustar" => Ok(Format::Ustar),
        "v7" => Ok(Format::V7),
        other => {
            Err(Error::message(format!("unknown format '{other}': expected gnu, pax, ustar or v7")))
        }
    }
}

/// `NAME`, `NAME:NUMBER` or `NUMBER`: what the archive is to say.
fn owner(text: &str, find: fn(&str) -> Option<u32>, what: &str) -> Result<(String, u32)> {
    let bad = || Error::message(format!("unknown {what} '{text}'"));
    if let Some((name, number)) = text.split_once(':') {
        return Ok((name.to_owned(), number.parse().map_err(|_| bad())?));
    }
    let id = find(text).ok_or_else(bad)?;
    let is_number = text.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
    Ok((if is_number { String::new() } else { text.to_owned() }, id))
}

/// `tar xfz FILE` as `tar -x -f FILE -z`: the letters' arguments follow in order.
fn expand_old(words: Vec<OsString>) -> Result<Vec<OsString>> {
    let Some(first) = words.first().and_then(|word| word.to_str()) else { return Ok(words) };
    if first.starts_with('-') || first.is_empty() {
        return Ok(words);
    }
    let mut expanded = Vec::with_capacity(words.len() + first.len());
    let mut rest = words.iter().skip(1).cloned();
    for letter in first.chars() {
        expanded.push(OsString::from(format!("-{letter}")));
        if "fCTXbH".contains(letter) {
            let missing = || Error::usage(format!("option requires an argument -- '{letter}'"));
            expanded.push(rest.next().ok_or_else(missing)?);
        }
    }
    expanded.extend(rest);
    Ok(expanded)
}
