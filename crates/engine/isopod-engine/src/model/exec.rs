//! Exec sessions: further processes of a running container.

/// A request to prepare an exec session.
#[derive(Clone, Debug, Default)]
pub struct CreateExec {
    /// The command.
    pub cmd: Vec<String>,
    /// `user[:group]`; empty means the container's.
    pub user: String,
    /// `KEY=value`, added to the container's.
    pub env: Vec<String>,
    /// Working directory; empty means the container's.
    pub working_dir: String,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// Whether its stdin is attached.
    pub attach_stdin: bool,
    /// Whether its stdout is attached.
    pub attach_stdout: bool,
    /// Whether its stderr is attached.
    pub attach_stderr: bool,
    /// Full privileges.
    pub privileged: bool,
    /// Keys that detach, kept for inspect.
    pub detach_keys: String,
    /// Initial terminal size: height, width; zeros leave the kernel's.
    pub console_size: [u32; 2],
}

/// How to start an exec session.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartExec {
    /// Without streams.
    pub detach: bool,
    /// Initial terminal size: height, width; `None` leaves that of the creation.
    pub console_size: Option<[u32; 2]>,
}

/// An exec session.
#[derive(Clone, Debug)]
pub struct ExecDetails {
    /// Full id.
    pub id: String,
    /// Its container.
    pub container_id: String,
    /// As it was asked for.
    pub request: CreateExec,
    /// Whether it runs.
    pub running: bool,
    /// Exit code, once it ended.
    pub exit_code: Option<i32>,
    /// Process id on the host, 0 before the start.
    pub pid: i32,
}
