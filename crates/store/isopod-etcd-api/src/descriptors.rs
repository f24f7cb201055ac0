//! The descriptions of all messages and services that are served.

use std::sync::OnceLock;

use isopod_etcd_client::proto::FILE_DESCRIPTOR_SET;
use prost_reflect::DescriptorPool;

/// etcd's services, and gRPC's own for health and reflection.
pub(crate) fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| {
        let mut pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)
            .expect("the build made the descriptors of etcd's services");
        pool.decode_file_descriptor_set(crate::standard::FILE_DESCRIPTOR_SET)
            .expect("the build made the descriptors of gRPC's own services");
        pool
    })
}
