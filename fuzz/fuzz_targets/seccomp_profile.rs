//! Seccomp profiles: any profile is compiled, for both architectures, or refused.
#![no_main]

use isopod_oci::runtime::LinuxSeccomp;
use isopod_seccomp::{Arch, compile};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(profile) = serde_json::from_slice::<LinuxSeccomp>(bytes) else { return };
    for arch in [Arch::X86_64, Arch::Aarch64] {
        if let Ok(program) = compile(&profile, arch) {
            // The kernel's own bound (BPF_MAXINSNS).
            assert!(program.instructions().len() <= 4096);
        }
    }
});
