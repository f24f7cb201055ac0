//! The messages of gRPC's own services, which the build makes of `proto/`.

#![allow(clippy::all, reason = "generated from proto/, which has the comments")]
#![allow(unreachable_pub, dead_code, reason = "generated")]

/// Their descriptors, encoded.
pub(crate) const FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub(crate) mod health {
    include!(concat!(env!("OUT_DIR"), "/grpc.health.v1.rs"));
}

/// `v1alpha` has the same messages.
pub(crate) mod reflection {
    include!(concat!(env!("OUT_DIR"), "/grpc.reflection.v1.rs"));
}
