//! The parser over whole files: tables of what is understood and of what is refused, and where.

mod errors;
mod properties;
mod structure;
