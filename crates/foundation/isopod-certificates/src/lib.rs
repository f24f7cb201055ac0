//! A private authority, the certificates that it signs for servers and clients, and what a
//! certificate says. The certificates are put to use by `isopod_tls`.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use isopod_base::times::Timestamp;
//! use isopod_certificates::{Authority, Purpose, Request};
//!
//! let now = Timestamp::now();
//! let authority = Authority::create("example", now, 365)?;
//! let request = Request {
//!     purpose: Purpose::Server,
//!     name: "box".to_owned(),
//!     names: vec!["box.example".to_owned(), "10.0.0.7".to_owned()],
//!     days: 90,
//! };
//! let issued = authority.issue(&request, now)?;
//! assert!(issued.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
//! # Ok(())
//! # }
//! ```

mod authority;
mod describe;
mod error;

pub use authority::{Authority, Issued, Purpose, Request};
pub use describe::Description;
pub use error::CertificateError;
