//! Why there is no plan.

use isopod_dockerfile::{ParseError, Place};

/// A Dockerfile that cannot be built as asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PlanError {
    /// Something in the file.
    #[error("{0}")]
    At(#[from] ParseError),
    /// The target is no stage.
    #[error("target stage {name:?} could not be found: the stages are {stages}")]
    NoTarget {
        /// What was asked for.
        name: String,
        /// What there is.
        stages: String,
    },
    /// A value that was given with the request.
    #[error("{0}")]
    Request(String),
}

impl PlanError {
    pub(super) fn at(place: &Place, message: impl Into<String>) -> Self {
        Self::At(ParseError::new(place.clone(), message))
    }
}
