//! awk: any bytes are a program or an error that names a line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut source = isobox_awk::Source::default();
    source.add(None, data);
    if let Err(error) = isobox_awk::check(&source) {
        assert!(error.to_string().starts_with("cmd. line:"), "{error}");
    }
});
