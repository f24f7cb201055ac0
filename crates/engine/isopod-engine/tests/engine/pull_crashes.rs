//! The engine dies at each step of a pull through the network: nothing is leaked, what the store
//! has is whole, and the next pull succeeds.

use crate::crashes::Process;
use crate::images::{Bench, registry};
use isopod_images::{Images, Options};
use std::collections::BTreeSet;
use std::path::Path;

/// Where a pull passes: a configuration, a manifest and a layer in several pieces.
const POINTS: &[&str] = &[
    "ingest.created:1",
    "ingest.written:1",
    "ingest.sealed:1",
    "ingest.created:2",
    "ingest.sealed:2",
    "ingest.created:3",
    "ingest.written:3",
    "ingest.written:4",
    "ingest.sealed:3",
    "layer.unpacked",
    "commit.blob-renamed",
    "commit.blob-synced:1",
    "commit.blob-synced:3",
    "commit.synced",
    "commit.recorded",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_dies_anywhere_in_a_pull_leaks_nothing_and_pulls_again() {
    const NAME: &str = "an_engine_that_dies_anywhere_in_a_pull_leaks_nothing_and_pulls_again";
    let Some(registry) = registry(NAME) else { return };
    if !cfg!(debug_assertions) {
        isopod_testkit::skip(NAME, "fail points are not in release builds");
        return;
    }
    let source = Bench::new().await;
    // Random enough to stay larger than one piece when it is compressed.
    let text: String =
        (0..20_000u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
    let id = source.import("app:1", &text).await;
    let name = registry.name("team/app:1");
    source.engine.tag_image("app:1", &name).await.unwrap();
    source.push(&name).await.unwrap();
    for point in POINTS {
        let directory = tempfile::tempdir().unwrap();
        let mut engine = Process::start(directory.path(), Some(point));
        let answer = engine.try_ask(&format!("pull {name}"));
        assert_eq!(answer, None, "{point} was not reached");
        engine.kill();
        let acknowledged = usize::from(*point == "commit.recorded");
        assert_eq!(whole(directory.path(), point).len(), acknowledged, "{point}");
        let mut engine = Process::start(directory.path(), None);
        assert_eq!(engine.ask(&format!("pull {name}")), "pulled", "after {point}");
        engine.kill();
        assert_eq!(whole(directory.path(), point), std::slice::from_ref(&id), "{point}");
    }
}

/// The ids of the images, once it is sure that the store holds what its records say and nothing
/// else.
fn whole(directory: &Path, point: &str) -> Vec<String> {
    let root = directory.join("data/images");
    let images = Images::open(Options::new(&root)).unwrap();
    assert_eq!(images.verify().unwrap(), [], "{point}");
    let names = |dir: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(root.join(dir)).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let blobs = images.content().list().unwrap();
    let known = blobs.keys().map(|digest| digest.hex().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(names("content/blobs/sha256"), known, "{point}: blobs");
    assert_eq!(names("snapshots").len(), images.snapshots().list().unwrap().len(), "{point}");
    // A part of a blob that the next pull takes up may stay, and only of those that it wants.
    let parts = names("content/ingest");
    assert!(parts.iter().all(|part| part.starts_with("sha256-")), "{point}: {parts:?}");
    images.list().unwrap().iter().map(|image| image.id.to_string()).collect()
}
