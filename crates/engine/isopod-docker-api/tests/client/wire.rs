//! The protocol itself, by hand-written HTTP.

use crate::daemon::Daemon;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

fn post(path: &str, extra: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{extra}\r\n{body}",
        body.len()
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
}

#[test]
fn versions_and_unknown_paths() {
    let Some(daemon) = Daemon::start_empty() else { return };
    let ping = daemon.raw(&get("/_ping"));
    assert!(ping.starts_with("HTTP/1.1 200 OK\r\n") && ping.ends_with("OK"), "{ping}");
    for header in ["Api-Version: 1.", "Ostype: linux", "Docker-Experimental: false", "no-cache"] {
        assert!(ping.contains(header), "{header} in {ping}");
    }
    let head = daemon.raw("HEAD /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let new = daemon.raw(&get("/v1.99/info"));
    assert!(new.starts_with("HTTP/1.1 400 "), "{new}");
    assert!(
        new.contains("client version 1.99 is too new. Maximum supported API version is"),
        "{new}"
    );
    let unknown = daemon.raw(&get("/v1.40/nowhere"));
    assert!(
        unknown.starts_with("HTTP/1.1 404 ")
            && unknown.contains("{\"message\":\"page not found\"}"),
        "{unknown}"
    );
}

#[test]
fn bodies_that_are_wrong() {
    let Some(daemon) = Daemon::start() else { return };
    let close = "Connection: close\r\n";
    let create = |body: &str| daemon.raw(&post("/v1.41/containers/create", close, body));
    assert!(create("{").starts_with("HTTP/1.1 4") || daemon.is_peer());
    let text = daemon.raw(
        "POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
    );
    assert!(text.starts_with("HTTP/1.1 4") || daemon.is_peer(), "{text}");
    assert!(text.contains("must be"), "{text}");
    let missing = create("{\"Image\":\"ghost\"}");
    assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
    assert!(missing.contains("{\"message\":\"No such image: ghost:latest\"}"), "{missing}");
    let command = create("{\"Image\":\"bb\",\"Cmd\":null,\"Entrypoint\":[]}");
    assert!(command.starts_with("HTTP/1.1 201 "), "the image's command: {command}");
}

/// Reads the head of an answer and nothing beyond it.
fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).expect("an answer in time") == 0 {
            break;
        }
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[test]
fn attached_with_and_without_an_upgrade() {
    let Some(daemon) = Daemon::start() else { return };
    for (extra, status, content_type) in [
        ("Connection: Upgrade\r\nUpgrade: tcp\r\n", "HTTP/1.1 101 UPGRADED\r\n", "raw-stream"),
        ("", "HTTP/1.1 200 OK\r\n", "raw-stream"),
    ] {
        let id = daemon.ok(&["create", "-i", "bb", "sh", "-c", "cat; echo end >&2"]);
        let mut stream = daemon.connect();
        let path = format!("/v1.41/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1");
        stream.write_all(post(&path, extra, "").as_bytes()).expect("open");
        let head = read_head(&mut stream);
        assert!(head.starts_with(status) && head.contains(content_type), "{head}");
        daemon.ok(&["start", &id]);
        stream.write_all(b"hello").expect("open");
        stream.shutdown(Shutdown::Write).expect("open");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the stream ends");
        assert_eq!(rest, b"\x01\0\0\0\0\0\0\x05hello\x02\0\0\0\0\0\0\x04end\n", "{rest:?}");
    }
}

#[test]
fn frames_have_a_media_type_of_their_own_since_1_42() {
    let Some(daemon) = Daemon::start() else { return };
    if daemon.is_peer() {
        return;
    }
    let id = daemon.ok(&["run", "-d", "bb", "sleep", "1000"]);
    let logs = |version: &str| {
        let answer = daemon.raw(&get(&format!("/v{version}/containers/{id}/logs?stdout=1")));
        answer.lines().find(|line| line.starts_with("Content-Type")).unwrap_or_default().to_owned()
    };
    assert_eq!(logs("1.44"), "Content-Type: application/vnd.docker.multiplexed-stream");
    assert_eq!(logs("1.41"), "Content-Type: application/vnd.docker.raw-stream");
}

#[test]
fn wait_answers_before_it_waits() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["create", "bb", "sh", "-c", "exit 8"]);
    let mut stream = daemon.connect();
    let path = format!("/v1.41/containers/{id}/wait?condition=next-exit");
    stream.write_all(post(&path, "Connection: close\r\n", "").as_bytes()).expect("open");
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    daemon.ok(&["start", &id]);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("text");
    assert!(rest.contains("\"StatusCode\":8"), "{rest}");
}

#[test]
fn conditions_and_filters_are_checked() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["create", "bb"]);
    let answer = daemon.raw(&post(
        &format!("/v1.41/containers/{id}/wait?condition=odd"),
        "Connection: close\r\n",
        "",
    ));
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("invalid condition: \\\"odd\\\""),
        "{answer}"
    );
    for filters in ["%7B%22label%22%3A%5B%22a%22%5D%7D", "%7B%22label%22%3A%7B%22a%22%3Atrue%7D%7D"]
    {
        let answer = daemon.raw(&get(&format!("/v1.41/containers/json?all=1&filters={filters}")));
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("[]"), "{answer}");
    }
    let answer = daemon.raw(&get("/v1.41/containers/json?filters=%7B"));
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer =
        daemon.raw(&get("/v1.41/containers/json?filters=%7B%22nonsense%22%3A%5B%22a%22%5D%7D"));
    let refused =
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("invalid filter 'nonsense");
    // dockerd 20.10 ignores what it does not know.
    assert!(refused || daemon.is_peer(), "{answer}");
}

#[test]
fn a_connection_serves_many_requests() {
    let Some(daemon) = Daemon::start_empty() else { return };
    let mut stream = daemon.connect();
    for _ in 0..3 {
        stream.write_all(b"GET /v1.41/images/json HTTP/1.1\r\nHost: d\r\n\r\n").expect("open");
        let head = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let mut body = [0; 3];
        stream.read_exact(&mut body).expect("a body");
        assert_eq!(&body, b"[]\n");
    }
}

#[test]
fn nonsense_does_no_harm() {
    let Some(daemon) = Daemon::start_empty() else { return };
    for bytes in [
        &b"\x16\x03\x01\x02\0"[..],
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n",
        &[b'A'; 100_000],
    ] {
        let mut stream = daemon.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a socket");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    assert!(daemon.raw(&get("/_ping")).ends_with("OK"));
}

#[test]
fn attached_by_websocket() {
    let Some(daemon) = Daemon::start() else { return };
    let id = daemon.ok(&["create", "-i", "bb", "sh", "-c", "read line; echo got $line"]);
    let mut stream = daemon.connect();
    let request = format!(
        "GET /v1.41/containers/{id}/attach/ws?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: d\r\nOrigin: http://d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("open");
    let head = read_head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    daemon.ok(&["start", &id]);
    // A masked text message with a mask of zeros.
    stream.write_all(b"\x81\x83\0\0\0\0hi\n").expect("open");
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).expect("an answer");
    assert_eq!(&frame, b"\x82\x07got hi\n");
}
