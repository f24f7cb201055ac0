//! What a build takes from here: the context, the Dockerfile, secrets, agents, other contexts.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::args::Parsed;
use crate::session::open_error;

/// Largest Dockerfile that is read from standard input.
const STDIN_BYTES: u64 = 16 << 20;

/// Where the context is.
#[derive(Debug)]
pub(super) enum Source {
    /// A directory.
    Directory(PathBuf),
    /// An archive on standard input, of which this much is read already.
    Archive(Vec<u8>),
    /// An address that the engine fetches.
    Url(String),
    /// There is none.
    Nothing,
}

/// Everything that is sent.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) source: Source,
    /// Path of the Dockerfile in the context.
    pub(super) dockerfile: Option<String>,
    /// A Dockerfile that is not in the context.
    pub(super) text: Option<Vec<u8>>,
    /// Other contexts: directories by name.
    pub(super) contexts: BTreeMap<String, PathBuf>,
    /// Images by the name that stands for them.
    pub(super) replaced: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
    pub(super) agents: BTreeMap<String, PathBuf>,
}

impl Inputs {
    /// Reads the arguments, and the files that are small.
    pub(super) fn read(flags: &Parsed) -> Result<Self> {
        let mut inputs = Self {
            source: Source::Nothing,
            dockerfile: None,
            text: None,
            contexts: BTreeMap::new(),
            replaced: BTreeMap::new(),
            secrets: BTreeMap::new(),
            agents: BTreeMap::new(),
        };
        for text in flags.list("secret") {
            let (id, value) = secret(text)?;
            inputs.secrets.insert(id, value);
        }
        for text in flags.list("ssh") {
            let (id, socket) = agent(text)?;
            inputs.agents.insert(id, socket);
        }
        for text in flags.list("build-context") {
            inputs.other_context(text)?;
        }
        inputs.context(&flags.operands[0], flags.get("file").filter(|file| !file.is_empty()))?;
        Ok(inputs)
    }

    fn context(&mut self, operand: &str, file: Option<&str>) -> Result<()> {
        if operand == "-" {
            if file == Some("-") {
                bail!("invalid argument: can't use stdin for both build context and dockerfile");
            }
            return self.standard_input(file);
        }
        if operand.starts_with("http://")
            || operand.starts_with("https://")
            || operand.starts_with("git@")
        {
            self.source = Source::Url(operand.to_owned());
            self.dockerfile = file.map(str::to_owned);
            return Ok(());
        }
        let directory = PathBuf::from(operand);
        let data = std::fs::metadata(&directory)
            .map_err(|_| anyhow!("unable to prepare context: path {operand:?} not found"))?;
        if !data.is_dir() {
            bail!("unable to prepare context: path {operand:?} is not a directory");
        }
        match file {
            Some("-") => {
                let mut text = Vec::new();
                std::io::stdin()
                    .take(STDIN_BYTES)
                    .read_to_end(&mut text)
                    .context("read the Dockerfile from standard input")?;
                self.text = Some(text);
            }
            Some(file) => self.named_file(&directory, file)?,
            None => {
                let known = ["Dockerfile", "dockerfile"]
                    .into_iter()
                    .find(|name| directory.join(name).is_file());
                let known = known.ok_or_else(|| {
                    anyhow!("unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat {}: no such file or directory", directory.join("Dockerfile").display())
                })?;
                self.dockerfile = Some(known.to_owned());
            }
        }
        self.source = Source::Directory(directory);
        Ok(())
    }

    /// A Dockerfile given by `-f`: within the context it keeps its path.
    fn named_file(&mut self, directory: &Path, file: &str) -> Result<()> {
        let path = Path::new(file);
        let real = path.canonicalize().map_err(|error| {
            anyhow!("unable to prepare context: {}", open_error("open", file, &error))
        })?;
        let root = directory.canonicalize().context("find the context's directory")?;
        // The path as it is written counts, so that a link in the context stays one.
        if let Ok(inside) = real.strip_prefix(&root) {
            self.dockerfile = Some(inside.to_string_lossy().into_owned());
        } else {
            self.text =
                Some(std::fs::read(&real).map_err(|error| open_error("open", file, &error))?);
        }
        Ok(())
    }

    fn standard_input(&mut self, file: Option<&str>) -> Result<()> {
        let mut head = Vec::new();
        std::io::stdin()
            .take(512)
            .read_to_end(&mut head)
            .context("read the context from standard input")?;
        if is_archive(&head) {
            if !self.secrets.is_empty() || !self.contexts.is_empty() {
                bail!(
                    "secrets and further contexts need a directory as the context, not an archive on standard input"
                );
            }
            self.dockerfile = file.map(str::to_owned);
            self.source = Source::Archive(head);
            return Ok(());
        }
        if file.is_some() {
            bail!("ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles");
        }
        std::io::stdin()
            .take(STDIN_BYTES)
            .read_to_end(&mut head)
            .context("read the Dockerfile from standard input")?;
        self.text = Some(head);
        Ok(())
    }

    fn other_context(&mut self, text: &str) -> Result<()> {
        let Some((name, value)) = text.split_once('=') else {
            bail!("invalid context value: {text}, expected key=value");
        };
        if name.is_empty()
            || name.contains('/') && !value.contains("://")
            || name == ".."
            || name == "."
        {
            bail!("invalid context name {name:?}");
        }
        if let Some(image) = value.strip_prefix("docker-image://") {
            self.replaced.insert(name.to_owned(), image.to_owned());
            return Ok(());
        }
        if value.contains("://") {
            bail!("--build-context {text}: only directories and docker-image:// are supported");
        }
        if !Path::new(value).is_dir() {
            bail!("--build-context {text}: {value} is not a directory");
        }
        self.contexts.insert(name.to_owned(), PathBuf::from(value));
        Ok(())
    }
}

/// `id=ID,src=FILE` or `id=ID,env=NAME`; without either a variable or file of that name.
fn secret(text: &str) -> Result<(String, Vec<u8>)> {
    let (mut id, mut source, mut variable, mut kind) = (None, None, None, "");
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("id", value)) => id = Some(value),
            Some(("src" | "source", value)) => source = Some(value),
            Some(("env", value)) => variable = Some(value),
            Some(("type", value @ ("file" | "env"))) => kind = value,
            _ => bail!("invalid field {field:?} of --secret {text}: expected id=, src= or env="),
        }
    }
    let id =
        id.filter(|id| !id.is_empty()).ok_or_else(|| anyhow!("--secret {text}: id is missing"))?;
    if id.contains('/') || id == "." || id == ".." {
        bail!("--secret {text}: the id {id:?} is no plain name");
    }
    if kind == "env" && variable.is_none() {
        variable = source.take().or(Some(id));
    }
    let value = match (source, variable) {
        (Some(path), _) => std::fs::read(path).map_err(|error| open_error("open", path, &error))?,
        (None, Some(name)) => std::env::var(name)
            .map_err(|_| anyhow!("--secret {text}: the variable {name} is not set"))?
            .into_bytes(),
        (None, None) => match std::env::var(id) {
            Ok(value) => value.into_bytes(),
            Err(_) => std::fs::read(id).map_err(|error| open_error("open", id, &error))?,
        },
    };
    Ok((id.to_owned(), value))
}

/// `default`, or `ID=SOCKET`.
fn agent(text: &str) -> Result<(String, PathBuf)> {
    use std::os::unix::fs::FileTypeExt;
    let (id, path) = match text.split_once('=') {
        Some((id, path)) => (id, PathBuf::from(path)),
        None => {
            let path = std::env::var("SSH_AUTH_SOCK").ok().filter(|path| !path.is_empty());
            let path = path.ok_or_else(|| {
                anyhow!("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")
            })?;
            (text, PathBuf::from(path))
        }
    };
    let data = std::fs::metadata(&path)
        .map_err(|error| open_error("open", &path.to_string_lossy(), &error))?;
    if !data.file_type().is_socket() {
        bail!(
            "--ssh {text}: {} is not the socket of an agent (keys in files are not supported: add them to an agent)",
            path.display()
        );
    }
    let path = path.canonicalize().context("find the agent's socket")?;
    Ok((id.to_owned(), path))
}

/// Whether these are the first bytes of an archive, compressed or not.
fn is_archive(head: &[u8]) -> bool {
    let magic: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];
    magic.iter().any(|magic| head.starts_with(magic))
        || (head.len() == 512 && head[257..].starts_with(b"ustar"))
}
