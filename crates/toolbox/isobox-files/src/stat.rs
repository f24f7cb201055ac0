//! `stat`: what the kernel knows of a file or a file system.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::time::Civil;
use isobox_applet::users::Names;
use isobox_applet::{Applet, Context, Error, Place, Result, Spec, Status, mode};
use rustix::fs::{AtFlags, FileType, Stat, StatFs};

use crate::field::Field;

/// See the usage text.
pub(crate) const STAT: Applet = Applet::new(
    "stat",
    stat,
    "[-Lft] [-c FORMAT | --printf FORMAT] FILE...\n\n\
     Print what is known of files, or with -f of file systems\n\n\
     \t-L\tFollow links\n\
     \t-f\tOf the file system\n\
     \t-t\tIn one line\n\
     \t-c F\tIn this format, and a newline\n\
     \t--printf F\tIn this format, with escapes\n\n\
     %a %A permissions, %b blocks of %B bytes, %d %D device, %f mode, %F type, %g %G group, %h links,\n\
     %i inode, %m mount point, %n %N name, %o best block, %s size, %t %T device's numbers, %u %U owner,\n\
     %w birth, %x access, %y modification, %z change (%W %X %Y %Z in seconds).\n\
     File systems: %a %b %f blocks for users, all, free, %c %d nodes, free, %i id, %l longest name,\n\
     %n name, %s %S block size, %t %T type",
)
.at(Place::Bin);

const OPTIONS: Spec = Spec::new(
    "Lftc:",
    &[
        ("dereference", 'L'),
        ("file-system", 'f'),
        ("terse", 't'),
        ("format=", 'c'),
        ("printf=", 'p'),
    ],
);

fn stat(cx: &mut Context<'_>) -> Result<Status> {
    let (mut follow, mut system, mut terse, mut format) = (false, false, false, None);
    let mut arguments = cx.parse(&OPTIONS);
    while let Some(option) = arguments.next()? {
        match option {
            'L' => follow = true,
            'f' => system = true,
            't' => terse = true,
            'c' => format = Some((arguments.value(), false)),
            _ => format = Some((arguments.value(), true)),
        }
    }
    let operands = arguments.operands_between(1, usize::MAX)?;
    let mut names = Names::default();
    let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    for name in &operands {
        let text = if system {
            match rustix::fs::open(
                name,
                rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
                rustix::fs::Mode::empty(),
            )
            .and_then(|file| rustix::fs::fstatfs(&file))
            {
                Ok(found) => of_system(&found, name, format.as_ref(), terse),
                Err(errno) => {
                    Err(Error::doing("can't read file system information for", name, errno))
                }
            }
        } else {
            match rustix::fs::statat(cx.dir, name, flags) {
                Ok(found) => {
                    let mut shown = Shown { cx, stat: &found, name, names: &mut names, flags };
                    shown.text(format.as_ref(), terse)
                }
                Err(errno) => Err(Error::doing("can't stat", name, errno)),
            }
        };
        if let Some(text) = cx.attempt(text)? {
            cx.stdout.put(&text)?;
        }
    }
    Ok(cx.status())
}

struct Shown<'s, 'a> {
    cx: &'s Context<'a>,
    stat: &'s Stat,
    name: &'s OsStr,
    names: &'s mut Names,
    flags: AtFlags,
}

impl Shown<'_, '_> {
    fn text(
        &mut self,
        format: Option<&(std::ffi::OsString, bool)>,
        terse: bool,
    ) -> Result<Vec<u8>> {
        if let Some((format, escapes)) = format {
            return expand(format.as_bytes(), *escapes, &mut |letter| self.one(letter));
        }
        if terse {
            return expand(
                b"%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o",
                false,
                &mut |letter| self.one(letter),
            );
        }
        let device = matches!(
            FileType::from_raw_mode(self.stat.st_mode),
            FileType::BlockDevice | FileType::CharacterDevice
        );
        let mut format = b"  File: %N\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\n".to_vec();
        format.extend_from_slice(b"Device: %Dh/%dd\tInode: %-10i  Links: %-5h");
        if device {
            format.extend_from_slice(b" Device type: %t,%T");
        }
        format.extend_from_slice(b"\nAccess: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\n");
        format.extend_from_slice(b"Access: %x\nModify: %y\nChange: %z");
        let mut text = expand(&format, false, &mut |letter| self.one(letter))?;
        // The width before the links' number is for devices only.
        while let Some(at) = memchr::memmem::find(&text, b"    \nAccess: (") {
            text.drain(at..at + 1);
        }
        while let Some(at) = memchr::memmem::find(&text, b" \nAccess: (") {
            text.drain(at..=at);
        }
        Ok(text)
    }

    fn one(&mut self, letter: u8) -> Option<Vec<u8>> {
        let stat = self.stat;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let time = |seconds: i64, nano: u64| {
            Civil::local(seconds, u32::try_from(nano).unwrap_or(0))
                .format("%Y-%m-%d %H:%M:%S.%N %z")
        };
        Some(
            match letter {
                b'n' => return Some(self.name.as_bytes().to_vec()),
                b'N' => {
                    let mut text = [b"'", self.name.as_bytes(), b"'"].concat();
                    if kind.is_symlink()
                        && let Ok(link) = rustix::fs::readlinkat(self.cx.dir, self.name, Vec::new())
                    {
                        text.extend_from_slice(b" -> '");
                        text.extend_from_slice(link.to_bytes());
                        text.push(b'\'');
                    }
                    // Plain names stand without quotes, as BusyBox prints them.
                    if !kind.is_symlink() {
                        text = self.name.as_bytes().to_vec();
                    }
                    return Some(text);
                }
                b'a' => format!("{:o}", stat.st_mode & 0o7777),
                b'A' => mode::text(stat.st_mode),
                b'b' => stat.st_blocks.to_string(),
                b'B' => "512".into(),
                b'd' => stat.st_dev.to_string(),
                b'D' => format!("{:x}", stat.st_dev),
                b'f' => format!("{:x}", stat.st_mode),
                b'F' => match kind {
                    FileType::RegularFile if stat.st_size == 0 => "regular empty file",
                    FileType::RegularFile => "regular file",
                    FileType::Directory => "directory",
                    FileType::Symlink => "symbolic link",
                    FileType::Fifo => "fifo",
                    FileType::Socket => "socket",
                    FileType::BlockDevice => "block special file",
                    FileType::CharacterDevice => "character special file",
                    FileType::Unknown => "weird file",
                }
                .into(),
                b'g' => stat.st_gid.to_string(),
                b'G' => self.names.known_group(stat.st_gid).unwrap_or_else(|| "UNKNOWN".into()),
                b'h' => stat.st_nlink.to_string(),
                b'i' => stat.st_ino.to_string(),
                b'm' => return Some(self.mount_point()),
                b'o' => stat.st_blksize.to_string(),
                b's' => stat.st_size.to_string(),
                b't' => format!("{:x}", rustix::fs::major(stat.st_rdev)),
                b'T' => format!("{:x}", rustix::fs::minor(stat.st_rdev)),
                b'u' => stat.st_uid.to_string(),
                b'U' => self.names.known_user(stat.st_uid).unwrap_or_else(|| "UNKNOWN".into()),
                b'w' => self.birth().map_or("-".into(), |(seconds, nano)| time(seconds, nano)),
                b'W' => self.birth().map_or("0".into(), |(seconds, _)| seconds.to_string()),
                b'x' => time(stat.st_atime, stat.st_atime_nsec),
                b'X' => stat.st_atime.to_string(),
                b'y' => time(stat.st_mtime, stat.st_mtime_nsec),
                b'Y' => stat.st_mtime.to_string(),
                b'z' => time(stat.st_ctime, stat.st_ctime_nsec),
                b'Z' => stat.st_ctime.to_string(),
                b'C' => "?".into(),
                _ => return None,
            }
            .into_bytes(),
        )
    }

    fn birth(&self) -> Option<(i64, u64)> {
        use rustix::fs::{StatxFlags, statx};
        let found = statx(self.cx.dir, self.name, self.flags, StatxFlags::BTIME).ok()?;
        (found.stx_mask & StatxFlags::BTIME.bits() != 0)
            .then(|| (found.stx_btime.tv_sec, found.stx_btime.tv_nsec.into()))
    }

    /// The directory above which another file system begins.
    fn mount_point(&self) -> Vec<u8> {
        use isobox_applet::canonical::{Need, resolve};
        let Ok(path) = resolve(self.cx, self.name, Need::All, self.flags.is_empty()) else {
            return b"?".to_vec();
        };
        let mut path = path.as_bytes().to_vec();
        if !FileType::from_raw_mode(self.stat.st_mode).is_dir() {
            path.truncate(memchr::memrchr(b'/', &path).unwrap_or(0).max(1));
        }
        while path.len() > 1 {
            let end = memchr::memrchr(b'/', &path).unwrap_or(0).max(1);
            let above = rustix::fs::stat(OsStr::from_bytes(&path[..end]));
            if above.is_ok_and(|above| above.st_dev != self.stat.st_dev) {
                break;
            }
            path.truncate(end);
        }
        path
    }
}

/// Replaces the conversions of a format, with `printf`'s flags and widths.
fn expand(
    format: &[u8],
    escapes: bool,
    one: &mut dyn FnMut(u8) -> Option<Vec<u8>>,
) -> Result<Vec<u8>> {
    let (mut text, mut bytes) = (Vec::new(), format.iter().copied().peekable());
    while let Some(byte) = bytes.next() {
        if escapes && byte == b'\\' {
            text.push(match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'a') => 7,
                Some(b'0') => 0,
                Some(other) => other,
                None => b'\\',
            });
            continue;
        }
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        let field = Field::parse(&mut bytes);
        match bytes.next() {
            None | Some(b'%') => text.push(b'%'),
            Some(letter) => {
                field.put(&mut text, one(letter).unwrap_or_else(|| b"?".to_vec()));
            }
        }
    }
    if !escapes {
        text.push(b'\n');
    }
    Ok(text)
}

/// The name of a file system's type by its magic number.
pub(crate) fn system_type(magic: i64) -> &'static str {
    const NAMES: [(i64, &str); 24] = [
        (0xef53, "ext2/ext3"),
        (0x0102_1994, "tmpfs"),
        (0x9fa0, "proc"),
        (0x6265_6572, "sysfs"),
        (0x794c_7630, "overlayfs"),
        (0x9123_683e, "btrfs"),
        (0x5846_5342, "xfs"),
        (0x7371_7368, "squashfs"),
        (0xe0f5_e1e2, "erofs"),
        (0x6969, "nfs"),
        (0x1cd1, "devpts"),
        (0x4d44, "msdos"),
        (0x9660, "isofs"),
        (0x0027_e0eb, "cgroupfs"),
        (0x6367_7270, "cgroup2fs"),
        (0x6573_5546, "fuseblk"),
        (0x8584_58f6, "ramfs"),
        (0x6462_6720, "debugfs"),
        (0x1980_0202, "mqueue"),
        (0x9584_58f6, "hugetlbfs"),
        (0x7363_6673, "securityfs"),
        (0xcafe_4a11, "bpf_fs"),
        (0x2fc1_2fc1, "zfs"),
        (0xf2f5_2010, "f2fs"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == magic & 0xffff_ffff || *known == magic)
        .map_or("UNKNOWN", |(_, name)| name)
}

fn of_system(
    found: &StatFs,
    name: &OsStr,
    format: Option<&(std::ffi::OsString, bool)>,
    terse: bool,
) -> Result<Vec<u8>> {
    let magic = found.f_type & 0xffff_ffff;
    let id = {
        let text = format!("{:?}", found.f_fsid);
        let numbers: Vec<u64> = text
            .split(|c: char| !c.is_ascii_digit() && c != '-')
            .filter_map(|part| part.parse::<i64>().ok())
            .map(|part| u64::from((part as i32).cast_unsigned()))
            .collect();
        match numbers[..] {
            [low, high] => high << 32 | low,
            _ => 0,
        }
    };
    let mut one = |letter: u8| {
        Some(
            match letter {
                b'n' => return Some(name.as_bytes().to_vec()),
                b'a' => found.f_bavail.to_string(),
                b'b' => found.f_blocks.to_string(),
                b'c' => found.f_files.to_string(),
                b'd' => found.f_ffree.to_string(),
                b'f' => found.f_bfree.to_string(),
                b'i' => format!("{id:x}"),
                b'l' => found.f_namelen.to_string(),
                b's' => found.f_bsize.to_string(),
                b'S' => found.f_frsize.to_string(),
                b't' => format!("{magic:x}"),
                b'T' => system_type(magic).into(),
                _ => return None,
            }
            .into_bytes(),
        )
    };
    match format {
        Some((format, escapes)) => expand(format.as_bytes(), *escapes, &mut one),
        None if terse => expand(b"%n %i %l %t %s %S %b %f %a %c %d", false, &mut one),
        None => expand(
            b"  File: \"%n\"\n    ID: %-8i Namelen: %-7l Type: %T\nBlock size: %-10s\nBlocks: Total: %-10b Free: %-10f Available: %a\nInodes: Total: %-10c Free: %d",
            false,
            &mut one,
        ),
    }
}
