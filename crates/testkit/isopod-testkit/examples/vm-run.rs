//! Runs a command in a virtual machine: `vm-run INIT [FILE:PATH | +MODULE]... -- COMMAND [ARG]...`
//!
//! INIT is a static binary that calls `isopod_testkit::vm::init`, such as `vm-init`. The command's
//! output is the machine's console; busybox is there as `/bin/busybox` and `/bin/sh`.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use isopod_testkit::vm::{Job, Vm};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let mut job =
        Job::new(args.next().context("usage: vm-run INIT [FILE:PATH | +MODULE]... -- COMMAND")?);
    for arg in args.by_ref().take_while(|arg| arg != "--") {
        job = match (arg.strip_prefix('+'), arg.split_once(':')) {
            (Some(module), _) => job.module(module),
            (None, Some((from, to))) => job.program(Path::new(from), to)?,
            (None, None) => job.program(Path::new(&arg), &arg)?,
        };
    }
    let busybox = isopod_testkit::peer("busybox").context("busybox-static is not installed")?;
    let seconds = std::env::var("VM_LIMIT").ok().and_then(|text| text.parse().ok());
    let job = job
        .file(&busybox, "/bin/busybox")
        .file(&busybox, "/bin/sh")
        .limit(Duration::from_secs(seconds.unwrap_or(300)))
        .command(args);
    let report = Vm::prepare()?.run(&job)?;
    std::io::stdout().write_all(report.console.as_bytes())?;
    std::process::exit(report.results[0].status);
}
