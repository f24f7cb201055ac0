//! The suite against runc, to know that the suite is right, and against isopod's runtime; on this
//! machine, and on one with cgroup v2.

mod isopod;
mod machine;
mod runc;
mod verdict;
