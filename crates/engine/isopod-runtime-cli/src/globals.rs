//! What the global flags settle: where the state is, who makes the groups, where messages go.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use isopod_runtime::{Container, Runtime};

use crate::error::Error;
use crate::log::{Format, Log};
use crate::parse::{self, Invocation};

/// Where root keeps the state.
const ROOT: &str = "/run/isopod-runtime";

/// What holds for every command.
#[derive(Debug)]
pub(crate) struct Globals {
    pub(crate) runtime: Runtime,
    pub(crate) log: Log,
}

impl Globals {
    pub(crate) fn new(invocation: &Invocation) -> Result<Self, Error> {
        let is_on = |name: &str| invocation.global(name) == Some("true");
        let format = match invocation.global("log-format") {
            None | Some("" | "text") => Format::Text,
            Some("json") => Format::Json,
            Some(other) => return Err(Error::LogFormat { format: other.to_owned() }),
        };
        let file = match invocation.global("log") {
            None | Some("") => None,
            Some(path) => Some(open_log(Path::new(path))?),
        };
        let log = Log::new(file, format, is_on("debug"));
        match Self::locate(invocation) {
            Ok(runtime) => Ok(Self { runtime, log }),
            Err(error) => {
                log.error(&isopod_base::chain(&error).to_string());
                Err(error)
            }
        }
    }

    fn locate(invocation: &Invocation) -> Result<Runtime, Error> {
        let rootless = match invocation.global("rootless") {
            None => None,
            Some(text) if text.is_empty() || text.eq_ignore_ascii_case("auto") => None,
            Some(text) => Some(parse::switch(text).ok_or(Error::FlagValue {
                flag: "rootless",
                value: text.to_owned(),
                expected: "true, false or auto",
            })?),
        };
        let root = match invocation.global("root") {
            Some(path) => absolute(Path::new(path))?,
            None => default_root()?,
        };
        if root == Path::new("/") {
            return Err(Error::RootIsRoot);
        }
        let systemd = invocation.global("systemd-cgroup") == Some("true");
        Ok(Runtime::new(root).systemd_cgroup(systemd).rootless(rootless))
    }

    /// The container that a command is for.
    pub(crate) fn container(&self, invocation: &Invocation) -> Result<Container, Error> {
        Ok(self.runtime.load(invocation.id()?)?)
    }
}

fn open_log(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o644)
        .open(path)
        .map_err(Error::file("open log file", path))
}

/// An absolute path without dots; symbolic links are left alone.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let full = match path.is_absolute() {
        true => path.to_owned(),
        false => {
            let here =
                std::env::current_dir().map_err(Error::system("find the current directory"))?;
            here.join(path)
        }
    };
    let mut clean = PathBuf::from("/");
    for part in full.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            _ => {}
        }
    }
    Ok(clean)
}

/// Ordinary users have a directory of their own, where the sticky bit keeps files from being
/// cleaned away (XDG base directories).
fn default_root() -> Result<PathBuf, Error> {
    let own = std::env::var_os("XDG_RUNTIME_DIR")
        .filter(|directory| !directory.is_empty() && !rustix::process::geteuid().is_root());
    let Some(own) = own else { return Ok(ROOT.into()) };
    let root = PathBuf::from(own).join("isopod-runtime");
    std::fs::create_dir_all(&root).map_err(Error::file("create", &root))?;
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o1700))
        .map_err(Error::file("set permissions of", &root))?;
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots() {
        for (given, expected) in [("/a/../b/./c", "/b/c"), ("/../..", "/"), ("/a/b/", "/a/b")] {
            assert_eq!(absolute(Path::new(given)).expect(given), Path::new(expected), "{given}");
        }
        let here = std::env::current_dir().expect("a directory");
        assert_eq!(absolute(Path::new("x")).expect("relative"), here.join("x"));
    }
}
