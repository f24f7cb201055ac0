//! Instructions as they were written: words are not expanded yet.

use crate::error::Place;
use crate::mount::Mount;

/// One instruction and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Where it begins.
    pub place: Place,
    /// First and last line.
    pub lines: (usize, usize),
    /// Its text, continuations joined.
    pub text: String,
    /// What it says.
    pub kind: Kind,
}

/// What an instruction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `FROM`.
    From(From),
    /// `RUN`.
    Run(Run),
    /// `COPY`.
    Copy(Copy),
    /// `ADD`.
    Add(Copy),
    /// `ENV`.
    Env(Vec<KeyValue>),
    /// `ARG`.
    Arg(Vec<Arg>),
    /// `LABEL`.
    Label(Vec<KeyValue>),
    /// `EXPOSE`, words to expand.
    Expose(Vec<String>),
    /// `VOLUME`, words to expand.
    Volume(Vec<String>),
    /// `USER`.
    User(String),
    /// `WORKDIR`.
    Workdir(String),
    /// `CMD`.
    Cmd(Command),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `ONBUILD`: the instruction's text.
    Onbuild(String),
    /// `SHELL`.
    Shell(Vec<String>),
    /// `HEALTHCHECK`.
    Healthcheck(Health),
    /// `STOPSIGNAL`.
    StopSignal(String),
    /// `MAINTAINER`.
    Maintainer(String),
}

impl Kind {
    /// The keyword.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::From(_) => "FROM",
            Self::Run(_) => "RUN",
            Self::Copy(_) => "COPY",
            Self::Add(_) => "ADD",
            Self::Env(_) => "ENV",
            Self::Arg(_) => "ARG",
            Self::Label(_) => "LABEL",
            Self::Expose(_) => "EXPOSE",
            Self::Volume(_) => "VOLUME",
            Self::User(_) => "USER",
            Self::Workdir(_) => "WORKDIR",
            Self::Cmd(_) => "CMD",
            Self::Entrypoint(_) => "ENTRYPOINT",
            Self::Onbuild(_) => "ONBUILD",
            Self::Shell(_) => "SHELL",
            Self::Healthcheck(_) => "HEALTHCHECK",
            Self::StopSignal(_) => "STOPSIGNAL",
            Self::Maintainer(_) => "MAINTAINER",
        }
    }
}

/// `FROM [--platform=…] IMAGE [AS NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// Image, stage, or `scratch`; to expand.
    pub image: String,
    /// Platform; to expand.
    pub platform: Option<String>,
    /// Name of the stage, in lower case.
    pub name: Option<String>,
}

/// A command in either form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `["a", "b"]`.
    Exec(Vec<String>),
    /// For the shell.
    Shell(String),
}

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// Its delimiter, which names the file that it becomes.
    pub name: String,
    /// Whether variables in it are expanded.
    pub expand: bool,
    /// Whether leading tabs were taken away.
    pub chomp: bool,
    /// File descriptor before the `<<`.
    pub descriptor: u32,
    /// The lines.
    pub content: String,
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The command; its here-documents follow.
    pub command: Command,
    /// Here-documents.
    pub heredocs: Vec<Heredoc>,
    /// `--mount`, each to expand: parsed once that is done.
    pub mounts: Vec<String>,
    /// `--network`.
    pub network: Network,
    /// `--security`.
    pub security: Security,
}

/// `RUN --network=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// What the build has.
    #[default]
    Default,
    /// None.
    None,
    /// The host's.
    Host,
}

/// `RUN --security=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// The usual confinement.
    #[default]
    Sandbox,
    /// None, as a privileged container.
    Insecure,
}

/// `COPY` and `ADD`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copy {
    /// What to copy.
    pub sources: Vec<CopySource>,
    /// Where to; to expand.
    pub destination: String,
    /// `--from`: a stage, an image or a named context.
    pub from: Option<String>,
    /// `--chown`; to expand.
    pub chown: Option<String>,
    /// `--chmod`; to expand.
    pub chmod: Option<String>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`; to expand.
    pub exclude: Vec<String>,
    /// `--checksum` of `ADD`; to expand.
    pub checksum: Option<String>,
    /// `--keep-git-dir` of `ADD`.
    pub keep_git_dir: bool,
    /// `--unpack` of `ADD`.
    pub unpack: Option<bool>,
}

/// A source of `COPY` or `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopySource {
    /// A path, pattern or URL; to expand.
    Path(String),
    /// A here-document.
    Inline(Heredoc),
}

/// `KEY=value`; the value is to be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key; to expand.
    pub key: String,
    /// The value; to expand.
    pub value: String,
    /// Whether it was the old form, without `=`.
    pub legacy: bool,
}

/// `ARG NAME[=DEFAULT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// Its name.
    pub name: String,
    /// Its default; to expand.
    pub default: Option<String>,
}

/// `HEALTHCHECK`. Absent durations and counts are inherited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// `None` for `HEALTHCHECK NONE`.
    pub command: Option<Command>,
    /// `--interval` in nanoseconds.
    pub interval_ns: Option<i64>,
    /// `--timeout` in nanoseconds.
    pub timeout_ns: Option<i64>,
    /// `--start-period` in nanoseconds.
    pub start_period_ns: Option<i64>,
    /// `--start-interval` in nanoseconds.
    pub start_interval_ns: Option<i64>,
    /// `--retries`.
    pub retries: Option<i64>,
}

impl Run {
    /// The mounts, parsed as they are written (nothing expanded).
    pub fn parsed_mounts(&self) -> Result<Vec<Mount>, String> {
        self.mounts.iter().map(|text| crate::parse_mount(text)).collect()
    }
}
