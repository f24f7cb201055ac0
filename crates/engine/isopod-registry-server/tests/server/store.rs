//! What lies below: restarts, collection, the engine's own images, a copy of an upstream, access.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use isopod_base::Digest;
use isopod_images::CollectPolicy;
use isopod_oci::image::{Descriptor, media_type};
use isopod_registry_server::{AuthKind, Settings};

use crate::bench::Bench;
use crate::http::{Answer, exchange};
use crate::script::push;

fn get(address: &str, target: &str) -> Answer {
    exchange(address, "GET", target, &[], b"").expect("an answer")
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Pushes an image of one layer, and returns its manifest.
fn push_image(address: &str, repository: &str, tag: &str, layer: &[u8]) -> String {
    let config = format!("{{\"layer\":\"{}\"}}", Digest::sha256(layer));
    push(address, repository, config.as_bytes()).expect("pushed");
    push(address, repository, layer).expect("pushed");
    let manifest = manifest(&config, layer);
    let content = [header("Content-Type", media_type::MANIFEST)];
    let target = format!("/v2/{repository}/manifests/{tag}");
    let answer = exchange(address, "PUT", &target, &content, manifest.as_bytes()).expect("answer");
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    manifest
}

fn manifest(config: &str, layer: &[u8]) -> String {
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media_type::MANIFEST,
        "config": {
            "mediaType": "application/vnd.example.config",
            "digest": Digest::sha256(config.as_bytes()).to_string(),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.example.layer",
            "digest": Digest::sha256(layer).to_string(),
            "size": layer.len(),
        }],
    })
    .to_string()
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let bench = Bench::new();
    let manifest = push_image(&bench.address, "a/b", "v1", b"a layer");
    let begun =
        exchange(&bench.address, "POST", "/v2/a/b/blobs/uploads/", &[], b"").expect("begun");
    let location = begun.header("location").expect("there").to_owned();
    let sent = exchange(&bench.address, "PATCH", &location, &[], b"first, ").expect("sent");
    assert_eq!(sent.status, 202);

    let bench = Bench::at(bench.end(), Settings::default());
    assert_eq!(get(&bench.address, "/v2/a/b/manifests/v1").body, manifest.as_bytes());
    let layer = format!("/v2/a/b/blobs/{}", Digest::sha256(b"a layer"));
    assert_eq!(get(&bench.address, &layer).body, b"a layer");
    // The upload goes on where it was.
    assert_eq!(get(&bench.address, &location).header("range"), Some("0-6"));
    let digest = Digest::sha256(b"first, second");
    let end = format!("{location}?digest={digest}");
    let ended = exchange(&bench.address, "PUT", &end, &[], b"second").expect("ended");
    assert_eq!(ended.status, 201);
    assert_eq!(get(&bench.address, &format!("/v2/a/b/blobs/{digest}")).body, b"first, second");
}

#[test]
fn what_repositories_hold_is_not_collected() {
    let bench = Bench::new();
    let manifest = push_image(&bench.address, "keep", "v1", b"kept layer");
    push(&bench.address, "keep", b"no manifest needs this").expect("pushed");
    let collect = || bench.images.collect(&CollectPolicy::default()).expect("collected");
    assert_eq!(collect().blobs, []);
    // What no manifest needs goes after a while, and only that.
    let expired = bench.images.repositories().expire(Duration::ZERO, None).expect("expired");
    assert_eq!((expired.blobs, expired.manifests), (1, 0));
    assert_eq!(collect().blobs, [Digest::sha256(b"no manifest needs this")]);
    assert_eq!(get(&bench.address, "/v2/keep/manifests/v1").body, manifest.as_bytes());
    // With the manifest goes what it needed.
    let target = format!("/v2/keep/manifests/{}", Digest::sha256(manifest.as_bytes()));
    let deleted = exchange(&bench.address, "DELETE", &target, &[], b"").expect("deleted");
    assert_eq!(deleted.status, 202);
    assert_eq!(collect().blobs, [Digest::sha256(manifest.as_bytes())]);
    bench.images.repositories().expire(Duration::ZERO, None).expect("expired");
    assert_eq!(collect().blobs.len(), 2);
    assert!(bench.images.content().list().expect("listed").is_empty());
}

/// An image of the engine's own, in the store of the registry: pushing it moves no bytes.
#[test]
fn an_image_of_the_engines_is_pushed_without_being_copied() {
    let bench = Bench::new();
    let (config, layer) = (&b"{\"of\":\"the engine\"}"[..], vec![7_u8; 3 << 20]);
    let own = bench.images.begin("test").expect("begun");
    for bytes in [config, &layer] {
        let size = bytes.len() as u64;
        let blob = Descriptor::new("application/octet-stream", Digest::sha256(bytes), size);
        own.put(&blob, bytes).expect("put");
    }
    let manifest = manifest(std::str::from_utf8(config).expect("text"), &layer);
    let digest = Digest::sha256(manifest.as_bytes());
    let target = Descriptor::new(media_type::MANIFEST, digest.clone(), manifest.len() as u64);
    own.put(&target, manifest.as_bytes()).expect("put");
    own.commit(&target, &isopod_images::platform::host(), &["x:1".to_owned()]).expect("committed");
    let blobs = bench.images.content().list().expect("listed");

    let name = format!("{}/from/engine:1", bench.address);
    let reference = isopod_registry::Reference::parse(&name).expect("valid");
    let client = isopod_registry::Client::new(isopod_registry::Config::default()).expect("client");
    let repository = client.repository(&reference, None);
    bench.block_on(async {
        for bytes in [config, &layer] {
            let size = bytes.len() as u64;
            let blob = Descriptor::new("application/octet-stream", Digest::sha256(bytes), size);
            let pushed = repository.push_blob(&blob, std::sync::Arc::new(Nothing), &[], None).await;
            assert_eq!(pushed.expect("pushed"), isopod_registry::Pushed::Exists);
        }
        let bytes = manifest.clone().into_bytes().into();
        repository.push_manifest(&reference, media_type::MANIFEST, bytes).await.expect("pushed");
    });
    assert_eq!(bench.images.content().list().expect("listed"), blobs, "nothing was added");
    let target = format!("/v2/from/engine/blobs/{}", Digest::sha256(&layer));
    assert_eq!(get(&bench.address, &target).body.len(), 3 << 20);
    // The image goes, the repository stays.
    drop(own);
    let options = isopod_images::RemoveOptions::default();
    bench.images.remove("x:1", options, &|_| Vec::new()).expect("removed");
    assert_eq!(bench.images.content().list().expect("listed"), blobs);
}

/// A source that is never read.
struct Nothing;

impl isopod_registry::BlobSource for Nothing {
    fn open(&self, _: u64) -> std::io::Result<Box<dyn std::io::Read + Send>> {
        panic!("nothing was to be sent")
    }
}

#[test]
fn a_copy_fills_itself_and_answers_when_the_upstream_is_gone() {
    let origin = Bench::new();
    let manifest = push_image(&origin.address, "team/app", "v1", &vec![9_u8; 2 << 20]);
    let second = push_image(&origin.address, "team/app", "v2", b"never asked for");
    let copy = Bench::with(Settings {
        upstream: Some(format!("http://{}", origin.address)),
        ..Settings::default()
    });
    let layer = Digest::sha256(&vec![9_u8; 2 << 20]);
    let blob = format!("/v2/team/app/blobs/{layer}");
    // Nothing is fetched that no manifest speaks of.
    assert_eq!(get(&copy.address, &blob).status, 404);
    assert_eq!(get(&copy.address, "/v2/team/app/manifests/v1").body, manifest.as_bytes());
    let head = exchange(&copy.address, "HEAD", &blob, &[], b"").expect("answer");
    assert_eq!((head.status, head.header("content-length")), (200, Some("2097152")));
    let part = [header("Range", "bytes=0-9")];
    let part = exchange(&copy.address, "GET", &blob, &part, b"").expect("answer");
    assert_eq!((part.status, part.body.len()), (206, 10));
    assert_eq!(get(&copy.address, &blob).body.len(), 2 << 20);
    let tags = get(&copy.address, "/v2/team/app/tags/list");
    assert!(String::from_utf8_lossy(&tags.body).contains("[\"v1\",\"v2\"]"));
    let refused =
        exchange(&copy.address, "POST", "/v2/a/blobs/uploads/", &[], b"").expect("answer");
    assert_eq!(refused.status, 405);
    assert_eq!(get(&copy.address, "/v2/team/none/manifests/v1").status, 404);

    drop(origin);
    assert_eq!(get(&copy.address, "/v2/team/app/manifests/v1").body, manifest.as_bytes());
    assert_eq!(get(&copy.address, &blob).body.len(), 2 << 20);
    let digest = Digest::sha256(second.as_bytes());
    assert_eq!(get(&copy.address, &format!("/v2/team/app/manifests/{digest}")).status, 502);
}

fn with_users(auth: AuthKind, anonymous_pull: bool) -> (Bench, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let htpasswd: PathBuf = directory.path().join("htpasswd");
    let line = "amelie:$2b$04$0MapDfwWyedwSQvD0uRlw.jCQ9VJsN5UrDxvf1y7JdZnPDa3wPG96\n";
    std::fs::write(&htpasswd, line).expect("writable");
    let settings =
        Settings { htpasswd: Some(htpasswd), auth, anonymous_pull, ..Settings::default() };
    (Bench::with(settings), directory)
}

fn basic(password: &str) -> (String, String) {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("amelie:{password}"));
    header("Authorization", &format!("Basic {encoded}"))
}

#[test]
fn basic_authentication() {
    let (bench, _directory) = with_users(AuthKind::Basic, false);
    let base = |headers: &[(String, String)]| {
        exchange(&bench.address, "GET", "/v2/", headers, b"").expect("answer")
    };
    let refused = base(&[]);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"isopod-registry\""));
    assert!(String::from_utf8_lossy(&refused.body).contains("UNAUTHORIZED"));
    assert_eq!(base(&[basic("wrong")]).status, 401);
    assert_eq!(base(&[basic("hunter2")]).status, 200);
    assert_eq!(get(&bench.address, "/v2/a/tags/list").status, 401);
}

#[test]
fn anonymous_pull() {
    let (bench, _directory) = with_users(AuthKind::Basic, true);
    assert_eq!(get(&bench.address, "/v2/a/tags/list").status, 404);
    assert_eq!(get(&bench.address, "/v2/").status, 401);
    let push = exchange(&bench.address, "POST", "/v2/a/blobs/uploads/", &[], b"").expect("answer");
    assert_eq!(push.status, 401);
}

#[test]
fn tokens() {
    let (bench, _directory) = with_users(AuthKind::Token, false);
    let refused =
        exchange(&bench.address, "POST", "/v2/a/blobs/uploads/", &[], b"").expect("answer");
    let challenge = refused.header("www-authenticate").expect("a challenge");
    let expected = format!(
        "Bearer realm=\"http://{}/v2/_token\",service=\"isopod-registry\",scope=\"repository:a:pull,push\"",
        bench.address
    );
    assert_eq!((refused.status, challenge), (401, expected.as_str()));
    let token = |scope: &str, headers: &[(String, String)]| {
        let target = format!("/v2/_token?service=isopod-registry&scope={scope}");
        exchange(&bench.address, "GET", &target, headers, b"").expect("answer")
    };
    assert_eq!(token("repository:a:pull", &[]).status, 401);
    assert_eq!(token("repository:a:pull", &[basic("wrong")]).status, 401);
    let granted = token("repository:a:pull,push", &[basic("hunter2")]);
    let granted: serde_json::Value = serde_json::from_slice(&granted.body).expect("JSON");
    let bearer =
        header("Authorization", &format!("Bearer {}", granted["token"].as_str().expect("text")));
    let post = |repository: &str| {
        let target = format!("/v2/{repository}/blobs/uploads/");
        let headers = [bearer.clone()];
        exchange(&bench.address, "POST", &target, &headers, b"").expect("answer").status
    };
    assert_eq!((post("a"), post("b")), (202, 401));
    // The form that OAuth2 clients send.
    let form = "grant_type=password&service=x&client_id=x&username=amelie&password=hunter2&scope=repository%3Aa%3Apull";
    let kind = [header("Content-Type", "application/x-www-form-urlencoded")];
    let granted = exchange(&bench.address, "POST", "/v2/_token", &kind, form.as_bytes());
    assert_eq!(granted.expect("answer").status, 200);
    // Basic credentials are for the token alone.
    let direct = exchange(&bench.address, "GET", "/v2/", &[basic("hunter2")], b"").expect("answer");
    assert_eq!(direct.status, 401);
}

#[test]
fn read_only_and_without_deletion() {
    let bench = Bench::with(Settings { read_only: true, ..Settings::default() });
    let post = exchange(&bench.address, "POST", "/v2/a/blobs/uploads/", &[], b"").expect("answer");
    assert_eq!(post.status, 405);
    let bench = Bench::with(Settings { no_delete: true, ..Settings::default() });
    push(&bench.address, "a", b"stays").expect("pushed");
    let target = format!("/v2/a/blobs/{}", Digest::sha256(b"stays"));
    let deleted = exchange(&bench.address, "DELETE", &target, &[], b"").expect("answer");
    assert_eq!(deleted.status, 405);
}

#[test]
fn bounds() {
    let bench = Bench::with(Settings { max_blob_bytes: 1000, ..Settings::default() });
    let begun = exchange(&bench.address, "POST", "/v2/a/blobs/uploads/", &[], b"").expect("begun");
    let location = begun.header("location").expect("there");
    let sent = exchange(&bench.address, "PATCH", location, &[], &[0; 1001]).expect("answer");
    assert_eq!(sent.status, 413);
    let kind = [header("Content-Type", media_type::MANIFEST)];
    let large = vec![b' '; (4 << 20) + 1];
    let sent = exchange(&bench.address, "PUT", "/v2/a/manifests/x", &kind, &large).expect("answer");
    assert_eq!(sent.status, 413);
}
