//! Attaching to containers.

use super::logs::Portion;
use crate::error::{Error, Result};
use crate::streams::{Attached, OutputStream, Pending};
use crate::{AttachContainer, Engine, ReadLogs, Status};
use isopod_supervisor::protocol::{Attach, Reply, Request};
use std::sync::PoisonError;

impl Engine {
    /// Attaches to the streams of a container. One that does not run yet may be attached to:
    /// the streams begin when it is started.
    pub async fn attach_container(&self, name: &str, options: AttachContainer) -> Result<Attached> {
        let container = self.containers.find(name)?;
        let record = container.record();
        match record.state.status {
            Status::Paused => {
                return Err(Error::conflict(format_args!(
                    "container {name} is paused, unpause the container before attach"
                )));
            }
            Status::Restarting => {
                return Err(Error::conflict(format_args!(
                    "container {name} is restarting, wait until the container is running"
                )));
            }
            _ => {}
        }
        let tty = record.config.tty;
        let attach = Attach {
            exec: None,
            stdin: options.stdin && record.config.open_stdin,
            stdout: options.stdout,
            stderr: options.stderr && !tty,
        };
        let mut log_bytes = None;
        let mut attached = if !options.stream {
            Attached { tty, output: OutputStream::over(), input: None }
        } else if record.state.status.is_alive() {
            let link = container.running_link()?;
            let with_input = attach.stdin;
            let (control, reply) = link.request(&Request::Attach(attach)).await?;
            let Reply::Attached { log_bytes: bytes } = reply else {
                return Err(Error::internal("the supervisor answered something else"));
            };
            log_bytes = Some(bytes);
            Attached::over(control, tty, with_input, record.config.stdin_once)
        } else {
            let (pending, output, input) = Pending::new(attach, record.config.stdin_once);
            let mut waiting = container.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.retain(|pending| !pending.is_gone());
            waiting.push(pending);
            Attached { tty, output, input }
        };
        if options.logs {
            let read =
                ReadLogs { stdout: options.stdout, stderr: options.stderr, ..ReadLogs::default() };
            let portion = log_bytes.map_or(Portion::All, Portion::First);
            attached.output = attached.output.after_log(self.read_log(&container, read, portion)?);
        }
        self.container_event(&container, "attach", &[]);
        Ok(attached)
    }

    /// Sets the size of a container's terminal.
    pub async fn resize_container(&self, name: &str, height: u16, width: u16) -> Result<()> {
        let container = self.containers.find(name)?;
        let link = container.running_link()?;
        link.request(&Request::Resize { exec: None, height, width }).await?;
        let size = [("height", height.to_string()), ("width", width.to_string())];
        self.container_event(&container, "resize", &size);
        Ok(())
    }
}
