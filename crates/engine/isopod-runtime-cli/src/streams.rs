//! Connections to the sockets that callers name.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::error::Error;

/// Connects to a unix stream socket; nothing for no path.
pub(crate) fn connect(path: Option<&str>, what: &'static str) -> Result<Option<OwnedFd>, Error> {
    match path.filter(|path| !path.is_empty()) {
        None => Ok(None),
        Some(path) => UnixStream::connect(path)
            .map(|stream| Some(stream.into()))
            .map_err(Error::file(what, Path::new(path))),
    }
}
