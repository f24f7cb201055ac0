//! The shell alone, as a program of its own: `cargo run -p isobox-shell --example sh`.

use std::process::ExitCode;

fn main() -> ExitCode {
    isopod_sys::signals::default_on_broken_pipe();
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default().into_encoded_bytes();
    let arguments: Vec<_> = words.collect();
    let status = isobox_shell::main(isobox_applet::Registry::EMPTY, &name, &arguments);
    ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))
}
