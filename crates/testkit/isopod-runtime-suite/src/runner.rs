//! Runs cases one after the other, each in a bed of its own, with a leak check behind it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use isopod_testkit::suite::{Outcome, Record, Report, Selection};
use isopod_testkit::{Leaks, Snapshot};
use rustix::process::{WaitOptions, set_child_subreaper};
use rustix::thread::UnshareFlags;

use crate::bed::Bed;
use crate::case::{Case, Check, Expect};
use crate::config;

/// How long what a container leaves may take to vanish: the kernel tears namespaces and their
/// mounts down after the last process is gone.
const SETTLE: Duration = Duration::from_secs(2);

/// Runs the suite against a runtime.
pub fn run(runtime: &Path, selection: &Selection) -> Result<Report> {
    let runtime =
        // Links are kept: a binary with several names goes by the one that it is called by.
        std::path::absolute(runtime)
            .and_then(|path| path.metadata().map(|_| path))
            .with_context(|| format!("no runtime at {}", runtime.display()))?;
    ensure!(
        isopod_testkit::is_root(),
        "the suite has to run as root: it makes cgroups, mounts and namespaces"
    );
    isolate()?;
    let mut report = Report::default();
    for (number, case) in crate::all().iter().enumerate() {
        if !selection.wants(case.name) {
            continue;
        }
        let began = Instant::now();
        let outcome = outcome(&runtime, case, number, selection);
        let record = Record { name: case.name.to_owned(), outcome, time: began.elapsed() };
        selection.tell(&record);
        report.records.push(record);
    }
    Ok(report)
}

/// Mounts of cases stay out of the machine's sight, and orphans of containers become children of
/// this process, so that they can be reaped and counted.
fn isolate() -> Result<()> {
    #[expect(
        deprecated,
        reason = "for flags that unshare the table of descriptors; this one does not"
    )]
    rustix::thread::unshare(UnshareFlags::NEWNS).context("cannot unshare mounts")?;
    rustix::mount::mount_change(
        "/",
        rustix::mount::MountPropagationFlags::PRIVATE | rustix::mount::MountPropagationFlags::REC,
    )
    .context("cannot make mounts private")?;
    set_child_subreaper(Some(rustix::process::getpid())).context("cannot become a subreaper")?;
    Ok(())
}

fn outcome(runtime: &Path, case: &Case, number: usize, selection: &Selection) -> Outcome {
    if let Some(reason) = case.needs.iter().find_map(|need| need.unmet()) {
        return Outcome::Skipped(reason);
    }
    let marker = format!("isopod-suite-{}-{number}", std::process::id());
    let result = check(runtime, case, &marker);
    selection.exceptions.judge(case.name, result)
}

fn check(runtime: &Path, case: &Case, marker: &str) -> Result<()> {
    let before = Snapshot::take(marker, &[]);
    let result = Bed::new(runtime, marker).and_then(|bed| {
        carry_out(&bed, case)?;
        // Everything that ran under this bed is deleted with it; what survives is a leak.
        Ok(())
    });
    let leaks = settle(&before);
    if !leaks.is_empty() {
        sweep(marker);
    }
    result?;
    ensure!(leaks.is_empty(), "left behind: {leaks}");
    Ok(())
}

fn carry_out(bed: &Bed, case: &Case) -> Result<()> {
    match &case.check {
        Check::Bed(check) => check(bed),
        Check::Refused { edit, words } => {
            let mut config = bed.script("true");
            edit(&mut config);
            bed.write(&config)?;
            bed.call(&["create", bed.id()])?.failed(words)?;
            let state = bed.call(&["state", bed.id()])?;
            ensure!(state.status != 0, "refused, but {:?} exists", state.stdout);
            Ok(())
        }
        Check::Inside { edit, script, expect } => {
            let mut config = bed.config();
            config::args(&mut config, &["/bin/sh", "-c", script]);
            edit(&mut config);
            let called = bed.run(&config)?;
            match *expect {
                Expect::Status(status) => called.status(status).map(drop),
                Expect::Out(text) => {
                    let out = called.ok()?;
                    ensure!(out.trim() == text, "printed {out:?} instead of {text:?}");
                    Ok(())
                }
                Expect::Has(texts) => {
                    let out = called.ok()?;
                    for text in texts {
                        ensure!(out.contains(text), "{text:?} is not in {out:?}");
                    }
                    Ok(())
                }
            }
        }
    }
}

/// Reaps orphans until nothing is left or the time is up.
fn settle(before: &Snapshot) -> Leaks {
    let deadline = Instant::now() + SETTLE;
    loop {
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        let leaks = before.leaks();
        if leaks.is_empty() || Instant::now() > deadline {
            return leaks;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Removes what a failed case left, so that the next one starts clean: kills descendants of this
/// process by pid and removes cgroups and mounts that carry the marker.
fn sweep(marker: &str) {
    for pid in isopod_testkit::descendant_pids() {
        if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    let deadline = Instant::now() + SETTLE;
    while Instant::now() < deadline {
        while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
        if isopod_testkit::remove_cgroups(marker) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs one configuration that must be refused; for cases that build it themselves.
pub(crate) fn refused(bed: &Bed, config: &config::Config, words: &[&str]) -> Result<()> {
    bed.write(config)?;
    bed.call(&["create", bed.id()])?.failed(words)?;
    if bed.call(&["state", bed.id()])?.status == 0 {
        bail!("refused, but the container exists");
    }
    Ok(())
}
