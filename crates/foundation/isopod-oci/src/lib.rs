//! The documents of the Open Container Initiative, as typed values.
//!
//! - [`runtime`]: `config.json` of the runtime specification, version 1.2, and the state that a
//!   runtime hands to its hooks;
//! - [`image`]: manifests, indexes, image configurations and layouts of the image
//!   specification, version 1.1, and Docker's older forms of the same.
//!
//! Only the shapes live here, with the checks that need nothing but the document. Nothing in
//! this crate reads a file, knows a kernel or talks to a registry.
//!
//! ```
//! let spec = isopod_oci::runtime::Spec::parse(br#"{"ociVersion":"1.2.0","root":{"path":"rootfs"}}"#)?;
//! assert_eq!(spec.root.expect("given above").path, "rootfs");
//! # Ok::<(), isopod_oci::ParseError>(())
//! ```

pub mod image;
pub mod runtime;

use serde::de::DeserializeOwned;

/// A document that is not what it should be: where, and what the reader found there.
#[derive(Debug, thiserror::Error)]
#[error("{document}: line {line}, column {column}: {message}")]
pub struct ParseError {
    /// Which kind of document was read, such as `config.json`.
    pub document: &'static str,
    /// Line of the fault, from 1.
    pub line: usize,
    /// Column of the fault, from 1 (0 when the document ended too early).
    pub column: usize,
    /// What was wrong and what was expected.
    pub message: String,
}

/// Reads one JSON document from `bytes` and says where it went wrong.
pub(crate) fn parse<T: DeserializeOwned>(
    document: &'static str,
    bytes: &[u8],
) -> Result<T, ParseError> {
    serde_json::from_slice(bytes).map_err(|source| {
        let text = source.to_string();
        let message =
            text.rsplit_once(" at line ").map_or(text.as_str(), |(head, _)| head).to_owned();
        ParseError { document, line: source.line(), column: source.column(), message }
    })
}

/// Reads a field that Go's encoder may have written as `null` as its default instead.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + serde::Deserialize<'de>,
{
    Ok(<Option<T> as serde::Deserialize>::deserialize(deserializer)?.unwrap_or_default())
}
