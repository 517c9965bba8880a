//! The protobuf types of this project and the descriptors of everything it speaks.
//!
//! `race::<module>::v1` holds the generated types; the Cosmos ones come from
//! [`cosmos_sdk_proto`] and are re-exported as [`cosmos`].

pub mod annotations;

// Generated code: its documentation is in the `.proto` files.
#[allow(missing_docs, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/race_network.rs"));
}

pub use cosmos_sdk_proto::{cosmos, Any};
pub use generated::race;

use prost_reflect::DescriptorPool;
use std::sync::OnceLock;

/// The encoded `FileDescriptorSet` of all files, imports included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The descriptors of all messages and services, decoded once.
pub fn descriptor_pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| {
        DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the build wrote a valid descriptor set")
    })
}
