//! What can go wrong in the engine, by the kind that a caller decides on.

use std::fmt;

/// What a front end makes of an error: its status code, its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// The object's state or another object is in the way.
    Conflict,
    /// The request is wrong in itself.
    InvalidParameter,
    /// The object is already as asked for (start of a running container).
    NotModified,
    /// The engine will not do it.
    Forbidden,
    /// Credentials are missing or wrong.
    Unauthorized,
    /// Something that the request needs is not there at the moment.
    Unavailable,
    /// This engine does not do it.
    NotImplemented,
    /// The process could not be started: its executable is missing (exit code 127).
    CommandNotFound,
    /// The process could not be started: its executable cannot be run (exit code 126).
    CommandNotExecutable,
    /// Anything else.
    Internal,
}

/// An error of the engine: a kind, a sentence for the user, and the cause below it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Results of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the caller should make of it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and its causes in one line, as a user should read them.
    #[must_use]
    pub fn full_message(&self) -> String {
        isopod_base::chain(self).to_string()
    }

    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidParameter, message)
    }

    pub(crate) fn conflict(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    pub(crate) fn not_found(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    pub(crate) fn no_container(name: &str) -> Self {
        Self::not_found(format_args!("No such container: {name}"))
    }

    pub(crate) fn not_running(id: &str) -> Self {
        Self::conflict(format_args!("container {id} is not running"))
    }

    pub(crate) fn no_volume(name: &str) -> Self {
        Self::not_found(format_args!("get {name}: no such volume"))
    }

    pub(crate) fn io(action: impl fmt::Display) -> impl FnOnce(std::io::Error) -> Self {
        let message = action.to_string();
        move |source| Self::internal(message).because(source)
    }
}

impl From<isopod_journal::Error> for Error {
    fn from(source: isopod_journal::Error) -> Self {
        Self::internal("the engine's journal could not be written").because(source)
    }
}
