//! A server whose every answer a test decides, broken ones included.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn is(&self, method: &str, target: &str) -> bool {
        self.method == method && self.target == target
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut_after: Option<usize>,
    delay: Duration,
}

impl Act {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            cut_after: None,
            delay: Duration::ZERO,
        }
    }

    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }
    }

    /// Closes the connection without an answer.
    pub(crate) fn silence() -> Self {
        Self::status(0)
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
        Self { body: body.into(), ..Self::status(status) }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Closes the connection after that many bytes of the body.
    pub(crate) fn cut(mut self, after: usize) -> Self {
        self.cut_after = Some(after);
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The part of `whole` that the request's `Range` asks for, as a good server answers.
    pub(crate) fn ranged(seen: &Seen, whole: &[u8]) -> Self {
        let Some(range) = seen.header("range").and_then(|r| r.strip_prefix("bytes=")) else {
            return Self::ok(whole);
        };
        let (first, last) = range.split_once('-').unwrap();
        let first: usize = first.parse().unwrap();
        let last: usize = last.parse().map_or(whole.len() - 1, |l: usize| l.min(whole.len() - 1));
        let range = format!("bytes {first}-{last}/{}", whole.len());
        Self { body: whole[first..=last].to_vec(), ..Self::status(206) }
            .header("Content-Range", &range)
    }
}

/// The running server; ends with the runtime of its test.
pub(crate) struct Server {
    pub(crate) address: String,
    log: Arc<Mutex<Vec<Seen>>>,
}

type Script = dyn Fn(&Seen) -> Act + Send + Sync;

impl Server {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::bound(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    /// For scripts that need to know the address themselves.
    pub(crate) fn bound(
        listener: TcpListener,
        script: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap().to_string();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), log.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, script.clone(), seen.clone()));
            }
        });
        Self { address, log }
    }

    pub(crate) fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        self.seen().iter().filter(|s| s.method == method && s.target.contains(part)).count()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Seen>>>) {
    let mut pending = Vec::new();
    while let Some(seen) = receive(&mut stream, &mut pending).await {
        log.lock().unwrap().push(seen.clone());
        let act = script(&seen);
        tokio::time::sleep(act.delay).await;
        if act.status == 0 {
            return;
        }
        let mut head =
            format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", act.status, act.body.len());
        if act.status == 204 {
            head = "HTTP/1.1 204 X\r\n".to_owned();
        }
        for (name, value) in &act.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let body: &[u8] = if seen.method == "HEAD" { &[] } else { &act.body };
        let end = act.cut_after.unwrap_or(body.len()).min(body.len());
        let sent = [head.as_bytes(), &body[..end]].concat();
        if stream.write_all(&sent).await.is_err() || act.cut_after.is_some() {
            return;
        }
    }
}

async fn receive(stream: &mut TcpStream, pending: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = pending.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if pending.first() == Some(&0x16) {
            // A TLS greeting: answered as Go's plain server does.
            let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nno TLS here").await;
            return None;
        }
        if stream.read_buf(pending).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(pending.drain(..end).collect()).ok()?;
    let mut words = head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut seen = Seen { method, target, head, body: Vec::new() };
    let length: usize = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    while pending.len() < length {
        if stream.read_buf(pending).await.ok()? == 0 {
            break;
        }
    }
    seen.body = pending.drain(..length.min(pending.len())).collect();
    Some(seen)
}
