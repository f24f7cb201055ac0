//! The tests of `find`.

use isobox_applet::Context;
use isobox_applet::glob::{self, Flags};
use isobox_applet::users::Names;
use isobox_regex::Regex;
use rustix::fs::{Access, AtFlags, FileType};

use super::Found;

/// `N`, `+N` or `-N`.
#[derive(Clone, Copy)]
pub(super) struct Count {
    pub(super) sign: Option<u8>,
    pub(super) value: u64,
}

impl Count {
    pub(super) const fn holds(self, value: u64) -> bool {
        match self.sign {
            Some(b'+') => value > self.value,
            Some(_) => value < self.value,
            None => value == self.value,
        }
    }
}

/// Which of a file's times.
#[derive(Clone, Copy)]
pub(super) enum Clock {
    Access,
    Modification,
    Change,
}

pub(super) enum Test {
    True,
    False,
    Name(Vec<u8>, bool),
    Path(Vec<u8>, bool),
    Link(Vec<u8>, bool),
    Regex(Regex),
    Type(Vec<FileType>, bool),
    Permissions { mode: u32, how: Option<u8> },
    Accessible(Access),
    Age { clock: Clock, unit: i64, count: Count },
    Newer { clock: Clock, than: (i64, u64) },
    Uid(Count),
    Gid(Count),
    NoUser,
    NoGroup,
    Size { count: Count, unit: u64 },
    Empty,
    Links(Count),
    Inode(Count),
    Same(u64, u64),
    FileSystem(Vec<u64>),
}

impl Test {
    pub(super) fn holds(
        &self,
        found: &mut Found<'_>,
        now: (i64, u32),
        cx: &Context<'_>,
        names: &mut Names,
    ) -> bool {
        let flags = |ignore_case| Flags { ignore_case, ..Flags::default() };
        match self {
            Self::True => true,
            Self::False => false,
            Self::Name(pattern, fold) => glob::matches(pattern, found.base(), flags(*fold)),
            Self::Path(pattern, fold) => {
                glob::matches(pattern, found.path.as_encoded_bytes(), flags(*fold))
            }
            Self::Link(pattern, fold) => {
                found.kind.is_symlink()
                    && rustix::fs::readlinkat(found.dir, found.name, Vec::new())
                        .is_ok_and(|link| glob::matches(pattern, link.to_bytes(), flags(*fold)))
            }
            Self::Regex(regex) => {
                let path = found.path.as_encoded_bytes();
                matches!(regex.find_at(path, 0), Ok(Some((0, end))) if end == path.len())
            }
            Self::Type(kinds, false) => kinds.contains(&found.kind),
            // The other side of a link than that which is walked.
            Self::Type(kinds, true) => super::look(found.dir, found.name, !found.follow)
                .is_ok_and(|stat| kinds.contains(&FileType::from_raw_mode(stat.st_mode))),
            Self::Accessible(access) => {
                rustix::fs::accessat(found.dir, found.name, *access, AtFlags::EACCESS).is_ok()
            }
            Self::Inode(count) if found.stat.is_none() => count.holds(found.inode),
            _ => self.holds_of_stat(found, now, cx, names),
        }
    }

    fn holds_of_stat(
        &self,
        found: &mut Found<'_>,
        now: (i64, u32),
        cx: &Context<'_>,
        names: &mut Names,
    ) -> bool {
        let _ = cx;
        let Some(stat) = found.stat() else { return false };
        let time = |clock| match clock {
            Clock::Access => (stat.st_atime, stat.st_atime_nsec),
            Clock::Modification => (stat.st_mtime, stat.st_mtime_nsec),
            Clock::Change => (stat.st_ctime, stat.st_ctime_nsec),
        };
        match self {
            Self::Permissions { mode, how } => {
                let own = stat.st_mode & 0o7777;
                match how {
                    Some(b'-') => own & mode == *mode,
                    Some(_) => *mode == 0 || own & mode != 0,
                    None => own == *mode,
                }
            }
            Self::Age { clock, unit, count } => {
                let age = now.0 - time(*clock).0;
                let Ok(age) = u64::try_from(age) else { return count.sign == Some(b'-') };
                let unit = unit.unsigned_abs();
                match count.sign {
                    // Minutes are compared by the second, whole days by the day.
                    Some(b'-') => age < count.value.saturating_mul(unit),
                    Some(_) => age / unit > count.value,
                    None => age / unit == count.value,
                }
            }
            Self::Newer { clock, than } => time(*clock) > *than,
            Self::Uid(count) => count.holds(stat.st_uid.into()),
            Self::Gid(count) => count.holds(stat.st_gid.into()),
            Self::NoUser => names.known_user(stat.st_uid).is_none(),
            Self::NoGroup => names.known_group(stat.st_gid).is_none(),
            Self::Size { count, unit } => {
                count.holds(u64::try_from(stat.st_size).unwrap_or(0).div_ceil(*unit))
            }
            Self::Empty => {
                found.kind.is_file() && stat.st_size == 0
                    || found.kind.is_dir()
                        && isobox_applet::tree::open(found.dir, found.name, found.follow)
                            .and_then(isobox_applet::tree::entries)
                            .is_ok_and(|entries| entries.is_empty())
            }
            Self::Links(count) => count.holds(stat.st_nlink),
            Self::Inode(count) => count.holds(stat.st_ino),
            Self::Same(device, inode) => (stat.st_dev, stat.st_ino) == (*device, *inode),
            Self::FileSystem(devices) => devices.contains(&stat.st_dev),
            _ => false,
        }
    }
}
