//! Where commands were found, so that `PATH` is not searched each time.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use isobox_applet::{Applet, Registry};
use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};

use crate::names::Map;

/// What a command's name leads to.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// A program.
    Program(Rc<CString>),
    /// An applet of this binary.
    Applet(&'static Applet),
    /// A file that cannot be executed.
    Denied,
    /// Nothing.
    Missing,
}

/// The commands that were found.
#[derive(Debug, Default)]
pub(crate) struct Hash {
    known: Map<Vec<u8>, (Found, u32)>,
    /// Device and inode of this binary, once somebody asked.
    own: Option<Option<(u64, u64)>>,
}

impl Hash {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }

    /// Forgets one; false if it was not known.
    pub(crate) fn forget(&mut self, name: &[u8]) -> bool {
        self.known.remove(name).is_some()
    }

    /// Finds a command and remembers it.
    pub(crate) fn find(&mut self, name: &[u8], path: &[u8], registry: Registry) -> Found {
        if let Some((found, uses)) = self.known.get_mut(name) {
            *uses += 1;
            return found.clone();
        }
        let found = self.search(name, path, registry);
        if matches!(found, Found::Program(_) | Found::Applet(_)) {
            self.known.insert(name.to_vec(), (found.clone(), 1));
        }
        found
    }

    /// Finds a command anew. A file that is this very binary is the applet of the file's name:
    /// it need not be executed. An applet that `PATH` does not have is found last.
    pub(crate) fn search(&mut self, name: &[u8], path: &[u8], registry: Registry) -> Found {
        let mut denied = false;
        if name.contains(&b'/') {
            return self.file(name, registry, &mut denied).unwrap_or(if denied {
                Found::Denied
            } else {
                Found::Missing
            });
        }
        for directory in path.split(|&byte| byte == b':') {
            let mut full = directory.to_vec();
            if !full.is_empty() && full.last() != Some(&b'/') {
                full.push(b'/');
            }
            full.extend_from_slice(name);
            if let Some(found) = self.file(&full, registry, &mut denied) {
                return found;
            }
        }
        match registry.find(OsStr::from_bytes(name)) {
            Some(applet) => Found::Applet(applet),
            None if denied => Found::Denied,
            None => Found::Missing,
        }
    }

    fn file(&mut self, path: &[u8], registry: Registry, denied: &mut bool) -> Option<Found> {
        let status = match stat(OsStr::from_bytes(path)) {
            Ok(status) => status,
            Err(error) => {
                *denied |= error == rustix::io::Errno::ACCESS;
                return None;
            }
        };
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile
            || accessat(CWD, OsStr::from_bytes(path), Access::EXEC_OK, AtFlags::EACCESS).is_err()
        {
            *denied = true;
            return None;
        }
        if !registry.0.is_empty() && self.own() == Some((status.st_dev, status.st_ino)) {
            let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            if let Some(applet) = registry.find(OsStr::from_bytes(name)) {
                return Some(Found::Applet(applet));
            }
        }
        CString::new(path).ok().map(|path| Found::Program(Rc::new(path)))
    }

    fn own(&mut self) -> Option<(u64, u64)> {
        *self.own.get_or_insert_with(|| {
            stat("/proc/self/exe").ok().map(|status| (status.st_dev, status.st_ino))
        })
    }

    /// All that is known, sorted.
    #[must_use]
    pub(crate) fn all(&self) -> Vec<(Vec<u8>, Found, u32)> {
        let mut all: Vec<_> = self
            .known
            .iter()
            .map(|(name, (found, uses))| (name.clone(), found.clone(), *uses))
            .collect();
        all.sort_by(|left, right| left.0.cmp(&right.0));
        all
    }
}
