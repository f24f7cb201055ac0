//! The store over a disk that fails, and over the real one.

mod faulty_disk;
mod log;
mod random;
mod single;
