//! Referrers, by the API and by tags.

use bytes::Bytes;
use isopod_base::Digest;
use isopod_oci::image::{Descriptor, media_type};

use crate::peer::Registry;
use crate::scripted::{Act, Server};
use crate::{layer, message, repository};

fn artifact(subject: &Descriptor, kind: &str) -> Bytes {
    let empty = Descriptor::new(media_type::EMPTY, Digest::sha256(b"{}"), 2);
    serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::MANIFEST, "artifactType": kind,
        "config": empty, "layers": [empty], "subject": subject, "annotations": {"a": "b"},
    }))
    .unwrap()
    .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_without_the_api_keeps_them_under_a_tag() {
    let Some(registry) = Registry::open("a_registry_without_the_api") else { return };
    let repository = repository(&registry.name("a"));
    let empty = Bytes::from_static(b"{}");
    repository.push_blob(&layer(&empty), std::sync::Arc::new(empty), &[], None).await.unwrap();
    let subject = Descriptor::new(media_type::MANIFEST, Digest::sha256(b"subject"), 7);
    assert!(repository.referrers(&subject.digest, None).await.unwrap().is_empty());
    for kind in ["x/signature", "x/sbom"] {
        let bytes = artifact(&subject, kind);
        let own = repository.reference().with_digest(Digest::sha256(&bytes));
        for _ in 0..2 {
            repository.push_manifest(&own, media_type::MANIFEST, bytes.clone()).await.unwrap();
        }
    }
    let all = repository.referrers(&subject.digest, None).await.unwrap();
    assert_eq!(all.len(), 2, "each once");
    assert_eq!(all[0].annotations["a"], "b");
    let some = repository.referrers(&subject.digest, Some("x/sbom")).await.unwrap();
    assert_eq!(some.len(), 1);
    assert_eq!(some[0].artifact_type.as_deref(), Some("x/sbom"));
}

#[tokio::test]
async fn the_api_is_read_page_by_page() {
    let index = |name: &str| {
        serde_json::to_vec(&serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::INDEX,
            "manifests": [Descriptor::new(media_type::MANIFEST, Digest::sha256(name.as_bytes()), 1)],
        }))
        .unwrap()
    };
    let subject = Digest::sha256(b"subject");
    let first = format!("/v2/a/referrers/{subject}");
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/v2/" => Act::ok(""),
        target if target == first => {
            Act::ok(index("one")).header("Link", "</v2/a/referrers/more?n=1>; rel=\"next\"")
        }
        "/v2/a/referrers/more?n=1" => Act::ok(index("two")),
        "/v2/b/tags/list?n=1000" => {
            Act::ok("{}").header("Link", "<http://elsewhere.example/>; rel=\"next\"")
        }
        "/v2/c/tags/list?n=1000" => Act::ok("[1"),
        _ => Act::status(404),
    })
    .await;
    let found = repository(&server.name("a")).referrers(&subject, None).await.unwrap();
    assert_eq!(found.len(), 2);
    let astray = message(repository(&server.name("b")).tags().await);
    assert!(astray.contains("on another server"), "{astray}");
    let garbled = message(repository(&server.name("c")).tags().await);
    assert!(garbled.contains("/v2/c/tags/list"), "{garbled}");
}
