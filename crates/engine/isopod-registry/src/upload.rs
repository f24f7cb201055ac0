//! Blobs on their way up: skipped when they are there, mounted from another repository, or
//! sent in one request, or in chunks; resumed where a connection broke.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use http::header::{CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};
use isopod_oci::image::Descriptor;

use crate::auth::Scope;
use crate::body::{BlobPart, Payload};
use crate::call::{Call, Reply, Retries, Target};
use crate::client::Repository;
use crate::config::is_loopback;
use crate::error::{Error, RequestError};
use crate::source::BlobSource;
use crate::url::{Url, encode};

/// Blobs up to this size go in the closing request.
const MONOLITHIC_BYTES: u64 = 1 << 20;
/// The smallest chunk that a server's refusal of larger ones leads to.
const SMALLEST_CHUNK: u64 = 1 << 20;
/// Repositories that are asked for a mount before the blob is sent.
const MAX_MOUNTS: usize = 4;
/// How often an upload that the server lost is begun anew.
const MAX_SESSIONS: usize = 3;

/// Hears of the position within a blob while it is sent. It goes back when a part is sent again.
pub type PushProgress = Arc<dyn Fn(u64) + Send + Sync>;

/// How a blob came to be in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// It was there.
    Exists,
    /// It was taken from another repository of the registry, the path of which this is.
    Mounted(String),
    /// It was sent.
    Uploaded,
}

/// An upload in progress.
struct Session {
    url: Url,
    /// Bytes that the server has.
    offset: u64,
    /// The smallest chunk that the server takes.
    min_chunk: u64,
}

/// How one attempt to bring a session to its end went.
enum Outcome {
    Done,
    /// The server does not know the session any more.
    Lost,
}

impl Repository {
    /// Makes sure that the registry has a blob. `mount_from` names repositories of the same
    /// registry, by path, that may have it.
    pub async fn push_blob(
        &self,
        blob: &Descriptor,
        source: Arc<dyn BlobSource>,
        mount_from: &[String],
        progress: Option<PushProgress>,
    ) -> Result<Pushed, Error> {
        let upload = Upload { repository: self, blob, source, progress };
        if upload.exists().await? {
            return Ok(Pushed::Exists);
        }
        let mut session = None;
        for from in
            mount_from.iter().filter(|from| *from != self.reference().path()).take(MAX_MOUNTS)
        {
            if let Some(unused) = session.take() {
                upload.cancel(unused).await;
            }
            match upload.mount(from).await? {
                Ok(()) => return Ok(Pushed::Mounted(from.clone())),
                Err(opened) => session = Some(opened),
            }
        }
        // A registry on this machine may share the store that the blob is in.
        let anywhere = is_loopback(self.reference().domain());
        if session.is_none() && anywhere {
            match upload.mount_from_anywhere().await? {
                Ok(()) => return Ok(Pushed::Exists),
                Err(opened) => session = opened,
            }
        }
        for _ in 0..MAX_SESSIONS {
            let opened = match session.take() {
                Some(opened) => opened,
                None => upload.begin().await?,
            };
            match upload.run(opened).await? {
                Outcome::Done => return Ok(Pushed::Uploaded),
                Outcome::Lost => tracing::debug!(blob = %blob.digest, "an upload was lost"),
            }
        }
        Err(Error::Protocol {
            url: format!("{}/{}", self.reference().domain(), self.reference().path()),
            reason: format!("the upload of blob {} was lost {MAX_SESSIONS} times", blob.digest),
        })
    }
}

/// One blob to bring to one repository.
struct Upload<'a> {
    repository: &'a Repository,
    blob: &'a Descriptor,
    source: Arc<dyn BlobSource>,
    progress: Option<PushProgress>,
}

impl Upload<'_> {
    fn call_to(&self, method: Method, target: Target) -> Call {
        Call {
            method,
            target,
            headers: HeaderMap::new(),
            payload: Payload::Empty,
            scopes: vec![self.repository.push_scope()],
            retry: true,
        }
    }

    async fn exists(&self) -> Result<bool, Error> {
        let path = self.repository.path(&format!("blobs/{}", self.blob.digest));
        let call = self.call_to(Method::HEAD, Target::Path(path));
        let reply = self.repository.call(&call).await?;
        if reply.response.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        reply.expect(&[StatusCode::OK]).await?;
        Ok(true)
    }

    async fn begin(&self) -> Result<Session, Error> {
        let path = self.repository.path("blobs/uploads/");
        let call = self.call_to(Method::POST, Target::Path(path));
        let reply = self.repository.call(&call).await?.expect(&[StatusCode::ACCEPTED]).await?;
        session_of(&reply, 0)
    }

    /// Asks for the blob to be taken from another repository. A server that cannot do it
    /// opens an upload instead.
    async fn mount(&self, from: &str) -> Result<Result<(), Session>, Error> {
        let digest = self.blob.digest.to_string();
        let query = format!("mount={}&from={}", encode(&digest), encode(from));
        let path = self.repository.path(&format!("blobs/uploads/?{query}"));
        let mut call = self.call_to(Method::POST, Target::Path(path));
        call.scopes.push(Scope::Pull(from.to_owned()));
        let reply = self.repository.call(&call).await?;
        let statuses = [StatusCode::CREATED, StatusCode::ACCEPTED];
        let reply = reply.expect(&statuses).await?;
        match reply.response.status {
            StatusCode::CREATED => Ok(Ok(())),
            _ => Ok(Err(session_of(&reply, 0)?)),
        }
    }

    /// Asks for the blob to be taken from wherever the registry has it (distribution-spec 1.1,
    /// "Mounting a blob": `from` may be left out). One that cannot do it opens an upload; nothing,
    /// if it does not understand at all.
    async fn mount_from_anywhere(&self) -> Result<Result<(), Option<Session>>, Error> {
        let query = format!("mount={}", encode(&self.blob.digest.to_string()));
        let path = self.repository.path(&format!("blobs/uploads/?{query}"));
        let call = self.call_to(Method::POST, Target::Path(path));
        let reply = self.repository.call(&call).await?;
        match reply.response.status {
            StatusCode::CREATED => Ok(Ok(())),
            StatusCode::ACCEPTED => Ok(Err(Some(session_of(&reply, 0)?))),
            _ => Ok(Err(None)),
        }
    }

    /// Frees what the server keeps of an upload. Its refusal harms nobody.
    async fn cancel(&self, session: Session) {
        let mut call = self.call_to(Method::DELETE, Target::Url(session.url));
        call.retry = false;
        let _ = self.repository.call(&call).await;
    }

    /// Sends the blob and closes the upload.
    async fn run(&self, mut session: Session) -> Result<Outcome, Error> {
        let result = self.transfer(&mut session).await;
        if result.is_err() {
            self.cancel(session).await;
        }
        result
    }

    async fn transfer(&self, session: &mut Session) -> Result<Outcome, Error> {
        let size = self.blob.size;
        let wanted = self.repository.shared().config.upload_chunk_bytes;
        if wanted.is_none() && size <= MONOLITHIC_BYTES {
            return self.close(session, self.part(0, size)).await;
        }
        let mut chunk = wanted.unwrap_or(size).max(session.min_chunk).max(1);
        let mut retries = Retries::new(&self.repository.shared().config.retry);
        while session.offset < size {
            let end = size.min(session.offset + chunk);
            let before = session.offset;
            let failure = match self.send(session, end).await {
                Ok(StatusCode::ACCEPTED | StatusCode::CREATED | StatusCode::NO_CONTENT) => None,
                Ok(StatusCode::NOT_FOUND) => return Ok(Outcome::Lost),
                Ok(StatusCode::PAYLOAD_TOO_LARGE) if chunk > SMALLEST_CHUNK => {
                    chunk = (end - before).div_ceil(4).max(SMALLEST_CHUNK).max(session.min_chunk);
                    None
                }
                // Out of step: the server says below where it is.
                Ok(_) => Some(None),
                Err(error) if error.is_transient() => Some(Some(error)),
                Err(error) => return Err(error),
            };
            if let Some(error) = failure {
                if !retries.again(None).await {
                    return Err(error.unwrap_or_else(|| self.stuck(session)));
                }
                if !self.ask_status(session).await? {
                    return Ok(Outcome::Lost);
                }
            }
            if session.offset > before {
                retries = Retries::new(&self.repository.shared().config.retry);
            }
        }
        self.close(session, Payload::Empty).await
    }

    fn stuck(&self, session: &Session) -> Error {
        Error::Protocol {
            url: session.url.to_string(),
            reason: format!("the upload of blob {} makes no progress", self.blob.digest),
        }
    }

    fn part(&self, offset: u64, end: u64) -> Payload {
        Payload::Blob(BlobPart {
            source: self.source.clone(),
            offset,
            length: end - offset,
            sent: Arc::new(AtomicU64::new(0)),
            observer: self.progress.clone(),
        })
    }

    /// Sends what comes next, up to `end`, and notes where the server is then.
    async fn send(&self, session: &mut Session, end: u64) -> Result<StatusCode, Error> {
        let mut call = self
            .call_to(Method::PATCH, Target::Url(session.url.clone()))
            .header(CONTENT_TYPE, "application/octet-stream");
        if session.offset > 0 || end < self.blob.size {
            call = call.header(CONTENT_RANGE, &format!("{}-{}", session.offset, end - 1));
        }
        call.payload = self.part(session.offset, end);
        call.retry = false;
        let mut reply =
            self.repository.call(&call).await.map_err(|error| self.unreadable(error))?;
        match reply.response.status {
            StatusCode::ACCEPTED | StatusCode::CREATED | StatusCode::NO_CONTENT => {
                let min_chunk = session.min_chunk;
                *session = session_of(&reply, end)?;
                session.min_chunk = session.min_chunk.max(min_chunk);
            }
            StatusCode::NOT_FOUND
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::RANGE_NOT_SATISFIABLE => {}
            _ => return Err(reply.refusal().await.into()),
        }
        Ok(reply.response.status)
    }

    /// Tells a failure to read the blob from one of the connection.
    fn unreadable(&self, error: Error) -> Error {
        let Error::Request { source: RequestError::Connection(hyper), .. } = &error else {
            return error;
        };
        if !hyper.is_user() {
            return error;
        }
        let words = match std::error::Error::source(hyper) {
            Some(cause) => cause.to_string(),
            None => hyper.to_string(),
        };
        let source = std::io::Error::other(words);
        Error::Source { digest: self.blob.digest.clone(), source }
    }

    /// Asks how far the server got. Returns whether it still knows the upload.
    async fn ask_status(&self, session: &mut Session) -> Result<bool, Error> {
        let call = self.call_to(Method::GET, Target::Url(session.url.clone()));
        let reply = self.repository.call(&call).await?;
        if reply.response.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        let statuses = [StatusCode::NO_CONTENT, StatusCode::ACCEPTED, StatusCode::OK];
        let reply = reply.expect(&statuses).await?;
        let offset = reply.response.header("range").and_then(parse_range).unwrap_or(0);
        if offset > self.blob.size {
            return Ok(false);
        }
        if let Ok(url) = reply.location() {
            session.url = url;
        }
        session.offset = offset;
        Ok(true)
    }

    /// Ends the upload: the server checks the digest and keeps the blob.
    async fn close(&self, session: &Session, payload: Payload) -> Result<Outcome, Error> {
        let url = session.url.with_query("digest", &self.blob.digest.to_string());
        let mut call = self
            .call_to(Method::PUT, Target::Url(url))
            .header(CONTENT_TYPE, "application/octet-stream");
        call.payload = payload;
        let reply = self.repository.call(&call).await.map_err(|error| self.unreadable(error))?;
        if reply.response.status == StatusCode::NOT_FOUND {
            // Perhaps it was closed by a request whose answer was lost.
            return Ok(if self.exists().await? { Outcome::Done } else { Outcome::Lost });
        }
        reply.expect(&[StatusCode::CREATED, StatusCode::NO_CONTENT]).await?;
        Ok(Outcome::Done)
    }
}

/// Reads where an upload continues. `expected` is where it is when the server does not say.
fn session_of(reply: &Reply, expected: u64) -> Result<Session, Error> {
    let offset = match reply.response.header("range") {
        // Some servers say 0-0 where they have nothing.
        Some(range) if expected > 0 => parse_range(range).unwrap_or(expected),
        _ => expected,
    };
    let min_chunk =
        reply.response.header("oci-chunk-min-length").and_then(|text| text.parse().ok());
    Ok(Session { url: reply.location()?, offset, min_chunk: min_chunk.unwrap_or(0) })
}

/// The number of bytes that `0-last` stands for. `0-0` is what the distribution project's
/// server says of an upload without any byte.
fn parse_range(text: &str) -> Option<u64> {
    let text = text.trim();
    let last: u64 = text.strip_prefix("bytes=").unwrap_or(text).strip_prefix("0-")?.parse().ok()?;
    Some(if last == 0 { 0 } else { last + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        assert_eq!(parse_range("0-99"), Some(100));
        assert_eq!(parse_range("bytes=0-99"), Some(100));
        assert_eq!(parse_range("0-0"), Some(0));
        for text in ["", "5-9", "0-", "0-x", "99"] {
            assert_eq!(parse_range(text), None, "{text}");
        }
    }
}
