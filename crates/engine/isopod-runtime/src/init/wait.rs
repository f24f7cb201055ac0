//! Waiting for `start`.

use std::os::fd::OwnedFd;

use rustix::net::SocketFlags;

use crate::channel::Channel;
use crate::error::{Error, Result};

/// Waits until a starter connects and says go; gives the channel to it.
pub(super) fn for_start(listener: OwnedFd) -> Result<Channel> {
    loop {
        let connection =
            rustix::io::retry_on_intr(|| rustix::net::accept_with(&listener, SocketFlags::CLOEXEC))
                .map_err(Error::system("wait for start"))?;
        let channel = Channel::over(connection);
        // A starter that was killed before it said a word does not count.
        if channel.wait_go()? {
            return Ok(channel);
        }
    }
}
