//! The command line as its callers use it: by hand, and through podman, dockerd and containerd
//! with their own programs, each in namespaces and directories of its own.

mod bundle;
mod command_line;
mod containerd;
mod docker;
mod host;
mod podman;
mod terminal;
