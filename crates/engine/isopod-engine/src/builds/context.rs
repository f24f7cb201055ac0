//! Contexts: archives that clients send, as directories.

use super::{BuildImage, parse_error};
use crate::byte_stream::StreamReader;
use crate::engine::blocking;
use crate::error::{Error, Result};
use crate::{ByteStream, Engine, PutArchive, tree};
use isopod_build::{Cancel, Contexts};
use isopod_dockerfile::{Dockerfile, IgnoreList};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest Dockerfile, and largest secret.
const FILE_BYTES: u64 = 16 << 20;
const SECRET_BYTES: u64 = 500 << 10;

/// A context that has arrived.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) file: Dockerfile,
    pub(super) contexts: Contexts,
    _directory: Directory,
}

/// A directory that goes with its owner.
#[derive(Debug)]
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a build's context stays until the next start");
        }
    }
}

impl Engine {
    /// Takes a context in, and parses its Dockerfile.
    pub(super) async fn prepare_context(
        self: &Arc<Self>,
        request: &mut BuildImage,
        body: ByteStream,
        cancel: &Cancel,
    ) -> Result<Prepared> {
        let path = self.builds.scratch.join(format!("context-{}", isopod_base::id::full()));
        crate::engine::make_directory(&path, 0o700)?;
        let directory = Directory(path);
        let body = if request.remote.is_empty() {
            body
        } else {
            self.fetch_context(&request.remote).await?
        };
        let _ = cancel;
        let (bundle, dockerfile) = (request.bundle, request.dockerfile.clone());
        let remote = !request.remote.is_empty();
        let (prepared, secrets) =
            blocking(move || take_in(directory, body, bundle, remote, &dockerfile)).await?;
        request.build.secrets.extend(secrets);
        request.build.contexts = prepared.contexts.named.keys().cloned().collect();
        Ok(prepared)
    }

    async fn fetch_context(self: &Arc<Self>, url: &str) -> Result<ByteStream> {
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        if !is_web || url.ends_with(".git") || url.contains(".git#") {
            return Err(Error::invalid(format_args!(
                "unable to prepare context from {url}: git repositories are not supported; clone it and build the directory"
            )));
        }
        let mut download = self.download(url).await?;
        let (sender, stream) = tokio::sync::mpsc::channel(8);
        tokio::spawn(async move {
            loop {
                let piece = match download.chunk().await {
                    Ok(Some(piece)) => Ok(piece),
                    Ok(None) => return,
                    Err(error) => {
                        Err(std::io::Error::other(isopod_base::chain(&error).to_string()))
                    }
                };
                let ended = piece.is_err();
                if sender.send(piece).await.is_err() || ended {
                    return;
                }
            }
        });
        Ok(stream)
    }

    pub(super) async fn download(&self, url: &str) -> Result<isopod_registry::Download> {
        Ok(self.image_service.client().download(url).await?)
    }
}

type Secrets = BTreeMap<String, Vec<u8>>;

fn take_in(
    directory: Directory,
    body: ByteStream,
    bundle: bool,
    remote: bool,
    dockerfile: &str,
) -> Result<(Prepared, Secrets)> {
    let root = &directory.0;
    let main = root.join("context");
    crate::engine::make_directory(&main, 0o755)?;
    let opened =
        std::fs::File::open(root).map_err(Error::io(format_args!("open {}", root.display())))?;
    let target = if bundle { "" } else { "context" };
    let mut reader = StreamReader::new(body);
    let mut head = vec![0u8; 512];
    let count = fill(&mut reader, &mut head)
        .map_err(|error| Error::invalid("the build context could not be read").because(error))?;
    head.truncate(count);
    if remote && std::str::from_utf8(&head).is_ok() && !looks_like_tar(&head) {
        // A URL of a Dockerfile, rather than of an archive.
        let mut text = head;
        reader
            .take(FILE_BYTES)
            .read_to_end(&mut text)
            .map_err(Error::io("fetch the Dockerfile"))?;
        let path = main.join("Dockerfile");
        std::fs::write(&path, text).map_err(Error::io(format_args!("write {}", path.display())))?;
    } else if count > 0 {
        let options = PutArchive { copy_owners: false, ..PutArchive::default() };
        let input = std::io::Cursor::new(head).chain(reader);
        tree::unpack(opened.as_fd(), target, input, options).map_err(|error| {
            Error::invalid("the build context could not be unpacked").because(error)
        })?;
    }
    let secrets = if bundle { read_secrets(root)? } else { Secrets::new() };
    let mut contexts = Contexts { main: Some(main.clone()), named: BTreeMap::new() };
    for entry in std::fs::read_dir(root.join("contexts")).into_iter().flatten().flatten() {
        contexts.named.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
    }
    let outside = root.join("dockerfile");
    let (name, text) = if bundle && outside.is_file() {
        // It is not among the files of the context.
        ("Dockerfile".to_owned(), read_text(&outside, "Dockerfile")?)
    } else {
        find_dockerfile(&main, dockerfile)?
    };
    let file = Dockerfile::parse(&name, &text).map_err(|error| parse_error(&error))?;
    leave_out(&main, &name)?;
    Ok((Prepared { file, contexts, _directory: directory }, secrets))
}

/// Reads until the buffer is full or the input ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match reader.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

fn looks_like_tar(head: &[u8]) -> bool {
    head.len() == 512 && head[257..].starts_with(b"ustar")
}

/// The Dockerfile's name and text.
fn find_dockerfile(main: &Path, asked: &str) -> Result<(String, String)> {
    let name = asked.trim_start_matches("./").trim_start_matches('/');
    let candidates: &[&str] = if name.is_empty() { &["Dockerfile", "dockerfile"] } else { &[name] };
    let root =
        std::fs::File::open(main).map_err(Error::io(format_args!("open {}", main.display())))?;
    for candidate in candidates {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
        if let Ok(fd) = tree::open(root.as_fd(), candidate, flags) {
            let text = text_of(std::fs::File::from(fd), candidate)?;
            if text.trim().is_empty() {
                return Err(Error::invalid(format_args!(
                    "the Dockerfile ({candidate}) cannot be empty"
                )));
            }
            return Ok(((*candidate).to_owned(), text));
        }
    }
    Err(Error::invalid(format_args!("Cannot locate specified Dockerfile: {}", candidates[0])))
}

fn read_text(path: &Path, shown: &str) -> Result<String> {
    let file =
        std::fs::File::open(path).map_err(Error::io(format_args!("open {}", path.display())))?;
    text_of(file, shown)
}

fn text_of(file: std::fs::File, shown: &str) -> Result<String> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(Error::io(format_args!("read {shown}")))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(Error::invalid(format_args!("{shown} is larger than {FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Error::invalid(format_args!("{shown} is not UTF-8 text")))
}

/// Removes what `.dockerignore` leaves out; clients do not all heed it.
fn leave_out(main: &Path, dockerfile: &str) -> Result<()> {
    let own = main.join(format!("{dockerfile}.dockerignore"));
    let path = if own.is_file() { own } else { main.join(".dockerignore") };
    if !path.is_file() {
        return Ok(());
    }
    let list = IgnoreList::parse(&read_text(&path, ".dockerignore")?).map_err(Error::invalid)?;
    if list.is_empty() {
        return Ok(());
    }
    remove_excluded(main, "", &list)
        .map(|_| ())
        .map_err(Error::io("leave out what .dockerignore names"))
}

/// Returns whether anything is left.
fn remove_excluded(directory: &Path, prefix: &str, list: &IgnoreList) -> std::io::Result<bool> {
    let mut left = false;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let excluded = list.excludes(&path);
        if entry.file_type()?.is_dir() {
            if excluded && list.skips_all_below(&path) {
                std::fs::remove_dir_all(entry.path())?;
                continue;
            }
            let kept = remove_excluded(&entry.path(), &format!("{path}/"), list)?;
            if excluded && !kept {
                std::fs::remove_dir(entry.path())?;
                continue;
            }
        } else if excluded {
            std::fs::remove_file(entry.path())?;
            continue;
        }
        left = true;
    }
    Ok(left)
}

fn read_secrets(root: &Path) -> Result<Secrets> {
    let mut secrets = Secrets::new();
    let directory = root.join("secrets");
    for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        let failed = || Error::io(format!("read secret {id}"));
        let metadata = entry.metadata().map_err(failed())?;
        if metadata.len() > SECRET_BYTES {
            return Err(Error::invalid(format_args!(
                "secret {id} is larger than {SECRET_BYTES} bytes"
            )));
        }
        let value = std::fs::read(entry.path()).map_err(failed())?;
        secrets.insert(id, value);
    }
    let _ = std::fs::remove_dir_all(&directory);
    Ok(secrets)
}
