//! `process.terminal`, console sockets, and foreground terminals.

use std::fs;
use std::io::Write;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::bed::{Bed, same};
use crate::case::Case;
use crate::config::Config;
use crate::terminal::{DescriptorSocket, open, read_until};

fn with_terminal(bed: &Bed, script: &str) -> Config {
    let mut config = bed.script(script);
    config["process"]["terminal"] = json!(true);
    config
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::bed("terminal/console-socket", |bed| {
            let socket = DescriptorSocket::listen(&bed.path("console"))?;
            let script = "tty; test -t 0 && test -t 1 && test -t 2 && echo all; sleep 100";
            bed.write(&with_terminal(bed, script))?;
            let path = bed.text_path("console");
            bed.call(&["create", "--console-socket", &path, bed.id()])?.ok()?;
            let (_, descriptors) = socket.receive()?;
            same("descriptors", descriptors.len(), 1)?;
            let terminal = fs::File::from(descriptors.into_iter().next().expect("one"));
            bed.call(&["start", bed.id()])?.ok()?;
            let out = read_until(&terminal, "all")?;
            ensure!(out.contains("/dev/pts/0") || out.contains("/dev/console"), "{out}");
            Ok(())
        }),
        Case::bed("terminal/controls-the-session", |bed| {
            let script = "sh -c 'echo via > /dev/tty'; echo $(cut -d' ' -f6,8 /proc/1/stat) end";
            let out = in_foreground(bed, script, "end")?;
            ensure!(out.contains("via"), "{out}");
            // Session and foreground group of the terminal are the first process's.
            ensure!(out.contains("1 1 end"), "{out}");
            Ok(())
        }),
        Case::bed("terminal/size", |bed| {
            let socket = DescriptorSocket::listen(&bed.path("console"))?;
            let mut config = with_terminal(bed, "stty size; sleep 100");
            config["process"]["consoleSize"] = json!({"height": 33, "width": 111});
            bed.write(&config)?;
            let path = bed.text_path("console");
            bed.call(&["run", "--detach", "--console-socket", &path, bed.id()])?.ok()?;
            let (_, descriptors) = socket.receive()?;
            let terminal = fs::File::from(descriptors.into_iter().next().expect("one"));
            read_until(&terminal, "33 111")?;
            Ok(())
        }),
        Case::bed("terminal/console-device", |bed| {
            let out = in_foreground(
                bed,
                "stat -c '%F' /dev/console; grep -c ' /dev/console ' /proc/self/mounts; echo end",
                "end",
            )?;
            ensure!(out.contains("character special file") && out.contains('1'), "{out}");
            Ok(())
        }),
        Case::bed("terminal/foreground-passes-input", |bed| {
            let (mut emulator, program) = open()?;
            bed.write(&with_terminal(bed, "read line; echo \"got $line\"; exit 6"))?;
            bed.remember(bed.id());
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["run", bed.id()])
                    .stdin(program.try_clone()?)
                    .stdout(program.try_clone()?)
                    .stderr(program),
            )?;
            emulator.write_all(b"hello\n")?;
            read_until(&emulator, "got hello")?;
            same("status", isopod_testkit::Limited::seconds(10).wait(&mut guard)?.code(), Some(6))
        }),
        Case::bed("terminal/foreground-size", |bed| {
            let (emulator, program) = open()?;
            rustix::termios::tcsetwinsize(
                &program,
                rustix::termios::Winsize { ws_row: 44, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0 },
            )?;
            bed.write(&with_terminal(bed, "sleep 0.2; stty size; sleep 0.2"))?;
            bed.remember(bed.id());
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["run", bed.id()])
                    .stdin(program.try_clone()?)
                    .stdout(program.try_clone()?)
                    .stderr(program),
            )?;
            read_until(&emulator, "44 99")?;
            isopod_testkit::Limited::seconds(10).wait(&mut guard)?;
            Ok(())
        }),
        Case::bed("terminal/exec-tty", |bed| {
            bed.start(&bed.sleeper())?;
            let (emulator, program) = open()?;
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&[
                    "exec",
                    "--tty",
                    bed.id(),
                    "sh",
                    "-c",
                    "tty; test -t 0 && echo is-a-terminal",
                ])
                .stdin(program.try_clone()?)
                .stdout(program.try_clone()?)
                .stderr(program),
            )?;
            let out = read_until(&emulator, "is-a-terminal")?;
            ensure!(out.contains("/dev/pts/"), "{out}");
            same("status", isopod_testkit::Limited::seconds(10).wait(&mut guard)?.code(), Some(0))
        }),
        Case::bed("terminal/exec-console-socket", |bed| {
            bed.start(&bed.sleeper())?;
            let socket = DescriptorSocket::listen(&bed.path("console"))?;
            let path = bed.text_path("console");
            bed.call(&[
                "exec",
                "-t",
                "-d",
                "--console-socket",
                &path,
                bed.id(),
                "sh",
                "-c",
                "echo on-it; sleep 9",
            ])?
            .ok()?;
            let (_, descriptors) = socket.receive()?;
            let terminal = fs::File::from(descriptors.into_iter().next().expect("one"));
            read_until(&terminal, "on-it")?;
            Ok(())
        }),
        Case::bed("terminal/create-needs-a-socket", |bed| {
            bed.write(&with_terminal(bed, "true"))?;
            bed.call(&["create", bed.id()])?.failed(&[
                "console socket",
                "console-socket",
                "tty",
                "terminal",
            ])?;
            Ok(())
        }),
        Case::bed("terminal/socket-without-terminal", |bed| {
            let _socket = DescriptorSocket::listen(&bed.path("console"))?;
            bed.write(&bed.sleeper())?;
            let path = bed.text_path("console");
            bed.call(&["create", "--console-socket", &path, bed.id()])?.failed(&[
                "console socket",
                "console-socket",
                "terminal",
            ])?;
            Ok(())
        }),
        Case::bed("terminal/socket-does-not-exist", |bed| {
            bed.write(&with_terminal(bed, "true"))?;
            bed.call(&["create", "--console-socket", "/nonexistent/console", bed.id()])?
                .failed(&["/nonexistent/console", "no such file"])?;
            bed.call(&["state", bed.id()])?.failed(&["does not exist"])?;
            Ok(())
        }),
        Case::bed("terminal/raw-mode-is-undone", |bed| {
            let (emulator, program) = open()?;
            let before = rustix::termios::tcgetattr(&program)?;
            bed.write(&with_terminal(bed, "echo done"))?;
            bed.remember(bed.id());
            let mut guard = isopod_testkit::ProcessGuard::spawn(
                bed.command(&["run", bed.id()])
                    .stdin(program.try_clone()?)
                    .stdout(program.try_clone()?)
                    .stderr(program.try_clone()?),
            )?;
            read_until(&emulator, "done")?;
            isopod_testkit::Limited::seconds(10).wait(&mut guard)?;
            let after = rustix::termios::tcgetattr(&program)?;
            ensure!(before.local_modes == after.local_modes, "local modes stayed changed");
            ensure!(before.input_modes == after.input_modes, "input modes stayed changed");
            Ok(())
        }),
    ]
}

/// Runs a script on a terminal of its own until `text` comes.
fn in_foreground(bed: &Bed, script: &str, text: &str) -> Result<String> {
    let (emulator, program) = open()?;
    bed.write(&with_terminal(bed, script))?;
    bed.remember(bed.id());
    let mut guard = isopod_testkit::ProcessGuard::spawn(
        bed.command(&["run", bed.id()])
            .stdin(program.try_clone()?)
            .stdout(program.try_clone()?)
            .stderr(program),
    )?;
    let out = read_until(&emulator, text)?;
    isopod_testkit::Limited::seconds(10).wait(&mut guard)?;
    Ok(out)
}
