//! Manifests and tags.

use http::{Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use isopod_base::{Algorithm, Digest, Hasher};
use isopod_images::{ManifestInfo, PutManifest, Stored};
use isopod_oci::image::media_type;

use crate::api::{Api, ApiResult, CONTENT_DIGEST, Call, SUBJECT, bare, document_response};
use crate::api::{is_known, set};
use crate::body::Body;
use crate::error::{ApiError, Code};
use crate::path::Reference;

impl Api {
    /// `GET` and `HEAD` of a manifest, by tag or digest.
    pub(crate) async fn manifest(
        &self,
        name: &str,
        reference: &Reference,
        call: &Call,
    ) -> ApiResult {
        if let Some(upstream) = &self.upstream {
            upstream.bring_manifest(self, name, reference).await?;
        }
        let info = self.find(name, reference)?;
        if is_known(call, &info.digest) {
            let mut response = bare(StatusCode::NOT_MODIFIED);
            describe(&mut response, &info.digest);
            return Ok(response);
        }
        let mut response = if call.is_head() {
            let mut response = Response::new(Body::empty());
            set(&mut response, header::CONTENT_TYPE, &info.media_type);
            set(&mut response, header::CONTENT_LENGTH, &info.size.to_string());
            response
        } else {
            let bytes =
                tokio::task::block_in_place(|| self.repositories.manifest_bytes(&info.digest))?;
            document_response(bytes, &info.media_type, false)
        };
        describe(&mut response, &info.digest);
        Ok(response)
    }

    /// `PUT` of a manifest, by tag or digest.
    pub(crate) async fn put_manifest(
        &self,
        name: &str,
        reference: &Reference,
        call: Call,
    ) -> ApiResult {
        let limit = self.repositories.images().limits().document_bytes;
        let stated = call.header(&header::CONTENT_TYPE).unwrap_or_default().to_owned();
        let stated = stated.split(';').next().unwrap_or_default().trim().to_owned();
        let bytes = Limited::new(call.body, usize::try_from(limit).unwrap_or(usize::MAX))
            .collect()
            .await
            .map_err(|error| {
                if error.is::<http_body_util::LengthLimitError>() {
                    return ApiError::new(
                        Code::ManifestInvalid,
                        format!("a manifest may have {limit} bytes at most"),
                    )
                    .status(StatusCode::PAYLOAD_TOO_LARGE);
                }
                ApiError::new(Code::ManifestInvalid, format!("the request broke off: {error}"))
            })?
            .to_bytes();
        let (tag, algorithm) = match reference {
            Reference::Tag(tag) => (Some(tag.as_str()), Algorithm::Sha256),
            Reference::Digest(digest) => (None, digest.algorithm()),
            Reference::Invalid(text) => {
                return Err(ApiError::new(
                    Code::TagInvalid,
                    "invalid tag: expected up to 128 letters, digits, and . _ - after the first",
                )
                .detail(serde_json::json!({ "tag": text.chars().take(200).collect::<String>() })));
            }
        };
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&bytes);
        let digest = hasher.finish();
        if let Reference::Digest(wanted) = reference
            && *wanted != digest
        {
            return Err(ApiError::new(
                Code::DigestInvalid,
                format!("the manifest's digest is {digest}, not {wanted}"),
            ));
        }
        let media_type = media_type_of(&stated, &bytes)?;
        let put = PutManifest {
            media_type: &media_type,
            digest: &digest,
            bytes: &bytes,
            tag,
            partial: false,
        };
        let stored = tokio::task::block_in_place(|| self.repositories.put_manifest(name, &put))?;
        let subject = match stored {
            Stored::Done(subject) => subject,
            Stored::Missing(missing) => {
                let missing: Vec<String> = missing.iter().map(Digest::to_string).collect();
                return Err(ApiError::new(
                    Code::ManifestBlobUnknown,
                    "the manifest needs what the repository does not have",
                )
                .detail(serde_json::json!({ "missing": missing })));
            }
        };
        let mut response = bare(StatusCode::CREATED);
        set(&mut response, header::LOCATION, &format!("/v2/{name}/manifests/{digest}"));
        set(&mut response, CONTENT_DIGEST, &digest.to_string());
        if let Some(subject) = subject {
            set(&mut response, SUBJECT, &subject.to_string());
        }
        Ok(response)
    }

    /// `DELETE` of a tag, or of a manifest with all its tags.
    pub(crate) fn delete_manifest(&self, name: &str, reference: &Reference) -> ApiResult {
        let deleted = match reference {
            Reference::Tag(tag) => self.repositories.delete_tag(name, tag)?,
            Reference::Digest(digest) => self.repositories.delete_manifest(name, digest)?,
            Reference::Invalid(_) => false,
        };
        if !deleted {
            return Err(unknown(name, reference));
        }
        self.removed.notify_one();
        Ok(bare(StatusCode::ACCEPTED))
    }

    fn find(&self, name: &str, reference: &Reference) -> Result<ManifestInfo, ApiError> {
        let info = match reference {
            Reference::Tag(tag) => self.repositories.tagged(name, tag)?,
            Reference::Digest(digest) => self.repositories.manifest(name, digest)?,
            Reference::Invalid(_) => None,
        };
        info.ok_or_else(|| unknown(name, reference))
    }
}

/// The type of a manifest: what the request says, or, if that is nothing in particular, what the
/// manifest itself says.
fn media_type_of(stated: &str, bytes: &[u8]) -> Result<String, ApiError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Own {
        #[serde(default)]
        media_type: Option<String>,
    }
    let own: Own = serde_json::from_slice(bytes).map_err(|error| {
        ApiError::new(Code::ManifestInvalid, format!("the manifest is not valid JSON: {error}"))
    })?;
    let own = own.media_type.filter(|own| !own.is_empty());
    let stated = match stated {
        "" | "application/json" | "application/octet-stream" => None,
        stated => Some(stated.to_owned()),
    };
    let media_type = match (stated, own) {
        (Some(stated), Some(own)) if stated != own => {
            return Err(ApiError::new(
                Code::ManifestInvalid,
                format!("the manifest says that it is {own}, but the request says {stated}"),
            ));
        }
        (Some(media_type), _) | (None, Some(media_type)) => media_type,
        (None, None) => media_type::MANIFEST.to_owned(),
    };
    if media_type::is_index(&media_type) || media_type::is_manifest(&media_type) {
        return Ok(media_type);
    }
    Err(ApiError::new(
        Code::ManifestInvalid,
        format!("media type {media_type:?} is unknown: expected an image manifest or index"),
    ))
}

fn describe(response: &mut Response<Body>, digest: &Digest) {
    set(response, CONTENT_DIGEST, &digest.to_string());
    set(response, header::ETAG, &format!("\"{digest}\""));
}

pub(crate) fn unknown(name: &str, reference: &Reference) -> ApiError {
    let reference = match reference {
        Reference::Tag(text) | Reference::Invalid(text) => text.chars().take(200).collect(),
        Reference::Digest(digest) => digest.to_string(),
    };
    ApiError::new(Code::ManifestUnknown, "the repository has no such manifest")
        .detail(serde_json::json!({ "name": name, "reference": reference }))
}
