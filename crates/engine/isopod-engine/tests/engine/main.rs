//! The engine as a whole: real containers of a busybox image, as root.

mod bench;
mod crashes;
mod lifecycle;
