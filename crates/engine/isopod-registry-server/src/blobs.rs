//! Reading and removing blobs.

use http::{Response, StatusCode, header};
use isopod_base::Digest;

use crate::api::{Api, ApiResult, CONTENT_DIGEST, Call, bare, is_known, set};
use crate::body::Body;
use crate::error::{ApiError, Code};
use crate::query::Wanted;

impl Api {
    /// `GET` and `HEAD` of a blob, whole or in part.
    pub(crate) async fn blob(&self, name: &str, digest: &Digest, call: &Call) -> ApiResult {
        let blob = match self.repositories.blob(name, digest)? {
            Some(blob) => blob,
            None => match &self.upstream {
                Some(upstream) => return upstream.blob(self, name, digest, call).await,
                None => return Err(unknown(digest)),
            },
        };
        let size = blob.size();
        if is_known(call, digest) {
            let mut response = bare(StatusCode::NOT_MODIFIED);
            describe(&mut response, digest);
            return Ok(response);
        }
        // A part of something else is of no use to the client.
        let same = call.header(&header::IF_RANGE).is_none_or(|tag| tag == format!("\"{digest}\""));
        let range = call.header(&header::RANGE).filter(|_| same);
        let (start, end, partial) = match Wanted::parse(range, size) {
            Wanted::All => (0, size, false),
            Wanted::Part(start, end) => (start, end, true),
            Wanted::Unsatisfiable => {
                return Err(ApiError::new(
                    Code::RangeInvalid,
                    format!("the blob has {size} bytes: no such range"),
                )
                .header(header::CONTENT_RANGE, &format!("bytes */{size}")));
            }
        };
        let body =
            if call.is_head() { Body::empty() } else { Body::file(blob.into_file(), start, end) };
        let mut response = Response::new(body);
        if partial {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {start}-{}/{size}", end - 1);
            set(&mut response, header::CONTENT_RANGE, &range);
        }
        set(&mut response, header::CONTENT_LENGTH, &(end - start).to_string());
        describe(&mut response, digest);
        Ok(response)
    }

    /// `DELETE` of a blob.
    pub(crate) fn delete_blob(&self, name: &str, digest: &Digest) -> ApiResult {
        if !self.repositories.delete_blob(name, digest)? {
            return Err(unknown(digest));
        }
        self.removed.notify_one();
        Ok(bare(StatusCode::ACCEPTED))
    }
}

/// Sets the headers that all answers about a blob have.
pub(crate) fn describe(response: &mut Response<Body>, digest: &Digest) {
    set(response, header::CONTENT_TYPE, "application/octet-stream");
    set(response, header::ACCEPT_RANGES, "bytes");
    set(response, header::ETAG, &format!("\"{digest}\""));
    set(response, header::CACHE_CONTROL, "max-age=31536000, immutable");
    set(response, CONTENT_DIGEST, &digest.to_string());
}

pub(crate) fn unknown(digest: &Digest) -> ApiError {
    ApiError::new(Code::BlobUnknown, "the repository has no such blob")
        .detail(serde_json::json!({ "digest": digest.to_string() }))
}
