//! The shell's parser takes any bytes: it answers with an error or none, and never panics.

#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let _ = isobox_shell::check(script);
});
