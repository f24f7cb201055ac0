//! Pushing, listing and deleting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use isopod_base::Digest;
use isopod_oci::image::{Descriptor, media_type};
use isopod_registry::{Config, Pushed};

use crate::peer::Registry;
use crate::scripted::{Act, Server};
use crate::{client, layer, message, noise, pull, quick, reference, repository};

pub(crate) fn manifest_of(config: &Descriptor, layers: &[Descriptor]) -> Bytes {
    serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::MANIFEST, "config": config, "layers": layers,
    }))
    .unwrap()
    .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_pushed_listed_and_deleted() {
    let Some(registry) = Registry::open("an_image_is_pushed_listed_and_deleted") else { return };
    let client = client(quick());
    let name = reference(&registry.name("team/app:1.0"));
    let repository = client.repository(&name, None);
    let (config, content) = (Bytes::from_static(b"{}"), noise(3 << 20, 1));
    let (config_blob, content_blob) = (layer(&config), layer(&content));
    let sent = Arc::new(AtomicU64::new(0));
    let note = sent.clone();
    let progress = Arc::new(move |position| note.store(position, Ordering::Relaxed));
    let pushed = repository
        .push_blob(&content_blob, Arc::new(content.clone()), &[], Some(progress))
        .await
        .unwrap();
    assert_eq!(pushed, Pushed::Uploaded);
    assert_eq!(sent.load(Ordering::Relaxed), 3 << 20);
    repository.push_blob(&config_blob, Arc::new(config.clone()), &[], None).await.unwrap();
    let again = repository.push_blob(&content_blob, Arc::new(content.clone()), &[], None).await;
    assert_eq!(again.unwrap(), Pushed::Exists);

    let bytes = manifest_of(&config_blob, std::slice::from_ref(&content_blob));
    let digest =
        repository.push_manifest(&name, media_type::MANIFEST, bytes.clone()).await.unwrap();
    assert_eq!(digest, Digest::sha256(&bytes));
    let resolved = repository.resolve(&name).await.unwrap();
    assert_eq!(resolved, Descriptor::new(media_type::MANIFEST, digest.clone(), bytes.len() as u64));
    assert_eq!(repository.manifest(&name).await.unwrap().bytes, bytes);
    assert_eq!(repository.manifest_by_digest(&digest).await.unwrap().bytes, bytes);
    assert_eq!(repository.tags().await.unwrap(), ["1.0"]);

    let other = client.repository(&reference(&registry.name("other")), None);
    let mounted = other
        .push_blob(&content_blob, Arc::new(content.clone()), &["team/app".to_owned()], None)
        .await
        .unwrap();
    assert_eq!(mounted, Pushed::Mounted("team/app".to_owned()));
    assert_eq!(pull(&other, &content_blob).await.unwrap(), content);
    let elsewhere = client.repository(&reference(&registry.name("third")), None);
    let fallen_back = elsewhere
        .push_blob(&config_blob, Arc::new(config), &["absent".to_owned()], None)
        .await
        .unwrap();
    assert_eq!(fallen_back, Pushed::Uploaded);
    assert_eq!(
        client.catalog(&registry.address, None).await.unwrap(),
        ["other", "team/app", "third"]
    );

    repository.delete_manifest(&name.with_digest(digest)).await.unwrap();
    assert!(repository.manifest(&name).await.unwrap_err().is_not_found());
    repository.delete_blob(&content_blob.digest).await.unwrap();
    assert!(!repository.has_blob(&content_blob.digest).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_go_up_in_chunks_when_told_to() {
    let Some(registry) = Registry::open("blobs_go_up_in_chunks_when_told_to") else { return };
    let config = Config { upload_chunk_bytes: Some(700_000), ..quick() };
    let repository = client(config).repository(&reference(&registry.name("a")), None);
    let content = noise(3_000_000, 5);
    let blob = layer(&content);
    repository.push_blob(&blob, Arc::new(content.clone()), &[], None).await.unwrap();
    assert_eq!(pull(&repository, &blob).await.unwrap(), content);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_changed_is_refused() {
    let Some(registry) = Registry::open("content_that_changed_is_refused") else { return };
    let repository = repository(&registry.name("a"));
    for length in [1000, 2 << 20] {
        let blob = layer(&noise(length, 1));
        let changed = noise(length, 2);
        let refusal = message(repository.push_blob(&blob, Arc::new(changed), &[], None).await);
        assert!(refusal.starts_with("digest invalid: "), "{refusal}");
    }
    let blob = layer(&noise(2 << 20, 1));
    let short = noise(1 << 20, 1);
    let failure = message(repository.push_blob(&blob, Arc::new(short), &[], None).await);
    assert!(failure.contains(&format!("read blob {}", blob.digest)), "{failure}");
    let missing = std::path::PathBuf::from("/nonexistent/blob");
    let failure = message(repository.push_blob(&blob, Arc::new(missing), &[], None).await);
    assert!(failure.contains("No such file"), "{failure}");
}

/// A registry that keeps one upload and loses the connection once, after `keep` bytes.
fn upload_server(keep: usize, has_status: bool) -> impl Fn(&crate::scripted::Seen) -> Act {
    let kept: Mutex<Vec<u8>> = Mutex::default();
    let cut = Mutex::new(false);
    move |seen| {
        let location = "/v2/a/blobs/uploads/1?state=x";
        let mut kept = kept.lock().unwrap();
        match seen.method.as_str() {
            "HEAD" => Act::status(404),
            "POST" => Act::status(202).header("Location", location),
            "PATCH" => {
                let first: usize = seen
                    .header("content-range")
                    .map_or(0, |range| range.split('-').next().unwrap().parse().unwrap());
                assert_eq!(first, kept.len(), "continues where the server is");
                let mut cut = cut.lock().unwrap();
                if !*cut {
                    *cut = true;
                    kept.extend(&seen.body[..keep]);
                    return Act::silence();
                }
                kept.extend(&seen.body);
                Act::status(202)
                    .header("Location", location)
                    .header("Range", &format!("0-{}", kept.len() - 1))
            }
            "GET" if seen.target == "/v2/" => Act::ok(""),
            "GET" if has_status => Act::status(204)
                .header("Location", location)
                .header("Range", &format!("0-{}", kept.len() - 1)),
            "GET" => {
                kept.clear();
                Act::status(404)
            }
            "PUT" => {
                let digest = Digest::sha256(&kept).to_string().replace(':', "%3A");
                assert_eq!(seen.target, format!("{location}&digest={digest}"));
                Act::status(201)
            }
            _ => Act::status(500),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_upload_resumes_or_begins_anew() {
    for (has_status, patches, posts) in [(true, 2, 1), (false, 2, 2)] {
        let server = Server::start(upload_server(1_000_000, has_status)).await;
        let repository = repository(&server.name("a"));
        let content = noise(3_000_000, 9);
        let blob = layer(&content);
        let pushed = repository.push_blob(&blob, Arc::new(content), &[], None).await;
        assert_eq!(pushed.unwrap(), Pushed::Uploaded, "status known: {has_status}");
        assert_eq!((server.count("PATCH", ""), server.count("POST", "")), (patches, posts));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_shrink_when_they_are_too_large() {
    let kept: Mutex<usize> = Mutex::new(0);
    let server = Server::start(move |seen| {
        let mut kept = kept.lock().unwrap();
        let location = "/v2/a/blobs/uploads/1";
        match seen.method.as_str() {
            "HEAD" => Act::status(404),
            "POST" => Act::status(202).header("Location", location),
            "PATCH" if seen.body.len() > 2 << 20 => Act::status(413),
            "PATCH" => {
                *kept += seen.body.len();
                Act::status(202).header("Location", location)
            }
            "PUT" => Act::status(if *kept == 6 << 20 { 201 } else { 400 }),
            _ => Act::ok(""),
        }
    })
    .await;
    let content = noise(6 << 20, 9);
    let blob = layer(&content);
    let repository = repository(&server.name("a"));
    repository.push_blob(&blob, Arc::new(content), &[], None).await.unwrap();
    assert!(server.count("PATCH", "") >= 4);
}
