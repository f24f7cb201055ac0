//! `cp`: files between a container and here, by docker's rules.
//!
//! The engine packs and unpacks in a directory; what the destination is (a directory, a file,
//! nothing yet) decides which directory that is and what the copy is called in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use http::{Method, Response};
use isopod_base::units::human_size_digits;
use isopod_docker_types::PathStat;

use super::local_tar::{Unpack, pack, receive};
use super::volumes::clean;
use crate::args::{Flag, Parsed, boolean};
use crate::commands::{Command, Names, Operands};
use crate::output::{stderr, stdout};
use crate::session::{Session, open_error};
use isopod_client::{Payload, next_piece, query, segment};

static FLAGS: &[Flag] = &[
    boolean("archive", 'a', "Keep the owner of files"),
    boolean("follow-link", 'L', "Copy what SRC_PATH leads to if it is a symbolic link"),
    boolean("quiet", 'q', "Do not say what was copied (without a terminal nothing is said)"),
];

pub(super) static COPY: Command = Command {
    names: &["container cp", "cp"],
    usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    summary: "Copy files between a container and here",
    details: "With - as the source, a tar archive is read from standard input and unpacked in a \
              directory of\nthe container; with - as the destination, one is written to standard \
              output.\nDIR/. means the contents of a directory.",
    examples: &[
        ("cp web:/etc/nginx/nginx.conf .", "Take a file out"),
        ("cp site/. web:/usr/share/nginx/html", "Put the contents of a directory in"),
        ("cp web:/var/log - > log.tar", "Make a tar archive"),
    ],
    flags: &[FLAGS],
    operands: Operands::Exactly(2),
    complete: Names::Containers,
    run: |session, flags| Box::pin(copy(session, flags)),
    ..Command::DEFAULT
};

/// Bits of Go's file modes.
const GO_DIRECTORY: u32 = 1 << 31;
const GO_SYMLINK: u32 = 1 << 27;
/// Devices, pipes, sockets and their like.
const GO_SPECIAL: u32 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;

async fn copy(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let [source, target] = flags.operands.as_slice() else {
        return Err(anyhow!("two paths are needed"));
    };
    if source.is_empty() {
        bail!("source can not be empty");
    }
    if target.is_empty() {
        bail!("destination can not be empty");
    }
    let quiet = if flags.given("quiet") { flags.on("quiet") } else { !stdout().is_terminal() };
    let follow = flags.on("follow-link");
    let report = match (split(source), split(target)) {
        ((Some(_), _), (Some(_), _)) => bail!("copying between containers is not supported"),
        ((None, _), (None, _)) => bail!("must specify at least one container source"),
        ((Some(container), path), (None, local)) => {
            from_container(&session, container, path, local, follow).await?
        }
        ((None, local), (Some(container), path)) => {
            to_container(&session, container, path, local, follow, flags.on("archive")).await?
        }
    };
    if let Some((bytes, place)) = report.filter(|_| !quiet) {
        let size = human_size_digits(bytes, 3);
        writeln!(stderr(), "Successfully copied {size} to {place}")
            .context("write to standard error")?;
    }
    Ok(0)
}

/// `CONTAINER:PATH`, or a local path: one with a slash or dot before its colon is local.
fn split(argument: &str) -> (Option<&str>, &str) {
    match argument.split_once(':') {
        _ if argument.starts_with('/') => (None, argument),
        Some((container, path)) if !container.starts_with('.') && !container.is_empty() => {
            (Some(container), path)
        }
        _ => (None, argument),
    }
}

/// The directory of a path and its last part, `.` if the path ends in it.
fn directory_and_base(path: &str) -> (String, String) {
    let cleaned = clean(Path::new(path));
    let cleaned = match cleaned.to_string_lossy().into_owned() {
        empty if empty.is_empty() => ".".to_owned(),
        cleaned => cleaned,
    };
    if path == "." || path.ends_with("/.") {
        return (cleaned, ".".to_owned());
    }
    match cleaned.rsplit_once('/') {
        Some(("", "")) => ("/".to_owned(), String::new()),
        Some(("", base)) => ("/".to_owned(), base.to_owned()),
        Some((directory, base)) => (directory.to_owned(), base.to_owned()),
        None => (".".to_owned(), cleaned),
    }
}

/// What a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Directory,
    File,
    Missing,
}

/// Where to unpack, and the new name of what is unpacked if it gets another.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    directory: String,
    rename: Option<String>,
}

/// Docker's rules.
fn plan(source_is_directory: bool, target: Target, path: &str) -> Result<Plan> {
    let (directory, base) = directory_and_base(path);
    let asserts_directory = path.ends_with('/') || path.ends_with("/.");
    match target {
        Target::Directory => Ok(Plan { directory: path.to_owned(), rename: None }),
        Target::File if source_is_directory => bail!("cannot copy directory"),
        Target::Missing if !source_is_directory && asserts_directory => {
            bail!("no such directory")
        }
        // Nothing is there: a directory is made under the new name even if it ends in a dot.
        Target::Missing if base == "." => {
            let (directory, base) = directory_and_base(&directory);
            Ok(Plan { directory, rename: Some(base) })
        }
        Target::File | Target::Missing => Ok(Plan { directory, rename: Some(base) }),
    }
}

async fn stat(session: &Session, container: &str, path: &str) -> Result<PathStat> {
    let path = format!("/containers/{}/archive{}", segment(container), query(&[("path", path)]));
    let response = session.client.stream(Method::HEAD, &path, &[], Payload::Empty).await?;
    path_stat(&response)
}

fn path_stat<T>(response: &Response<T>) -> Result<PathStat> {
    let header = response
        .headers()
        .get("X-Docker-Container-Path-Stat")
        .context("the engine did not say what the path is")?;
    let json = base64::engine::general_purpose::STANDARD
        .decode(header.as_bytes())
        .context("the engine's X-Docker-Container-Path-Stat is not base64")?;
    serde_json::from_slice(&json).context("the engine's X-Docker-Container-Path-Stat is not JSON")
}

/// Where a symbolic link in a container leads.
fn link_target(path: &str, stat: &PathStat) -> String {
    match stat.link_target.starts_with('/') {
        true => stat.link_target.clone(),
        false => {
            let (directory, _) = directory_and_base(path);
            clean(&Path::new(&directory).join(&stat.link_target)).to_string_lossy().into_owned()
        }
    }
}

async fn from_container(
    session: &Session,
    container: &str,
    path: &str,
    local: &str,
    follow: bool,
) -> Result<Option<(u64, String)>> {
    if local != "-" {
        check_parent(local)?;
    }
    let mut source = path.to_owned();
    let (_, mut name) = directory_and_base(path);
    if follow
        && let Ok(stat) = stat(session, container, path).await
        && stat.mode & GO_SYMLINK != 0
    {
        source = link_target(path, &stat);
    }
    let url = format!("/containers/{}/archive{}", segment(container), query(&[("path", &source)]));
    let response = session.client.stream(Method::GET, &url, &[], Payload::Empty).await?;
    let stat = path_stat(&response)?;
    let mut body = response.into_body();
    if local == "-" {
        while let Some(piece) = next_piece(&mut body).await? {
            stdout().write_all(&piece).context("write to standard output")?;
        }
        return Ok(None);
    }
    let (_, packed_as) = directory_and_base(&source);
    if packed_as.is_empty() {
        name = String::new();
    }
    let target = match std::fs::metadata(local) {
        Ok(data) if data.is_dir() => Target::Directory,
        Ok(_) => Target::File,
        Err(_) => Target::Missing,
    };
    let plan = plan(stat.mode & GO_DIRECTORY != 0, target, local)?;
    let unpack = Unpack {
        directory: PathBuf::from(plan.directory),
        packed_as,
        name: plan.rename.unwrap_or(name),
    };
    let bytes = receive(body, unpack).await?;
    Ok(Some((bytes, local.to_owned())))
}

/// The directory that a local path lies in must exist.
fn check_parent(local: &str) -> Result<()> {
    let (directory, _) = directory_and_base(local);
    match std::fs::metadata(&directory) {
        Ok(_) => Ok(()),
        Err(_) => bail!("invalid output path: directory \"{directory}\" does not exist"),
    }
}

async fn to_container(
    session: &Session,
    container: &str,
    path: &str,
    local: &str,
    follow: bool,
    keep_owner: bool,
) -> Result<Option<(u64, String)>> {
    let mut destination = path.to_owned();
    let mut target = Target::Missing;
    if let Ok(mut found) = stat(session, container, path).await {
        let mut known = true;
        if found.mode & GO_SYMLINK != 0 {
            destination = link_target(path, &found);
            match stat(session, container, &destination).await {
                Ok(there) => found = there,
                Err(_) => known = false,
            }
        }
        if known && found.mode & GO_SPECIAL != 0 {
            bail!(
                "destination \"{container}:{path}\" must be a directory or a regular file: it is a \
                 device, pipe or socket"
            );
        }
        if known {
            let directory = found.mode & GO_DIRECTORY != 0;
            target = if directory { Target::Directory } else { Target::File };
        }
    }
    let owner = if keep_owner { "true" } else { "" };
    let url = |directory: &str| {
        let pairs = [("path", directory), ("noOverwriteDirNonDir", "true"), ("copyUIDGID", owner)];
        format!("/containers/{}/archive{}", segment(container), query(&pairs))
    };
    if local == "-" {
        if target != Target::Directory {
            bail!("destination \"{container}:{path}\" must be a directory");
        }
        let body = Payload::read_from(std::io::stdin());
        session.client.call(Method::PUT, &url(&destination), body).await?;
        return Ok(None);
    }
    let (source, name) = local_source(local, follow)?;
    let is_directory = std::fs::metadata(&source).is_ok_and(|data| data.is_dir())
        && (follow || !std::fs::symlink_metadata(&source).is_ok_and(|data| data.is_symlink()));
    let plan = plan(is_directory, target, &destination)?;
    let (body, size) = pack(source, plan.rename.unwrap_or(name))?;
    session.client.call(Method::PUT, &url(&plan.directory), body).await?;
    let bytes = size.load(std::sync::atomic::Ordering::Relaxed);
    Ok(Some((bytes, format!("{container}:{path}"))))
}

/// What to pack, and what it is called.
fn local_source(local: &str, follow: bool) -> Result<(PathBuf, String)> {
    let data =
        std::fs::symlink_metadata(local).map_err(|error| open_error("lstat", local, &error))?;
    let here = std::env::current_dir().context("find the current directory")?;
    let absolute = clean(&here.join(local));
    let trailing = local.ends_with('/') || local.ends_with("/.") || local == ".";
    if trailing && !std::fs::metadata(local).is_ok_and(|data| data.is_dir()) {
        bail!("not a directory: {local}");
    }
    let name = match local == "." || local.ends_with("/.") {
        true => ".".to_owned(),
        false => absolute.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    if data.is_symlink() && (follow || trailing) {
        let real =
            std::fs::canonicalize(local).map_err(|error| open_error("readlink", local, &error))?;
        return Ok((real, name));
    }
    Ok((absolute, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        assert_eq!(split("web:/etc"), (Some("web"), "/etc"));
        assert_eq!(split("./a:b"), (None, "./a:b"));
        assert_eq!(split("/a:b"), (None, "/a:b"));
        assert_eq!(split("a"), (None, "a"));
        assert_eq!(split("-"), (None, "-"));
        assert_eq!(directory_and_base("/a/b/"), ("/a".into(), "b".into()));
        assert_eq!(directory_and_base("/a/b/."), ("/a/b".into(), ".".into()));
        assert_eq!(directory_and_base("a"), (".".into(), "a".into()));
        assert_eq!(directory_and_base("/"), ("/".into(), "".into()));
        assert_eq!(directory_and_base("/a"), ("/".into(), "a".into()));
    }

    #[test]
    fn rules() {
        let check = |directory, target, path, expected: Result<(&str, Option<&str>), &str>| {
            let found = plan(directory, target, path)
                .map(|plan| (plan.directory, plan.rename))
                .map_err(|error| error.to_string());
            let expected = expected
                .map(|(directory, name)| (directory.to_owned(), name.map(str::to_owned)))
                .map_err(str::to_owned);
            assert_eq!(found, expected, "{path}");
        };
        check(false, Target::Directory, "/tmp", Ok(("/tmp", None)));
        check(false, Target::Missing, "/tmp/x", Ok(("/tmp", Some("x"))));
        check(false, Target::File, "/tmp/x", Ok(("/tmp", Some("x"))));
        check(false, Target::Missing, "/tmp/x/", Err("no such directory"));
        check(true, Target::File, "/tmp/x", Err("cannot copy directory"));
        check(true, Target::Missing, "/tmp/x/", Ok(("/tmp", Some("x"))));
    }
}
