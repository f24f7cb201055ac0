//! The reader of tar archives takes any bytes: headers of every dialect, and all data.

#![no_main]

use isopod_tar::{Limits, Reader};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(bytes, &Limits::default()).with_global_headers().ignoring_zeros();
    while let Ok(Some(_)) = reader.next_entry() {
        while reader.data().is_ok_and(|data| !data.is_empty()) {}
    }
});
