//! Standard input, read by a thread so that a blocking read stops nothing else.

use bytes::Bytes;
use tokio::sync::mpsc;

/// Size of the pieces.
const PIECE: usize = 32 * 1024;

/// Whether standard input is a terminal.
pub(crate) fn stdin_is_terminal() -> bool {
    rustix::termios::isatty(rustix::stdio::stdin())
}

/// Standard input.
pub(crate) struct Stdin(mpsc::Receiver<Bytes>);

impl Stdin {
    /// Begins to read. The thread ends with the process, or when input does.
    pub(crate) fn read() -> Self {
        let (sender, receiver) = mpsc::channel(4);
        std::thread::spawn(move || {
            let mut buffer = vec![0; PIECE];
            loop {
                match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
                    Ok(0) => return,
                    Ok(count) => {
                        if sender.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() {
                            return;
                        }
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Err(rustix::io::Errno::AGAIN) => {
                        let stdin = rustix::stdio::stdin();
                        let mut fds =
                            [rustix::event::PollFd::new(&stdin, rustix::event::PollFlags::IN)];
                        if rustix::event::poll(&mut fds, None).is_err() {
                            return;
                        }
                    }
                    Err(_) => return,
                }
            }
        });
        Self(receiver)
    }

    /// The next piece, `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }
}
