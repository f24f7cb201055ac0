//! Blobs on their way down: in order, resumed where a connection broke, large ones as ranges
//! over several connections.
//!
//! The length is checked here; the digest is checked by whoever hashes the chunks.

use std::collections::VecDeque;

use bytes::Bytes;
use http::header::RANGE;
use http::{Method, StatusCode};
use isopod_base::{Digest, Hasher};
use isopod_oci::image::Descriptor;
use tokio::task::JoinHandle;

use crate::call::{Call, Reply, Retries};
use crate::client::Repository;
use crate::error::{Error, RequestError};

/// A blob that is being fetched.
pub struct BlobReader {
    repository: Repository,
    blob: Descriptor,
    position: u64,
    /// The answer that delivers what is at the position.
    stream: Option<Stream>,
    /// Ranges that follow it.
    ahead: Ahead,
    retries: Retries,
}

struct Stream {
    reply: Reply,
    /// Bytes to pass over: the server began before the position.
    skip: u64,
    /// Where in the blob the answer ends.
    end: u64,
}

/// Ranges under way beside the stream.
#[derive(Default)]
struct Ahead {
    chunks: VecDeque<Bytes>,
    parts: VecDeque<Part>,
    /// Where the first range that is not yet begun starts.
    next: u64,
}

/// A range that is fetched by a task of its own, which ends with it.
struct Part(JoinHandle<Result<Vec<Bytes>, Error>>);

impl Drop for Part {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Repository {
    /// Begins to fetch a blob at `offset`; what lies before it the caller already has.
    pub async fn open_blob(&self, blob: &Descriptor, offset: u64) -> Result<BlobReader, Error> {
        if !blob.urls.is_empty() && blob.media_type.contains(".foreign.") {
            let (digest, media_type) = (blob.digest.clone(), blob.media_type.clone());
            return Err(Error::ForeignLayer { digest, media_type });
        }
        let retries = Retries::new(&self.shared().config.retry);
        Ok(BlobReader {
            repository: self.clone(),
            blob: blob.clone(),
            position: offset.min(blob.size),
            stream: None,
            ahead: Ahead::default(),
            retries,
        })
    }

    /// Fetches a small blob, such as a configuration, and checks its digest.
    pub async fn fetch_blob(&self, blob: &Descriptor, limit_bytes: usize) -> Result<Bytes, Error> {
        if blob.size > limit_bytes as u64 {
            let url = format!("{}/{}", self.reference(), blob.digest);
            return Err(Error::TooLarge { what: "blob", url, limit_bytes });
        }
        let mut reader = self.open_blob(blob, 0).await?;
        let mut hasher = Hasher::new(blob.digest.algorithm());
        let mut whole = Vec::new();
        while let Some(chunk) = reader.chunk().await? {
            hasher.update(&chunk);
            whole.extend_from_slice(&chunk);
        }
        let actual = hasher.finish();
        if actual != blob.digest {
            let (registry, expected) = (self.reference().domain().to_owned(), blob.digest.clone());
            return Err(Error::DigestMismatch { what: "blob", registry, expected, actual });
        }
        Ok(whole.into())
    }

    /// Whether the registry has a blob.
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        let path = self.path(&format!("blobs/{digest}"));
        let reply = self.call(&Call::new(Method::HEAD, path, self.pull_scope())).await?;
        if reply.response.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        reply.expect(&[StatusCode::OK]).await.map(|_| true)
    }

    /// Asks for the bytes of a blob from `start` on, up to `end` (exclusive) if given. Returns
    /// the answer and how many bytes of it come before `start`.
    async fn get_range(
        &self,
        blob: &Descriptor,
        start: u64,
        end: Option<u64>,
    ) -> Result<(Reply, u64), Error> {
        let path = self.path(&format!("blobs/{}", blob.digest));
        let mut call = Call::new(Method::GET, path, self.pull_scope());
        if start > 0 || end.is_some() {
            let last = end.map(|end| (end - 1).to_string()).unwrap_or_default();
            call = call.header(RANGE, &format!("bytes={start}-{last}"));
        }
        let reply = self.call_any(&call).await?;
        let statuses = [StatusCode::OK, StatusCode::PARTIAL_CONTENT];
        let reply = reply.expect(&statuses).await?;
        let total = if reply.response.status == StatusCode::OK {
            reply.response.content_length()
        } else {
            let (first, total) = content_range(&reply)?;
            if first != start {
                return Err(
                    reply.broke_protocol(format!("expected byte {start} first, got {first}"))
                );
            }
            total
        };
        if let Some(actual) = total.filter(|total| *total != blob.size) {
            let (digest, expected) = (blob.digest.clone(), blob.size);
            return Err(Error::LengthMismatch { what: "blob", digest, expected, actual });
        }
        let skip = if reply.response.status == StatusCode::OK { start } else { 0 };
        Ok((reply, skip))
    }
}

impl BlobReader {
    /// Where in the blob the next chunk begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The length of the blob.
    pub fn size(&self) -> u64 {
        self.blob.size
    }

    /// The next bytes, or none at the end. A broken connection is made anew and the transfer
    /// resumed, so an error is final.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while self.position < self.blob.size {
            if let Some(chunk) = self.step().await? {
                self.position += chunk.len() as u64;
                self.retries = Retries::new(&self.repository.shared().config.retry);
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    /// Makes some progress; returns the bytes at the position once there are any. Requests and
    /// ranges do their own retries, so only a stream that breaks is taken up again here.
    async fn step(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(chunk) = self.ahead.chunks.pop_front() {
            return Ok(Some(chunk));
        }
        if let Some(stream) = &mut self.stream {
            return match stream.reply.response.body.chunk().await {
                Ok(Some(chunk)) => self.accept(chunk),
                Ok(None) => {
                    let error = stream.reply.failed(RequestError::UnexpectedEof);
                    self.interrupted(error).await
                }
                Err(source) => {
                    let error = stream.reply.failed(source);
                    self.interrupted(error).await
                }
            };
        }
        if let Some(mut part) = self.ahead.parts.pop_front() {
            let chunks = (&mut part.0).await.map_err(|panicked| Error::Protocol {
                url: self.blob.digest.to_string(),
                reason: panicked.to_string(),
            })??;
            self.ahead.chunks = chunks.into();
            self.begin_parts();
            return Ok(None);
        }
        self.open().await?;
        Ok(None)
    }

    /// Prepares to resume at the position, or passes on the error of the last try.
    async fn interrupted(&mut self, error: Error) -> Result<Option<Bytes>, Error> {
        if !error.is_transient() || !self.retries.again(None).await {
            return Err(error);
        }
        let error = isopod_base::chain(&error).to_string();
        let (blob, position) = (&self.blob.digest, self.position);
        tracing::debug!(%blob, position, error, "resuming a blob");
        self.stream = None;
        self.ahead = Ahead::default();
        Ok(None)
    }

    fn accept(&mut self, mut chunk: Bytes) -> Result<Option<Bytes>, Error> {
        let Some(stream) = &mut self.stream else { return Ok(Some(chunk)) };
        let passed = usize::try_from(stream.skip).unwrap_or(usize::MAX).min(chunk.len());
        stream.skip -= passed as u64;
        let _ = chunk.split_to(passed);
        let after = self.position + chunk.len() as u64;
        if after > stream.end {
            let (digest, expected) = (self.blob.digest.clone(), self.blob.size);
            return Err(Error::LengthMismatch { what: "blob", digest, expected, actual: after });
        }
        if after == stream.end {
            self.stream = None;
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    async fn open(&mut self) -> Result<(), Error> {
        let policy = &self.repository.shared().config.parallel_download;
        let parallel = policy.connections > 1
            && policy.part_bytes > 0
            && self.blob.size - self.position >= policy.threshold_bytes
            && (policy.on_loopback || !self.repository.is_on_loopback());
        let end = parallel.then(|| self.blob.size.min(self.position + policy.part_bytes));
        let (reply, skip) = self.repository.get_range(&self.blob, self.position, end).await?;
        // A server that does not know ranges sends the whole.
        let ranged = reply.response.status == StatusCode::PARTIAL_CONTENT;
        let end = end.filter(|_| ranged);
        self.stream = Some(Stream { reply, skip, end: end.unwrap_or(self.blob.size) });
        self.ahead.next = end.unwrap_or(self.blob.size);
        self.begin_parts();
        Ok(())
    }

    fn begin_parts(&mut self) {
        let policy = &self.repository.shared().config.parallel_download;
        while self.ahead.parts.len() + 1 < policy.connections && self.ahead.next < self.blob.size {
            let start = self.ahead.next;
            let end = self.blob.size.min(start + policy.part_bytes);
            let fetching = fetch_part(self.repository.clone(), self.blob.clone(), start, end);
            self.ahead.parts.push_back(Part(tokio::spawn(fetching)));
            self.ahead.next = end;
        }
    }
}

async fn fetch_part(
    repository: Repository,
    blob: Descriptor,
    start: u64,
    end: u64,
) -> Result<Vec<Bytes>, Error> {
    let mut retries = Retries::new(&repository.shared().config.retry);
    let mut chunks = Vec::new();
    let mut at = start;
    while at < end {
        let (mut reply, _) = repository.get_range(&blob, at, Some(end)).await?;
        if reply.response.status != StatusCode::PARTIAL_CONTENT {
            return Err(reply.broke_protocol("expected a range as before, got the whole blob"));
        }
        let error = match append(&mut reply, &mut at, end, &mut chunks).await {
            Ok(()) if at == end => break,
            Ok(()) => reply.failed(RequestError::UnexpectedEof),
            Err(error) => error,
        };
        if !error.is_transient() || !retries.again(None).await {
            return Err(error);
        }
    }
    Ok(chunks)
}

/// Takes in what an answer brings, which may be less than it should.
async fn append(
    reply: &mut Reply,
    at: &mut u64,
    end: u64,
    chunks: &mut Vec<Bytes>,
) -> Result<(), Error> {
    loop {
        let next = reply.response.body.chunk().await;
        let Some(chunk) = next.map_err(|source| reply.failed(source))? else { return Ok(()) };
        if *at + chunk.len() as u64 > end {
            return Err(reply.broke_protocol(format!("the range goes beyond byte {end}")));
        }
        *at += chunk.len() as u64;
        chunks.push(chunk);
    }
}

/// The first byte and, where it is told, the length of the whole: `bytes 0-9/100`.
fn content_range(reply: &Reply) -> Result<(u64, Option<u64>), Error> {
    let text = reply.response.header("content-range").unwrap_or_default();
    parse_content_range(text).ok_or_else(|| {
        reply.broke_protocol(format!(
            "expected Content-Range: bytes first-last/length, got {text:?}"
        ))
    })
}

fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let first = range.split_once('-')?.0.trim().parse().ok()?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((first, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_content_ranges() {
        assert_eq!(parse_content_range("bytes 5-9/100"), Some((5, Some(100))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for text in ["", "5-9/100", "bytes */100", "bytes 5/100", "bytes 5-9", "bytes a-b/c"] {
            assert_eq!(parse_content_range(text), None, "{text}");
        }
    }
}
