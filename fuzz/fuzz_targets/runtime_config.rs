//! `config.json`, `process.json` and resources: any bytes are read or refused, and what was read
//! is written and read back the same.
#![no_main]

use isopod_oci::runtime::{LinuxResources, Process, Spec};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(spec) = Spec::parse(bytes) {
        let text = serde_json::to_vec(&spec).expect("every spec can be written");
        assert_eq!(Spec::parse(&text).expect("what we write we read"), spec);
    }
    let _ = Process::parse(bytes);
    let _ = LinuxResources::parse(bytes);
});
