//! Manifests, indexes and image configurations: any bytes are read or refused.
#![no_main]

use isopod_oci::image::{ImageConfig, Index, Manifest};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::parse(bytes) {
        let text = serde_json::to_vec(&manifest).expect("every manifest can be written");
        assert_eq!(Manifest::parse(&text).expect("what we write we read"), manifest);
    }
    if let Ok(index) = Index::parse(bytes) {
        let text = serde_json::to_vec(&index).expect("every index can be written");
        assert_eq!(Index::parse(&text).expect("what we write we read"), index);
    }
    let _ = ImageConfig::parse(bytes);
    isopod_images::fuzzing::documents(bytes);
});
