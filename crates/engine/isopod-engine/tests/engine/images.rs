//! Images between the engine, a registry and archives of other tools.

use crate::peer::Registry;
use isopod_engine::{
    Config, Engine, ErrorKind, ImportImage, Progress, ProgressStream, PullImage, PushImage,
};
use isopod_oci::image::{Descriptor, media_type};
use isopod_registry::{Client, Reference};
use isopod_testkit::{Limited, TempDir, is_root, peer, skip, temp_dir};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tokio::sync::mpsc;

pub(crate) struct Bench {
    pub(crate) engine: Arc<Engine>,
    dir: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let dir = temp_dir("images").unwrap();
        let config = Config::in_directories(dir.path().join("data"), dir.path().join("exec"));
        Self { engine: Engine::open(config).await.unwrap(), dir }
    }

    /// Imports a root file system of a few files, told apart by `content`.
    pub(crate) async fn import(&self, name: &str, content: &str) -> String {
        let root = self.dir.path().join("root");
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::write(root.join("etc/content"), content.repeat(1000)).unwrap();
        let tar = self.dir.path().join("root.tar");
        let made = Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg(".").status();
        assert!(made.unwrap().success());
        let request = ImportImage {
            reference: name.to_owned(),
            changes: vec!["CMD [\"true\"]".to_owned(), "LABEL a=b".to_owned()],
            ..ImportImage::default()
        };
        let steps = finish(self.engine.import_image(request, stream_of(&tar)).await.unwrap()).await;
        steps.unwrap().last().unwrap().status.clone()
    }

    async fn pull(&self, name: &str, platform: Option<&str>) -> Result<Vec<Progress>, String> {
        let request = PullImage {
            reference: name.to_owned(),
            platform: platform.map(str::to_owned),
            ..PullImage::default()
        };
        finish(self.engine.pull_image(request).await.unwrap()).await
    }

    pub(crate) async fn push(&self, name: &str) -> Result<Vec<Progress>, String> {
        let request = PushImage { reference: name.to_owned(), ..PushImage::default() };
        finish(self.engine.push_image(request).await.unwrap()).await
    }

    async fn ids(&self) -> Vec<String> {
        let all = self.engine.images(Default::default()).await.unwrap();
        all.into_iter().map(|image| image.id).collect()
    }
}

async fn finish(mut stream: ProgressStream) -> Result<Vec<Progress>, String> {
    let mut steps = Vec::new();
    while let Some(step) = stream.recv().await {
        steps.push(step.map_err(|error| error.full_message())?);
    }
    Ok(steps)
}

fn stream_of(path: &Path) -> mpsc::Receiver<std::io::Result<bytes::Bytes>> {
    let (sender, receiver) = mpsc::channel(1);
    let bytes = std::fs::read(path).unwrap();
    tokio::spawn(async move {
        for chunk in bytes.chunks(100_000) {
            if sender.send(Ok(chunk.to_vec().into())).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// The steps that are no counts of bytes, as `id: status`.
fn words(steps: &[Progress]) -> Vec<String> {
    let told = steps.iter().filter(|step| step.bytes.is_none() && step.pushed.is_none());
    told.map(|step| format!("{}: {}", step.id, step.status)).collect()
}

/// Root is needed for what images hold: owners, devices, overlays.
pub(crate) fn registry(test: &str) -> Option<Registry> {
    if !is_root() {
        skip(test, "needs root");
        return None;
    }
    Registry::open(test)
}

fn run(program: &str, arguments: &[&str]) {
    let output = Limited::seconds(60).output(Command::new(program).args(arguments)).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_to_a_registry_and_comes_back() {
    let Some(registry) = registry("an_image_goes_to_a_registry_and_comes_back") else { return };
    let bench = Bench::new().await;
    let id = bench.import("app:1", "one").await;
    let name = registry.name("team/app:1");
    bench.engine.tag_image("app:1", &name).await.unwrap();
    let pushed = bench.push(&name).await.unwrap();
    let lines = words(&pushed);
    let repository = format!("127.0.0.1:{}/team/app", registry.address.rsplit(':').next().unwrap());
    assert_eq!(lines[0], format!(": The push refers to repository [{repository}]"));
    assert!(lines.iter().any(|line| line.ends_with(": Pushed")), "{lines:?}");
    let (tag, digest, size) = pushed.last().unwrap().pushed.clone().unwrap();
    assert_eq!(tag, "1");
    assert!(lines.contains(&format!(": 1: digest: {digest} size: {size}")), "{lines:?}");
    let again = words(&bench.push(&name).await.unwrap());
    assert!(again.iter().any(|line| line.ends_with(": Layer already exists")), "{again:?}");
    // The layer came plain; the registry has it compressed, and so has the store.
    let client = Client::new(isopod_registry::Config::default()).unwrap();
    let remote = client.repository(&Reference::parse(&name).unwrap(), None);
    let document = remote.manifest_by_digest(&digest.parse().unwrap()).await.unwrap();
    let manifest = isopod_oci::image::Manifest::parse(&document.bytes).unwrap();
    assert_eq!(manifest.layers[0].media_type, media_type::LAYER_GZIP);
    assert_eq!(bench.ids().await, std::slice::from_ref(&id));
    let details = bench.engine.image(&name).await.unwrap();
    assert!(details.summary.repo_digests.contains(&format!("{repository}@{digest}")));

    let other = registry.name("other/app:2");
    bench.engine.tag_image(&name, &other).await.unwrap();
    let mounted = words(&bench.push(&other).await.unwrap());
    assert!(mounted.iter().any(|line| line.ends_with(": Mounted from team/app")), "{mounted:?}");

    let fresh = Bench::new().await;
    let pulled = words(&fresh.pull(&name, None).await.unwrap());
    assert_eq!(pulled[0], "1: Pulling from team/app");
    let layer = pulled[1].split(':').next().unwrap().to_owned();
    for status in ["Pulling fs layer", "Verifying Checksum", "Download complete", "Pull complete"] {
        assert!(pulled.contains(&format!("{layer}: {status}")), "{status}: {pulled:?}");
    }
    let ending =
        [format!(": Digest: {digest}"), format!(": Status: Downloaded newer image for {name}")];
    assert_eq!(pulled[pulled.len() - 2..], ending);
    assert_eq!(fresh.ids().await, std::slice::from_ref(&id));
    let details = fresh.engine.image(&name).await.unwrap();
    assert_eq!(details.summary.repo_tags, std::slice::from_ref(&name));
    assert_eq!(details.summary.repo_digests, [format!("{repository}@{digest}")]);
    assert_eq!(details.config.cmd, Some(vec!["true".to_owned()]));
    let current = words(&fresh.pull(&name, None).await.unwrap());
    assert_eq!(current.last().unwrap(), &format!(": Status: Image is up to date for {name}"));
    let shared = words(&fresh.pull(&other, None).await.unwrap());
    assert!(shared.contains(&format!("{layer}: Already exists")), "{shared:?}");

    let removed = fresh.engine.remove_image(&name, false, true).await.unwrap();
    assert_eq!(removed.len(), 1, "the other name stays: {removed:?}");
    fresh.engine.remove_image(&other, false, true).await.unwrap();
    assert!(fresh.ids().await.is_empty());
    let missing = fresh.engine.image(&name).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(missing.full_message(), format!("No such image: {name}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_the_registry_is_named_and_leaves_nothing() {
    let Some(registry) = registry("damage_in_the_registry_is_named") else { return };
    let bench = Bench::new().await;
    bench.import("app:1", "two").await;
    let name = registry.name("app:1");
    bench.engine.tag_image("app:1", &name).await.unwrap();
    bench.push(&name).await.unwrap();
    let (largest, _) =
        files(&registry.storage()).into_iter().max_by_key(|(_, size)| *size).unwrap();
    let mut bytes = std::fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&largest, bytes).unwrap();

    let fresh = Bench::new().await;
    let failure = fresh.pull(&name, None).await.unwrap_err();
    let digest = largest.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(failure.contains(&digest), "{failure}");
    assert!(fresh.ids().await.is_empty());
    // Documents that arrived whole may stay for the next try, the layer and its files may not.
    let left: Vec<PathBuf> = files(&fresh.dir.path().join("data/images"))
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| {
            let text = path.display().to_string();
            text.contains(&digest) || text.contains("/fs/")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// All files below a directory with their sizes.
fn files(directory: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path(), entry.metadata().map_or(0, |metadata| metadata.len())));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_chooses_from_an_index() {
    let Some(registry) = registry("the_platform_chooses_from_an_index") else { return };
    let bench = Bench::new().await;
    let id = bench.import("app:1", "three").await;
    let name = registry.name("app:one");
    bench.engine.tag_image("app:1", &name).await.unwrap();
    let pushed = bench.push(&name).await.unwrap();
    let (_, digest, size) = pushed.last().unwrap().pushed.clone().unwrap();
    let mut entry = Descriptor::new(media_type::MANIFEST, digest.parse().unwrap(), size);
    entry.platform = Some(isopod_images::platform::host());
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [entry],
    });
    let both = Reference::parse(&registry.name("app:both")).unwrap();
    let client = Client::new(isopod_registry::Config::default()).unwrap();
    let bytes = serde_json::to_vec(&index).unwrap();
    let remote = client.repository(&both, None);
    remote.push_manifest(&both, media_type::INDEX, bytes.into()).await.unwrap();
    let fresh = Bench::new().await;
    let failure = fresh.pull(&both.familiar(), Some("linux/s390x")).await.unwrap_err();
    assert_eq!(failure, "no matching manifest for linux/s390x in the manifest list entries");
    fresh.pull(&both.familiar(), None).await.unwrap();
    assert_eq!(fresh.ids().await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tools_read_what_is_pushed_and_saved() {
    let Some(registry) = registry("other_tools_read_what_is_pushed_and_saved") else { return };
    if peer("skopeo").is_none() {
        skip("other_tools_read_what_is_pushed_and_saved", "skopeo is not installed");
        return;
    }
    let bench = Bench::new().await;
    let id = bench.import("app:1", "four").await;
    let name = registry.name("app:1");
    bench.engine.tag_image("app:1", &name).await.unwrap();
    bench.push(&name).await.unwrap();
    let path = |name: &str| bench.dir.path().join(name).display().to_string();
    let (pulled, saved) = (path("pulled.tar"), path("saved.tar"));
    let from = format!("docker://{name}");
    run(
        "skopeo",
        &["copy", "--src-tls-verify=false", &from, &format!("docker-archive:{pulled}:x:1")],
    );

    let mut archive = bench.engine.save_images(vec!["app:1".to_owned()], None).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = archive.recv().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    std::fs::write(&saved, bytes).unwrap();
    run("skopeo", &["inspect", &format!("docker-archive:{saved}")]);
    let to = format!("docker://{}", registry.name("copied:1"));
    run("skopeo", &["copy", "--dest-tls-verify=false", &format!("docker-archive:{saved}"), &to]);

    let fresh = Bench::new().await;
    let loaded =
        finish(fresh.engine.load_images(stream_of(Path::new(&pulled))).await.unwrap()).await;
    let said: Vec<_> = loaded.unwrap().into_iter().filter_map(|step| step.stream).collect();
    assert_eq!(said, ["Loaded image: x:1\n"]);
    fresh.pull(&registry.name("copied:1"), None).await.unwrap();
    assert_eq!(fresh.ids().await.first(), Some(&id), "the same image however it came");
    let broken = bench.dir.path().join("broken.tar");
    std::fs::write(&broken, &std::fs::read(&saved).unwrap()[..2000]).unwrap();
    let failure = finish(fresh.engine.load_images(stream_of(&broken)).await.unwrap()).await;
    assert!(failure.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_are_refused_in_dockers_words() {
    if !is_root() {
        skip("bad_names_are_refused_in_dockers_words", "needs root");
        return;
    }
    let bench = Bench::new().await;
    let pull = PullImage { reference: "a b".to_owned(), ..PullImage::default() };
    let error = bench.engine.pull_image(pull).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.full_message()),
        (ErrorKind::InvalidParameter, "invalid reference format".to_owned())
    );
    let error = bench.engine.image("Nope").await.unwrap_err();
    assert!(error.full_message().ends_with("must be lowercase"), "{error}");
    let error = bench.engine.image("nope").await.unwrap_err();
    assert_eq!(error.full_message(), "No such image: nope:latest");
    let push = PushImage { reference: "nope:1".to_owned(), ..PushImage::default() };
    let outcome = finish(bench.engine.push_image(push).await.unwrap()).await;
    assert_eq!(outcome.unwrap_err(), "An image does not exist locally with the tag: nope");
}
