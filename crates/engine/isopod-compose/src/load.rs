//! From files to a project: reading, interpolation, merging, includes, extends, environment files.
//!
//! The file system and the environment are the caller's: nothing here opens anything.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::env_file;
use crate::error::{ComposeError, Result, Warning};
use crate::interpolate;
use crate::merge::{merge, plain};
use crate::node::{Kind, Node, Place};
use crate::project::{Project, finish};
use crate::schema::{PROJECT, SERVICE};
use crate::shape::canonical;
use crate::yaml;

/// How deep files may include and services extend each other.
const NESTING_MAX: usize = 16;

/// What a project is read from.
pub trait Source {
    /// The text of a file.
    fn read(&self, path: &Path) -> io::Result<String>;
    /// Whether a file is there.
    fn exists(&self, path: &Path) -> bool;
    /// A variable of the caller's environment.
    fn variable(&self, name: &str) -> Option<String>;
}

/// What the command line says about a project.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The project's directory: relative paths are below it.
    pub directory: PathBuf,
    /// The files, in their order.
    pub files: Vec<PathBuf>,
    /// The project's name, before any other.
    pub name: Option<String>,
    /// Profiles that are wanted.
    pub profiles: Vec<String>,
    /// Environment files, instead of `.env`.
    pub env_files: Vec<PathBuf>,
    /// Services that are named, which switches their profiles on.
    pub services: Vec<String>,
    /// Leave variables as they are.
    pub no_interpolate: bool,
}

/// The files that are looked for in a directory, the preferred first.
pub const FILE_NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Reads a project.
pub fn load(source: &dyn Source, options: &LoadOptions) -> Result<(Project, Vec<Warning>)> {
    let mut loader = Loader { source, options, warnings: Vec::new() };
    let environment = loader.environment(&options.directory, &options.env_files)?;
    let mut whole = loader.files(&options.files, &options.directory, &environment, 0)?;
    let name = loader.name(&whole, &environment)?;
    // The project's own name can be used in its files, which are read once more then.
    if environment.get("COMPOSE_PROJECT_NAME").is_none_or(|known| *known != name) {
        let mut environment = environment.clone();
        environment.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
        loader.warnings.clear();
        whole = loader.files(&options.files, &options.directory, &environment, 0)?;
    }
    let mut warnings = loader.warnings;
    let project = finish(name, whole, options, source, &environment, &mut warnings)?;
    let mut seen: Vec<Warning> = Vec::new();
    for warning in warnings {
        if !seen.contains(&warning) {
            seen.push(warning);
        }
    }
    Ok((project, seen))
}

pub(crate) type Environment = BTreeMap<String, String>;

struct Loader<'a> {
    source: &'a dyn Source,
    options: &'a LoadOptions,
    warnings: Vec<Warning>,
}

impl Loader<'_> {
    /// Variables of environment files; those of the caller's environment go before them.
    fn environment(&self, directory: &Path, files: &[PathBuf]) -> Result<Environment> {
        let mut environment = Environment::new();
        let default = [directory.join(".env")];
        let files: &[PathBuf] = match files {
            [] if self.source.exists(&default[0]) => &default,
            files => files,
        };
        for path in files {
            let text = self.read(path, Some("an environment file"))?;
            let outer =
                |name: &str| self.source.variable(name).or_else(|| environment.get(name).cloned());
            for (name, value) in env_file::parse(&text, path, &outer)? {
                if let Some(value) = value {
                    environment.insert(name, value);
                }
            }
        }
        Ok(environment)
    }

    fn read(&self, path: &Path, wanted: Option<&str>) -> Result<String> {
        self.source.read(path).map_err(|source| ComposeError::Read {
            path: path.to_owned(),
            wanted: wanted.map(str::to_owned),
            source,
        })
    }

    /// Files over each other, with what they include.
    fn files(
        &mut self,
        files: &[PathBuf],
        directory: &Path,
        environment: &Environment,
        depth: usize,
    ) -> Result<Node> {
        if depth > NESTING_MAX {
            let reason = format!("files include each other more than {NESTING_MAX} deep");
            return Err(ComposeError::Project(reason));
        }
        let mut whole: Option<Node> = None;
        for path in files {
            for document in self.document(path, environment)? {
                let mut document = self.extend(document, path, directory, environment)?;
                if let Some(includes) = document.remove("include") {
                    document =
                        self.include(document, &includes, path, directory, environment, depth)?;
                }
                whole = Some(match whole {
                    None => plain(document),
                    Some(base) => merge(base, document, PROJECT),
                });
            }
        }
        whole.ok_or_else(|| ComposeError::Project("no configuration file provided".to_owned()))
    }

    /// A file's documents in their long form.
    fn document(&mut self, path: &Path, environment: &Environment) -> Result<Vec<Node>> {
        let name = shown(path, &self.options.directory);
        let mut documents = Vec::new();
        for mut node in yaml::parse(&self.read(path, None)?, &name)? {
            if !self.options.no_interpolate {
                let lookup = |name: &str| {
                    self.source.variable(name).or_else(|| environment.get(name).cloned())
                };
                interpolate::node(&mut node, "", &lookup, &mut self.warnings)?;
            }
            if !matches!(node.kind, Kind::Map(_)) {
                return Err(ComposeError::Field {
                    place: node.place.clone(),
                    field: "the file".to_owned(),
                    reason: format!("it is {}: expected a mapping with services", node.describe()),
                });
            }
            documents.push(canonical(node, PROJECT, "", &mut self.warnings)?);
        }
        if documents.is_empty() {
            let place = Place { file: name.as_str().into(), line: 1 };
            documents.push(Node::new(Kind::Map(Vec::new()), &place));
        }
        Ok(documents)
    }

    /// Resolves relative paths of services, and what services extend.
    fn extend(
        &mut self,
        mut document: Node,
        path: &Path,
        directory: &Path,
        environment: &Environment,
    ) -> Result<Node> {
        let Some(services) = document.get("services").cloned() else { return Ok(document) };
        let mut out = Vec::new();
        for (name, _) in services.entries() {
            let service =
                self.extended(&services, name, path, directory, environment, &mut Vec::new())?;
            out.push((name.clone(), service));
        }
        document.set("services", Node { kind: Kind::Map(out), ..services });
        absolute_files(&mut document, directory);
        Ok(document)
    }

    fn extended(
        &mut self,
        services: &Node,
        name: &str,
        path: &Path,
        directory: &Path,
        environment: &Environment,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Result<Node> {
        let mut service = services.get(name).cloned().ok_or_else(|| {
            ComposeError::Project(format!("{}: there is no service {name:?}", path.display()))
        })?;
        let here = (path.to_owned(), name.to_owned());
        if chain.contains(&here) || chain.len() > NESTING_MAX {
            return Err(ComposeError::Field {
                place: service.place.clone(),
                field: format!("services.{name}.extends"),
                reason: "services extend each other in a circle".to_owned(),
            });
        }
        chain.push(here);
        absolute_paths(&mut service, directory);
        let Some(extends) = service.remove("extends") else { return Ok(service) };
        let fail = |reason: String| ComposeError::Field {
            place: extends.place.clone(),
            field: format!("services.{name}.extends"),
            reason,
        };
        let target = extends
            .get("service")
            .and_then(Node::as_str)
            .ok_or_else(|| fail("expected the name of a service".to_owned()))?
            .to_owned();
        let base = match extends.get("file").and_then(Node::as_str) {
            None => {
                if services.get(&target).is_none() {
                    return Err(fail(format!("there is no service {target:?}")));
                }
                self.extended(services, &target, path, directory, environment, chain)?
            }
            Some(file) => {
                let file = join(directory, file);
                let mut others = None;
                for document in self.document(&file, environment)? {
                    others = document.get("services").cloned().or(others);
                }
                let others = others
                    .filter(|others| others.get(&target).is_some())
                    .ok_or_else(|| fail(format!("{} has no service {target:?}", file.display())))?;
                let directory = file.parent().unwrap_or(directory).to_owned();
                self.extended(&others, &target, &file, &directory, environment, chain)?
            }
        };
        Ok(merge(plain(base), service, SERVICE))
    }

    fn include(
        &mut self,
        document: Node,
        includes: &Node,
        path: &Path,
        directory: &Path,
        environment: &Environment,
        depth: usize,
    ) -> Result<Node> {
        let mut own = document;
        for include in includes.items() {
            let paths: Vec<PathBuf> = include
                .get("path")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(Node::as_str)
                .map(|text| join(directory, text))
                .collect();
            let Some(first) = paths.first() else {
                return Err(ComposeError::Field {
                    place: include.place.clone(),
                    field: "include".to_owned(),
                    reason: "expected the path of a file".to_owned(),
                });
            };
            let base = match include.get("project_directory").and_then(Node::as_str) {
                Some(text) => join(directory, text),
                None => first.parent().unwrap_or(directory).to_owned(),
            };
            let env_files: Vec<PathBuf> = include
                .get("env_file")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(Node::as_str)
                .map(|text| join(directory, text))
                .collect();
            let mut inner = self.environment(&base, &env_files)?;
            inner.extend(environment.clone());
            let included = self.files(&paths, &base, &inner, depth + 1)?;
            for (kind, entries) in included.entries() {
                if !matches!(
                    kind.as_str(),
                    "services" | "networks" | "volumes" | "secrets" | "configs"
                ) {
                    continue;
                }
                for (name, value) in entries.entries() {
                    let known = own.get(kind).and_then(|known| known.get(name));
                    match known {
                        Some(known) if known == value => {}
                        Some(known) => {
                            return Err(ComposeError::Field {
                                place: value.place.clone(),
                                field: format!("{kind}.{name}"),
                                reason: format!(
                                    "included by {}, but it is also defined in {}",
                                    path.display(),
                                    known.place
                                ),
                            });
                        }
                        None => {
                            let mut all = own
                                .get(kind)
                                .cloned()
                                .unwrap_or_else(|| Node::new(Kind::Map(Vec::new()), &value.place));
                            all.set(name, value.clone());
                            own.set(kind, all);
                        }
                    }
                }
            }
        }
        Ok(own)
    }

    fn name(&self, whole: &Node, environment: &Environment) -> Result<String> {
        let variable = |name: &str| {
            let found = self.source.variable(name).or_else(|| environment.get(name).cloned());
            found.filter(|value| !value.is_empty())
        };
        if let Some(name) = self.options.name.clone().or_else(|| variable("COMPOSE_PROJECT_NAME")) {
            return checked(name, None);
        }
        if let Some(node) = whole.get("name") {
            let name = node.as_str().unwrap_or_default().to_owned();
            return checked(name, Some(node.place.clone()));
        }
        let base = self.options.directory.file_name().unwrap_or_default().to_string_lossy();
        let normal: String = base
            .to_lowercase()
            .chars()
            .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
            .collect();
        let normal = normal.trim_start_matches(['-', '_']).to_owned();
        if normal.is_empty() {
            let reason = "the project's name cannot be made of its directory's: give one with -p";
            return Err(ComposeError::Project(reason.to_owned()));
        }
        Ok(normal)
    }
}

fn checked(name: String, place: Option<Place>) -> Result<String> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    if first && rest {
        return Ok(name);
    }
    let reason = format!(
        "invalid project name {name:?}: expected lower-case letters, digits, - and _, beginning \
         with a letter or digit"
    );
    Err(match place {
        Some(place) => ComposeError::Field { place, field: "name".to_owned(), reason },
        None => ComposeError::Project(reason),
    })
}

/// A file's name for messages: below the project's directory, it is short.
fn shown(path: &Path, directory: &Path) -> String {
    path.strip_prefix(directory).unwrap_or(path).display().to_string()
}

/// A path below a directory, without `.` and `..` where that can be told by the text.
pub(crate) fn join(directory: &Path, text: &str) -> PathBuf {
    let mut out = PathBuf::new();
    for component in directory.join(text).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if !matches!(out.components().next_back(), None | Some(Component::ParentDir)) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// Makes paths of a service absolute: they are meant from its own file's project directory.
fn absolute_paths(service: &mut Node, directory: &Path) {
    let fix = |node: &mut Node| {
        if let Kind::Text(text) = &mut node.kind {
            *text = join(directory, text).display().to_string();
        }
    };
    let Kind::Map(fields) = &mut service.kind else { return };
    for (name, value) in fields {
        match (name.as_str(), &mut value.kind) {
            ("env_file", Kind::List(items)) => {
                for (_, path) in items
                    .iter_mut()
                    .filter_map(fields_of)
                    .flatten()
                    .filter(|(name, _)| name == "path")
                {
                    fix(path);
                }
            }
            ("label_file", Kind::List(items)) => items.iter_mut().for_each(fix),
            ("build", Kind::Map(fields)) => {
                if !fields.iter().any(|(name, _)| name == "context") {
                    let here = Node::text(directory.display().to_string(), &value.place);
                    fields.push(("context".to_owned(), here));
                }
                for (name, value) in fields {
                    match (name.as_str(), &mut value.kind) {
                        ("context", Kind::Text(text)) if !is_remote(text) => {
                            *text = join(directory, text).display().to_string();
                        }
                        ("additional_contexts", Kind::Map(contexts)) => {
                            for (_, context) in contexts {
                                let local = context.as_str().is_some_and(|text| {
                                    !is_remote(text)
                                        && !text.contains("://")
                                        && !text.starts_with("service:")
                                });
                                if local {
                                    fix(context);
                                }
                            }
                        }
                        _ => {}
                    }
                }
            }
            ("volumes", Kind::List(items)) => {
                for item in items {
                    if item.get("type").and_then(Node::as_str) != Some("bind") {
                        continue;
                    }
                    for (_, source) in
                        fields_of(item).into_iter().flatten().filter(|(name, _)| name == "source")
                    {
                        if source.as_str().is_some_and(|text| !text.starts_with('~')) {
                            fix(source);
                        }
                    }
                }
            }
            ("develop", Kind::Map(fields)) => {
                for (_, watches) in fields.iter_mut().filter(|(name, _)| name == "watch") {
                    let Kind::List(watches) = &mut watches.kind else { continue };
                    for (_, path) in watches
                        .iter_mut()
                        .filter_map(fields_of)
                        .flatten()
                        .filter(|(name, _)| name == "path")
                    {
                        fix(path);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Likewise those of secrets and configurations.
fn absolute_files(document: &mut Node, directory: &Path) {
    for kind in ["secrets", "configs"] {
        let Some(mut all) = document.get(kind).cloned() else { continue };
        for (_, one) in fields_of(&mut all).into_iter().flatten() {
            for (_, file) in fields_of(one).into_iter().flatten().filter(|(name, _)| name == "file")
            {
                if let Kind::Text(text) = &mut file.kind {
                    *text = join(directory, text).display().to_string();
                }
            }
        }
        document.set(kind, all);
    }
}

fn fields_of(node: &mut Node) -> Option<&mut Vec<(String, Node)>> {
    match &mut node.kind {
        Kind::Map(fields) => Some(fields),
        _ => None,
    }
}

fn is_remote(text: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@", "github.com/"]
        .iter()
        .any(|prefix| text.starts_with(prefix))
}
