//! Exec sessions.

use crate::go::{is_empty, null_if_empty};

document! {
    /// `POST /containers/{id}/exec`.
    pub struct ExecCreateRequest {
        /// User; empty means the container's.
        pub user: String,
        /// Full privileges.
        pub privileged: bool,
        /// Whether the process gets a terminal.
        pub tty: bool,
        /// Initial terminal size: height, width.
        #[serde(skip_serializing_if = "is_empty")]
        pub console_size: Option<[u32; 2]>,
        /// Attach stdin.
        pub attach_stdin: bool,
        /// Attach stderr.
        pub attach_stderr: bool,
        /// Attach stdout.
        pub attach_stdout: bool,
        /// Keys that detach.
        pub detach_keys: String,
        /// `KEY=value`, added to the container's.
        #[serde(serialize_with = "null_if_empty")]
        pub env: Vec<String>,
        /// Working directory; empty means the container's.
        pub working_dir: String,
        /// Command with arguments.
        #[serde(serialize_with = "null_if_empty")]
        pub cmd: Vec<String>,
    }

    /// `POST /exec/{id}/start`.
    pub struct ExecStartRequest {
        /// Leave it running in the background.
        pub detach: bool,
        /// Whether the client expects a terminal (a raw stream).
        pub tty: bool,
        /// Initial terminal size: height, width.
        #[serde(skip_serializing_if = "is_empty")]
        pub console_size: Option<[u32; 2]>,
    }

    /// `GET /exec/{id}/json`.
    pub struct ExecInspect {
        /// Id.
        #[serde(rename = "ID")]
        pub id: String,
        /// Running.
        pub running: bool,
        /// Exit code, once it ended.
        pub exit_code: Option<i64>,
        /// What runs.
        pub process_config: Option<ExecProcessConfig>,
        /// Whether stdin is attached.
        pub open_stdin: bool,
        /// Whether stderr is attached.
        pub open_stderr: bool,
        /// Whether stdout is attached.
        pub open_stdout: bool,
        /// Whether the engine forgets it soon.
        pub can_remove: bool,
        /// The container.
        #[serde(rename = "ContainerID")]
        pub container_id: String,
        /// Keys that detach, base64.
        pub detach_keys: String,
        /// PID on the host.
        pub pid: i64,
    }

}

document! {
    "lowercase";

    /// What an exec session runs.
    pub struct ExecProcessConfig {
        /// Whether it has a terminal.
        pub tty: bool,
        /// Executable.
        pub entrypoint: String,
        /// Arguments.
        pub arguments: Vec<String>,
        /// Full privileges.
        #[serde(skip_serializing_if = "is_empty")]
        pub privileged: Option<bool>,
        /// User.
        #[serde(skip_serializing_if = "is_empty")]
        pub user: String,
    }
}
