//! The command line without the rest of the product: a client for an engine that runs already.
//!
//! `cargo run -p isopod-cli --example client -- --host unix:///var/run/docker.sock ps`

fn main() {
    std::process::exit(isopod_cli::main(std::env::args_os().collect()));
}
