//! Image references as docker reads and prints them.
//!
//! Pure text: no registry is asked. The grammar is the one of the distribution project's
//! `reference` package, which docker, containerd and podman share:
//!
//! ```text
//! reference := name [ ":" tag ] [ "@" digest ]
//! name      := [ domain "/" ] path-component { "/" path-component }
//! domain    := host [ ":" port ]
//! ```

use std::fmt;
use std::str::FromStr;

use isopod_base::Digest;

/// The registry that a name without a domain belongs to.
pub const DEFAULT_DOMAIN: &str = "docker.io";
/// The tag of a reference that names neither tag nor digest.
pub const DEFAULT_TAG: &str = "latest";

const LEGACY_DEFAULT_DOMAIN: &str = "index.docker.io";
const OFFICIAL_PREFIX: &str = "library/";
const MAX_NAME_BYTES: usize = 255;
const MAX_TAG_BYTES: usize = 128;

/// Why a text is not an image reference. The words are docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The text does not follow the grammar.
    #[error("invalid reference format")]
    Format,
    /// Docker allows upper case in the domain and the tag only.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
    /// 64 hexadecimal digits are reserved for image ids.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    LooksLikeId(String),
    /// The name without tag and digest is longer than 255 bytes.
    #[error("repository name must not be more than {MAX_NAME_BYTES} characters")]
    TooLong,
    /// The part after `@` is not a digest that isopod can verify.
    #[error("invalid reference format: {0}")]
    Digest(String),
    /// Both a tag and a digest were given where only one makes sense.
    #[error("invalid tag {0:?}: expected up to 128 letters, digits, '_', '.' and '-'")]
    Tag(String),
}

/// The normalised name of an image in a registry: domain, path, and tag or digest or both.
///
/// ```
/// use isopod_registry::Reference;
/// let short = Reference::parse("nginx").unwrap();
/// assert_eq!(short.with_default_tag().to_string(), "docker.io/library/nginx:latest");
/// assert_eq!(short.familiar(), "nginx");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Parses and normalises what a user typed. No tag is added; see
    /// [`Reference::with_default_tag`].
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.len() == 64 && text.bytes().all(is_lower_hex) {
            return Err(ReferenceError::LooksLikeId(text.to_owned()));
        }
        let (domain, remainder) = split_domain(text);
        let remote = remainder.split(':').next().unwrap_or_default();
        if remote.chars().any(char::is_uppercase) {
            return Err(ReferenceError::Uppercase(remote.to_owned()));
        }
        Self::from_parts(domain, &remainder)
    }

    fn from_parts(domain: &str, remainder: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = match remainder.split_once('@') {
            Some((rest, digest)) => (rest, Some(parse_digest(digest)?)),
            None => (remainder, None),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) if is_tag(tag) => (path, Some(tag.to_owned())),
            Some(_) => return Err(ReferenceError::Format),
            None => (rest, None),
        };
        if !is_domain(domain) || !path.split('/').all(is_path_component) {
            return Err(ReferenceError::Format);
        }
        if domain.len() + 1 + path.len() > MAX_NAME_BYTES {
            return Err(ReferenceError::TooLong);
        }
        Ok(Self { domain: domain.to_owned(), path: path.to_owned(), tag, digest })
    }

    /// The registry's name, with its port if it has one: `docker.io`, `localhost:5000`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository within the registry: `library/nginx`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Domain and path: `docker.io/library/nginx`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The name as docker shows it: `nginx`, `bitnami/redis`, `localhost:5000/app`.
    pub fn familiar_name(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.name();
        }
        match self.path.strip_prefix(OFFICIAL_PREFIX) {
            // A first component that looks like a domain must keep the prefix that protects it.
            Some(short) if !short.contains('/') => short.to_owned(),
            _ => self.path.clone(),
        }
    }

    /// The whole reference as docker shows it: `nginx:1.27`, `app@sha256:…`.
    pub fn familiar(&self) -> String {
        let mut text = self.familiar_name();
        self.push_suffix(&mut text);
        text
    }

    /// The same reference with `:latest` when it has neither tag nor digest.
    #[must_use]
    pub fn with_default_tag(&self) -> Self {
        let mut named = self.clone();
        if named.tag.is_none() && named.digest.is_none() {
            named.tag = Some(DEFAULT_TAG.to_owned());
        }
        named
    }

    /// The same repository under another tag, without a digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError::Tag(tag.to_owned()));
        }
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// The same repository at a digest, without a tag.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The repository alone, without tag and digest.
    #[must_use]
    pub fn repository(&self) -> Self {
        Self { tag: None, digest: None, ..self.clone() }
    }

    fn push_suffix(&self, text: &mut String) {
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.name();
        self.push_suffix(&mut text);
        f.write_str(&text)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Decides whether the first component is a domain: it must contain a dot, a colon or an upper
/// case letter, or be `localhost`. Everything else lives on Docker Hub.
fn split_domain(text: &str) -> (&str, String) {
    let (domain, remainder) = match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.chars().any(char::is_uppercase) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    };
    let domain = if domain == LEGACY_DEFAULT_DOMAIN { DEFAULT_DOMAIN } else { domain };
    if domain == DEFAULT_DOMAIN && !remainder.contains('/') {
        return (domain, format!("{OFFICIAL_PREFIX}{remainder}"));
    }
    (domain, remainder.to_owned())
}

fn parse_digest(text: &str) -> Result<Digest, ReferenceError> {
    let (algorithm, hex) = text.split_once(':').ok_or(ReferenceError::Format)?;
    let shaped = algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_+.".contains(&b))
        && algorithm.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && hex.len() >= 32
        && hex.bytes().all(|b| b.is_ascii_hexdigit());
    if !shaped {
        return Err(ReferenceError::Format);
    }
    Digest::from_str(text).map_err(|error| ReferenceError::Digest(error.to_string()))
}

fn is_lower_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn is_tag(tag: &str) -> bool {
    let mut bytes = tag.bytes();
    tag.len() <= MAX_TAG_BYTES
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// `[a-z0-9]+` joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    if !alphanumeric(first) || !alphanumeric(last) {
        return false;
    }
    bytes
        .split(|&b| alphanumeric(b))
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || all_dashes(separator))
}

fn all_dashes(separator: &[u8]) -> bool {
    separator.iter().all(|&b| b == b'-')
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.strip_prefix('[') {
        Some(rest) => {
            let Some((address, after)) = rest.split_once(']') else { return false };
            let ipv6 =
                !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
            return ipv6 && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
        }
        None => match domain.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (domain, None),
        },
    };
    port.is_none_or(is_port) && host.split('.').all(is_domain_component)
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

fn is_domain_component(component: &str) -> bool {
    !component.is_empty()
        && !component.starts_with('-')
        && !component.ends_with('-')
        && component.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    fn check(text: &str, full: &str, familiar: &str) {
        let reference = Reference::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(reference.to_string(), full, "{text}");
        assert_eq!(reference.familiar(), familiar, "{text}");
        assert_eq!(Reference::parse(full).unwrap(), reference, "{text} round trip");
        assert_eq!(Reference::parse(familiar).unwrap(), reference, "{text} familiar round trip");
    }

    fn check_bad(text: &str, message: &str) {
        let error = Reference::parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
    }

    #[test]
    fn normalises_as_docker_does() {
        check("nginx", "docker.io/library/nginx", "nginx");
        check("nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27");
        check("bitnami/redis", "docker.io/bitnami/redis", "bitnami/redis");
        check("docker.io/nginx", "docker.io/library/nginx", "nginx");
        check("index.docker.io/library/nginx", "docker.io/library/nginx", "nginx");
        check("localhost/app", "localhost/app", "localhost/app");
        check("localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1");
        check("LOCALHOST/app", "LOCALHOST/app", "LOCALHOST/app");
        check("[::1]:5000/a/b", "[::1]:5000/a/b", "[::1]:5000/a/b");
        check("127.0.0.1:5000/a", "127.0.0.1:5000/a", "127.0.0.1:5000/a");
        check(
            "example.com/a__b/c-d.e--f",
            "example.com/a__b/c-d.e--f",
            "example.com/a__b/c-d.e--f",
        );
        check(
            "nginx:UPPER_is.fine-",
            "docker.io/library/nginx:UPPER_is.fine-",
            "nginx:UPPER_is.fine-",
        );
        check("library/foo/bar", "docker.io/library/foo/bar", "library/foo/bar");
        check(
            &format!("nginx:1@{SHA}"),
            &format!("docker.io/library/nginx:1@{SHA}"),
            &format!("nginx:1@{SHA}"),
        );
    }

    #[test]
    fn rejects_with_dockers_words() {
        let format = "invalid reference format";
        for text in [
            "",
            " ",
            ":tag",
            "@sha256:abc",
            "a//b",
            "/a",
            "a/",
            "-a",
            "a-",
            "a_-b",
            "a..b",
            "a___b",
            "nginx:",
            "nginx:-x",
            "nginx:a b",
            "http://example.com/a",
            "example.com:port/a",
            "nginx@sha256:zz",
            "nginx@nope",
            "nginx:a:b",
            "[::1/a",
            "-example.com/a",
            "a.-b.c/d",
            "nginx\n",
            "näginx",
            "example.com/",
        ] {
            check_bad(text, format);
        }
        check_bad("nginx:".to_owned().as_str(), format);
        check_bad(&format!("nginx:{}", "t".repeat(129)), format);
        check_bad(
            "Nginx",
            "invalid reference format: repository name (library/Nginx) must be lowercase",
        );
        check_bad(
            "example.com/Foo:x",
            "invalid reference format: repository name (Foo) must be lowercase",
        );
        let id = "a".repeat(64);
        check_bad(
            &id,
            &format!("invalid repository name ({id}), cannot specify 64-byte hexadecimal strings"),
        );
        check_bad(
            &format!("example.com/{}", "a".repeat(244)),
            "repository name must not be more than 255 characters",
        );
        assert!(Reference::parse(&format!("nginx@md5:{}", "a".repeat(32))).is_err());
    }

    #[test]
    fn adds_and_replaces_tags_and_digests() {
        let reference = Reference::parse("nginx").unwrap();
        assert_eq!(reference.with_default_tag().tag(), Some("latest"));
        assert_eq!(reference.with_tag("x").unwrap().familiar(), "nginx:x");
        assert_eq!(reference.with_tag("-").unwrap_err(), ReferenceError::Tag("-".into()));
        let pinned = reference.with_tag("x").unwrap().with_digest(SHA.parse().unwrap());
        assert_eq!(pinned.familiar(), format!("nginx@{SHA}"));
        assert_eq!(pinned.with_default_tag(), pinned);
        assert_eq!(pinned.repository().to_string(), "docker.io/library/nginx");
    }
}
