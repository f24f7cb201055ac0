//! An authority, and the certificates that it signs.

use crate::describe::Description;
use crate::error::CertificateError;
use isopod_base::times::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use time::{Duration, OffsetDateTime};

/// How far back validity reaches, for clocks that are late.
const CLOCK_SKEW: Duration = Duration::hours(1);

/// How much of a file is read.
const LIMIT_BYTES: u64 = 1 << 20;

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A server proves by it that it has its names.
    Server,
    /// A client proves by it that it may connect.
    Client,
}

/// What is to be certified.
#[derive(Debug, Clone)]
pub struct Request {
    /// What for.
    pub purpose: Purpose,
    /// Who: the subject's common name.
    pub name: String,
    /// Host names and IP addresses.
    pub names: Vec<String>,
    /// Days of validity; never longer than the authority's own.
    pub days: u32,
}

/// A certificate and its key, both in PEM.
#[derive(Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key (PKCS #8).
    pub key: String,
}

/// An authority with its key.
#[derive(Debug)]
pub struct Authority {
    certificate: String,
    until: Timestamp,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority.
    pub fn create(name: &str, now: Timestamp, days: u32) -> Result<Self, CertificateError> {
        let key = new_key()?;
        let mut params = params(name, now, days)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let until = timestamp(params.not_after);
        let certificate =
            params.self_signed(&key).map_err(CertificateError::make("make the authority"))?.pem();
        Ok(Self { certificate, until, issuer: Issuer::new(params, key) })
    }

    /// Reads an authority's certificate and key.
    pub fn load(certificate_path: &Path, key_path: &Path) -> Result<Self, CertificateError> {
        let certificate = text(certificate_path)?;
        let description = Description::of_file(certificate_path)?;
        if !description.authority {
            return Err(CertificateError::contents(
                certificate_path,
                "this certificate is no authority's: it cannot sign others",
            ));
        }
        let key = read_key(key_path)?;
        if !description.has_key(&key.subject_public_key_info()) {
            return Err(CertificateError::contents(
                key_path,
                format!("this is not the key of {}", certificate_path.display()),
            ));
        }
        let issuer = Issuer::from_ca_cert_pem(&certificate, key)
            .map_err(|error| CertificateError::contents(certificate_path, error.to_string()))?;
        Ok(Self { certificate, until: description.not_after, issuer })
    }

    /// Its certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its key, in PEM.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Signs a certificate with a new key.
    pub fn issue(&self, request: &Request, now: Timestamp) -> Result<Issued, CertificateError> {
        let key = new_key()?;
        let certificate = self.sign(request, &key, now)?;
        Ok(Issued { certificate, key: key.serialize_pem() })
    }

    /// Signs a certificate, in PEM, for a key that there is.
    pub fn renew(
        &self,
        request: &Request,
        key_path: &Path,
        now: Timestamp,
    ) -> Result<String, CertificateError> {
        let key = read_key(key_path)?;
        self.sign(request, &key, now)
    }

    fn sign(
        &self,
        request: &Request,
        key: &KeyPair,
        now: Timestamp,
    ) -> Result<String, CertificateError> {
        if self.until <= now {
            return Err(CertificateError::Expired { until: self.until.rfc3339() });
        }
        let mut params = params(&request.name, now, request.days)?;
        params.not_after = params.not_after.min(date(self.until)?);
        params.subject_alt_names =
            request.names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match request.purpose {
            Purpose::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Purpose::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(key, &self.issuer);
        Ok(certificate.map_err(CertificateError::make("sign the certificate"))?.pem())
    }
}

/// A file of up to 1 MiB.
fn text(path: &Path) -> Result<String, CertificateError> {
    let fail = |source| CertificateError::File { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(fail)?;
    file.take(LIMIT_BYTES).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

fn read_key(path: &Path) -> Result<KeyPair, CertificateError> {
    KeyPair::from_pem(&text(path)?).map_err(|error| {
        CertificateError::contents(path, format!("expected a private key in PEM: {error}"))
    })
}

fn new_key() -> Result<KeyPair, CertificateError> {
    KeyPair::generate().map_err(CertificateError::make("make a key"))
}

fn params(name: &str, now: Timestamp, days: u32) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::default();
    let now = date(now)?;
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now
        .checked_add(Duration::days(days.into()))
        .filter(|end| end.year() <= 9999)
        .ok_or(CertificateError::Calendar { days })?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn alternative(name: &str) -> Result<SanType, CertificateError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let plain = name.strip_prefix("*.").unwrap_or(name);
    let bad = || CertificateError::Name { name: name.to_owned() };
    if plain.len() > 253 || !plain.split('.').all(label) {
        return Err(bad());
    }
    Ok(SanType::DnsName(name.try_into().map_err(|_| bad())?))
}

fn date(time: Timestamp) -> Result<OffsetDateTime, CertificateError> {
    OffsetDateTime::from_unix_timestamp(time.seconds())
        .map_err(|_| CertificateError::Calendar { days: 0 })
}

fn timestamp(date: OffsetDateTime) -> Timestamp {
    Timestamp::from_nanos(date.unix_timestamp_nanos())
}
