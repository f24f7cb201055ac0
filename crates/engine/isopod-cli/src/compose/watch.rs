//! `watch`: what changes in the sources goes into running containers (`develop.watch`).
//!
//! Files are looked at by their times and sizes, once a second: that works on every file system,
//! and a project's sources are few.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use http::Method;
use isopod_compose::{Node, UpOptions, up};
use tokio::signal::unix::{SignalKind, signal};

use super::build::{Build, build};
use super::execute::{How, execute};
use super::observe::{containers, name_of, observe, service_of};
use super::project::{Found, PROJECT, find};
use crate::args::Parsed;
use crate::commands::{Command, Operands};
use crate::output::stderr;
use crate::session::Session;
use isopod_client::{Payload, query, segment};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Files of one watch.
const FILES_MAX: usize = 50_000;

pub(super) static WATCH: Command = Command {
    names: &["compose watch", "watch"],
    usage: "[OPTIONS] [DIR] [SERVICE...]",
    summary: "Carry changes of sources into running services",
    details: "Does what develop.watch of the services says when files change: copies them into the \
              containers, restarts, or builds anew. Ends at SIGINT.",
    examples: &[("watch", "Watch the sources of the project in this directory")],
    flags: &[PROJECT],
    operands: Operands::AtLeast(0),
    run: |session, flags| Box::pin(run(session, flags)),
    ..Command::DEFAULT
};

/// One entry of `develop.watch`.
struct Watch {
    service: String,
    path: PathBuf,
    action: String,
    target: String,
    ignore: Vec<String>,
    seen: Seen,
}

type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

async fn run(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let found = Rc::new(find(&flags, true)?);
    let mut watches = watches(&found)?;
    if watches.is_empty() {
        bail!("none of the services has a develop.watch section");
    }
    for watch in &mut watches {
        watch.seen = scan(watch)?;
        writeln!(stderr(), " Watching {} for {}", watch.path.display(), watch.service)
            .context("write to standard error")?;
    }
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(130),
            _ = terminate.recv() => return Ok(143),
            () = tokio::time::sleep(LOOK) => {}
        }
        for watch in &mut watches {
            let now = scan(watch)?;
            let changed: Vec<PathBuf> = now
                .iter()
                .filter(|(path, state)| watch.seen.get(*path) != Some(state))
                .map(|(path, _)| path.clone())
                .collect();
            let gone: Vec<PathBuf> =
                watch.seen.keys().filter(|path| !now.contains_key(*path)).cloned().collect();
            watch.seen = now;
            if changed.is_empty() && gone.is_empty() {
                continue;
            }
            if let Err(error) = carry(&session, &found, watch, &changed, &gone).await {
                let words = isopod_base::chain(error.as_ref()).to_string();
                writeln!(stderr(), "{}: {words}", watch.service)
                    .context("write to standard error")?;
            }
        }
    }
}

fn watches(found: &Found) -> Result<Vec<Watch>> {
    let mut all = Vec::new();
    for (name, service) in &found.project.services {
        if !found.rest.is_empty() && !found.rest.contains(name) {
            continue;
        }
        for node in service.at("develop.watch").map(Node::items).unwrap_or_default() {
            let text = |field: &str| node.get(field).and_then(Node::as_str).unwrap_or_default();
            let action = text("action").to_owned();
            if action.starts_with("sync") && text("target").is_empty() {
                bail!("{}: services.{name}.develop.watch: {action} needs a target", node.place);
            }
            if action == "sync+exec" || node.get("include").is_some() {
                bail!(
                    "{}: services.{name}.develop.watch: sync+exec and include are not supported",
                    node.place
                );
            }
            if text("path").is_empty() {
                bail!("{}: services.{name}.develop.watch: expected a path", node.place);
            }
            let ignore = node.get("ignore").map(Node::items).unwrap_or_default();
            all.push(Watch {
                service: name.clone(),
                path: PathBuf::from(text("path")),
                action,
                target: text("target").to_owned(),
                ignore: ignore
                    .iter()
                    .filter_map(Node::as_str)
                    .map(|pattern| {
                        pattern.trim_start_matches("./").trim_end_matches('/').to_owned()
                    })
                    .collect(),
                seen: Seen::new(),
            });
        }
    }
    Ok(all)
}

/// The files below a watch's path.
fn scan(watch: &Watch) -> Result<Seen> {
    let mut seen = Seen::new();
    let mut pending = vec![watch.path.clone()];
    while let Some(path) = pending.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        let below = path.strip_prefix(&watch.path).unwrap_or(&path);
        if is_ignored(below, &watch.ignore) {
            continue;
        }
        if metadata.is_dir() {
            let Ok(entries) = std::fs::read_dir(&path) else { continue };
            pending.extend(entries.flatten().map(|entry| entry.path()));
        } else if metadata.is_file() {
            let time = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            seen.insert(path, (time, metadata.len()));
            if seen.len() > FILES_MAX {
                bail!("{}: more than {FILES_MAX} files: ignore some", watch.path.display());
            }
        }
    }
    Ok(seen)
}

/// Whether a path, or one of its parts, is one of the patterns; `*` stands for anything.
fn is_ignored(path: &Path, patterns: &[String]) -> bool {
    let whole = path.to_string_lossy();
    patterns.iter().any(|pattern| {
        if pattern.contains('/') {
            return matches(pattern, &whole);
        }
        path.components().any(|part| matches(pattern, &part.as_os_str().to_string_lossy()))
    })
}

fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
        last = Some(piece);
    }
    match last {
        None => rest.is_empty(),
        Some(last) => last.is_empty() || text.ends_with(last),
    }
}

async fn carry(
    session: &Rc<Session>,
    found: &Rc<Found>,
    watch: &Watch,
    changed: &[PathBuf],
    gone: &[PathBuf],
) -> Result<()> {
    let count = changed.len() + gone.len();
    writeln!(stderr(), " {}: {count} changed: {}", watch.service, watch.action)
        .context("write to standard error")?;
    if watch.action == "rebuild" {
        let service = &found.project.services[&watch.service];
        build(session, &found.project, service, &Build::default()).await?;
        let observed = observe(session, &found.project).await?;
        let options = UpOptions {
            services: vec![watch.service.clone()],
            no_deps: true,
            ..UpOptions::default()
        };
        let plan = up(&found.project, &observed, &options);
        return execute(session, found, &plan, &How::default()).await;
    }
    for container in containers(session, &found.project.name).await? {
        if service_of(&container) != watch.service {
            continue;
        }
        let name = name_of(&container);
        if watch.action.starts_with("sync") {
            sync(session, watch, &name, changed).await?;
            for path in gone {
                remove(session, &name, &inside(watch, path)).await?;
            }
        }
        if watch.action.ends_with("restart") {
            let path = format!("/containers/{}/restart", segment(&name));
            session.client.call(Method::POST, &path, Payload::Empty).await?;
        }
    }
    Ok(())
}

/// Where a file goes.
fn inside(watch: &Watch, path: &Path) -> String {
    let below = path.strip_prefix(&watch.path).unwrap_or(path);
    if below.as_os_str().is_empty() {
        return watch.target.clone();
    }
    format!("{}/{}", watch.target.trim_end_matches('/'), below.display())
}

async fn sync(session: &Session, watch: &Watch, name: &str, changed: &[PathBuf]) -> Result<()> {
    let mut archive = tar::Builder::new(Vec::new());
    for path in changed {
        let target = inside(watch, path);
        archive
            .append_path_with_name(path, target.trim_start_matches('/'))
            .with_context(|| format!("pack {}", path.display()))?;
    }
    let bytes = archive.into_inner().context("pack what has changed")?;
    let path = format!("/containers/{}/archive{}", segment(name), query(&[("path", "/")]));
    let payload = Payload::read_from(std::io::Cursor::new(bytes));
    Ok(session.client.call(Method::PUT, &path, payload).await?)
}

async fn remove(session: &Session, name: &str, target: &str) -> Result<()> {
    let body = serde_json::json!({ "Cmd": ["rm", "-rf", "--", target] });
    let path = format!("/containers/{}/exec", segment(name));
    let made: isopod_docker_types::IdResponse = session.client.post(&path, &body).await?;
    let start = serde_json::json!({ "Detach": true });
    let path = format!("/exec/{}/start", segment(&made.id));
    Ok(session.client.call(Method::POST, &path, Payload::json(&start)?).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let ignored =
            |path: &str, pattern: &str| is_ignored(Path::new(path), &[pattern.to_owned()]);
        assert!(ignored("a/node_modules/x.js", "node_modules"));
        assert!(ignored("a/x.tmp", "*.tmp"));
        assert!(ignored("docs/a/b", "docs/*"));
        assert!(!ignored("a/x.js", "*.tmp"));
        assert!(!ignored("node", "node_modules"));
    }
}
