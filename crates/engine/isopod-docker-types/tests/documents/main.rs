//! The documents as Go writes them and as clients send them.

mod read;
mod write;
