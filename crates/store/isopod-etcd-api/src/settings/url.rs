//! Addresses as etcd writes them: `http://HOST:PORT`, `https://…`, `unix://…`.

use std::fmt;

/// An address to listen on or to tell others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    secure: bool,
    unix: bool,
}

impl Url {
    pub(crate) fn localhost(port: u16) -> Self {
        Self { text: format!("http://localhost:{port}"), secure: false, unix: false }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("expected a URL such as http://127.0.0.1:2379".to_owned());
        };
        let (secure, unix) = match scheme {
            "http" => (false, false),
            "https" => (true, false),
            "unix" => (false, true),
            "unixs" => (true, true),
            _ => return Err("URL scheme must be http, https, unix, or unixs".to_owned()),
        };
        if !unix {
            let (host, port) =
                rest.rsplit_once(':').ok_or("URL address does not have the form \"host:port\"")?;
            if port.contains('/') {
                return Err("URL must not contain a path".to_owned());
            }
            if port.parse::<u16>().is_err() || host.contains(['/', '@']) {
                return Err("URL address does not have the form \"host:port\"".to_owned());
            }
        } else if rest.is_empty() {
            return Err("expected a path of the socket".to_owned());
        }
        Ok(Self { text: text.to_owned(), secure, unix })
    }

    /// A list, separated by commas.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        text.split(',').map(|url| Self::parse(url.trim())).collect()
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(crate) fn is_unix(&self) -> bool {
        self.unix
    }

    /// What follows the scheme: `HOST:PORT` or a path.
    pub(crate) fn address(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, address)| address)
    }

    /// The host, without the brackets of a version 6 address.
    pub(crate) fn host(&self) -> &str {
        let host = self.address().rsplit_once(':').map_or("", |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for good in
            ["http://127.0.0.1:2379", "https://[::1]:1", "unix://localhost:22", "http://a:0"]
        {
            assert_eq!(Url::parse(good).map(|url| url.to_string()), Ok(good.to_owned()));
        }
        for wrong in ["", "localhost:2379", "http://localhost", "ftp://a:1", "http://a:1/x"] {
            assert!(Url::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Url::parse("https://[::1]:1").unwrap().host(), "::1");
    }
}
