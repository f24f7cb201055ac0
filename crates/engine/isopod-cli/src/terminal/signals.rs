//! Signals for the command line that are meant for the container, and changes of the window.

use std::rc::Rc;

use anyhow::{Context, Result};
use http::Method;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::session::Session;
use isopod_client::{Payload, query, segment};

/// Signals that are passed on, by number and name. Those that the terminal or the kernel means
/// for this process alone (CHLD, PIPE, URG) are not among them.
const FORWARDED: &[(i32, &str)] = &[
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (10, "USR1"),
    (12, "USR2"),
    (14, "ALRM"),
    (15, "TERM"),
    (18, "CONT"),
    (20, "TSTP"),
    (21, "TTIN"),
    (22, "TTOU"),
    (28, "WINCH"),
];

/// How many INT or TERM end the command line even if the container goes on.
const IMPATIENT: u32 = 3;

/// Passes signals on to a container for as long as the returned channel is held; a message on
/// it says that the user lost patience.
pub(crate) fn forward_signals(
    session: &Rc<Session>,
    container: &str,
) -> Result<mpsc::Receiver<()>> {
    let (impatience, lost) = mpsc::channel(1);
    let count = Rc::new(std::cell::Cell::new(0));
    for (number, name) in FORWARDED {
        let mut signals = listen(*number)?;
        let (session, container) = (session.clone(), segment(container));
        let (impatience, count) = (impatience.clone(), count.clone());
        tokio::task::spawn_local(async move {
            while signals.recv().await.is_some() {
                if matches!(*name, "INT" | "TERM") {
                    count.set(count.get() + 1);
                    if count.get() >= IMPATIENT {
                        let _ = impatience.try_send(());
                    }
                }
                let path = format!("/containers/{container}/kill{}", query(&[("signal", name)]));
                // A container that is just starting or already gone cannot take it.
                let _ = session.client.call(Method::POST, &path, Payload::Empty).await;
            }
        });
    }
    Ok(lost)
}

/// Changes of the window's size.
pub(crate) fn window_changes() -> Result<Signal> {
    listen(28)
}

fn listen(number: i32) -> Result<Signal> {
    signal(SignalKind::from_raw(number)).with_context(|| format!("listen for signal {number}"))
}
