//! Which requests go through a proxy: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`.

use std::env;
use std::net::IpAddr;
use std::str::FromStr;

use crate::config::ConfigError;
use crate::credentials::Credentials;
use crate::url::{Scheme, Url, split_authority};

/// A network: an address and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    length: u8,
}

impl Cidr {
    /// Whether an address is within the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.length);
                (u64::from(network.to_bits()) >> shift) == (u64::from(address.to_bits()) >> shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length)).unwrap_or(0);
                (network.to_bits() & mask) == (address.to_bits() & mask)
            }
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, length) = text.split_once('/').ok_or(())?;
        let address: IpAddr = address.parse().map_err(drop)?;
        let length: u8 = length.parse().map_err(drop)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if length > most {
            return Err(());
        }
        Ok(Self { address, length })
    }
}

/// A proxy server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) url: Url,
    /// The value of `Proxy-Authorization`.
    pub(crate) authorization: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.url)
    }
}

/// The proxies in use.
#[derive(Debug, Clone, Default)]
pub struct ProxySettings {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

#[derive(Debug, Clone, PartialEq)]
enum Exception {
    All,
    Network(Cidr),
    Host { name: String, port: Option<u16>, subdomains_only: bool },
}

impl ProxySettings {
    /// Reads the environment; the lower-case names count when the upper-case ones are unset.
    pub fn from_environment() -> Result<Self, ConfigError> {
        let read = |name: &str| {
            env::var(name)
                .or_else(|_| env::var(name.to_lowercase()))
                .ok()
                .filter(|value| !value.trim().is_empty())
        };
        Self::new(
            read("HTTP_PROXY").as_deref(),
            read("HTTPS_PROXY").as_deref(),
            read("NO_PROXY").as_deref(),
        )
    }

    /// From the values of the three variables.
    pub fn new(
        http: Option<&str>,
        https: Option<&str>,
        no_proxy: Option<&str>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            http: http.map(|text| parse_proxy("HTTP_PROXY", text)).transpose()?,
            https: https.map(|text| parse_proxy("HTTPS_PROXY", text)).transpose()?,
            exceptions: no_proxy
                .unwrap_or_default()
                .split(',')
                .filter_map(parse_exception)
                .collect(),
        })
    }

    /// The proxy for an address, if there is to be one. Loopback is always reached directly.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            Scheme::Http => self.http.as_ref(),
            Scheme::Https => self.https.as_ref(),
        }?;
        let host = url.host().to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return None;
        }
        let excepted = self.exceptions.iter().any(|exception| match exception {
            Exception::All => true,
            Exception::Network(network) => address.is_some_and(|a| network.contains(a)),
            Exception::Host { name, port, subdomains_only } => {
                let parent = host.strip_suffix(name.as_str());
                port.is_none_or(|port| port == url.port())
                    && match parent {
                        Some("") => !subdomains_only,
                        Some(rest) => rest.ends_with('.') && address.is_none(),
                        None => false,
                    }
            }
        });
        (!excepted).then_some(proxy)
    }
}

fn parse_proxy(variable: &str, text: &str) -> Result<Proxy, ConfigError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, rest)) => (Some(login), rest),
        None => (None, rest),
    };
    // The value may hold a password: it is not repeated.
    let fail = |reason: &str| ConfigError {
        what: variable.to_owned(),
        reason: format!("{reason}: expected http://[user:password@]host[:port]"),
    };
    let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|error| fail(error.reason))?;
    let authorization = login
        .map(|login| {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            let user = decode(user).ok_or_else(|| fail("bad percent-encoding"))?;
            let password = decode(password).ok_or_else(|| fail("bad percent-encoding"))?;
            Ok::<_, ConfigError>(Credentials::basic_header(&user, &password))
        })
        .transpose()?;
    Ok(Proxy { url, authorization })
}

fn parse_exception(text: &str) -> Option<Exception> {
    let text = text.trim().to_ascii_lowercase();
    if text.is_empty() {
        return None;
    }
    if text == "*" {
        return Some(Exception::All);
    }
    if let Ok(network) = text.parse() {
        return Some(Exception::Network(network));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Exception::Host {
            name: address.to_string(),
            port: None,
            subdomains_only: false,
        });
    }
    let name = text.strip_prefix('*').unwrap_or(&text);
    let subdomains_only = name.starts_with('.');
    let (name, port) = split_authority(name.trim_start_matches('.'))?;
    Some(Exception::Host { name, port, subdomains_only })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_by_scheme_and_exceptions() {
        let settings = ProxySettings::new(
            Some("proxy:3128"),
            Some("http://u:p%40@proxy.example:8080/"),
            Some("a.example, .b.example,10.0.0.0/8,c.example:5000,*.d.example,192.168.1.1"),
        )
        .unwrap();
        let proxied = |url: &str| settings.proxy_for(&Url::parse(url).unwrap()).is_some();
        for url in [
            "http://x.example",
            "https://x.example",
            "http://b.example",
            "http://11.0.0.1",
            "http://c.example",
            "http://xa.example",
            "http://d.example",
            "http://192.168.1.2",
        ] {
            assert!(proxied(url), "{url}");
        }
        for url in [
            "http://a.example",
            "https://x.a.example",
            "http://x.b.example",
            "http://10.1.1.1",
            "http://c.example:5000",
            "http://localhost:5000",
            "http://127.0.0.2",
            "http://[::1]",
            "https://x.d.example",
            "http://192.168.1.1:5000",
        ] {
            assert!(!proxied(url), "{url}");
        }
        let proxy = settings.proxy_for(&Url::parse("https://x").unwrap()).unwrap();
        assert_eq!(proxy.authorization.as_deref(), Some("Basic dTpwQA=="));
        let http = settings.proxy_for(&Url::parse("http://x").unwrap()).unwrap();
        assert_eq!(http.url.to_string(), "http://proxy:3128/");
    }

    #[test]
    fn errors_do_not_repeat_passwords() {
        let error = ProxySettings::new(Some("ftp://u:hunter2@h"), None, None).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn networks_contain_their_addresses() {
        let check = |network: &str, address: &str| {
            network.parse::<Cidr>().unwrap().contains(address.parse().unwrap())
        };
        assert!(check("0.0.0.0/0", "255.1.1.1") && check("::/0", "ffff::"));
        assert!(check("10.1.2.3/32", "10.1.2.3") && !check("10.1.2.3/32", "10.1.2.4"));
        assert!(check("fd00::/8", "fd12::1") && !check("fd00::/8", "fe00::1"));
        assert!(!check("10.0.0.0/8", "::1"));
    }
}
