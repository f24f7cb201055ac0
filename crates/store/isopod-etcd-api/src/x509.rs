//! The one thing that is read from a client's certificate, after it was verified.

use x509_parser::prelude::{FromDer, X509Certificate};

/// The common name of the subject: the last one, when there are several.
pub(crate) fn common_name(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().last()?;
    name.as_str().ok().map(str::to_owned)
}
