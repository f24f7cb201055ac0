//! Resolving and pulling.

use std::sync::Arc;

use isopod_base::Digest;
use isopod_oci::image::media_type;
use isopod_registry::{Config, Mirror, ParallelDownload};

use crate::peer::Registry;
use crate::scripted::{Act, Server};
use crate::{client, layer, message, noise, pull, quick, reference, repository};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pushed_comes_back() {
    let Some(registry) = Registry::open("what_was_pushed_comes_back") else { return };
    let repository = repository(&registry.name("team/app"));
    let big = noise(9 << 20, 7);
    let blob = layer(&big);
    repository.push_blob(&blob, Arc::new(big.clone()), &[], None).await.unwrap();
    assert!(repository.has_blob(&blob.digest).await.unwrap());
    assert!(!repository.has_blob(&Digest::sha256(b"absent")).await.unwrap());
    assert_eq!(pull(&repository, &blob).await.unwrap(), big);

    let mut reader = repository.open_blob(&blob, 5 << 20).await.unwrap();
    let mut rest = Vec::new();
    while let Some(chunk) = reader.chunk().await.unwrap() {
        rest.extend_from_slice(&chunk);
    }
    assert_eq!(rest, big[5 << 20..], "from an offset");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_blobs_come_as_ranges_in_order() {
    let Some(registry) = Registry::open("large_blobs_come_as_ranges_in_order") else { return };
    let config = Config {
        parallel_download: ParallelDownload {
            connections: 3,
            on_loopback: true,
            part_bytes: 300_000,
            threshold_bytes: 1 << 20,
        },
        ..quick()
    };
    let repository = client(config).repository(&reference(&registry.name("a")), None);
    let big = noise(5_000_001, 3);
    let blob = layer(&big);
    repository.push_blob(&blob, Arc::new(big.clone()), &[], None).await.unwrap();
    assert_eq!(pull(&repository, &blob).await.unwrap(), big);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_read_as_dockers() {
    let Some(registry) = Registry::open("refusals_read_as_dockers") else { return };
    let name = registry.name("nope:1");
    let repository = repository(&name);
    let expected = format!("manifest for {name} not found: manifest unknown: manifest unknown");
    assert_eq!(message(repository.manifest(&reference(&name)).await), expected);
    assert_eq!(message(repository.resolve(&reference(&name)).await), expected);
    let error = repository.manifest(&reference(&name)).await.unwrap_err();
    assert!(error.is_not_found() && !error.is_unauthorized());
    let tags = message(repository.tags().await);
    assert!(
        tags.starts_with(&format!("repository {}/nope not found: name unknown", registry.address)),
        "{tags}"
    );
}

#[tokio::test]
async fn nobody_listens() {
    let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let name = format!("{address}/x");
    let expected =
        format!("Get \"http://{address}/v2/\": dial tcp {address}: connect: connection refused");
    assert_eq!(message(repository(&name).manifest(&reference(&name)).await), expected);
}

#[tokio::test]
async fn mirrors_are_asked_first_and_passed_over() {
    let body = r#"{"schemaVersion":2,"manifests":[]}"#;
    let serve = move |good: bool| {
        move |seen: &crate::scripted::Seen| match (good, seen.target.as_str()) {
            (_, "/v2/") => Act::ok(""),
            (true, target) if target.ends_with("/manifests/1") => {
                Act::ok(body).header("Content-Type", media_type::INDEX)
            }
            _ => Act::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        }
    };
    let (origin, empty, full) = (
        Server::start(serve(true)).await,
        Server::start(serve(false)).await,
        Server::start(serve(true)).await,
    );
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let name = origin.name("app:1");
    let mirror =
        |address: &str| Mirror::new(&origin.address, &format!("http://{address}")).unwrap();
    let pull_with = async |mirrors: Vec<Mirror>| {
        let client = client(Config { mirrors, ..quick() });
        client.repository(&reference(&name), None).manifest(&reference(&name)).await.unwrap()
    };
    let from_mirror = pull_with(vec![mirror(&dead.to_string()), mirror(&full.address)]).await;
    assert_eq!(from_mirror.media_type, media_type::INDEX);
    assert_eq!((full.count("GET", "manifests"), origin.count("GET", "manifests")), (1, 0));
    let from_origin = pull_with(vec![mirror(&empty.address)]).await;
    assert_eq!(from_origin, from_mirror);
    assert_eq!((empty.count("GET", "manifests"), origin.count("GET", "manifests")), (1, 1));
}

#[tokio::test]
async fn plain_requests_go_through_the_proxy() {
    let proxy = Server::start(|seen| match seen.method.as_str() {
        "CONNECT" => Act::status(403),
        _ if seen.target == "http://reg.example/v2/" => Act::ok(""),
        _ if seen.target == "http://reg.example/v2/a/manifests/latest" => Act::ok("{}"),
        _ => Act::status(500),
    })
    .await;
    let url = format!("http://u:p@{}", proxy.address);
    let config = Config {
        proxies: isopod_registry::ProxySettings::new(Some(&url), Some(&url), None).unwrap(),
        insecure: vec!["reg.example".parse().unwrap()],
        ..quick()
    };
    let name = reference("reg.example/a");
    client(config).repository(&name, None).manifest(&name).await.unwrap();
    let seen = proxy.seen();
    assert!(seen[0].is("CONNECT", "reg.example:443"), "{:?}", seen[0]);
    assert!(seen.iter().all(|s| s.header("proxy-authorization") == Some("Basic dTpw")));
}

#[tokio::test]
async fn foreign_layers_are_refused() {
    let mut blob = layer(b"x");
    blob.media_type = media_type::DOCKER_FOREIGN_LAYER.to_owned();
    blob.urls = vec!["https://elsewhere.example/x".to_owned()];
    let error = repository("localhost:1/x").open_blob(&blob, 0).await.err().unwrap();
    assert!(error.to_string().contains("foreign layer"), "{error}");
}
