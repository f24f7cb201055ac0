//! The command line as a program of its own, for this crate's tests; the product calls the
//! library from its one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let status = isopod_runtime_cli::main(std::env::args_os().collect());
    ExitCode::from(u8::try_from(status).unwrap_or(1))
}
