//! Layers, compressed or not: every header and all data are read or refused, within limits.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| isopod_images::fuzzing::layer(bytes));
