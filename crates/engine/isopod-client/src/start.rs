//! Starts the engine when it is first needed.
//!
//! Two command lines that find nobody listening start one engine: a lock file beside the socket
//! is held from the look until the engine answers.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use tokio::net::UnixStream;

use crate::error::StartError;

/// How long a new engine may take until it answers.
const START_MAX: Duration = Duration::from_secs(30);

/// How much of the engine's log an error shows.
const LOG_TAIL: u64 = 4096;

/// Whether `error` means that no engine runs (rather than that we may not talk to it).
pub fn nobody_listens(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Starts an engine on `socket`, unless another process just did, and connects to it.
pub(crate) async fn engine(socket: &Path) -> Result<UnixStream, StartError> {
    let deadline = Instant::now() + START_MAX;
    if let Some(directory) = socket.parent() {
        std::fs::create_dir_all(directory).map_err(io_error("create", directory))?;
    }
    let _lock = lock(&beside(socket, "start.lock"), deadline).await?;
    if let Ok(stream) = UnixStream::connect(socket).await {
        return Ok(stream);
    }
    let log_path = beside(socket, "log");
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .mode(0o600)
        .open(&log_path)
        .map_err(io_error("open the engine's log", &log_path))?;
    let mut child = spawn(socket, &log).map_err(io_error("start the engine for", socket))?;
    let mut pause = Duration::from_millis(1);
    loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) if !nobody_listens(&error) => {
                return Err(io_error("connect to", socket)(error));
            }
            Err(_) => {}
        }
        let ended = child.try_wait().map_err(io_error("look after the engine of", socket))?;
        if let Some(status) = ended {
            return Err(StartError::Ended { status, tail: tail(&mut log), log: log_path });
        }
        if Instant::now() > deadline {
            return Err(StartError::Silent {
                pid: child.id(),
                seconds: START_MAX.as_secs(),
                tail: tail(&mut log),
                log: log_path,
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::Io { action, path: path.to_owned(), source }
}

/// `/run/isopod.sock` and `log` make `/run/isopod-engine.log`.
pub(crate) fn beside(socket: &Path, suffix: &str) -> PathBuf {
    let stem = socket.file_stem().unwrap_or_default().to_string_lossy();
    socket.with_file_name(format!("{stem}-engine.{suffix}"))
}

pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(path)
}

/// Takes the lock; it is released when the file is closed.
async fn lock(path: &Path, deadline: Instant) -> Result<File, StartError> {
    let file = open_lock(path).map_err(io_error("open", path))?;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(io_error("lock", path)(error.into())),
        }
    }
}

fn spawn(socket: &Path, log: &File) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command
        .arg("engine-keeper")
        .arg(socket)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?);
    isopod_sys::session::detached(&mut command);
    command.spawn()
}

fn tail(log: &mut File) -> String {
    let mut text = vec![];
    let end = log.seek(SeekFrom::End(0)).unwrap_or(0);
    let _ = log.seek(SeekFrom::Start(end.saturating_sub(LOG_TAIL)));
    let _ = log.take(LOG_TAIL).read_to_end(&mut text);
    String::from_utf8_lossy(&text).trim_end().to_owned()
}
