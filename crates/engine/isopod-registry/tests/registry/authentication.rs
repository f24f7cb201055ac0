//! Getting in, and being kept out.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use isopod_registry::{Config, Credentials, DockerConfig};

use crate::peer::Registry;
use crate::scripted::{Act, Seen, Server};
use crate::{client, message, quick, reference};

fn basic(password: &str) -> Option<Credentials> {
    Some(Credentials::Basic { username: "amelie".to_owned(), password: password.to_owned() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_lets_in() {
    let Some(registry) = Registry::with_password("a_password_lets_in") else { return };
    let client = client(quick());
    let name = reference(&registry.name("a:1"));
    let ask =
        async |credentials| message(client.repository(&name, credentials).manifest(&name).await);
    assert_eq!(
        ask(None).await,
        format!("Get \"http://{}/v2/a/manifests/1\": no basic auth credentials", registry.address)
    );
    assert_eq!(ask(basic("wrong")).await, "unauthorized: authentication required");
    assert!(ask(basic("hunter2")).await.starts_with("manifest for"));

    assert!(client.login(&registry.address, basic("hunter2")).await.is_ok());
    let refused = client.login(&registry.address, basic("wrong")).await;
    assert!(refused.as_ref().is_err_and(isopod_registry::Error::is_unauthorized), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_of_docker_are_used() {
    let Some(registry) = Registry::with_password("logins_of_docker_are_used") else { return };
    let directory = isopod_testkit::temp_dir("login").unwrap();
    let mut docker = DockerConfig::load(&directory.path().join("config.json")).unwrap();
    docker.store(&registry.address, &basic("hunter2").unwrap()).await.unwrap();
    let client = client(Config { docker_config: Some(docker), ..quick() });
    assert_eq!(client.catalog(&registry.address, None).await.unwrap(), [""; 0]);
}

/// A registry and its token server in one. `check` sees the requests for tokens.
async fn token_server(
    life_seconds: u64,
    check: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static,
) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let realm = format!("http://{}/token", listener.local_addr().unwrap());
    let tokens = AtomicUsize::new(0);
    let used = Mutex::new(std::collections::HashMap::<String, u64>::new());
    Server::bound(listener, move |seen| {
        let challenge = format!("Bearer realm=\"{realm}\",service=\"reg\"");
        if seen.target.starts_with("/token") {
            return check(seen, tokens.fetch_add(1, Ordering::Relaxed) + 1);
        }
        let refuse = |extra: &str| {
            Act::error(401, "UNAUTHORIZED", "authentication required")
                .header("WWW-Authenticate", &format!("{challenge}{extra}"))
        };
        match seen.header("authorization") {
            Some("Bearer weak") => refuse(",error=\"insufficient_scope\""),
            Some(token) if token.starts_with("Bearer good") => {
                let mut used = used.lock().unwrap();
                let uses = used.entry(token.to_owned()).or_default();
                *uses += 1;
                if *uses > life_seconds {
                    return refuse(",error=\"invalid_token\"");
                }
                Act::ok("{}").after(Duration::from_millis(5))
            }
            _ => refuse(""),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_fetched_once_and_renewed() {
    let server = token_server(10, |seen, number| {
        assert_eq!(seen.target, "/token?service=reg&scope=repository%3Aa%3Apull");
        assert_eq!(seen.header("authorization"), None);
        Act::ok(format!(r#"{{"token":"good{number}","expires_in":300}}"#))
            .after(Duration::from_millis(20))
    })
    .await;
    let name = reference(&server.name("a"));
    let repository = client(quick()).repository(&name, None);
    let many: Vec<_> = (0..8)
        .map(|_| {
            let (repository, name) = (repository.clone(), name.clone());
            tokio::spawn(async move { repository.manifest(&name).await })
        })
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    assert_eq!(server.count("GET", "/token"), 1, "eight requests share a token");
    for _ in 0..5 {
        repository.manifest(&name).await.unwrap();
    }
    assert_eq!(server.count("GET", "/token"), 2, "an expired token is renewed");
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_tokens_are_exchanged() {
    let server = token_server(10, |seen, _| {
        let form = String::from_utf8_lossy(&seen.body).into_owned();
        assert_eq!(seen.method, "POST");
        assert!(form.contains("grant_type=refresh_token") && form.contains("refresh_token=secret"));
        assert!(form.contains("scope=repository%3Aa%3Apull"), "{form}");
        Act::ok(r#"{"access_token":"good"}"#)
    })
    .await;
    let name = reference(&server.name("a"));
    let identity = Credentials::IdentityToken { username: "me".into(), token: "secret".into() };
    client(quick()).repository(&name, Some(identity)).manifest(&name).await.unwrap();
    let given = Credentials::RegistryToken("good-given".to_owned());
    client(quick()).repository(&name, Some(given)).manifest(&name).await.unwrap();
    assert_eq!(server.count("POST", "/token"), 1, "a registry token is sent as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_brings_an_identity_token() {
    let server = token_server(10, |seen, _| match seen.header("authorization") {
        Some("Basic YW1lbGllOmh1bnRlcjI=") => {
            assert!(seen.target.contains("offline_token=true"), "{}", seen.target);
            Act::ok(r#"{"token":"good","refresh_token":"kept"}"#)
        }
        _ => Act::status(401),
    })
    .await;
    let login = client(quick()).login(&server.address, basic("hunter2")).await.unwrap();
    assert_eq!(login.identity_token.as_deref(), Some("kept"));
}

#[tokio::test(flavor = "multi_thread")]
async fn being_kept_out_reads_as_dockers() {
    let weak = token_server(10, |_, _| Act::ok(r#"{"token":"weak"}"#)).await;
    let name = reference(&weak.name("a"));
    let expected = format!(
        "pull access denied for {}/a, repository does not exist or may require 'docker login': \
         denied: requested access to the resource is denied",
        weak.address
    );
    let refused = client(quick()).repository(&name, None).manifest(&name).await;
    assert_eq!(message(refused), expected);

    let strict = token_server(10, |_, _| Act::status(401)).await;
    let name = reference(&strict.name("a"));
    let refused = client(quick()).repository(&name, basic("x")).manifest(&name).await;
    assert_eq!(message(refused), "unauthorized: authentication required");
}

#[tokio::test]
async fn schemes_that_are_not_spoken_are_named() {
    let server = Server::start(|_| Act::status(401).header("WWW-Authenticate", "Negotiate")).await;
    let name = reference(&server.name("a"));
    let refused = message(client(quick()).repository(&name, None).manifest(&name).await);
    assert!(
        refused
            .ends_with("unsupported authentication scheme \"negotiate\": expected Basic or Bearer"),
        "{refused}"
    );
}
