//! Compiled programs against a plain reading of the profile.

mod interpreter;
mod profiles;
mod properties;
