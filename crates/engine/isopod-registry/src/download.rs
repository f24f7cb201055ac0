//! Files at any address, for builds: no authentication, redirects followed.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::body::{Payload, ResponseBody};
use crate::client::Client;
use crate::error::{Error, RequestError};
use crate::transport::Request;
use crate::url::Url;

const MAX_REDIRECTS: usize = 10;

/// A file on its way.
#[derive(Debug)]
pub struct Download {
    body: ResponseBody,
    url: Url,
    /// Name that the server suggests.
    pub name: Option<String>,
    /// When it was last changed, as the server writes it (RFC 9110).
    pub modified: Option<String>,
}

impl Client {
    /// Begins to fetch a file.
    pub async fn download(&self, url: &str) -> Result<Download, Error> {
        let mut url = Url::parse(url)?;
        for _ in 0..=MAX_REDIRECTS {
            let insecure = self.shared().config.is_insecure(&url.authority());
            let request = Request {
                method: Method::GET,
                url: url.clone(),
                headers: HeaderMap::new(),
                payload: Payload::Empty,
                insecure,
            };
            let failed = |source| Error::Request { method: "Get", url: url.to_string(), source };
            let response = self.shared().transport.send(&request).await.map_err(failed)?;
            let status = response.status;
            if status.is_redirection()
                && let Some(location) = response.header("location")
            {
                url = url.join(location)?;
                continue;
            }
            if status != StatusCode::OK {
                let reason = format!("unexpected status {status}, expected 200 OK");
                return Err(Error::Protocol { url: url.to_string(), reason });
            }
            let name = response.header("content-disposition").and_then(file_name);
            let modified = response.header("last-modified").map(str::to_owned);
            return Ok(Download { body: response.body, url, name, modified });
        }
        let source = RequestError::Redirect(format!("more than {MAX_REDIRECTS} redirects"));
        Err(Error::Request { method: "Get", url: url.to_string(), source })
    }
}

impl Download {
    /// The next bytes; nothing at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.body.chunk().await.map_err(|source| Error::Request {
            method: "Get",
            url: self.url.to_string(),
            source,
        })
    }
}

/// The name in `attachment; filename="x"`, if it is a plain one.
fn file_name(header: &str) -> Option<String> {
    let name = header.split(';').find_map(|part| part.trim().strip_prefix("filename="))?;
    let name = name.trim_matches('"').rsplit('/').next().unwrap_or_default();
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_plain() {
        for (header, name) in [
            ("attachment; filename=\"a.tar\"", Some("a.tar")),
            ("attachment; filename=../../b", Some("b")),
            ("inline", None),
            ("attachment; filename=\"..\"", None),
        ] {
            assert_eq!(super::file_name(header).as_deref(), name, "{header}");
        }
    }
}
