//! Lists: repositories, tags, referrers; in pages.

use http::{Response, header};
use isopod_base::Digest;
use isopod_oci::image::{Descriptor, media_type};

use crate::api::{Api, ApiResult, Call, FILTERS, document_response, json, set};
use crate::body::Body;
use crate::error::{ApiError, Code};

/// Entries of one page at most.
const PAGE_MAX: usize = 10_000;
/// Referrers of one page: they carry annotations.
const REFERRERS_MAX: usize = 500;

impl Api {
    /// `GET /v2/_catalog`
    pub(crate) fn catalog(&self, call: &Call) -> ApiResult {
        let names = self.repositories.list();
        let page = Page::of(&names, call, PAGE_MAX, String::clone)?;
        let document = serde_json::json!({ "repositories": page.entries });
        let mut response = json(&document, call.is_head());
        page.link(&mut response, "/v2/_catalog", "");
        Ok(response)
    }

    /// `GET /v2/<name>/tags/list`
    pub(crate) async fn tags(&self, name: &str, call: &Call) -> ApiResult {
        let brought = match &self.upstream {
            Some(upstream) => upstream.tags(name).await?,
            None => None,
        };
        let mut tags = match brought {
            Some(tags) => tags,
            None if self.repositories.exists(name) => self.repositories.tags(name),
            None => {
                return Err(ApiError::new(Code::NameUnknown, "there is no such repository")
                    .detail(serde_json::json!({ "name": name })));
            }
        };
        // The specification's order: without regard to case.
        tags.sort_by_cached_key(|tag| sort_key(tag));
        let page = Page::of(&tags, call, PAGE_MAX, String::clone)?;
        let document = serde_json::json!({ "name": name, "tags": page.entries });
        let mut response = json(&document, call.is_head());
        page.link(&mut response, &format!("/v2/{name}/tags/list"), "");
        Ok(response)
    }

    /// `GET /v2/<name>/referrers/<digest>`
    pub(crate) async fn referrers(&self, name: &str, subject: &Digest, call: &Call) -> ApiResult {
        let brought = match &self.upstream {
            Some(upstream) => upstream.referrers(name, subject).await,
            None => None,
        };
        let mut found = match brought {
            Some(found) => found,
            None => tokio::task::block_in_place(|| self.repositories.referrers(name, subject))?,
        };
        let wanted = call.query.get("artifactType").filter(|wanted| !wanted.is_empty());
        if let Some(wanted) = wanted {
            found.retain(|descriptor| descriptor.artifact_type.as_deref() == Some(wanted));
        }
        found.sort_by_cached_key(|descriptor| descriptor.digest.to_string());
        let page =
            Page::of(&found, call, REFERRERS_MAX, |found: &Descriptor| found.digest.to_string())?;
        let document = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::INDEX,
            "manifests": page.entries,
        });
        let mut response =
            document_response(document.to_string(), media_type::INDEX, call.is_head());
        let filter = wanted.map_or(String::new(), |wanted| {
            set(&mut response, FILTERS, "artifactType");
            format!("&artifactType={}", encode(wanted))
        });
        page.link(&mut response, &format!("/v2/{name}/referrers/{subject}"), &filter);
        Ok(response)
    }
}

/// A part of a list.
struct Page<'a, T> {
    entries: &'a [T],
    /// The label of its last entry, if there are more.
    more: Option<String>,
    count: usize,
}

impl<'a, T> Page<'a, T> {
    /// What a request asks for of a list that is sorted by its labels.
    fn of(
        all: &'a [T],
        call: &Call,
        max: usize,
        label: impl Fn(&T) -> String,
    ) -> Result<Self, ApiError> {
        let count = call.query.count()?.unwrap_or(max).min(max);
        let start = match call.query.get("last").filter(|last| !last.is_empty()) {
            Some(last) => {
                let last = sort_key(last);
                all.partition_point(|entry| sort_key(&label(entry)) <= last)
            }
            None => 0,
        };
        let entries = &all[start..(start + count).min(all.len())];
        let ends = start + entries.len() >= all.len();
        let more = entries.last().filter(|_| !ends).map(label);
        Ok(Self { entries, more, count })
    }

    fn link(&self, response: &mut Response<Body>, path: &str, rest: &str) {
        if let Some(last) = &self.more {
            let count = self.count;
            let link = format!("<{path}?last={}&n={count}{rest}>; rel=\"next\"", encode(last));
            set(response, header::LINK, &link);
        }
    }
}

/// Orders without regard to case, and those that differ in nothing else by their bytes.
fn sort_key(text: &str) -> String {
    format!("{}\0{text}", text.to_ascii_lowercase())
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                out.push(char::from(byte));
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}
