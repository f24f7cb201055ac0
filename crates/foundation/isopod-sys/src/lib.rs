//! Every system call that rustix lacks, and every unsafe block of the workspace.

pub mod exit_info;
pub mod mapping;
pub mod mount_attr;

pub mod bpf;

pub mod local_time;
pub mod session;

pub mod signals;

pub mod activation;
pub mod allocator;
pub mod caught;
pub mod clone;
pub mod descriptor;
pub mod execute;
pub mod keyring;
pub mod resources;
pub mod rooted;
pub mod scheduling;
pub mod sealed_exe;
pub mod sealed_image;
pub mod seccomp;
pub mod spawn;

pub mod loop_device;
pub mod loopback;
pub mod signal_fd;

pub mod socket_queue;
pub mod standard_streams;
pub mod write_back;
