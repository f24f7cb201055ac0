//! `load`, `save` and `import`: images as archives.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use http::{Method, header};

use crate::args::{Flag, Parsed, boolean, list, text};
use crate::commands::{Command, Names, Operands};
use crate::output::{Progress, show_progress, stdout};
use crate::reference::split_tag;
use crate::session::{Session, open_error};
use crate::terminal::stdin_is_terminal;
use isopod_client::{Payload, next_piece, query};

static LOAD_FLAGS: &[Flag] = &[
    text("input", 'i', "Read a file instead of standard input"),
    text("platform", ' ', "Load only this platform, such as linux/amd64"),
    boolean("quiet", 'q', "Do not show progress"),
];

static SAVE_FLAGS: &[Flag] = &[
    text("output", 'o', "Write to a file instead of standard output"),
    text("platform", ' ', "Save only this platform, such as linux/amd64"),
];

static IMPORT_FLAGS: &[Flag] = &[
    list("change", 'c', "Dockerfile instruction to apply, such as 'CMD [\"sh\"]'"),
    text("message", 'm', "Message for the history"),
    text("platform", ' ', "Platform of the image, such as linux/amd64"),
];

pub(super) static LOAD: Command = Command {
    names: &["image load", "load"],
    usage: "[OPTIONS]",
    summary: "Load images from an archive",
    details: "Archives of 'docker save' and OCI image layouts are read, compressed or not.",
    examples: &[("load -i app.tar", "Load a file")],
    flags: &[LOAD_FLAGS],
    operands: Operands::None,
    complete: Names::Files,
    run: |session, flags| Box::pin(load(session, flags)),
    ..Command::DEFAULT
};

pub(super) static SAVE: Command = Command {
    names: &["image save", "save"],
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    summary: "Write images to an archive",
    examples: &[("save -o app.tar app:v1 app:v2", "Write two images to a file")],
    flags: &[SAVE_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Images,
    run: |session, flags| {
        Box::pin(async move {
            let platform = platform_query(&flags)?;
            let mut pairs: Vec<(&str, &str)> =
                flags.operands.iter().map(|name| ("names", name.as_str())).collect();
            pairs.push(("platform", &platform));
            let path = format!("/images/get{}", query(&pairs));
            save_to(&session, "save image", &path, flags.get("output")).await
        })
    },
    ..Command::DEFAULT
};

pub(super) static IMPORT: Command = Command {
    names: &["image import", "import"],
    usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    summary: "Make an image of a file system's tar archive",
    examples: &[
        ("import rootfs.tar mine:1", "Make an image of a file"),
        ("import -c 'CMD [\"/bin/sh\"]' - mine:1 < rootfs.tar", "With a command to run"),
    ],
    flags: &[IMPORT_FLAGS],
    operands: Operands::AtLeast(1),
    complete: Names::Files,
    run: |session, flags| Box::pin(import(session, flags)),
    ..Command::DEFAULT
};

fn open(path: &str) -> Result<File> {
    File::open(path).map_err(|error| open_error("open", path, &error))
}

/// `--platform` as the API takes it: a JSON document.
fn platform_query(flags: &Parsed) -> Result<String> {
    let text = flags.text("platform");
    if text.is_empty() {
        return Ok(text);
    }
    let mut parts = text.split('/');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let platform = isopod_docker_types::Platform {
        os: part(),
        architecture: part(),
        variant: part(),
        ..Default::default()
    };
    if platform.architecture.is_empty() || parts.next().is_some() {
        bail!("invalid platform {text:?}: expected os/architecture[/variant], such as linux/amd64");
    }
    serde_json::to_string(&platform).context("encode the platform")
}

async fn load(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let body = match flags.get("input") {
        Some(path) if !path.is_empty() => Payload::read_from(open(path)?),
        _ if stdin_is_terminal() => bail!("requested load from stdin, but stdin is empty"),
        _ => Payload::read_from(std::io::stdin()),
    };
    let progress = Progress::new(stdout());
    let quiet = flags.on("quiet") || !stdout().is_terminal();
    let platform = platform_query(&flags)?;
    let path = format!(
        "/images/load{}",
        query(&[("quiet", if quiet { "1" } else { "0" }), ("platform", &platform)])
    );
    let response = session.client.stream(Method::POST, &path, &[], body).await?;
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let mut body = response.into_body();
    if is_json {
        show_progress(body, Some(progress), |_| {}).await?;
    } else {
        while let Some(piece) = next_piece(&mut body).await? {
            stdout().write_all(&piece).context("write to standard output")?;
        }
    }
    Ok(0)
}

/// Loads an image from a directory with an OCI layout; returns the names or ids that it has.
pub(crate) async fn load_directory(session: &Session, path: &str) -> Result<Vec<String>> {
    let directory = std::path::PathBuf::from(path);
    if !directory.join("index.json").is_file() {
        bail!("{path} holds no image: index.json is missing");
    }
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    std::thread::spawn(move || {
        let mut builder = tar::Builder::new(crate::container::Pieces::new(sender.clone()));
        let packed = builder
            .append_dir_all("", &directory)
            .and_then(|()| builder.into_inner())
            .and_then(|mut out| out.flush());
        if let Err(error) = packed {
            let _ = sender.blocking_send(Err(error));
        }
    });
    let body = Payload::Stream(receiver);
    let response = session.client.stream(Method::POST, "/images/load?quiet=1", &[], body).await?;
    let mut documents = isopod_client::JsonLines::new(response.into_body());
    let mut names = vec![];
    while let Some(document) = documents.next().await? {
        let message: isopod_docker_types::JsonMessage = serde_json::from_str(document.get())
            .context("the engine's answer is not as expected")?;
        if !message.error.is_empty() {
            bail!("load {path}: {}", message.error);
        }
        for start in ["Loaded image ID: ", "Loaded image: "] {
            names.extend(message.stream.strip_prefix(start).map(|name| name.trim().to_owned()));
        }
    }
    Ok(names)
}

/// Writes the engine's answer to a file, which appears only when it is whole, or to standard
/// output.
pub(crate) async fn save_to(
    session: &Session,
    what: &str,
    path: &str,
    output: Option<&str>,
) -> Result<i32> {
    let Some(output) = output.filter(|output| !output.is_empty()) else {
        if stdout().is_terminal() {
            bail!("cowardly refusing to save to a terminal. Use the -o flag or redirect");
        }
        let response = session.client.stream(Method::GET, path, &[], Payload::Empty).await?;
        let mut body = response.into_body();
        while let Some(piece) = next_piece(&mut body).await? {
            stdout().write_all(&piece).context("write to standard output")?;
        }
        return Ok(0);
    };
    let place = check_output(output).with_context(|| format!("failed to {what}"))?;
    let response = session.client.stream(Method::GET, path, &[], Payload::Empty).await?;
    let mut body = response.into_body();
    if !place.is_file() {
        // A device or pipe is written to as it is.
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .open(output)
            .map_err(|error| open_error("open", output, &error))?;
        while let Some(piece) = next_piece(&mut body).await? {
            file.write_all(&piece).with_context(|| format!("write {output}"))?;
        }
        return Ok(0);
    }
    let target = Path::new(output);
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary = Temporary::beside(directory)?;
    while let Some(piece) = next_piece(&mut body).await? {
        temporary.file.write_all(&piece).with_context(|| format!("write {output}"))?;
    }
    temporary.become_file(target)?;
    Ok(0)
}

/// What is at an output path.
#[derive(PartialEq, Eq)]
enum Place {
    File,
    Special,
}

impl Place {
    fn is_file(&self) -> bool {
        *self == Place::File
    }
}

fn check_output(output: &str) -> Result<Place> {
    let path = Path::new(output);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent
        && !parent.exists()
    {
        bail!("invalid output path: stat {}: no such file or directory", parent.display());
    }
    match std::fs::metadata(path) {
        Ok(data) if data.is_dir() => {
            Err(anyhow!("invalid output path: \"{output}\" is a directory"))
        }
        Ok(data) if !data.is_file() => Ok(Place::Special),
        _ => Ok(Place::File),
    }
}

/// A file that is removed unless it becomes the real one.
struct Temporary {
    path: std::path::PathBuf,
    file: File,
}

impl Temporary {
    fn beside(directory: &Path) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let name = format!(".isopod-save-{}", &isopod_base::id::full()[..12]);
        let path = directory.join(name);
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("create a file in {}", directory.display()))?;
        Ok(Self { path, file })
    }

    fn become_file(self, target: &Path) -> Result<()> {
        std::fs::rename(&self.path, target).with_context(|| format!("write {}", target.display()))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn import(session: Rc<Session>, flags: Parsed) -> Result<i32> {
    let source = flags.operands[0].as_str();
    let name = flags.operands.get(1).map_or("", String::as_str);
    let (repository, tag) = split_tag(name);
    let is_url = source.starts_with("http://") || source.starts_with("https://");
    let body = match source {
        "-" => Payload::read_from(std::io::stdin()),
        _ if is_url => Payload::Empty,
        path => Payload::read_from(open(path)?),
    };
    let message = flags.text("message");
    let platform = flags.text("platform");
    let mut pairs = vec![
        ("fromSrc", if is_url { source } else { "-" }),
        ("repo", repository),
        ("tag", tag),
        ("message", &message),
        ("platform", platform.as_str()),
    ];
    pairs.extend(flags.list("change").iter().map(|change| ("changes", change.as_str())));
    let path = format!("/images/create{}", query(&pairs));
    let response = session.client.stream(Method::POST, &path, &[], body).await?;
    show_progress(response.into_body(), Some(Progress::new(stdout())), |_| {}).await?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_checked_first() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        assert!(check_output(&path("new.tar")).expect("good").is_file());
        assert!(!check_output("/dev/null").expect("good").is_file());
        assert!(check_output(&path("none/new.tar")).is_err());
        assert!(check_output(&path("")).is_err());
    }
}
