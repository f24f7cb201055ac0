//! Absolute `http` and `https` addresses, and the resolution of `Location` and `Link` against them.
//!
//! A subset of RFC 3986 that is enough for registries: no fragments, no user information.

use std::fmt;

/// Longest address accepted from a registry. Signed storage addresses run to a few kilobytes.
const MAX_URL_BYTES: usize = 16 << 10;

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that the scheme implies.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// An address that a request can be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Url {
    scheme: Scheme,
    /// Without brackets, also for IPv6.
    host: String,
    port: Option<u16>,
    /// Begins with `/`; with the query.
    target: String,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid URL {url:?}: {reason}")]
pub struct UrlError {
    /// The text.
    pub url: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Url {
    /// Parses an absolute address.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let fail = |reason| UrlError { url: shorten(text), reason };
        if text.len() > MAX_URL_BYTES {
            return Err(fail("it is longer than 16 KiB"));
        }
        if text.bytes().any(|b| b <= b' ' || b == 0x7f || !b.is_ascii()) {
            return Err(fail("it contains a blank, a control or a non-ASCII character"));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((s, rest)) if s.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            Some((s, rest)) if s.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            _ => return Err(fail("expected it to begin with http:// or https://")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(fail("user information is not accepted"));
        }
        let (host, port) = split_authority(authority).ok_or_else(|| fail("bad host or port"))?;
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { scheme, host, port, target })
    }

    /// An address from a scheme and a `host[:port]` as image references have it.
    pub fn from_authority(scheme: Scheme, authority: &str, target: &str) -> Result<Self, UrlError> {
        Self::parse(&format!("{}://{authority}{target}", scheme.as_str()))
    }

    /// The address that a reference found in an answer from `self` stands for.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        if reference.len() > MAX_URL_BYTES {
            return Err(UrlError { url: shorten(reference), reason: "it is longer than 16 KiB" });
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme.as_str()));
        }
        let head = reference.find(['/', '?', '#']).unwrap_or(reference.len());
        if reference[..head].contains(':') {
            return Self::parse(reference);
        }
        let path = self.target.split('?').next().unwrap_or("/");
        let target = if reference.starts_with('/') {
            reference.to_owned()
        } else if reference.starts_with('?') {
            format!("{path}{reference}")
        } else {
            let parent = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            format!("{parent}{reference}")
        };
        Self::from_authority(self.scheme, &self.authority(), &target)
    }

    /// The same address with `name=value` added to its query.
    #[must_use]
    pub fn with_query(&self, name: &str, value: &str) -> Self {
        let separator = if self.target.contains('?') { '&' } else { '?' };
        let target = format!("{}{separator}{}={}", self.target, encode(name), encode(value));
        Self { target, ..self.clone() }
    }

    /// The same server, another path and query.
    #[must_use]
    pub fn with_target(&self, target: String) -> Self {
        debug_assert!(target.starts_with('/'));
        Self { target, ..self.clone() }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host without port and brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, explicit or implied.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.default_port())
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// `host[:port]` as it was written.
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// Same scheme, host and port: credentials may follow a redirect only then.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.port() == other.port()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority(), self.target)
    }
}

/// Splits `host[:port]`, taking the brackets off an IPv6 address.
pub(crate) fn split_authority(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            match after {
                "" => (host, None),
                _ => (host, Some(after.strip_prefix(':')?)),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if host.is_empty() || (!authority.starts_with('[') && !host.bytes().all(plain)) {
        return None;
    }
    let port = match port {
        None | Some("") => None,
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
    };
    Some((host.to_owned(), port))
}

/// A host in the form that stands before a port.
pub(crate) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Percent-encodes a query name or value.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_join(base: &str, reference: &str, expected: &str) {
        let joined = Url::parse(base).unwrap().join(reference).unwrap();
        assert_eq!(joined.to_string(), expected);
    }

    #[test]
    fn joins_locations() {
        let base = "https://reg.example:5000/v2/a/blobs/uploads/?x=1";
        check_join(base, "/v2/a/blobs/uploads/7", "https://reg.example:5000/v2/a/blobs/uploads/7");
        check_join(base, "http://b/c?d=e#f", "http://b/c?d=e");
        check_join(base, "//cdn.example/z", "https://cdn.example/z");
        check_join(base, "7?state=a:b", "https://reg.example:5000/v2/a/blobs/uploads/7?state=a:b");
        check_join(base, "?n=2", "https://reg.example:5000/v2/a/blobs/uploads/?n=2");
    }

    #[test]
    fn reads_authorities() {
        let url = Url::parse("http://[::1]:5000").unwrap();
        assert_eq!((url.host(), url.port(), url.target()), ("::1", 5000, "/"));
        assert_eq!(url.authority(), "[::1]:5000");
        assert_eq!(Url::parse("https://a").unwrap().port(), 443);
        let spelled = Url::parse("https://A:443/x").unwrap();
        assert!(spelled.same_origin(&Url::parse("https://a/y").unwrap()));
        assert!(!spelled.same_origin(&Url::parse("http://a:443/y").unwrap()));
    }

    #[test]
    fn rejects_what_is_no_address() {
        for text in [
            "",
            "ftp://a",
            "a/b",
            "http://",
            "http://u:p@h/",
            "http://h:99999/",
            "http://h:x/",
            "http://a b/",
            "http://a/\r\nX: y",
            "http://[::g]/",
            "http://a]/",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn encodes_queries() {
        let url = Url::parse("http://h/p").unwrap().with_query("scope", "repository:a/b:pull,push");
        assert_eq!(url.target(), "/p?scope=repository%3Aa%2Fb%3Apull%2Cpush");
        assert_eq!(url.with_query("n", "1").target().matches('&').count(), 1);
    }
}
