//! Bringing blobs: in one request or in chunks, resumed, mounted, given up.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use isopod_base::Digest;

use crate::api::{Api, ApiResult, CONTENT_DIGEST, Call, UPLOAD_ID, bare, set};
use crate::body::Body;
use crate::error::{ApiError, Code};
use crate::path::{digest, repository};
use crate::query::chunk_range;
use crate::sessions::{Session, Turn};

/// Bytes that are gathered before they are hashed and written.
const BATCH_BYTES: usize = 512 << 10;

impl Api {
    /// `POST`: a mount, a whole blob, or the beginning of an upload.
    pub(crate) async fn begin_upload(&self, name: &str, call: Call) -> ApiResult {
        if let Some(text) = call.query.get("mount") {
            let wanted = digest(text)?;
            if self.mount(name, &wanted, &call)? {
                return Ok(created(name, &wanted));
            }
        }
        let session = self.sessions.begin(name)?;
        // A mount that failed becomes an upload, and the body is for that.
        if let Some(text) = call.query.get("digest") {
            let wanted = digest(text);
            return self.receive_last(name, &session, wanted, call).await;
        }
        Ok(progress(StatusCode::ACCEPTED, name, &session, 0))
    }

    /// Takes a blob from another repository, or, where the client names none, from wherever it is:
    /// that is how an image of the engine's is pushed without being copied.
    fn mount(&self, name: &str, wanted: &Digest, call: &Call) -> Result<bool, ApiError> {
        if let Some(from) = call.query.get("from").filter(|from| !from.is_empty()) {
            let from = repository(from)?;
            return Ok(self.repositories.mount_blob(name, &from, wanted)?);
        }
        // What is in no repository is the engine's own, which is nobody's business elsewhere.
        if !call.local && !self.repositories.anywhere(wanted) {
            return Ok(false);
        }
        Ok(self.repositories.adopt_blob(name, wanted)?)
    }

    /// `GET`: how far an upload is.
    pub(crate) async fn upload_status(&self, name: &str, id: &str) -> ApiResult {
        let session = self.sessions.find(name, id)?;
        let turn = session.turn().await?;
        Ok(progress(StatusCode::NO_CONTENT, name, &session, offset(&turn)))
    }

    /// `PATCH`: the next chunk.
    pub(crate) async fn continue_upload(&self, name: &str, id: &str, call: Call) -> ApiResult {
        let session = self.sessions.find(name, id)?;
        let mut turn = session.turn().await?;
        self.receive(name, &session, &mut turn, call).await?;
        Ok(progress(StatusCode::ACCEPTED, name, &session, offset(&turn)))
    }

    /// `PUT`: the last chunk, if any, and the end.
    pub(crate) async fn end_upload(&self, name: &str, id: &str, call: Call) -> ApiResult {
        let session = self.sessions.find(name, id)?;
        let wanted = match call.query.get("digest") {
            Some(text) => digest(text),
            None => Err(ApiError::new(Code::DigestInvalid, "expected ?digest= with the digest")),
        };
        self.receive_last(name, &session, wanted, call).await
    }

    /// `DELETE`: gives an upload up.
    pub(crate) async fn cancel_upload(&self, name: &str, id: &str) -> ApiResult {
        let session = self.sessions.find(name, id)?;
        let mut turn = session.turn().await?;
        if let Some(ingest) = turn.take() {
            ingest.discard();
        }
        self.sessions.end(&session);
        Ok(bare(StatusCode::NO_CONTENT))
    }

    async fn receive_last(
        &self,
        name: &str,
        session: &Session,
        wanted: Result<Digest, ApiError>,
        call: Call,
    ) -> ApiResult {
        let wanted = wanted?;
        let mut turn = session.turn().await?;
        self.receive(name, session, &mut turn, call).await?;
        let ingest = turn.take().expect("a turn is only had of an upload that has not ended");
        self.sessions.end(session);
        let published = tokio::task::block_in_place(|| {
            let sealed = ingest.finish_as(&wanted)?;
            self.repositories.put_blob(name, sealed).map_err(ApiError::from)
        });
        published?;
        Ok(created(name, &wanted))
    }

    /// Appends a request's body.
    async fn receive(
        &self,
        name: &str,
        session: &Session,
        turn: &mut Turn<'_>,
        mut call: Call,
    ) -> Result<(), ApiError> {
        let begin = offset(turn);
        let declared = call.header(&header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
        if let Some(text) = call.header(&header::CONTENT_RANGE) {
            let (first, last) = chunk_range(text)?;
            if first != begin {
                let error = ApiError::new(
                    Code::BlobUploadInvalid,
                    format!("the upload has {begin} bytes: expected the chunk to begin there"),
                );
                return Err(out_of_step(error, name, session, begin));
            }
            if declared.is_some_and(|length: u64| length != last - first + 1) {
                return Err(ApiError::new(
                    Code::SizeInvalid,
                    "Content-Length and Content-Range do not fit each other",
                ));
            }
        }
        let limit = self.settings.max_blob_bytes;
        let too_large = || {
            ApiError::new(Code::SizeInvalid, format!("a blob may have {limit} bytes at most"))
                .status(StatusCode::PAYLOAD_TOO_LARGE)
        };
        if declared.is_some_and(|length| begin.saturating_add(length) > limit) {
            return Err(too_large());
        }
        let mut batch = Vec::new();
        loop {
            let piece = next_piece(&mut call.body).await;
            let done = !matches!(piece, Ok(Some(_)));
            if let Ok(Some(piece)) = &piece {
                batch.extend_from_slice(piece);
            }
            if !batch.is_empty() && (done || batch.len() >= BATCH_BYTES) {
                if offset(turn) + batch.len() as u64 > limit {
                    return Err(too_large());
                }
                let ingest = turn.as_mut().expect("held since the turn began");
                tokio::task::block_in_place(|| ingest.write(&batch))?;
                batch.clear();
            }
            // What arrived before the connection broke is kept, for the client to go on from.
            piece?;
            if done {
                return Ok(());
            }
        }
    }
}

fn offset(turn: &Turn<'_>) -> u64 {
    turn.as_ref().map_or(0, isopod_images::Ingest::offset)
}

async fn next_piece(body: &mut Incoming) -> Result<Option<Bytes>, ApiError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            ApiError::new(Code::BlobUploadInvalid, format!("the request broke off: {error}"))
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// `416`, with where the upload is.
fn out_of_step(error: ApiError, name: &str, session: &Session, offset: u64) -> ApiError {
    error
        .status(StatusCode::RANGE_NOT_SATISFIABLE)
        .header(header::LOCATION, &location(name, session))
        .header(header::RANGE, &range(offset))
        .header(UPLOAD_ID, &session.id)
}

fn progress(status: StatusCode, name: &str, session: &Session, offset: u64) -> Response<Body> {
    let mut response = bare(status);
    set(&mut response, header::LOCATION, &location(name, session));
    set(&mut response, header::RANGE, &range(offset));
    set(&mut response, UPLOAD_ID, &session.id);
    response
}

fn location(name: &str, session: &Session) -> String {
    format!("/v2/{name}/blobs/uploads/{}", session.id)
}

/// The bytes that are there, both ends included. Nothing is `0-0` too: the protocol has no other
/// way to say it.
fn range(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

fn created(name: &str, digest: &Digest) -> Response<Body> {
    let mut response = bare(StatusCode::CREATED);
    set(&mut response, header::LOCATION, &format!("/v2/{name}/blobs/{digest}"));
    set(&mut response, CONTENT_DIGEST, &digest.to_string());
    response
}
