//! Terminals and signals.

use anyhow::{Result, ensure};
use isopod_testkit::{Limited, ProcessGuard};
use rustix::process::Signal;
use std::process::Stdio;

use crate::Scenario;
use crate::engines::Engine;
use crate::terminal::Terminal;

pub(crate) const ALL: &[Scenario] = &[
    ("a shell in a terminal", shell),
    ("detaching and attaching again", detach),
    ("exec in a terminal", exec),
    ("signals are passed on", signals),
    ("an impatient user gets away", impatient),
    ("a reader that goes away is no error", broken_pipe),
    ("a closed terminal is given back", restored),
];

const NET: &str = "--network=none";

fn shell(engine: &Engine) -> Result<()> {
    let command = engine.program.command(&["run", "--rm", "-it", NET, "demo", "sh"]);
    let mut terminal = Terminal::start(&command)?;
    terminal.types("stty size; echo re''ady\n")?;
    terminal.shows("ready")?;
    terminal.shows("30 90")?;
    terminal.resize(41, 101)?;
    // The new size travels by a request of its own.
    Limited::seconds(20).until("the new size arrives", || {
        terminal.types("stty size\n").is_ok() && {
            std::thread::sleep(std::time::Duration::from_millis(50));
            terminal.shown().contains("41 101")
        }
    })?;
    terminal.types("sleep 100\n")?;
    std::thread::sleep(std::time::Duration::from_millis(200));
    // The container's terminal, not ours, makes a signal of it.
    terminal.types("\x03")?;
    terminal.types("echo in''terrupted; exit 3\n")?;
    terminal.shows("interrupted")?;
    ensure!(terminal.ends()? == Some(3), "{:?}", terminal.shown());
    ensure!(terminal.is_cooked()?, "the terminal stayed raw");
    Ok(())
}

fn detach(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let command = program.command(&["run", "-it", "--name", "dtc", NET, "demo", "sh"]);
    let mut terminal = Terminal::start(&command)?;
    terminal.types("echo fir''st\n")?;
    terminal.shows("first")?;
    terminal.types("\x10\x11")?;
    ensure!(terminal.ends()? == Some(0), "{:?}", terminal.shown());
    ensure!(terminal.is_cooked()?, "the terminal stayed raw");
    ensure!(program.ok(&["inspect", "-f", "{{.State.Running}}", "dtc"])? == "true");
    let mut again =
        Terminal::start(&program.command(&["attach", "--detach-keys", "ctrl-x,y", "dtc"]))?;
    again.types("echo sec''ond\n")?;
    again.shows("second")?;
    again.types("\x18y")?;
    ensure!(again.ends()? == Some(1));
    again.shows("read escape sequence")?;
    let mut last = Terminal::start(&program.command(&["attach", "dtc"]))?;
    last.types("exit 8\n")?;
    ensure!(last.ends()? == Some(8), "{:?}", last.shown());
    program.ok(&["rm", "dtc"])?;
    Ok(())
}

fn exec(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    program.ok(&["run", "-d", "--name", "etm", NET, "demo", "sleep", "1000"])?;
    let mut terminal = Terminal::start(&program.command(&["exec", "-it", "etm", "sh"]))?;
    // What is typed before the shell reads may be lost on the way to it.
    terminal.shows("# ")?;
    terminal.types("stty size; tty; echo do''ne\n")?;
    terminal.shows("done")?;
    terminal.shows("30 90")?;
    terminal.types("exit 2\n")?;
    ensure!(terminal.ends()? == Some(2));
    ensure!(terminal.is_cooked()?);
    program.ok(&["rm", "-f", "etm"])?;
    Ok(())
}

/// Starts an attached container that reports signals, and waits until it is ready.
fn reporting(engine: &Engine, name: &str, script: &str) -> Result<ProcessGuard> {
    let mut command =
        engine.program.command(&["run", "--name", name, NET, "demo", "sh", "-c", script]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let guard = ProcessGuard::spawn(&mut command)?;
    Limited::seconds(20).until("the container is ready", || {
        engine.program.run(&["logs", name]).stdout.contains("ready")
    })?;
    Ok(guard)
}

fn signals(engine: &Engine) -> Result<()> {
    let script = "trap 'echo term; exit 11' TERM; echo ready; while :; do sleep 0.05; done";
    let mut guard = reporting(engine, "sig", script)?;
    guard.signal(Signal::TERM)?;
    let status = Limited::seconds(20).wait(&mut guard)?;
    ensure!(status.code() == Some(11), "{status:?}");
    engine.program.run(&["logs", "sig"]).code(0)?.prints("ready\nterm\n")?;
    engine.program.ok(&["rm", "sig"])?;
    Ok(())
}

fn impatient(engine: &Engine) -> Result<()> {
    // The first process of a container is deaf to signals that it does not ask for.
    let script = "trap '' TERM INT; echo ready; while :; do sleep 0.05; done";
    let mut guard = reporting(engine, "imp", script)?;
    for _ in 0..3 {
        guard.signal(Signal::INT)?;
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let status = Limited::seconds(20).wait(&mut guard)?;
    ensure!(status.code() == Some(1), "{status:?}");
    ensure!(engine.program.ok(&["inspect", "-f", "{{.State.Running}}", "imp"])? == "true");
    engine.program.ok(&["rm", "-f", "imp"])?;
    Ok(())
}

fn broken_pipe(engine: &Engine) -> Result<()> {
    let mut command = engine.program.command(&["ps", "-a"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    drop(child.stdout.take());
    let output = child.wait_with_output()?;
    ensure!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn restored(engine: &Engine) -> Result<()> {
    let program = &engine.program;
    let command = program.command(&["run", "--rm", "-it", "--name", "rst", NET, "demo", "sh"]);
    let mut terminal = Terminal::start(&command)?;
    terminal.types("echo re''ady\n")?;
    terminal.shows("ready")?;
    ensure!(!terminal.is_cooked()?, "the terminal is not raw");
    // The container is killed from elsewhere.
    program.ok(&["kill", "rst"])?;
    ensure!(terminal.ends()? == Some(137), "{:?}", terminal.shown());
    ensure!(terminal.is_cooked()?, "the terminal stayed raw");
    Ok(())
}
