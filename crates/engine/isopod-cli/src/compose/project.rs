//! Finding and reading the project that a command is about.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use isopod_compose::{FILE_LIMIT_BYTES, FILE_NAMES, LoadOptions, Project, Source, load};

use crate::args::{Flag, Parsed, boolean, list, text};
use crate::output::stderr;

/// Flags of every command about a project. The short ones of docker stand before the command
/// (`compose -f FILE up`), where [`rewrite`] makes long ones of them.
pub(super) static PROJECT: &[Flag] = &[
    list("file", ' ', "Compose file (repeatable; later ones go over earlier ones)"),
    text("project-name", ' ', "Name of the project (default: that of its directory)"),
    text("project-directory", ' ', "Directory that paths are relative to"),
    list("profile", ' ', "Profile to switch on (repeatable)"),
    list("env-file", ' ', "Environment file instead of .env (repeatable)"),
];

/// A project and where it came from.
pub(super) struct Found {
    pub(super) project: Project,
    pub(super) directory: PathBuf,
    pub(super) files: Vec<PathBuf>,
    /// Operands that are not the directory: names of services, mostly.
    pub(super) rest: Vec<String>,
}

/// Moves the flags between `compose` and its command behind the command, in their long form.
pub(crate) fn rewrite(words: &[String]) -> Vec<String> {
    let Some("compose") = words.first().map(String::as_str) else { return words.to_vec() };
    let mut flags = Vec::new();
    let mut rest = words[1..].iter();
    while let Some(word) = rest.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let long = match name {
            "-f" | "--file" => "file",
            "-p" | "--project-name" => "project-name",
            "--project-directory" => "project-directory",
            "--profile" => "profile",
            "--env-file" => "env-file",
            _ => {
                let mut out = vec![words[0].clone(), word.clone()];
                out.append(&mut flags);
                out.extend(rest.cloned());
                return out;
            }
        };
        let Some(value) = inline.or_else(|| rest.next().cloned()) else { return words.to_vec() };
        flags.push(format!("--{long}={value}"));
    }
    words.to_vec()
}

/// Reads the project that the flags and operands mean; warnings go to standard error.
pub(super) fn find(flags: &Parsed, named: bool) -> Result<Found> {
    let current = std::env::current_dir().context("find the current directory")?;
    let mut rest = flags.operands.clone();
    let mut start = current.clone();
    let mut files: Vec<PathBuf> =
        flags.list("file").iter().map(|file| current.join(file)).collect();
    if files.is_empty()
        && let Some(variable) = std::env::var("COMPOSE_FILE").ok().filter(|text| !text.is_empty())
    {
        let separator = std::env::var("COMPOSE_PATH_SEPARATOR").unwrap_or(":".to_owned());
        files = variable.split(&separator).map(|file| current.join(file)).collect();
    }
    if let Some(first) = rest.first()
        && is_directory(first, &current, &files)
    {
        start = current.join(first);
        rest.remove(0);
    }
    let mut lone = None;
    if files.is_empty() {
        match search(&start) {
            Some(found) => files = found,
            None if start.join("Dockerfile").is_file() => {
                files.push(start.join("compose.yaml"));
                lone = Some(lone_dockerfile(&start)?);
            }
            None => bail!(
                "no configuration file provided: not found: {} (nor a Dockerfile) in {} or above it",
                FILE_NAMES.join(", "),
                start.display()
            ),
        }
    }
    let directory = match flags.get("project-directory") {
        Some(text) => current.join(text),
        None => files[0].parent().unwrap_or(&current).to_owned(),
    };
    let directory = directory.canonicalize().unwrap_or(directory);
    let files: Vec<PathBuf> =
        files.iter().map(|file| file.canonicalize().unwrap_or_else(|_| file.clone())).collect();
    let options = LoadOptions {
        directory: directory.clone(),
        files: files.clone(),
        name: flags.get("project-name").map(str::to_owned),
        profiles: flags.list("profile").to_vec(),
        env_files: flags.list("env-file").iter().map(|file| current.join(file)).collect(),
        services: if named { rest.clone() } else { Vec::new() },
        no_interpolate: flags.on("no-interpolate"),
    };
    let (project, warnings) = load(&Disk { lone }, &options)?;
    for warning in warnings {
        writeln!(stderr(), "warning: {warning}").context("write to standard error")?;
    }
    Ok(Found { project, directory, files, rest })
}

/// Whether an operand is the project's directory and not the name of a service.
fn is_directory(text: &str, current: &Path, files: &[PathBuf]) -> bool {
    let path_like = text.contains('/') || matches!(text, "." | "..");
    let elsewhere = files.is_empty() && search(current).is_none();
    files.is_empty() && (path_like || elsewhere) && current.join(text).is_dir()
}

/// The compose file of a directory or of one above it, with its override.
fn search(start: &Path) -> Option<Vec<PathBuf>> {
    for directory in start.ancestors() {
        let found = FILE_NAMES.iter().map(|name| directory.join(name)).find(|path| path.is_file());
        if let Some(file) = found {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let over = ["yaml", "yml"]
                .iter()
                .map(|end| directory.join(format!("{stem}.override.{end}")))
                .find(|path| path.is_file());
            return Some(std::iter::once(file).chain(over).collect());
        }
        if directory.join("Dockerfile").is_file() {
            // A project of its own begins here.
            return None;
        }
    }
    None
}

/// The compose file that a lone Dockerfile stands for: it is built and run, and the ports that it
/// exposes are published.
fn lone_dockerfile(directory: &Path) -> Result<(PathBuf, String)> {
    let full = directory.canonicalize().context("find the project's directory")?;
    let name = full.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "app" } else { name };
    let text = format!("services:\n  {name}:\n    build: .\n    x-isopod-publish-all: true\n");
    Ok((full.join("compose.yaml"), text))
}

/// The file system and the environment.
struct Disk {
    lone: Option<(PathBuf, String)>,
}

impl Source for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        if let Some((known, text)) = &self.lone
            && (path == known || path.file_name() == known.file_name())
        {
            return Ok(text.clone());
        }
        let mut text = String::new();
        if path == Path::new("-") || path.ends_with("/-") {
            io::stdin().take(FILE_LIMIT_BYTES as u64 + 1).read_to_string(&mut text)?;
            return Ok(text);
        }
        let file = std::fs::File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        file.take(FILE_LIMIT_BYTES as u64 + 1).read_to_string(&mut text)?;
        Ok(text)
    }

    fn exists(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// Services that are named, or all; unknown ones are an error.
pub(super) fn chosen(project: &Project, named: &[String]) -> Result<Vec<String>> {
    for name in named {
        if !project.services.contains_key(name) && !project.disabled.contains_key(name) {
            return Err(anyhow!("no such service: {name}"));
        }
    }
    Ok(match named {
        [] => project.services.keys().cloned().collect(),
        named => named.to_vec(),
    })
}

/// `--dry-run`
pub(super) static DRY_RUN: &[Flag] =
    &[boolean("dry-run", ' ', "Print the plan, and change nothing")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_before_the_command() {
        let rewritten = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            rewrite(&words).join(" ")
        };
        for (line, expected) in [
            ("compose up -d", "compose up -d"),
            ("compose -f a.yaml up -d", "compose up --file=a.yaml -d"),
            (
                "compose -f a -f b -p x logs -f web",
                "compose logs --file=a --file=b --project-name=x -f web",
            ),
            ("compose --profile=dev up", "compose up --profile=dev"),
            ("compose -f", "compose -f"),
            ("ps -a", "ps -a"),
        ] {
            assert_eq!(rewritten(line), expected);
        }
    }
}
