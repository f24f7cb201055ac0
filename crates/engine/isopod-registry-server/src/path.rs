//! Paths of the distribution protocol: which resource a request means. Pure.

use isopod_base::Digest;

use crate::error::{ApiError, Code};

/// Longest name of a repository (distribution-spec, "Pulling manifests").
const NAME_MAX: usize = 255;
/// Longest tag.
const TAG_MAX: usize = 128;

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/_token`: where tokens are had.
    Token,
    /// `/v2/<name>/blobs/<digest>`
    Blob(String, Digest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(String),
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload(String, String),
    /// `/v2/<name>/manifests/<reference>`
    Manifest(String, Reference),
    /// `/v2/<name>/tags/list`
    Tags(String),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(String, Digest),
}

/// What names a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A tag.
    Tag(String),
    /// A digest.
    Digest(Digest),
    /// Neither: nothing of that name can be there.
    Invalid(String),
}

impl Resource {
    /// Reads a path, as it stands in the request.
    pub fn parse(path: &str) -> Result<Self, ApiError> {
        let decoded = decode(path)
            .ok_or_else(|| ApiError::new(Code::NameInvalid, "the path is not valid UTF-8"))?;
        let rest = match decoded.strip_prefix("/v2") {
            Some("" | "/") => return Ok(Self::Base),
            Some(rest) if rest.starts_with('/') => &rest[1..],
            _ => return Err(ApiError::no_page()),
        };
        match rest {
            "_catalog" => return Ok(Self::Catalog),
            "_token" => return Ok(Self::Token),
            _ => {}
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Ok(Self::Tags(repository(name)?));
        }
        if let Some(name) =
            rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads"))
        {
            return Ok(Self::Uploads(repository(name)?));
        }
        let (head, last) = rest.rsplit_once('/').ok_or_else(ApiError::no_page)?;
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            return Ok(Self::Upload(repository(name)?, last.to_owned()));
        }
        if let Some(name) = head.strip_suffix("/blobs") {
            return Ok(Self::Blob(repository(name)?, digest(last)?));
        }
        if let Some(name) = head.strip_suffix("/referrers") {
            return Ok(Self::Referrers(repository(name)?, digest(last)?));
        }
        if let Some(name) = head.strip_suffix("/manifests") {
            return Ok(Self::Manifest(repository(name)?, Reference::parse(last)?));
        }
        Err(ApiError::no_page())
    }

    /// The repository that it is in.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Base | Self::Catalog | Self::Token => None,
            Self::Blob(name, _)
            | Self::Uploads(name)
            | Self::Upload(name, _)
            | Self::Manifest(name, _)
            | Self::Tags(name)
            | Self::Referrers(name, _) => Some(name),
        }
    }
}

impl Reference {
    fn parse(text: &str) -> Result<Self, ApiError> {
        if text.contains(':') {
            return Ok(Self::Digest(digest(text)?));
        }
        Ok(if is_tag(text) { Self::Tag(text.to_owned()) } else { Self::Invalid(text.to_owned()) })
    }
}

/// Checks a repository's name.
pub(crate) fn repository(name: &str) -> Result<String, ApiError> {
    if name.len() <= NAME_MAX && !name.is_empty() && name.split('/').all(is_component) {
        return Ok(name.to_owned());
    }
    Err(ApiError::new(
        Code::NameInvalid,
        "invalid repository name: expected up to 255 characters of lower-case letters, digits, \
         and single separators (. _ - /) between them",
    )
    .detail(serde_json::json!({ "name": name.chars().take(300).collect::<String>() })))
}

/// Checks a digest.
pub(crate) fn digest(text: &str) -> Result<Digest, ApiError> {
    text.parse().map_err(|error: isopod_base::InvalidDigest| {
        ApiError::new(Code::DigestInvalid, error.to_string())
            .detail(serde_json::json!({ "digest": error.text }))
    })
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = text.bytes().next().is_some_and(word);
    first && text.len() <= TAG_MAX && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut bytes = text.bytes().peekable();
    if !bytes.next().is_some_and(letter) {
        return false;
    }
    while let Some(byte) = bytes.next() {
        if letter(byte) {
            continue;
        }
        match byte {
            b'.' => {}
            b'_' => {
                bytes.next_if_eq(&b'_');
            }
            b'-' => while bytes.next_if_eq(&b'-').is_some() {},
            _ => return false,
        }
        if !bytes.peek().copied().is_some_and(letter) {
            return false;
        }
    }
    true
}

/// Takes percent signs away.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = after.get(..2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(digits[0])? * 16 + digit(digits[1])?) as u8);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> String {
        match Resource::parse(path) {
            Ok(resource) => format!("{resource:?}"),
            Err(error) => error.code.name().to_owned(),
        }
    }

    #[test]
    fn paths() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let digest = format!("sha256:{hex}");
        for (path, expected) in [
            ("/v2/".to_owned(), "Base".to_owned()),
            ("/v2".to_owned(), "Base".to_owned()),
            ("/v2/_catalog".to_owned(), "Catalog".to_owned()),
            ("/v1/".to_owned(), "NOT_FOUND".to_owned()),
            ("/v2/a".to_owned(), "NOT_FOUND".to_owned()),
            ("/v2/a/b/tags/list".to_owned(), r#"Tags("a/b")"#.to_owned()),
            ("/v2/tags/list/tags/list".to_owned(), r#"Tags("tags/list")"#.to_owned()),
            (format!("/v2/a/blobs/{digest}"), format!(r#"Blob("a", {digest})"#)),
            (format!("/v2/a/blobs/sha256%3A{hex}"), format!(r#"Blob("a", {digest})"#)),
            ("/v2/a/blobs/sha256:00".to_owned(), "DIGEST_INVALID".to_owned()),
            ("/v2/a/blobs/uploads/".to_owned(), r#"Uploads("a")"#.to_owned()),
            ("/v2/a/blobs/uploads".to_owned(), r#"Uploads("a")"#.to_owned()),
            ("/v2/a/blobs/uploads/x1".to_owned(), r#"Upload("a", "x1")"#.to_owned()),
            ("/v2/a/manifests/v1.0".to_owned(), r#"Manifest("a", Tag("v1.0"))"#.to_owned()),
            ("/v2/a/manifests/.x".to_owned(), r#"Manifest("a", Invalid(".x"))"#.to_owned()),
            (format!("/v2/a/manifests/{digest}"), format!(r#"Manifest("a", Digest({digest}))"#)),
            ("/v2/a/manifests/md5:00".to_owned(), "DIGEST_INVALID".to_owned()),
            (format!("/v2/a/referrers/{digest}"), format!(r#"Referrers("a", {digest})"#)),
            ("/v2/A/tags/list".to_owned(), "NAME_INVALID".to_owned()),
            ("/v2/a//b/tags/list".to_owned(), "NAME_INVALID".to_owned()),
            ("/v2/../tags/list".to_owned(), "NAME_INVALID".to_owned()),
            ("/v2/a@b/tags/list".to_owned(), "NAME_INVALID".to_owned()),
            ("/v2/%zz/tags/list".to_owned(), "NAME_INVALID".to_owned()),
            (format!("/v2/{}/tags/list", "a".repeat(256)), "NAME_INVALID".to_owned()),
        ] {
            assert_eq!(shown(&path), expected, "{path}");
        }
    }

    #[test]
    fn components() {
        for good in ["a", "a1", "a.b", "a_b", "a__b", "a---b", "0"] {
            assert!(is_component(good), "{good}");
        }
        for bad in ["", ".a", "a.", "a..b", "a___b", "a._b", "-a", "a-", "A", "a b"] {
            assert!(!is_component(bad), "{bad}");
        }
    }
}
