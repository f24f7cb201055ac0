//! What a certificate says.

use crate::authority::Purpose;
use crate::error::CertificateError;
use isopod_base::Digest;
use isopod_base::times::Timestamp;
use isopod_tls::read_certificates;
use std::net::IpAddr;
use std::path::Path;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate, X509Name};

/// A certificate in words.
#[derive(Debug, Clone)]
pub struct Description {
    /// Whose it is: the common name, or the whole name without one.
    pub subject: String,
    /// Who signed it, likewise.
    pub issuer: String,
    /// Whether it may sign others.
    pub authority: bool,
    /// What it is for; nothing if that is not restricted.
    pub purposes: Vec<Purpose>,
    /// Host names and IP addresses.
    pub names: Vec<String>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// SHA-256 of the whole certificate.
    pub fingerprint: Digest,
    /// The subject's public key (DER).
    public_key: Vec<u8>,
}

impl Description {
    /// Of the first certificate in a file, which is the one that the others vouch for.
    pub fn of_file(path: &Path) -> Result<Self, CertificateError> {
        let chain = read_certificates(path).map_err(CertificateError::Read)?;
        let first = chain.first().expect("a file without certificates is an error");
        Self::of_der(first).map_err(|reason| {
            CertificateError::contents(path, format!("no X.509 certificate: {reason}"))
        })
    }

    /// Of a certificate in DER; the error says why it is none.
    pub fn of_der(der: &[u8]) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let usage = parsed.extended_key_usage().map_err(|error| error.to_string())?;
        let purposes = usage.map_or_else(Vec::new, |usage| {
            let server = usage.value.server_auth.then_some(Purpose::Server);
            let client = usage.value.client_auth.then_some(Purpose::Client);
            server.into_iter().chain(client).collect()
        });
        let alternatives = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = alternatives.map_or_else(Vec::new, |names| {
            names.value.general_names.iter().filter_map(name_of).collect()
        });
        let seconds = |time: i64| Timestamp::from_nanos(i128::from(time) * 1_000_000_000);
        Ok(Self {
            subject: common_name(parsed.subject()),
            issuer: common_name(parsed.issuer()),
            authority: parsed.is_ca(),
            purposes,
            names,
            not_before: seconds(parsed.validity().not_before.timestamp()),
            not_after: seconds(parsed.validity().not_after.timestamp()),
            fingerprint: Digest::sha256(der),
            public_key: parsed.public_key().raw.to_vec(),
        })
    }

    /// Whether the certificate is for this public key (DER).
    pub(crate) fn has_key(&self, public_key: &[u8]) -> bool {
        self.public_key == public_key
    }
}

fn common_name(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|name| name.as_str().ok());
    common.map_or_else(|| name.to_string(), str::to_owned)
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let address = <[u8; 4]>::try_from(*bytes)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
