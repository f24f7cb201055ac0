//! The container's terminal has the size of ours.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use http::Method;

use crate::output::stdout;
use crate::session::Session;
use crate::terminal::{stdin_is_terminal, window_changes};
use isopod_client::{Payload, query, segment};

/// How often the first size is tried: the process may only just be starting.
const TRIES: u64 = 10;

/// What has a terminal.
#[derive(Debug, Clone)]
pub(super) enum Resized {
    /// A container.
    Container(String),
    /// An exec session.
    Exec(String),
}

/// Height and width of our terminal, if standard output is one.
pub(super) fn console_size() -> Option<[u32; 2]> {
    stdout().size().map(|(height, width)| [height, width])
}

/// Refuses `-it` when our input is no terminal, in docker's words.
pub(super) fn check_input(stdin: bool, tty: bool) -> Result<()> {
    match stdin && tty && !stdin_is_terminal() {
        true => Err(anyhow!("the input device is not a TTY")),
        false => Ok(()),
    }
}

/// Sets the size now and whenever our window changes, for as long as the command runs. With
/// `redraw`, the first size is set by way of another, so that programs draw anew.
pub(super) fn follow_size(session: &Rc<Session>, target: Resized, redraw: bool) -> Result<()> {
    let Some([height, width]) = console_size() else { return Ok(()) };
    let mut changes = window_changes()?;
    let session = session.clone();
    tokio::task::spawn_local(async move {
        if redraw {
            let _ = resize(&session, &target, [height + 1, width + 1]).await;
        }
        for pause in 1..=TRIES {
            match console_size() {
                Some(size) if resize(&session, &target, size).await.is_err() => {
                    tokio::time::sleep(Duration::from_millis(10 * pause)).await;
                }
                _ => break,
            }
        }
        while changes.recv().await.is_some() {
            if let Some(size) = console_size() {
                // It may have ended meanwhile.
                let _ = resize(&session, &target, size).await;
            }
        }
    });
    Ok(())
}

async fn resize(session: &Session, target: &Resized, [height, width]: [u32; 2]) -> Result<()> {
    if height == 0 && width == 0 {
        return Ok(());
    }
    let path = match target {
        Resized::Container(id) => format!("/containers/{}/resize", segment(id)),
        Resized::Exec(id) => format!("/exec/{}/resize", segment(id)),
    };
    let size = query(&[("h", &height.to_string()), ("w", &width.to_string())]);
    Ok(session.client.call(Method::POST, &format!("{path}{size}"), Payload::Empty).await?)
}
