//! The registry by its protocol: a suite of cases over every endpoint, run against it and against
//! Debian's docker-registry; real clients; restarts and collection.

mod bench;
mod clients;
mod http;
mod script;
mod store;
mod suite;
