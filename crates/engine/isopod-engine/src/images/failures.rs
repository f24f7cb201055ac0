//! Errors of the store and of registries as the engine reports them.

use crate::error::{Error, ErrorKind};
use isopod_base::chain;
use isopod_images::ImageError;

impl From<ImageError> for Error {
    fn from(error: ImageError) -> Self {
        let kind = match &error {
            ImageError::NotFound { .. } | ImageError::NoPlatform { .. } => ErrorKind::NotFound,
            ImageError::Conflict { .. } | ImageError::NameInUse { .. } => ErrorKind::Conflict,
            ImageError::Ambiguous { .. }
            | ImageError::Archive { .. }
            | ImageError::ArchiveTar(_)
            | ImageError::Change { .. }
            | ImageError::Document { .. }
            | ImageError::Layer { .. }
            | ImageError::Name { .. } => ErrorKind::InvalidParameter,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, chain(&error))
    }
}

impl From<isopod_registry::Error> for Error {
    fn from(error: isopod_registry::Error) -> Self {
        let kind = if error.is_not_found() {
            ErrorKind::NotFound
        } else if error.is_unauthorized() {
            ErrorKind::Unauthorized
        } else {
            ErrorKind::Internal
        };
        Self::new(kind, chain(&error))
    }
}
