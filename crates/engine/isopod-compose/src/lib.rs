//! Compose files. Work in progress.
