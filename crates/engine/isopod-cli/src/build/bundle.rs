//! The body of a build: one archive with the context and what else goes along.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use isopod_dockerfile::IgnoreList;
use tokio::sync::mpsc;

use super::inputs::{Inputs, Source};
use crate::container::Pieces;
use isopod_client::Payload;

/// The content type of such a body.
pub(super) const CONTENT_TYPE: &str = "application/x-isopod-build";

/// Begins to pack what is to be sent, on a thread.
pub(super) fn pack(inputs: &Inputs) -> Result<Payload> {
    let context = match &inputs.source {
        Source::Url(_) => return Ok(Payload::Empty),
        Source::Archive(head) => {
            let whole = io::Cursor::new(head.clone()).chain(io::stdin());
            return Ok(Payload::read_from(whole));
        }
        Source::Directory(directory) => Some(directory.clone()),
        Source::Nothing => None,
    };
    let ignore = match &context {
        Some(directory) => ignore_list(directory, inputs.dockerfile.as_deref())?,
        None => IgnoreList::default(),
    };
    let (text, secrets) = (inputs.text.clone(), inputs.secrets.clone());
    let (contexts, dockerfile) = (inputs.contexts.clone(), inputs.dockerfile.clone());
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut builder = tar::Builder::new(Pieces::new(sender.clone()));
        builder.follow_symlinks(false);
        let mut packer = Packer { builder };
        let packed = (|| {
            packer.file("dockerfile", text.as_deref(), 0o644)?;
            for (id, value) in &secrets {
                packer.file(&format!("secrets/{id}"), Some(value), 0o600)?;
            }
            if let Some(directory) = &context {
                let keep = dockerfile.as_deref();
                packer.tree(directory, "context", "", &ignore, keep)?;
            }
            for (name, directory) in &contexts {
                let ignore = ignore_list(directory, None).map_err(io::Error::other)?;
                packer.tree(directory, &format!("contexts/{name}"), "", &ignore, None)?;
            }
            packer.builder.into_inner()?.flush()
        })();
        if let Err(error) = packed {
            // The receiver is gone if the engine already refused.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Ok(Payload::Stream(receiver))
}

/// The rules of `.dockerignore`; one of the Dockerfile's own goes before the context's.
fn ignore_list(directory: &Path, dockerfile: Option<&str>) -> Result<IgnoreList> {
    let own = dockerfile.map(|file| directory.join(format!("{file}.dockerignore")));
    let path = own.filter(|path| path.is_file()).unwrap_or_else(|| directory.join(".dockerignore"));
    match std::fs::read_to_string(&path) {
        Ok(text) => IgnoreList::parse(&text).with_context(|| format!("read {}", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(IgnoreList::default()),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

struct Packer {
    builder: tar::Builder<Pieces>,
}

impl Packer {
    fn file(&mut self, name: &str, content: Option<&[u8]>, mode: u32) -> io::Result<()> {
        let Some(content) = content else { return Ok(()) };
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        self.builder.append_data(&mut header, name, content)
    }

    /// Packs what is in a directory; `keep` is a file that goes along in any case.
    fn tree(
        &mut self,
        directory: &Path,
        called: &str,
        prefix: &str,
        ignore: &IgnoreList,
        keep: Option<&str>,
    ) -> io::Result<()> {
        let at = |path: &Path| {
            let path = path.to_path_buf();
            move |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            }
        };
        let mut entries: Vec<_> =
            std::fs::read_dir(directory).and_then(Iterator::collect).map_err(at(directory))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let path = format!("{prefix}{}", name.to_string_lossy());
            let kept = keep.is_some_and(|keep| keep == path)
                || path == ".dockerignore"
                || keep.is_some_and(|keep| path == format!("{keep}.dockerignore"));
            let above = keep.is_some_and(|keep| keep.starts_with(&format!("{path}/")));
            let excluded = ignore.excludes(&path) && !kept;
            let full = entry.path();
            let data = full.symlink_metadata().map_err(at(&full))?;
            let target = PathBuf::from(called).join(&name);
            if data.is_dir() {
                if excluded && !above && ignore.skips_all_below(&path) {
                    continue;
                }
                if !excluded {
                    self.header(&data, &target, None).map_err(at(&full))?;
                }
                let target = target.to_string_lossy().into_owned();
                self.tree(&full, &target, &format!("{path}/"), ignore, keep)?;
            } else if !excluded {
                self.entry(&full, &data, &target).map_err(at(&full))?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, data: &std::fs::Metadata, target: &Path) -> io::Result<()> {
        use std::os::unix::fs::FileTypeExt;
        let kind = data.file_type();
        if kind.is_socket() {
            return Ok(());
        }
        if kind.is_symlink() {
            let link = std::fs::read_link(path)?;
            return self.header(data, target, Some(&link));
        }
        if !kind.is_file() {
            return self.header(data, target, None);
        }
        let file = File::open(path)?;
        let mut header = header(data);
        header.set_size(data.len());
        // A file that grows meanwhile is cut; one that shrinks is an error.
        self.builder.append_data(&mut header, target, file.take(data.len()))
    }

    fn header(
        &mut self,
        data: &std::fs::Metadata,
        target: &Path,
        link: Option<&Path>,
    ) -> io::Result<()> {
        let mut header = header(data);
        match link {
            Some(link) => self.builder.append_link(&mut header, target, link),
            None => {
                let target = if data.is_dir() { target.join("") } else { target.to_path_buf() };
                self.builder.append_data(&mut header, target, io::empty())
            }
        }
    }
}

/// The header of a file: it belongs to root, as everything in a context does.
fn header(data: &std::fs::Metadata) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_metadata(data);
    header.set_size(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
