//! Messages of gRPC's own services from their `.proto` files.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

const FILES: &[&str] =
    &["grpc/health.proto", "grpc/reflection_v1.proto", "grpc/reflection_v1alpha.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::Compiler::new(["proto"])?.open_files(FILES)?.file_descriptor_set();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
