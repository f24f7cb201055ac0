//! `dpkg-deb`: looks into Debian packages, unpacks and makes them.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use isobox_applet::{Applet, Context, Error, Input, Result, Spec, Status, time, tree, write_all};
use isopod_tar::{Kind, Limits};
use rustix::fs::{AtFlags, Mode};

use crate::ar;
use crate::codec::{Codec, MAGIC_BYTES, corrupt};
use crate::tar;

/// `dpkg-deb`
pub(crate) const DPKG_DEB: Applet = Applet::new(
    "dpkg-deb",
    dpkg_deb,
    "-c|-x|-X|-e|-f|-I|-W|-b [-Z TYPE] [-z LEVEL] PACKAGE|DIR [ARGUMENT]...\n\n\
    Look into Debian packages, unpack and make them\n\n\
    \t-c PACKAGE\tList files\n\
    \t-x PACKAGE DIR\tUnpack files; -X: and list them\n\
    \t-e PACKAGE [DIR]\tUnpack control files (into DEBIAN)\n\
    \t-f PACKAGE [FIELD]...\tShow fields of the control file\n\
    \t-I PACKAGE [FILE]...\tShow what the package is, or control files\n\
    \t-W PACKAGE\tShow name and version\n\
    \t--fsys-tarfile PACKAGE\tWrite the archive of files to standard output\n\
    \t--ctrl-tarfile PACKAGE\tWrite the archive of control files\n\
    \t-b DIR [PACKAGE|DIR]\tMake a package of DIR, whose DEBIAN has the control files\n\
    \t-Z TYPE\tCompression: xz (default), gzip, zstd, none\n\t-z LEVEL\tHow hard\n\
    \t--root-owner-group\tFiles belong to root",
);

const SPEC: Spec = Spec::new(
    "cxXefIWbZ:z:",
    &[
        ("contents", 'c'),
        ("extract", 'x'),
        ("vextract", 'X'),
        ("control", 'e'),
        ("field", 'f'),
        ("info", 'I'),
        ("show", 'W'),
        ("build", 'b'),
        ("fsys-tarfile", 'F'),
        ("ctrl-tarfile", 'C'),
        ("root-owner-group", 'r'),
    ],
);

/// The largest control file that is read.
const CONTROL_BYTES: u64 = 4 << 20;

struct Building {
    codec: Option<Codec>,
    level: Option<i32>,
    root_owner: bool,
}

fn dpkg_deb(cx: &mut Context<'_>) -> Result<Status> {
    let mut action = None;
    let mut building = Building { codec: Some(Codec::Xz), level: None, root_owner: false };
    let mut arguments = cx.parse(&SPEC);
    while let Some(option) = arguments.next()? {
        match option {
            'Z' => {
                building.codec = match arguments.text()?.as_str() {
                    "xz" => Some(Codec::Xz),
                    "gzip" => Some(Codec::Gzip),
                    "zstd" => Some(Codec::Zstd),
                    "none" => None,
                    other => {
                        return Err(Error::message(format!(
                            "unknown compression '{other}': expected xz, gzip, zstd or none"
                        )));
                    }
                };
            }
            'z' => {
                let level = isobox_applet::number::unsigned(&arguments.value())?;
                building.level = Some(i32::try_from(level).unwrap_or(i32::MAX));
            }
            'r' => building.root_owner = true,
            other if action.is_some_and(|action| action != other) => {
                return Err(Error::usage("only one thing can be done"));
            }
            other => action = Some(other),
        }
    }
    let Some(action) = action else {
        return Err(Error::usage("one of -c, -x, -X, -e, -f, -I, -W, -b is needed"));
    };
    let most = match action {
        'f' | 'I' => usize::MAX,
        'x' | 'X' | 'e' | 'b' => 2,
        _ => 1,
    };
    let least = if matches!(action, 'x' | 'X') { 2 } else { 1 };
    let operands = arguments.operands_between(least, most)?;
    let (package, rest) = (&operands[0], &operands[1..]);
    match action {
        'c' => files(cx, package, tar::Options { verbose: 1, ..tar::Options::list() })?,
        'x' | 'X' => unpack(cx, package, "data.tar", &rest[0], u8::from(action == 'X'))?,
        'e' => {
            let usual = OsString::from("DEBIAN");
            unpack(cx, package, "control.tar", rest.first().unwrap_or(&usual), 0)?;
        }
        'f' => {
            let control = control_file(cx, package, "control")?;
            show_fields(cx, &control, rest)?;
        }
        'W' => {
            let control = control_file(cx, package, "control")?;
            let [name, version] = ["Package", "Version"].map(|name| field(&control, name));
            let line = [name.unwrap_or_default(), version.unwrap_or_default()].join(&b'\t');
            cx.stdout.put(&[&line[..], b"\n"].concat())?;
        }
        'I' if rest.is_empty() => information(cx, package)?,
        'I' => {
            for name in rest {
                let text = control_file(cx, package, &name.to_string_lossy())?;
                cx.stdout.put(&text)?;
            }
        }
        'F' | 'C' => {
            let prefix = if action == 'F' { "data.tar" } else { "control.tar" };
            let mut found = Part::open(cx, package, prefix)?;
            let mut archive = found.archive().map_err(|error| Error::path(package, error))?;
            copy_out(cx, &mut archive, package)?;
        }
        _ => build(cx, package, rest.first(), &building)?,
    }
    Ok(cx.status())
}

/// A member of the package whose data come next.
struct Part<'a> {
    reader: ar::Reader<Input<'a>>,
    size: u64,
}

impl<'a> Part<'a> {
    /// The member whose name begins so.
    fn open(cx: &Context<'a>, package: &OsStr, prefix: &str) -> Result<Self> {
        let fail = |error: io::Error| Error::path(package, error);
        let mut reader = ar::Reader::new(cx.open_file(package)?);
        let mut first = true;
        while let Some(member) = reader.next().map_err(fail)? {
            if std::mem::take(&mut first) && member.name != b"debian-binary" {
                return Err(fail(corrupt("not a Debian package: it begins with another file")));
            }
            let rest = member.name.strip_prefix(prefix.as_bytes());
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b".")) {
                return Ok(Self { reader, size: member.size });
            }
        }
        Err(fail(corrupt(format!("the package has no {prefix}"))))
    }

    /// The archive that the member is, decompressed.
    fn archive(&mut self) -> io::Result<Box<dyn Read + '_>> {
        let mut input = BufReader::with_capacity(128 << 10, self.reader.data());
        let mut magic = Vec::new();
        input.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut magic)?;
        let codec = Codec::detect(&magic);
        let whole = io::Cursor::new(magic).chain(input);
        match codec {
            Some(codec) => codec.reader(whole),
            None => Ok(Box::new(whole)),
        }
    }
}

fn files(cx: &mut Context<'_>, package: &OsStr, options: tar::Options) -> Result<()> {
    part(cx, package, "data.tar", options)
}

fn part(cx: &mut Context<'_>, package: &OsStr, prefix: &str, options: tar::Options) -> Result<()> {
    let mut found = Part::open(cx, package, prefix)?;
    let archive = found.archive().map_err(|error| Error::path(package, error))?;
    let options = tar::Options { archive: Some(package.to_owned()), ..options };
    tar::read_stream(cx, &options, tar::Archive::Packed(archive), true)
}

fn unpack(
    cx: &mut Context<'_>,
    package: &OsStr,
    prefix: &str,
    directory: &OsString,
    verbose: u8,
) -> Result<()> {
    match rustix::fs::mkdirat(cx.dir, directory, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(errno) => return Err(Error::doing("can't create directory", directory, errno)),
    }
    let directories = vec![directory.clone()];
    part(cx, package, prefix, tar::Options { directories, verbose, ..tar::Options::extract() })
}

/// One of the control files.
fn control_file(cx: &Context<'_>, package: &OsStr, wanted: &str) -> Result<Vec<u8>> {
    let fail = |error: io::Error| Error::path(package, error);
    let mut found = Part::open(cx, package, "control.tar")?;
    let archive = found.archive().map_err(fail)?;
    let mut reader = isopod_tar::Reader::new(archive, &Limits::default());
    let bad = |error: isopod_tar::Error| fail(io::Error::other(error.to_string()));
    while let Some(entry) = reader.next_entry().map_err(bad)? {
        let name = entry.path.strip_prefix(b"./").unwrap_or(&entry.path);
        if entry.kind == Kind::File && name == wanted.as_bytes() {
            if entry.size > CONTROL_BYTES {
                return Err(fail(corrupt(format!("{wanted} has {} bytes", entry.size))));
            }
            let mut text = Vec::new();
            loop {
                let chunk = reader.data().map_err(bad)?;
                if chunk.is_empty() {
                    return Ok(text);
                }
                text.extend_from_slice(chunk);
            }
        }
    }
    Err(fail(corrupt(format!("the package has no control file '{wanted}'"))))
}

/// The lines of a field, which go on where a line begins with a blank, without its name.
fn field(control: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut value: Option<Vec<u8>> = None;
    for line in control.split(|&byte| byte == b'\n') {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some(value) = &mut value {
                value.push(b'\n');
                value.extend_from_slice(line);
            }
            continue;
        }
        if value.is_some() {
            break;
        }
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        if line[..colon].eq_ignore_ascii_case(wanted.as_bytes()) {
            value = Some(line[colon + 1..].trim_ascii_start().to_vec());
        }
    }
    value
}

/// All of the control file, or the value of a field; several with their names.
fn show_fields(cx: &mut Context<'_>, control: &[u8], wanted: &[OsString]) -> Result<()> {
    if wanted.is_empty() {
        return cx.stdout.put(control);
    }
    for name in wanted {
        let name = name.to_string_lossy();
        let Some(value) = field(control, &name) else { continue };
        if wanted.len() > 1 {
            write!(cx.stdout, "{name}: ")?;
        }
        cx.stdout.put(&[&value[..], b"\n"].concat())?;
    }
    Ok(())
}

fn information(cx: &mut Context<'_>, package: &OsStr) -> Result<()> {
    let part = Part::open(cx, package, "control.tar")?;
    let control_bytes = part.size;
    let status = rustix::fs::statat(cx.dir, package, AtFlags::empty())
        .map_err(|errno| Error::path(package, errno))?;
    write!(
        cx.stdout,
        " new Debian package, version 2.0.\n size {} bytes: control archive={control_bytes} bytes.\n",
        status.st_size
    )?;
    let control = control_file(cx, package, "control")?;
    for line in control.strip_suffix(b"\n").unwrap_or(&control).split(|&byte| byte == b'\n') {
        cx.stdout.put(&[b" ", line, b"\n"].concat())?;
    }
    Ok(())
}

fn copy_out(cx: &mut Context<'_>, input: &mut dyn Read, package: &OsStr) -> Result<()> {
    let mut buffer = vec![0; 128 << 10];
    loop {
        let count = input.read(&mut buffer).map_err(|error| Error::path(package, error))?;
        if count == 0 {
            return Ok(());
        }
        cx.stdout.put(&buffer[..count])?;
    }
}

/// Makes a package of a directory.
fn build(
    cx: &mut Context<'_>,
    directory: &OsString,
    target: Option<&OsString>,
    building: &Building,
) -> Result<()> {
    let control_name =
        tree::join(&tree::join(directory, OsStr::new("DEBIAN")), OsStr::new("control"));
    let mut control = Vec::new();
    let mut input = cx.open_file(&control_name)?;
    input.read_to_end(&mut control).map_err(|error| Error::path(&control_name, error))?;
    let [name, version, architecture] = ["Package", "Version", "Architecture"].map(|name| {
        field(&control, name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Error::Bytes([control_name.as_bytes(), b": no field ", name.as_bytes()].concat())
        })
    });
    let name = [name?, version?, architecture?].join(&b'_');
    let target = target_name(cx, directory, target, &name);
    let file = cx.create(&target)?;
    let made = write_package(cx, directory, &file, &target, building);
    if made.is_err() || cx.failed {
        rustix::fs::unlinkat(cx.dir, &target, AtFlags::empty()).ok();
        return made;
    }
    let said = [b"dpkg-deb: building package in '", target.as_bytes(), b"'.\n"].concat();
    cx.stdout.put(&said)
}

/// `DIR.deb`, or the package's own name in a directory.
fn target_name(
    cx: &Context<'_>,
    directory: &OsStr,
    target: Option<&OsString>,
    package: &[u8],
) -> OsString {
    let Some(target) = target else {
        let bytes = directory.as_bytes();
        let mut name = OsStr::from_bytes(bytes.strip_suffix(b"/").unwrap_or(bytes)).to_owned();
        name.push(".deb");
        return name;
    };
    let is_directory = rustix::fs::statat(cx.dir, target, AtFlags::empty())
        .is_ok_and(|status| rustix::fs::FileType::from_raw_mode(status.st_mode).is_dir());
    if !is_directory {
        return target.clone();
    }
    // An epoch is no part of a file's name, and its colon none of a path.
    let clean: Vec<u8> = package.iter().copied().filter(|&byte| byte != b'/').collect();
    let mut name = OsStr::from_bytes(&clean).to_owned();
    name.push(".deb");
    tree::join(target, &name)
}

fn write_package(
    cx: &mut Context<'_>,
    directory: &OsString,
    file: &OwnedFd,
    target: &OsStr,
    building: &Building,
) -> Result<()> {
    let epoch = cx.variables.get("SOURCE_DATE_EPOCH");
    let epoch = epoch.and_then(|text| text.to_str()?.parse().ok());
    let now = epoch.unwrap_or_else(|| time::now().0);
    let put =
        |bytes: &[u8]| write_all(file.as_fd(), bytes).map_err(|error| Error::path(target, error));
    put(ar::MAGIC)?;
    put(&member_header(b"debian-binary", 4, now)?)?;
    put(b"2.0\n")?;
    let ending = match building.codec {
        None => "",
        Some(Codec::Gzip) => ".gz",
        Some(Codec::Zstd) => ".zst",
        Some(_) => ".xz",
    };
    let inner = tree::join(directory, OsStr::new("DEBIAN"));
    for (name, from) in [("control.tar", &inner), ("data.tar", directory)] {
        let mut options = tar::Options {
            directories: vec![from.clone()],
            codec: building.codec,
            level: building.level,
            ..tar::Options::create(OsString::from("."))
        };
        options.archive = Some(target.to_owned());
        if building.root_owner || name == "control.tar" {
            options.owner = Some(("root".to_owned(), 0));
            options.group = Some(("root".to_owned(), 0));
        }
        if name == "data.tar" {
            options.excluded.anchored = true;
            options.excluded.add(b"./DEBIAN");
        }
        let name = format!("{name}{ending}");
        member(cx, file.as_fd(), target, name.as_bytes(), now, &options)?;
    }
    Ok(())
}

/// One archive as a member: its header is written when its length is known.
fn member(
    cx: &mut Context<'_>,
    file: BorrowedFd<'_>,
    target: &OsStr,
    name: &[u8],
    mtime: i64,
    options: &tar::Options,
) -> Result<()> {
    let fail = |error: io::Error| Error::path(target, error);
    let position = || rustix::fs::tell(file).map_err(|errno| fail(errno.into()));
    let at = position()?;
    write_all(file, &member_header(name, 0, mtime)?).map_err(fail)?;
    let begin = position()?;
    tar::pack_into(cx, options, file)?;
    let size = position()? - begin;
    let header = member_header(name, size, mtime)?;
    if rustix::io::pwrite(file, &header, at).map_err(|errno| fail(errno.into()))? != header.len() {
        return Err(fail(io::ErrorKind::WriteZero.into()));
    }
    if size % 2 == 1 {
        write_all(file, b"\n").map_err(fail)?;
    }
    Ok(())
}

fn member_header(name: &[u8], size: u64, mtime: i64) -> Result<[u8; 60]> {
    let member = ar::Member { name: name.to_vec(), mtime, uid: 0, gid: 0, mode: 0o100_644, size };
    ar::header(name, &member).map_err(Error::message)
}
