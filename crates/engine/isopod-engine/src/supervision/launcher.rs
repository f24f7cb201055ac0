//! Starting supervisor processes.

use crate::config::Config;
use crate::engine::make_directory;
use crate::error::{Error, Result};
use isopod_supervisor::{Mode, file};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts supervisors.
#[derive(Debug)]
pub(crate) struct Launcher {
    /// The program, so opened that nobody can write to it by way of who executes it.
    program: OwnedFd,
}

/// A supervisor that was started.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) child: Child,
}

impl Launcher {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let program = match &config.program {
            Some(path) => std::fs::File::open(path).map(OwnedFd::from),
            None => isopod_sys::sealed_exe::open(),
        };
        // Orphans of supervisors that are killed come to the engine, which reaps them.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|error| {
            Error::internal("become the reaper of supervisors' orphans")
                .because(std::io::Error::from(error))
        })?;
        Ok(Self { program: program.map_err(Error::io("open the engine's own program"))? })
    }

    /// Starts a supervisor in a container's run-time directory. Its control socket accepts
    /// connections when this returns.
    pub(crate) fn launch(
        &self,
        directory: &Path,
        mode: Mode,
        passed: Option<OwnedFd>,
    ) -> Result<Launched> {
        self.launch_with_mounts(directory, mode, passed, &[])
    }

    /// The same, and passes detached mounts along.
    pub(crate) fn launch_with_mounts(
        &self,
        directory: &Path,
        mode: Mode,
        passed: Option<OwnedFd>,
        mounts: &[OwnedFd],
    ) -> Result<Launched> {
        let failed = |what: &str| Error::io(format!("{what} in {}", directory.display()));
        let listener = listen(directory).map_err(failed("make the supervisor's socket"))?;
        let mut command = Command::new(format!("/proc/self/fd/{}", self.program.as_raw_fd()));
        command
            .arg0("isopod")
            .arg("supervisor")
            .arg(mode.as_str())
            .arg(directory)
            .env_clear()
            .current_dir("/")
            .stdin(OwnedFd::from(listener))
            .stdout(passed.map_or_else(Stdio::null, Stdio::from))
            .stderr(Stdio::null());
        if !mounts.is_empty() {
            let (ours, theirs) = rustix::net::socketpair(
                rustix::net::AddressFamily::UNIX,
                rustix::net::SocketType::SEQPACKET,
                rustix::net::SocketFlags::CLOEXEC,
                None,
            )
            .map_err(|error| failed("pass mounts to the supervisor")(error.into()))?;
            isopod_supervisor::send_mounts(ours.as_fd(), mounts)
                .map_err(failed("pass mounts to the supervisor"))?;
            command.stderr(theirs);
        }
        let child = command.spawn().map_err(failed("start the supervisor"))?;
        Ok(Launched { child })
    }

    /// The program, by a path that this process can execute.
    pub(crate) fn program_path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.program.as_raw_fd()).into()
    }

    /// Where a copy of the program is for containers with an init: it is theirs to see, and so
    /// not the file that the engine itself runs.
    pub(crate) fn init_program(&self, data_root: &Path) -> Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let stat = rustix::fs::fstat(&self.program).map_err(|error| {
            Error::internal("look at the engine's program").because(std::io::Error::from(error))
        })?;
        let directory = data_root.join("init");
        let path = directory.join(format!(
            "{}-{}-{}",
            env!("CARGO_PKG_VERSION"),
            stat.st_size,
            stat.st_mtime
        ));
        if path.exists() {
            return Ok(path);
        }
        make_directory(&directory, 0o711)?;
        let failed = |what: &str| Error::io(format!("{what} {}", path.display()));
        let temporary = directory.join(format!(".{}", isopod_base::id::full()));
        std::fs::copy(format!("/proc/self/fd/{}", self.program.as_raw_fd()), &temporary)
            .map_err(failed("copy the init to"))?;
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o555))
            .map_err(failed("make executable"))?;
        std::fs::rename(&temporary, &path).map_err(failed("rename the init to"))?;
        Ok(path)
    }
}

/// The socket is bound by way of the directory's descriptor: paths of sockets are short.
fn listen(directory: &Path) -> std::io::Result<UnixListener> {
    let opened = std::fs::File::open(directory)?;
    let path = format!("/proc/self/fd/{}/{}", opened.as_raw_fd(), file::SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}
