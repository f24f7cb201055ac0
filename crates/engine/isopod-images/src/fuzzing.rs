//! Entry points for fuzzers: every parser of bytes from outside, without a store around it.
//!
//! None of them may panic, hang or take memory beyond its limits, whatever the bytes are.

use isopod_base::Digest;
use isopod_oci::image::Descriptor;

use crate::image::read_document;
use crate::layer::decompress;
use crate::limits::Limits;
use crate::tar::Reader;

/// Reads `bytes` as a layer, compressed or not: every header and all data.
pub fn layer(bytes: &[u8]) {
    let limits = Limits {
        layer_bytes: 64 << 20,
        expansion_floor_bytes: 64 << 20,
        layer_entries: 10_000,
        ..Limits::default()
    };
    let Ok((_, decoded)) = decompress(bytes) else {
        return;
    };
    let mut reader =
        Reader::new(std::io::Read::take(decoded, limits.layer_bytes), &limits.archive());
    while let Ok(Some(_)) = reader.next_entry() {
        while reader.data().is_ok_and(|data| !data.is_empty()) {}
    }
}

/// Reads `bytes` as a manifest or an index, whichever it looks like, and as a configuration.
pub fn documents(bytes: &[u8]) {
    let descriptor = Descriptor::new("", Digest::sha256(bytes), bytes.len() as u64);
    // What matters is that it returns.
    let _ = read_document("fuzz", &descriptor, bytes, &Limits::default());
    let _ = isopod_oci::image::ImageConfig::parse(bytes);
    let _ = isopod_oci::image::Index::parse(bytes);
}
