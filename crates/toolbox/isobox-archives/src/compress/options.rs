//! The command lines of the four, and the walk over their operands.

use std::ffi::{OsStr, OsString};

use isobox_applet::{Context, Error, Input, Result, Spec, Status};

use super::{file, gzip};
use crate::codec::Codec;

/// One of the four.
pub(super) struct Tool {
    pub(super) codec: Codec,
    /// What compressed files are called.
    pub(super) suffix: &'static str,
    /// Ends of names that are known when decompressing, and what stands for them.
    pub(super) known: &'static [(&'static str, &'static str)],
    pub(super) spec: &'static Spec,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Task {
    #[default]
    Compress,
    Decompress,
    Test,
    List,
}

/// One invocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) stdout: bool,
    pub(super) force: bool,
    pub(super) keep: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) recursive: bool,
    pub(super) level: Option<i32>,
    pub(super) suffix: Option<String>,
    /// Whether names and times are remembered (compressing) or restored (decompressing).
    pub(super) name: Option<bool>,
    /// Decompress whatever the magic number says.
    pub(super) any_format: bool,
    /// The one file that everything goes to.
    pub(super) output: Option<OsString>,
    pub(super) warned: bool,
}

impl Job {
    /// A warning: said unless `-q`, and the exit status is that of the applet's failure.
    pub(super) fn warning(&mut self, cx: &mut Context<'_>, error: &Error) {
        if !self.quiet {
            cx.warn(error);
        }
        self.warned = true;
    }
}

/// Reads the options and works through the operands.
pub(super) fn run(cx: &mut Context<'_>, tool: &Tool, mut job: Job) -> Result<Status> {
    let mut tool = Tool { ..*tool };
    let mut arguments = cx.parse(tool.spec);
    let mut extreme = false;
    while let Some(option) = arguments.next()? {
        match option {
            'c' => job.stdout = true,
            'd' => job.task = Task::Decompress,
            'z' => job.task = Task::Compress,
            't' => job.task = Task::Test,
            'l' => job.task = Task::List,
            'f' => job.force = true,
            'k' => job.keep = true,
            'q' => job.quiet = true,
            'v' => job.verbose = true,
            'r' => job.recursive = true,
            'n' => job.name = Some(false),
            'N' => job.name = Some(true),
            'e' => extreme = true,
            // Less memory: as the original does it.
            's' => job.level = job.level.or(Some(2)),
            'S' => {
                let suffix = arguments.text()?;
                if suffix.is_empty() || suffix.contains('/') {
                    return Err(Error::message(format!("invalid suffix '{suffix}'")));
                }
                job.suffix = Some(suffix);
            }
            'F' => match arguments.text()?.as_str() {
                "auto" => {}
                "xz" => (tool.codec, tool.suffix) = (Codec::Xz, ".xz"),
                "lzma" | "alone" => (tool.codec, tool.suffix) = (Codec::Lzma, ".lzma"),
                other => {
                    return Err(Error::message(format!(
                        "unknown format '{other}': expected xz, lzma or auto"
                    )));
                }
            },
            'T' => {
                isobox_applet::number::unsigned(&arguments.value())?;
            }
            digit => job.level = digit.to_digit(10).map(|digit| digit as i32),
        }
    }
    if extreme {
        job.level = Some((job.level.unwrap_or(6) + 1).min(9));
    }
    let operands = arguments.operands();
    work(cx, &tool, &mut job, &operands)
}

/// Works through the operands, or on standard input.
pub(super) fn work(
    cx: &mut Context<'_>,
    tool: &Tool,
    job: &mut Job,
    operands: &[OsString],
) -> Result<Status> {
    if job.task == Task::List {
        gzip::list(cx, tool, operands)?;
        return Ok(cx.status());
    }
    let stdin = [OsString::from("-")];
    for operand in if operands.is_empty() { &stdin } else { operands } {
        let outcome = if operand == "-" && job.output.is_none() {
            filter(cx, tool, job, &mut Input::from(cx.stdin), OsStr::new("stdin"))
        } else {
            file::work(cx, tool, job, operand)
        };
        cx.attempt(outcome)?;
    }
    Ok(if job.warned { Status(cx.applet.failure) } else { cx.status() })
}

/// Standard input, or another stream, to standard output.
pub(super) fn filter(
    cx: &mut Context<'_>,
    tool: &Tool,
    job: &mut Job,
    input: &mut Input<'_>,
    name: &OsStr,
) -> Result<()> {
    let moved = if job.task == Task::Compress {
        if cx.stdout.is_terminal() && !job.force {
            return Err(Error::message(
                "compressed data not written to a terminal; use -f to force it",
            ));
        }
        super::compress(job, tool, input, &mut cx.stdout, (None, 0))
    } else {
        let through = Job { stdout: true, ..job.clone() };
        super::decompress(&through, tool, input, &mut cx.stdout)
    }
    .map_err(|error| error.on(name))?;
    if let Some(warning) = moved.warning {
        let text = [name.as_encoded_bytes(), b": ", warning.as_bytes()].concat();
        cx.warn(&Error::Bytes(text));
    }
    if job.verbose {
        file::say(cx, job, name, &moved, None);
    }
    Ok(())
}
