//! patch: any bytes are a patch or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    isobox_editors::check_patch(data).ok();
});
