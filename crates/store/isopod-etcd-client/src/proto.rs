//! The messages and stubs that the build makes of `proto/`, package by package.

#![expect(missing_docs, clippy::all, reason = "generated from proto/, which has the comments")]
#![allow(unreachable_pub, reason = "generated")]

/// The descriptors of all files, as an encoded `google.protobuf.FileDescriptorSet`: what
/// reflection and the JSON gateway work from.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub mod mvccpb {
    tonic::include_proto!("mvccpb");
}

pub mod authpb {
    tonic::include_proto!("authpb");
}

pub mod etcdserverpb {
    tonic::include_proto!("etcdserverpb");
}

pub mod v3lockpb {
    tonic::include_proto!("v3lockpb");
}

pub mod v3electionpb {
    tonic::include_proto!("v3electionpb");
}
