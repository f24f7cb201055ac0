//! The state against a model of it, and against scripts of what it must answer.

mod large;
mod model;
mod properties;
mod watches;
