//! Lists: tags of a repository, repositories of a registry; page by page.

use http::{Method, StatusCode};
use serde::Deserialize;

use crate::answer::Answer;
use crate::auth::Scope;
use crate::call::{Call, Reply, Target};
use crate::client::{Client, Repository, Shared};
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::url::Url;

/// Most entries that a list may have, and most pages that are followed.
const MAX_ENTRIES: usize = 1_000_000;
const MAX_PAGES: usize = 10_000;
const MAX_PAGE_BYTES: usize = 16 << 20;
const PAGE_ENTRIES: usize = 1000;

impl Repository {
    /// The repository's tags, in the registry's order.
    pub async fn tags(&self) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let path = self.path(&format!("tags/list?n={PAGE_ENTRIES}"));
        let call = Call::new(Method::GET, path, self.pull_scope());
        let mut tags = Vec::new();
        let known =
            follow_pages(self.shared(), self.origin(), call, MAX_PAGE_BYTES, |url, body| {
                tags.extend(parse::<Page>(url, body)?.tags.unwrap_or_default());
                Ok(tags.len() < MAX_ENTRIES)
            })
            .await?;
        match known {
            Ok(()) => Ok(tags),
            Err(source) => Err(Error::RepositoryNotFound {
                repository: self.reference().familiar_name(),
                source,
            }),
        }
    }
}

impl Client {
    /// The repositories of a registry, by path. Many registries refuse this.
    pub async fn catalog(
        &self,
        domain: &str,
        credentials: Option<Credentials>,
    ) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            repositories: Option<Vec<String>>,
        }
        let endpoint = self.endpoint(domain, credentials);
        let path = format!("/v2/_catalog?n={PAGE_ENTRIES}");
        let call = Call::new(Method::GET, path, Scope::Catalog);
        let mut all = Vec::new();
        let known = follow_pages(self.shared(), &endpoint, call, MAX_PAGE_BYTES, |url, body| {
            all.extend(parse::<Page>(url, body)?.repositories.unwrap_or_default());
            Ok(all.len() < MAX_ENTRIES)
        })
        .await?;
        known.map(|()| all).map_err(Error::Answer)
    }
}

/// Fetches a page and those that its `Link` headers lead to, until `take` has enough. The inner
/// error is what a server says that does not know the list.
pub(crate) async fn follow_pages(
    shared: &Shared,
    endpoint: &Endpoint,
    mut call: Call,
    limit_bytes: usize,
    mut take: impl FnMut(&str, &[u8]) -> Result<bool, Error>,
) -> Result<Result<(), Answer>, Error> {
    for page in 0..MAX_PAGES {
        let mut reply = shared.call(endpoint, &call).await?;
        if page == 0 && reply.response.status == StatusCode::NOT_FOUND {
            return Ok(Err(reply.refusal().await));
        }
        let mut reply = reply.expect(&[StatusCode::OK]).await?;
        let body = reply.read("list", limit_bytes).await?;
        let more = take(&reply.url.to_string(), &body)?;
        match next_page(&reply)? {
            Some(next) if more => call.target = Target::Url(next),
            _ => break,
        }
    }
    Ok(Ok(()))
}

fn parse<'a, T: Deserialize<'a>>(url: &str, body: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(body)
        .map_err(|error| Error::Protocol { url: url.to_owned(), reason: error.to_string() })
}

fn next_page(reply: &Reply) -> Result<Option<Url>, Error> {
    let Some(link) = reply.response.header("link").and_then(next_link) else { return Ok(None) };
    let next = reply.url.join(link)?;
    if !next.same_origin(&reply.url) {
        return Err(reply.broke_protocol(format!("the next page is on another server, {next}")));
    }
    Ok(Some(next))
}

/// The target of `<target>; rel="next"` (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let parameters = after.split('<').next().unwrap_or_default();
        let next = |parameter: &str| {
            let parameter = parameter.trim().trim_end_matches(',').to_ascii_lowercase();
            parameter == "rel=\"next\"" || parameter == "rel=next"
        };
        if parameters.split(';').any(next) {
            return Some(target);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_page() {
        assert_eq!(
            next_link(r#"</v2/_catalog?last=b&n=2>; rel="next""#),
            Some("/v2/_catalog?last=b&n=2")
        );
        assert_eq!(next_link(r#"<a>; rel="prev", <b>; title="x"; rel=next"#), Some("b"));
        for header in ["", "<a", "<a>", r#"<a>; rel="prev""#] {
            assert_eq!(next_link(header), None, "{header}");
        }
    }
}
