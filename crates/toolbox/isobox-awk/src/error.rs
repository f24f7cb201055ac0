//! What is wrong with a program, and what breaks off its run.

use isobox_applet::Error;

/// A program that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SyntaxError {
    /// `FILE:LINE`
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

/// What breaks off an expression or a statement in its midst.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) Box<Reason>);

#[derive(Debug)]
pub(crate) enum Reason {
    /// `next` in a function.
    Next,
    /// `nextfile` in a function.
    NextFile,
    /// `exit`; the status is kept by the machine.
    Exit,
    /// A failure; whether it already says where.
    Failed(Error),
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Reason::Failed(error).into()
    }
}

/// What evaluating returns.
pub(crate) type Run<T> = Result<T, Stop>;
