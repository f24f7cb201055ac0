//! The reader of ar archives takes any bytes: every header, and all data.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| isobox_archives::fuzzing::ar(bytes));
