//! Why an applet failed, and how that is said: `applet: what: why`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

/// What an applet's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure that ends an applet, or that it reports with [`crate::Context::report`] and goes on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wrong command line: the message (if any) and then the usage text.
    #[error("{0}")]
    Usage(String),
    /// An operation on a file failed.
    #[error("{}: {}", path.display(), errno_text(source))]
    Path {
        /// The file, or a phrase such as `can't open 'x'`.
        path: OsString,
        /// What the kernel said.
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error("write error: {}", errno_text(.0))]
    Output(io::Error),
    /// Reading failed; [`Error::on`] adds the name.
    #[error("read error: {}", errno_text(.0))]
    Read(io::Error),
    /// Anything else, in words.
    #[error("{0}")]
    Message(String),
    /// Anything else, in words that hold bytes which are not UTF-8.
    #[error("{}", String::from_utf8_lossy(.0))]
    Bytes(Vec<u8>),
    /// A message and the exit status that goes with it.
    #[error("{0}")]
    Status(String, u8),
    /// Ends with this status, and all has been said.
    #[error("exit status {0}")]
    Silent(u8),
}

impl Error {
    /// A failure of an operation on a file.
    pub fn path(path: impl AsRef<OsStr>, source: impl Into<io::Error>) -> Self {
        Self::Path { path: path.as_ref().to_owned(), source: source.into() }
    }

    /// As [`Error::path`] with a phrase in front of the quoted name: `cannot stat 'x'`.
    pub fn doing(phrase: &str, path: impl AsRef<OsStr>, source: impl Into<io::Error>) -> Self {
        Self::Path { path: quoted(phrase, path.as_ref()), source: source.into() }
    }

    /// A phrase and a quoted name: `omitting directory 'x'`.
    pub fn about(phrase: &str, path: impl AsRef<OsStr>) -> Self {
        Self::Bytes(quoted(phrase, path.as_ref()).as_bytes().to_vec())
    }

    /// A failed read with the name of the file; other errors as they are.
    #[must_use]
    pub fn on(self, name: &OsStr) -> Self {
        match self {
            Self::Read(source) => Self::path(name, source),
            other => other,
        }
    }

    /// A message.
    pub fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// A wrong command line.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// The message, the bytes of names kept as they are.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        match self {
            Self::Path { path, source } => {
                let mut text = path.as_bytes().to_vec();
                text.extend_from_slice(b": ");
                text.extend_from_slice(errno_text(source).as_bytes());
                text
            }
            Self::Bytes(text) => text.clone(),
            other => other.to_string().into_bytes(),
        }
    }
}

fn quoted(phrase: &str, path: &OsStr) -> OsString {
    let mut text = OsString::from(phrase);
    text.push(" '");
    text.push(path);
    text.push("'");
    text
}

/// The C library's words for an error of the kernel, without Rust's `(os error 2)`.
#[must_use]
pub fn errno_text(error: &io::Error) -> String {
    let mut text = error.to_string();
    if error.raw_os_error().is_some()
        && let Some(end) = text.rfind(" (os error")
    {
        text.truncate(end);
    }
    text
}
