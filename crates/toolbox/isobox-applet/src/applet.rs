//! The applet itself, the table of applets, and how one is run.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;

use crate::context::Fixed;
use crate::{Context, Error, Output, Result};

/// The toolbox's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The first line of every usage text. It names BusyBox because scripts look for that word to
/// learn which dialect the tools speak.
#[must_use]
pub fn banner() -> String {
    format!("isobox v{VERSION} (BusyBox compatible) multi-call binary.\n")
}

/// An exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// All went well.
    pub const SUCCESS: Self = Self(0);
    /// Something did not.
    pub const FAILURE: Self = Self(1);

    /// Failure if `failed`.
    #[must_use]
    pub const fn failed_if(failed: bool) -> Self {
        if failed { Self::FAILURE } else { Self::SUCCESS }
    }
}

/// How a shell may run an applet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellUse {
    /// As a call within the shell's process: it is quick, waits for nobody, and leaves the
    /// process as it was.
    InProcess,
    /// In a forked child without `exec`.
    Fork,
}

/// The directory in which `--install` without an argument puts an applet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `/bin`
    Bin,
    /// `/sbin`
    Sbin,
    /// `/usr/bin`
    UsrBin,
    /// `/usr/sbin`
    UsrSbin,
}

impl Place {
    /// The directory, relative to the root.
    #[must_use]
    pub const fn directory(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Sbin => "sbin",
            Self::UsrBin => "usr/bin",
            Self::UsrSbin => "usr/sbin",
        }
    }
}

/// What an applet's file defines.
pub type Run = fn(&mut Context<'_>) -> Result<Status>;

/// A command of the toolbox.
#[derive(Debug, Clone, Copy)]
pub struct Applet {
    /// Its name, by which it is called.
    pub name: &'static str,
    /// What follows the name in its usage text: the synopsis, an empty line, a sentence, and the
    /// options, each on a line that begins with a tab.
    pub usage: &'static str,
    /// The function.
    pub function: Run,
    /// How a shell may run it.
    pub shell: ShellUse,
    /// Where it is installed.
    pub place: Place,
    /// The exit status of a wrong command line and of errors that end it.
    pub failure: u8,
    /// Whether it looks at `--help` itself: `echo` does not know it, `test` counts it.
    pub own_help: bool,
}

impl Applet {
    /// An applet that the shell forks for, that lies in `/usr/bin`, and that fails with 1.
    #[must_use]
    pub const fn new(name: &'static str, function: Run, usage: &'static str) -> Self {
        Self {
            name,
            usage,
            function,
            shell: ShellUse::Fork,
            place: Place::UsrBin,
            failure: 1,
            own_help: false,
        }
    }

    /// A shell may call it in its own process.
    #[must_use]
    pub const fn in_process(mut self) -> Self {
        self.shell = ShellUse::InProcess;
        self
    }

    /// Lies in this directory.
    #[must_use]
    pub const fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Wrong command lines and errors that end it have this exit status.
    #[must_use]
    pub const fn fails_with(mut self, status: u8) -> Self {
        self.failure = status;
        self
    }

    /// `--help` is an argument like any other.
    #[must_use]
    pub const fn with_own_help(mut self) -> Self {
        self.own_help = true;
        self
    }

    /// The same applet by another name.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The usage text, as `--help` prints it.
    #[must_use]
    pub fn usage_text(&self) -> String {
        format!("{}\nUsage: {} {}\n", banner(), self.name, self.usage)
    }

    /// Runs the applet in this process, reports the error that ends it, and flushes its output.
    pub fn run(&'static self, cx: &mut Context<'_>) -> u8 {
        cx.applet = self;
        if !self.own_help && cx.args.len() == 1 && cx.args[0] == "--help" {
            crate::output::write_all(cx.stderr, self.usage_text().as_bytes()).ok();
            return 0;
        }
        let status = match (self.function)(cx) {
            Ok(status) => status.0,
            Err(error) => self.explain(cx, &error),
        };
        match cx.stdout.flush() {
            Ok(()) => status,
            Err(error) => {
                let failed = self.explain(cx, &error);
                if status == 0 { failed } else { status }
            }
        }
    }

    fn explain(&self, cx: &mut Context<'_>, error: &Error) -> u8 {
        match error {
            Error::Silent(status) => return *status,
            Error::Status(_, status) => {
                cx.warn(error);
                return *status;
            }
            Error::Usage(message) => {
                if !message.is_empty() {
                    cx.warn(error);
                }
                cx.stdout.flush().ok();
                crate::output::write_all(cx.stderr, self.usage_text().as_bytes()).ok();
            }
            _ => cx.warn(error),
        }
        self.failure
    }
}

/// All applets of a binary: the tables of its groups.
#[derive(Debug, Clone, Copy)]
pub struct Registry(pub &'static [&'static [Applet]]);

impl Registry {
    /// No applet at all.
    pub const EMPTY: Self = Self(&[]);

    /// The applet of a name.
    #[must_use]
    pub fn find(&self, name: &OsStr) -> Option<&'static Applet> {
        self.0.iter().copied().flatten().find(|applet| name == applet.name)
    }

    /// All applets by name.
    #[must_use]
    pub fn sorted(&self) -> Vec<&'static Applet> {
        let mut applets: Vec<&'static Applet> = self.0.iter().copied().flatten().collect();
        applets.sort_unstable_by_key(|applet| applet.name);
        applets
    }
}

/// Runs an applet on given input in an empty environment; returns what it wrote to its standard
/// output, and its exit status. For tests and examples.
///
/// # Panics
/// Without a file system to keep the streams in.
#[must_use]
pub fn capture(applet: &'static Applet, arguments: &[&str], input: &[u8]) -> (Vec<u8>, u8) {
    use rustix::fs::{MemfdFlags, memfd_create, seek};
    let file = || memfd_create("stream", MemfdFlags::CLOEXEC).expect("memory for a stream");
    let (stdin, stdout) = (file(), file());
    crate::output::write_all(stdin.as_fd(), input).expect("room for the input");
    seek(&stdin, rustix::fs::SeekFrom::Start(0)).expect("a file in memory can be rewound");
    let variables = Fixed(Vec::new());
    let mut cx = Context {
        applet,
        args: arguments.iter().map(OsString::from).collect(),
        stdin: stdin.as_fd(),
        stdout: Output::new(stdout.as_fd()),
        stderr: rustix::stdio::stderr(),
        variables: &variables,
        dir: rustix::fs::CWD,
        registry: Registry::EMPTY,
        failed: false,
    };
    let status = applet.run(&mut cx);
    seek(&stdout, rustix::fs::SeekFrom::Start(0)).expect("a file in memory can be rewound");
    let mut output = Vec::new();
    crate::Input::from(stdout).read_to_end(&mut output).expect("a file in memory can be read");
    (output, status)
}
