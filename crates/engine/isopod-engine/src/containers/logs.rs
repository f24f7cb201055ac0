//! The logs of containers, and along as they grow.

use super::Container;
use super::log_options::Settings;
use super::log_reader::Reader;
use crate::error::{Error, Result};
use crate::{Engine, LogLine, LogStream, ReadLogs, StreamKind};
use isopod_supervisor::LogFormat;
use rustix::fs::inotify;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

/// How much of the present file to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Portion {
    All,
    /// Only its first bytes.
    First(u64),
}

impl Engine {
    /// The log of a container.
    pub async fn container_logs(&self, name: &str, options: ReadLogs) -> Result<LogStream> {
        let container = self.containers.find(name)?;
        if !options.stdout && !options.stderr {
            return Err(Error::invalid("Bad parameters: you must choose at least one stream"));
        }
        let settings = Settings::read(&container.record().host.log)?;
        if settings.format.is_none() {
            return Err(Error::new(
                crate::ErrorKind::NotImplemented,
                "configured logging driver does not support reading",
            ));
        }
        self.read_log(&container, options, Portion::All)
    }

    pub(crate) fn read_log(
        &self,
        container: &Arc<Container>,
        options: ReadLogs,
        portion: Portion,
    ) -> Result<LogStream> {
        let record = container.record();
        let path = self.log_path(&record);
        let format = Settings::read(&record.host.log)?.format.unwrap_or_default();
        let (sender, lines) = mpsc::channel(256);
        let container = Arc::clone(container);
        tokio::spawn(async move {
            if path.as_os_str().is_empty() {
                return;
            }
            let outcome = follow((&path, format), &container, &options, portion, &sender).await;
            if let Err(error) = outcome {
                let error =
                    Error::internal(format_args!("read log {}", path.display())).because(error);
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(LogStream { tty: record.config.tty, lines })
    }
}

async fn follow(
    (path, format): (&Path, LogFormat),
    container: &Container,
    options: &ReadLogs,
    portion: Portion,
    sender: &mpsc::Sender<Result<LogLine>>,
) -> io::Result<()> {
    // Watched before the first look, so that nothing falls between.
    let watch = if options.follow { Some(watch(path)?) } else { None };
    let mut life = container.life.subscribe();
    let mut reader = Reader::open_at(path, format, options.tail)?;
    loop {
        let alive = life.borrow_and_update().alive;
        if let Some(open) = &mut reader {
            if !send_lines(open, options, portion, sender).await? {
                return Ok(());
            }
        } else {
            reader = Reader::open_at(path, format, None)?;
            if reader.is_some() {
                continue;
            }
        }
        let Some(watch) = &watch else {
            return Ok(());
        };
        if !alive {
            return Ok(());
        }
        tokio::select! {
            ready = watch.readable() => {
                let mut ready = ready?;
                drain(watch);
                ready.clear_ready();
            }
            changed = life.changed() => if changed.is_err() { return Ok(()) },
            () = sender.closed() => return Ok(()),
        }
    }
}

/// Sends what there is; `false` when no more is wanted.
async fn send_lines(
    reader: &mut Reader,
    options: &ReadLogs,
    portion: Portion,
    sender: &mpsc::Sender<Result<LogLine>>,
) -> io::Result<bool> {
    loop {
        if let Portion::First(limit) = portion
            && reader.is_present()
            && reader.position >= limit
        {
            return Ok(false);
        }
        let Some(line) = reader.next()? else {
            return Ok(true);
        };
        if options.until.is_some_and(|until| line.time > until) {
            return Ok(false);
        }
        let wanted = match line.stream {
            StreamKind::Stdout => options.stdout,
            StreamKind::Stderr => options.stderr,
        };
        if wanted
            && options.since.is_none_or(|since| line.time >= since)
            && sender.send(Ok(line)).await.is_err()
        {
            return Ok(false);
        }
    }
}

fn watch(path: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let fd = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
    let directory = path.parent().unwrap_or(path);
    // The start of the container makes it, if this does not.
    std::fs::create_dir_all(directory)?;
    let flags =
        inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&fd, directory, flags)?;
    crate::readiness::register(fd)
}

fn drain(watch: &AsyncFd<OwnedFd>) {
    let mut buffer = [0u8; 4096];
    while rustix::io::read(watch.get_ref(), &mut buffer).is_ok_and(|read| read > 0) {}
}
