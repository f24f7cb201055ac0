//! What is wrong with a project, and where.

use std::io;
use std::path::PathBuf;

use crate::node::Place;

/// A project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A file is not YAML.
    #[error("{place}: not valid YAML: {reason}")]
    Yaml {
        /// Where.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// A field is wrong.
    #[error("{place}: {field}: {reason}")]
    Field {
        /// Where.
        place: Place,
        /// Which: `services.web.ports[0]`.
        field: String,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{}: cannot read it{}", path.display(), wanted.as_deref().map_or(String::new(), |w| format!(" ({w})")))]
    Read {
        /// Which.
        path: PathBuf,
        /// Who wants it.
        wanted: Option<String>,
        /// Why.
        source: io::Error,
    },
    /// An environment file is wrong.
    #[error("{}:{line}: {reason}", path.display())]
    EnvFile {
        /// Which.
        path: PathBuf,
        /// Line.
        line: usize,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// The project as a whole does not fit together.
    #[error("{0}")]
    Project(String),
}

pub(crate) type Result<T> = std::result::Result<T, ComposeError>;

/// Something that a person should know, although the project can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where, if it is about a place.
    pub place: Option<Place>,
    /// What.
    pub message: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
