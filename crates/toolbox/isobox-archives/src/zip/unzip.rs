//! The applet.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::glob::{self, Flags};
use isobox_applet::time::Civil;
use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status, mode};
use isopod_tar::{Entry, Kind};
use rustix::fs::{AtFlags, Mode, OFlags};

use super::format::{File, Member};
use crate::codec::{Codec, InflateReader, corrupt};
use crate::unpack::{Existing, FromReader, Policy, Unpacker, clean};

/// `unzip`
pub(crate) const UNZIP: Applet = Applet::new(
    "unzip",
    unzip,
    "[-lvtpnojqK] [-d DIR] FILE[.zip] [PATTERN]... [-x PATTERN...]\n\n\
    List or unpack a zip archive\n\n\
    \t-l\tList\n\t-v\tList with all there is to say\n\t-t\tTest\n\
    \t-p\tWrite to standard output, and nothing else\n\
    \t-n\tNever replace files\n\t-o\tReplace files without asking\n\
    \t-j\tDo not make directories\n\t-K\tKeep set-id and sticky bits\n\
    \t-q\tSay less\n\t-d DIR\tUnpack into DIR\n\t-x\tAll but what matches PATTERNs after it",
);

const SPEC: Spec = Spec::new("lvtpnojqKd:x", &[]);

/// The longest target of a link.
const LINK_BYTES: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Task {
    #[default]
    Unpack,
    List,
    Details,
    Test,
    Print,
}

#[derive(Debug, Default)]
struct Options {
    task: Task,
    /// Whether files are replaced, where that is decided for all.
    replace: Option<bool>,
    junk_paths: bool,
    quiet: u8,
    keep_bits: bool,
    directory: Option<OsString>,
    wanted: Vec<OsString>,
    excluded: Vec<OsString>,
}

fn unzip(cx: &mut Context<'_>) -> Result<Status> {
    let mut options = Options::default();
    let mut exclusions = usize::MAX;
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'l' => options.task = Task::List,
            'v' => options.task = Task::Details,
            't' => options.task = Task::Test,
            'p' => options.task = Task::Print,
            'n' => options.replace = Some(false),
            'o' => options.replace = Some(true),
            'j' => options.junk_paths = true,
            'q' => options.quiet += 1,
            'K' => options.keep_bits = true,
            'd' => options.directory = Some(arguments.value()),
            _ => exclusions = exclusions.min(arguments.operands_so_far()),
        }
    }
    let mut operands = arguments.operands_between(1, usize::MAX)?;
    options.excluded = operands.split_off(exclusions.min(operands.len()).max(1));
    options.wanted = operands.split_off(1);
    let (name, input) = open(cx, &operands[0])?;
    let fail = |error: io::Error| Error::path(&name, error);
    let file = File::new(input.as_fd()).map_err(fail)?;
    let members = file.directory().map_err(fail)?;
    check_overlaps(&members).map_err(fail)?;
    if options.task != Task::Print && options.quiet == 0 {
        cx.stdout.put(&[b"Archive:  ", name.as_bytes(), b"\n"].concat())?;
    }
    let members: Vec<&Member> =
        members.iter().filter(|member| options.wants(&member.name)).collect();
    match options.task {
        Task::List | Task::Details => list(cx, &members, &options)?,
        _ => Unzipping::new(cx, options)?.all(cx, file, &members)?,
    }
    Ok(cx.status())
}

/// The archive by its name, or by that with `.zip`.
fn open<'a>(cx: &Context<'a>, name: &OsStr) -> Result<(OsString, Input<'a>)> {
    let first = match cx.open_file(name) {
        Ok(input) => return Ok((name.to_owned(), input)),
        Err(error) => error,
    };
    for ending in [".zip", ".ZIP"] {
        let mut longer = name.to_owned();
        longer.push(ending);
        if let Ok(input) = cx.open_file(&longer) {
            return Ok((longer, input));
        }
    }
    Err(first)
}

/// Members that share their data are made to fill a disk.
fn check_overlaps(members: &[Member]) -> io::Result<()> {
    let mut places: Vec<(u64, u64)> =
        members.iter().map(|member| (member.offset, member.packed)).collect();
    places.sort_unstable();
    for pair in places.windows(2) {
        if pair[0].0.saturating_add(pair[0].1) > pair[1].0 {
            return Err(corrupt(format!("members overlap at byte {}", pair[1].0)));
        }
    }
    Ok(())
}

impl Options {
    fn wants(&self, name: &[u8]) -> bool {
        let matches =
            |pattern: &OsString| glob::matches(pattern.as_bytes(), name, Flags::default());
        (self.wanted.is_empty() || self.wanted.iter().any(matches))
            && !self.excluded.iter().any(matches)
    }
}

fn list(cx: &mut Context<'_>, members: &[&Member], options: &Options) -> Result<()> {
    let details = options.task == Task::Details;
    if options.quiet == 0 {
        cx.stdout.put(if details {
            b" Length   Method    Size  Cmpr    Date    Time   CRC-32   Name\n\
            --------  ------  ------- ---- ---------- ----- --------  ----\n"
        } else {
            b"  Length      Date    Time    Name\n\
            ---------  ---------- -----   ----\n"
        })?;
    }
    let (mut count, mut size, mut packed) = (0_u64, 0_u64, 0_u64);
    for member in members {
        count += 1;
        size = size.saturating_add(member.size);
        packed = packed.saturating_add(member.packed);
        let date = Civil::local(member.mtime, 0).format("%m-%d-%Y %H:%M");
        if details {
            let method = method_name(member.method);
            let ratio = ratio(member.size, member.packed);
            write!(
                cx.stdout,
                "{:>8}  {method:<6} {:>8} {ratio:>3}% {date} {:08x}  ",
                member.size, member.packed, member.crc
            )?;
        } else {
            write!(cx.stdout, "{:>9}  {date}   ", member.size)?;
        }
        cx.stdout.put(&[&member.name[..], b"\n"].concat())?;
    }
    if options.quiet > 0 {
        return Ok(());
    }
    if details {
        let ratio = ratio(size, packed);
        writeln!(
            cx.stdout,
            "--------          ------- ----                            ----\n\
            {size:>8}         {packed:>8} {ratio:>3}%                            {count} files"
        )
    } else {
        writeln!(
            cx.stdout,
            " --------                     -------\n{size:>9}                     {count} files"
        )
    }
}

fn ratio(size: u64, packed: u64) -> i64 {
    if size == 0 {
        return 0;
    }
    let saved = (i128::from(size) - i128::from(packed)) * 100 / i128::from(size);
    saved as i64
}

fn method_name(method: u16) -> String {
    match method {
        0 => "Stored".to_owned(),
        8 => "Defl:N".to_owned(),
        12 => "BZip2".to_owned(),
        93 => "Zstd".to_owned(),
        95 => "XZ".to_owned(),
        other => format!("Unk:{other:03}"),
    }
}

/// Unpacking, testing or printing.
struct Unzipping {
    options: Options,
    unpacker: Option<Unpacker>,
    root: Option<std::os::fd::OwnedFd>,
}

impl Unzipping {
    fn new(cx: &Context<'_>, options: Options) -> Result<Self> {
        if options.task != Task::Unpack {
            return Ok(Self { options, unpacker: None, root: None });
        }
        let name = options.directory.as_deref().unwrap_or(OsStr::new("."));
        match rustix::fs::mkdirat(cx.dir, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(Error::doing("can't create directory", name, errno)),
        }
        let open = || cx.open_with(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
        let policy = Policy {
            existing: Existing::Replace,
            permissions: options.keep_bits,
            times: true,
            umask: mode::umask(),
            ..Policy::default()
        };
        let (unpacker, root) = (Unpacker::new(open()?, policy), open()?);
        Ok(Self { options, unpacker: Some(unpacker), root: Some(root) })
    }

    fn all(mut self, cx: &mut Context<'_>, file: File<'_>, members: &[&Member]) -> Result<()> {
        let mut faults = 0_u64;
        for member in members {
            let outcome = self.one(cx, file, member).map_err(|error| match error {
                Error::Read(error) => Error::path(OsStr::from_bytes(&member.name), error),
                other => other,
            });
            faults += u64::from(cx.attempt(outcome)?.is_none());
        }
        for error in self.unpacker.map(Unpacker::finish).unwrap_or_default() {
            cx.report(&error);
        }
        if self.options.task == Task::Test && self.options.quiet < 2 {
            match faults {
                0 => cx.stdout.put(b"No errors detected.\n")?,
                faults => writeln!(cx.stdout, "{faults} members are damaged.")?,
            }
        }
        Ok(())
    }

    fn one(&mut self, cx: &mut Context<'_>, file: File<'_>, member: &Member) -> Result<()> {
        if member.encrypted {
            let phrase = [&member.name[..], b": encrypted, which is not supported"].concat();
            return Err(Error::Bytes(phrase));
        }
        let mut checked = Checked::new(contents(file, member)?, member);
        let is_directory = member.name.ends_with(b"/");
        if self.options.task != Task::Unpack {
            let tests = self.options.task == Task::Test;
            if tests && self.options.quiet == 0 {
                cx.stdout.put(&[b"    testing: ", &member.name[..], b"\n"].concat())?;
            }
            let mut buffer = vec![0; 128 << 10];
            loop {
                match checked.read(&mut buffer).map_err(Error::Read)? {
                    0 => return Ok(()),
                    _ if tests => {}
                    count => cx.stdout.put(&buffer[..count])?,
                }
            }
        }
        if self.options.junk_paths && is_directory {
            return Ok(());
        }
        let name = match self.options.junk_paths {
            true => member.name.rsplit(|&byte| byte == b'/').next().unwrap_or_default(),
            false => &member.name[..],
        };
        let refused = || Error::Bytes([b"name with '..' skipped: ", &member.name[..]].concat());
        let path = clean(name).ok_or_else(refused)?;
        let mut entry = describe(member, path, is_directory);
        if entry.kind == Kind::Symlink {
            if member.size > LINK_BYTES {
                return Err(Error::Read(corrupt("the target of a link is too long")));
            }
            checked.read_to_end(&mut entry.link).map_err(Error::Read)?;
        }
        self.unpack(cx, member, entry, &mut checked)
    }

    fn unpack(
        &mut self,
        cx: &mut Context<'_>,
        member: &Member,
        mut entry: Entry,
        data: &mut dyn Read,
    ) -> Result<()> {
        let (Some(unpacker), Some(root)) = (&mut self.unpacker, &self.root) else { return Ok(()) };
        if entry.kind != Kind::Directory && exists(root, &entry.path) {
            match answer(cx, &mut self.options, &entry.path) {
                Answer::Skip => return Ok(()),
                Answer::Replace => {}
                Answer::Rename(path) => {
                    let refused = || Error::Bytes([b"not a fit name: ", &path[..]].concat());
                    entry.path =
                        clean(&path).filter(|path| !path.is_empty()).ok_or_else(refused)?;
                }
            }
        }
        let is_there = entry.kind == Kind::Directory && exists(root, &entry.path);
        if self.options.quiet == 0 && !is_there {
            let verb: &[u8] = match entry.kind {
                Kind::Directory => b"   creating: ",
                Kind::Symlink => b"    linking: ",
                _ => b"  inflating: ",
            };
            let mut line = [verb, &member.name].concat();
            if entry.kind == Kind::Symlink {
                line.extend_from_slice(b" -> ");
                line.extend_from_slice(&entry.link);
            }
            line.push(b'\n');
            cx.stdout.put(&line)?;
        }
        unpacker.entry(&entry, &mut FromReader::new(data))
    }
}

fn exists(root: &std::os::fd::OwnedFd, path: &[u8]) -> bool {
    let slash = memchr::memrchr(b'/', path);
    let (directory, name) = match slash {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b"."[..], path),
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    isopod_sys::rooted::open(root, directory, flags, rustix::fs::ResolveFlags::empty())
        .and_then(|directory| rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW))
        .is_ok()
}

enum Answer {
    Replace,
    Skip,
    Rename(Vec<u8>),
}

/// Asks what to do with a file that is there.
fn answer(cx: &mut Context<'_>, options: &mut Options, path: &[u8]) -> Answer {
    loop {
        match options.replace {
            Some(true) => return Answer::Replace,
            Some(false) => return Answer::Skip,
            None => {}
        }
        let question = [b"replace ", path, b"? [y]es, [n]o, [A]ll, [N]one, [r]ename: "].concat();
        let Some(line) = ask(cx, &question) else { return Answer::Skip };
        match line.first() {
            Some(b'y') => return Answer::Replace,
            Some(b'n') => return Answer::Skip,
            Some(b'A') => options.replace = Some(true),
            Some(b'N') => options.replace = Some(false),
            Some(b'r') => match ask(cx, b"new name: ") {
                Some(name) if !name.is_empty() => return Answer::Rename(name),
                _ => return Answer::Skip,
            },
            _ => {}
        }
    }
}

/// A line of standard input; nothing at its end.
fn ask(cx: &mut Context<'_>, question: &[u8]) -> Option<Vec<u8>> {
    cx.stdout.flush().ok();
    isobox_applet::write_all(cx.stderr, question).ok();
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match isobox_applet::read(cx.stdin, &mut byte) {
            Ok(1) if byte[0] == b'\n' => return Some(line),
            Ok(1) if line.len() < 4096 => line.push(byte[0]),
            Ok(1) => {}
            _ => return (!line.is_empty()).then_some(line),
        }
    }
}

fn describe(member: &Member, path: Vec<u8>, is_directory: bool) -> Entry {
    let kind = match member.mode.unwrap_or(0) & 0o170_000 {
        _ if is_directory => Kind::Directory,
        0o120_000 => Kind::Symlink,
        _ => Kind::File,
    };
    let usual = if is_directory { 0o777 } else { 0o666 };
    let permissions = member.mode.map(|mode| mode & 0o7777).filter(|&mode| mode != 0);
    Entry {
        size: member.size,
        stored: member.size,
        mtime: (member.mtime, 0),
        ..Entry::plain(&path, kind, permissions.unwrap_or(usual))
    }
}

/// A member's data, decompressed.
pub(crate) fn contents<'a>(file: File<'a>, member: &Member) -> Result<Box<dyn Read + 'a>> {
    let packed = file.data(member).map_err(Error::Read)?;
    Ok(match member.method {
        0 => Box::new(packed),
        8 => Box::new(InflateReader::new(packed)),
        12 => Codec::Bzip2.reader(packed).map_err(Error::Read)?,
        93 => Codec::Zstd.reader(packed).map_err(Error::Read)?,
        95 => Codec::Xz.reader(packed).map_err(Error::Read)?,
        other => {
            let text = format!(": compression method {other} is not supported");
            return Err(Error::Bytes([&member.name[..], text.as_bytes()].concat()));
        }
    })
}

/// Data whose length and checksum the directory states. More than stated is never handed out.
struct Checked<'a> {
    input: Box<dyn Read + 'a>,
    crc: crc32fast::Hasher,
    left: u64,
    expected: u32,
    ended: bool,
}

impl<'a> Checked<'a> {
    fn new(input: Box<dyn Read + 'a>, member: &Member) -> Self {
        let crc = crc32fast::Hasher::new();
        Self { input, crc, left: member.size, expected: member.crc, ended: false }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.ended || target.is_empty() {
            return Ok(0);
        }
        let count = self.input.read(target)?;
        if count as u64 > self.left {
            return Err(corrupt("the data are longer than the directory says"));
        }
        self.left -= count as u64;
        self.crc.update(&target[..count]);
        if count == 0 {
            self.ended = true;
            if self.left > 0 {
                return Err(corrupt("the data are shorter than the directory says"));
            }
            if self.crc.clone().finalize() != self.expected {
                return Err(corrupt("crc error: the data are damaged"));
            }
        }
        Ok(count)
    }
}
