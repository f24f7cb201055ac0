//! Connections that break, servers that are busy, and content that is not what it should be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use isopod_base::Digest;
use isopod_oci::image::media_type;
use isopod_registry::{Config, Credentials, ParallelDownload, Timeouts};

use crate::scripted::{Act, Seen, Server};
use crate::{client, layer, message, noise, pull, quick, reference, repository};

/// Serves one blob; `misbehave` may answer in its place. It is told the number of the request.
async fn blob_server(
    blob: bytes::Bytes,
    misbehave: impl Fn(&Seen, usize) -> Option<Act> + Send + Sync + 'static,
) -> Server {
    let requests = AtomicUsize::new(0);
    Server::start(move |seen| {
        if seen.target == "/v2/" {
            return Act::ok("");
        }
        let number = requests.fetch_add(1, Ordering::Relaxed) + 1;
        misbehave(seen, number).unwrap_or_else(|| Act::ranged(seen, &blob))
    })
    .await
}

#[tokio::test]
async fn a_cut_download_resumes() {
    let content = noise(1_000_000, 4);
    let whole = content.clone();
    let server = blob_server(content.clone(), move |seen, number| {
        (number <= 4).then(|| Act::ranged(seen, &whole).cut(200_000))
    })
    .await;
    let pulled = pull(&repository(&server.name("a")), &layer(&content)).await.unwrap();
    assert_eq!(pulled, content);
    let ranges: Vec<_> =
        server.seen().iter().filter_map(|s| s.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=200000-", "bytes=400000-", "bytes=600000-", "bytes=800000-"]);
}

#[tokio::test]
async fn a_cut_download_resumes_without_ranges() {
    let content = noise(300_000, 4);
    let whole = content.clone();
    let server = blob_server(content.clone(), move |_, number| {
        Some(match number {
            1 => Act::ok(whole.clone()).cut(100_000),
            _ => Act::ok(whole.clone()),
        })
    })
    .await;
    assert_eq!(pull(&repository(&server.name("a")), &layer(&content)).await.unwrap(), content);
}

#[tokio::test]
async fn parallel_ranges_resume_and_fall_back() {
    let content = noise(2_000_000, 4);
    let config = || Config {
        parallel_download: ParallelDownload {
            connections: 4,
            on_loopback: true,
            part_bytes: 250_000,
            threshold_bytes: 1,
        },
        ..quick()
    };
    let whole = content.clone();
    let server = blob_server(content.clone(), move |seen, number| {
        (number % 2 == 1).then(|| Act::ranged(seen, &whole).cut(100_000))
    })
    .await;
    let name = reference(&server.name("a"));
    let pulled = pull(&client(config()).repository(&name, None), &layer(&content)).await;
    assert_eq!(pulled.unwrap(), content);

    let whole = content.clone();
    let server = blob_server(content.clone(), move |_, _| Some(Act::ok(whole.clone()))).await;
    let name = reference(&server.name("a"));
    let pulled = pull(&client(config()).repository(&name, None), &layer(&content)).await;
    assert_eq!(pulled.unwrap(), content);
    assert_eq!(server.count("GET", "blobs"), 1, "without ranges, one request");
}

#[tokio::test]
async fn no_progress_is_given_up() {
    let content = noise(100_000, 4);
    let whole = content.clone();
    let server =
        blob_server(content.clone(), move |_, _| Some(Act::ok(whole.clone()).cut(0))).await;
    let failure = message(pull(&repository(&server.name("a")), &layer(&content)).await);
    assert!(failure.starts_with("Get \"http://"), "{failure}");
    assert_eq!(server.count("GET", "blobs"), 3);
}

#[tokio::test]
async fn lengths_are_checked() {
    let content = noise(1000, 4);
    for wrong in [999, 1001] {
        let server = blob_server(noise(wrong, 4), |_, _| None).await;
        let failure = message(pull(&repository(&server.name("a")), &layer(&content)).await);
        let digest = layer(&content).digest;
        assert_eq!(failure, format!("blob {digest}: expected 1000 bytes, got {wrong}"));
    }
    let server = blob_server(noise(1000, 4), |_, _| None).await;
    let wrong = layer(&noise(1000, 7));
    let failure = message(repository(&server.name("a")).fetch_blob(&wrong, 4096).await);
    assert!(failure.contains("expected digest") && failure.contains("got sha256:"), "{failure}");
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    for status in [429, 500, 503] {
        let server = blob_server(noise(10, 1), move |_, number| {
            (number == 1).then(|| Act::status(status).header("Retry-After", "1"))
        })
        .await;
        let began = Instant::now();
        pull(&repository(&server.name("a")), &layer(&noise(10, 1))).await.unwrap();
        assert!(began.elapsed() >= Duration::from_secs(1), "the server's wish counts");
    }
    let server = blob_server(noise(10, 1), |_, _| Some(Act::status(500))).await;
    let failure = message(pull(&repository(&server.name("a")), &layer(&noise(10, 1))).await);
    assert_eq!(failure, "received unexpected HTTP status: 500 Internal Server Error");
    assert_eq!(server.count("GET", "blobs"), 3);
    let server = blob_server(noise(10, 1), |_, _| {
        Some(Act::error(429, "TOOMANYREQUESTS", "You have reached your pull rate limit."))
    })
    .await;
    let failure = message(pull(&repository(&server.name("a")), &layer(&noise(10, 1))).await);
    assert_eq!(failure, "toomanyrequests: You have reached your pull rate limit.");
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for() {
    let server = Server::start(|_| Act::ok("").after(Duration::from_secs(60))).await;
    let timeouts = Timeouts { response: Duration::from_millis(100), ..quick().timeouts };
    let name = reference(&server.name("a"));
    let repository = client(Config { timeouts, ..quick() }).repository(&name, None);
    let failure = message(repository.manifest(&name).await);
    assert!(failure.ends_with("timeout after 0.1 s awaiting response headers"), "{failure}");
}

#[tokio::test]
async fn manifests_are_checked() {
    let text = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}"#;
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v2/a/manifests/large" => Act::ok(vec![b' '; (4 << 20) + 1]),
        "/v2/a/manifests/stated" => {
            Act::ok(*text).header("Docker-Content-Digest", &Digest::sha256(b"x").to_string())
        }
        _ => Act::ok(*text).header("Content-Type", "application/json"),
    })
    .await;
    let repository = repository(&server.name("a"));
    let ask = async |suffix: &str| {
        repository.manifest(&reference(&server.name(&format!("a{suffix}")))).await
    };
    assert_eq!(ask(":fine").await.unwrap().media_type, media_type::INDEX);
    let pinned = format!("@{}", Digest::sha256(text));
    assert_eq!(ask(&pinned).await.unwrap().bytes, &text[..]);
    let failure = message(ask(&format!("@{}", Digest::sha256(b"other"))).await);
    assert!(failure.starts_with("manifest from 127.0.0.1:"), "{failure}");
    assert!(message(ask(":stated").await).contains("expected digest"));
    assert!(message(ask(":large").await).contains("is larger than 4194304 bytes"));
}

#[tokio::test]
async fn credentials_stay_with_the_registry() {
    let content = noise(1000, 1);
    let storage = blob_server(content.clone(), |_, _| None).await;
    let location = format!("http://localhost:{}/data?sig=secret", port(&storage));
    let registry = Server::start(move |seen| match seen.header("authorization") {
        None => Act::status(401).header("WWW-Authenticate", "Basic realm=\"x\""),
        Some(_) => Act::status(307).header("Location", &location),
    })
    .await;
    let name = reference(&registry.name("a"));
    let basic = Credentials::Basic { username: "u".into(), password: "p".into() };
    let repository = client(quick()).repository(&name, Some(basic));
    assert_eq!(pull(&repository, &layer(&content)).await.unwrap(), content);
    assert!(registry.seen().iter().any(|s| s.header("authorization").is_some()));
    assert!(storage.seen().iter().all(|s| s.header("authorization").is_none()));
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/v2/" => Act::ok(""),
        _ => Act::status(302).header("Location", "/again?sig=1"),
    })
    .await;
    let name = reference(&server.name("a"));
    let failure = message(repository(&server.name("a")).manifest(&name).await);
    assert!(failure.ends_with("stopped after 10 redirects"), "{failure}");
}

#[tokio::test]
async fn connections_are_reused() {
    let Some(registry) = crate::peer::Registry::open("connections_are_reused") else { return };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let accepted = std::sync::Arc::new(AtomicUsize::new(0));
    let (count, target) = (accepted.clone(), registry.address.clone());
    tokio::spawn(async move {
        while let Ok((mut inward, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let target = target.clone();
            tokio::spawn(async move {
                let mut outward = tokio::net::TcpStream::connect(target).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inward, &mut outward).await;
            });
        }
    });
    let name = reference(&format!("{address}/a:1"));
    let repository = repository(&name.to_string());
    for _ in 0..10 {
        repository.manifest(&name).await.unwrap_err();
        repository.has_blob(&Digest::sha256(b"x")).await.unwrap();
    }
    // One for the attempt at TLS, one for everything else.
    assert_eq!(accepted.load(Ordering::Relaxed), 2);
}

fn port(server: &Server) -> &str {
    server.address.rsplit(':').next().unwrap()
}
