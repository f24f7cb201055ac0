//! The first process of a test's virtual machine, when the test brings none of its own.

use std::io::Write;

use isopod_testkit::vm;

fn main() {
    if vm::is_init() {
        vm::init();
    } else {
        let message = "vm-init: runs only as the first process of a virtual machine";
        let _ = writeln!(std::io::stderr(), "{message}");
        std::process::exit(1);
    }
}
