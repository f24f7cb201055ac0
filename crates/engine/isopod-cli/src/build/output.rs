//! `--output`: where the result goes besides the store.

use std::path::Path;

use anyhow::{Context, Result, bail};
use http::Method;
use isopod_docker_types::ContainerCreateResponse;
use serde_json::json;

use crate::container::{Unpack, receive};
use crate::image::save_to;
use crate::session::Session;
use isopod_client::{Payload, image_path, query, segment};

/// What is written where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) kind: Kind,
    /// A path, or `-` for standard output.
    pub(super) destination: String,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: the image is in the store.
    Image,
    /// The image as an archive.
    Archive,
    /// Its files as an archive.
    Tar,
    /// Its files in a directory.
    Local,
}

/// Reads one value.
pub(super) fn parse(text: &str) -> Result<Output> {
    if text == "-" {
        return Ok(Output { kind: Kind::Tar, destination: "-".to_owned() });
    }
    if !text.contains('=') {
        return Ok(Output { kind: Kind::Local, destination: text.to_owned() });
    }
    let (mut kind, mut destination) = ("", String::new());
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("type", value)) => kind = value,
            Some(("dest" | "output", value)) => destination = value.to_owned(),
            _ => bail!("--output {text}: unknown field {field:?}: expected type= and dest="),
        }
    }
    let kind = match kind {
        "image" => Kind::Image,
        "docker" if destination.is_empty() => Kind::Image,
        "docker" | "oci" => Kind::Archive,
        "tar" => Kind::Tar,
        "local" => Kind::Local,
        "registry" => bail!("--output type=registry: use --push"),
        other => bail!(
            "--output {text}: type {other:?} is not supported: expected image, docker, oci, tar or local"
        ),
    };
    if kind == Kind::Local && destination.is_empty() {
        bail!("--output {text}: dest is required for local exporter");
    }
    if destination.is_empty() && kind != Kind::Image {
        "-".clone_into(&mut destination);
    }
    Ok(Output { kind, destination })
}

/// Writes the result.
pub(super) async fn write(
    session: &Session,
    image: &str,
    names: &[String],
    output: &Output,
) -> Result<()> {
    let destination = Some(output.destination.as_str()).filter(|path| *path != "-");
    match output.kind {
        Kind::Image => Ok(()),
        Kind::Archive => {
            let wanted: Vec<(&str, &str)> = if names.is_empty() {
                vec![("names", image)]
            } else {
                names.iter().map(|name| ("names", name.as_str())).collect()
            };
            let path = format!("/images/get{}", query(&wanted));
            save_to(session, "write the image", &path, destination).await.map(|_| ())
        }
        Kind::Tar | Kind::Local => {
            // The files are those of a container that never runs.
            let request =
                json!({ "Image": image, "Cmd": ["none"], "HostConfig": { "NetworkMode": "none" } });
            let created: ContainerCreateResponse =
                session.client.post("/containers/create", &request).await?;
            let container = segment(&created.id);
            let outcome = files(session, &container, output, destination).await;
            let path = format!("/containers/{container}?force=1&v=1");
            let removed = session.client.call(Method::DELETE, &path, Payload::Empty).await;
            outcome?;
            Ok(removed?)
        }
    }
}

async fn files(
    session: &Session,
    container: &str,
    output: &Output,
    destination: Option<&str>,
) -> Result<()> {
    let path = format!("/containers/{container}/export");
    if output.kind == Kind::Tar {
        return save_to(session, "write the files", &path, destination).await.map(|_| ());
    }
    let directory = Path::new(&output.destination);
    std::fs::create_dir_all(directory)
        .with_context(|| format!("make the directory {}", directory.display()))?;
    let response = session.client.stream(Method::GET, &path, &[], Payload::Empty).await?;
    let unpack = Unpack {
        directory: directory.to_path_buf(),
        packed_as: String::new(),
        name: String::new(),
    };
    receive(response.into_body(), unpack).await.map(|_| ())
}

/// Removes an image that nobody asked to be kept, if nothing else knows it.
pub(super) async fn forget(session: &Session, image: &str) -> Result<()> {
    let path = format!("/images/{}/json", image_path(image));
    let known: isopod_docker_types::ImageInspect = session.client.get(&path).await?;
    if known.repo_tags.is_empty() {
        let path = format!("/images/{}", image_path(image));
        session.client.call(Method::DELETE, &path, Payload::Empty).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs() {
        for (text, kind, destination) in [
            ("out", Kind::Local, "out"),
            ("-", Kind::Tar, "-"),
            ("type=tar,dest=x.tar", Kind::Tar, "x.tar"),
            ("type=tar", Kind::Tar, "-"),
            ("type=docker", Kind::Image, ""),
            ("type=docker,dest=x.tar", Kind::Archive, "x.tar"),
            ("type=oci,dest=x.tar", Kind::Archive, "x.tar"),
            ("type=image", Kind::Image, ""),
        ] {
            let output = Output { kind, destination: destination.to_owned() };
            assert_eq!(parse(text).expect(text), output, "{text}");
        }
        for text in ["type=local", "type=zip,dest=x", "dest=x,color=red"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
