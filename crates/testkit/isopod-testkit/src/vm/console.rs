//! The protocol between init and harness: marker lines on the serial console.
//!
//! ```text
//! @vm begin 0
//! ...what the command printed...
//! @vm end 0 1
//! @vm done
//! ```

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::ProcessGuard;

/// What a machine did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// One for each command of the job.
    pub results: Vec<CommandResult>,
    /// Everything that came over the console.
    pub console: String,
}

/// How one command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandResult {
    /// Its exit status; 128 and the signal's number when one killed it.
    pub status: i32,
    /// What it printed on either stream.
    pub output: String,
}

/// Reads the console until init says that it is done.
pub(super) fn read(
    console: impl Read + Send + 'static,
    guard: &mut ProcessGuard,
    commands: usize,
    limit: Duration,
) -> Result<Report> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(console);
        let mut line = Vec::new();
        while let Ok(1..) = reader.read_until(b'\n', &mut line) {
            let text = String::from_utf8_lossy(&line);
            if sender.send(text.trim_end_matches(['\r', '\n']).to_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    let deadline = Instant::now() + limit;
    let mut parser = Parser::default();
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                parser.line(&line);
                if parser.done && parser.report.results.len() == commands {
                    return Ok(parser.report);
                }
                if let Some(reason) = &parser.failed {
                    bail!("init failed: {reason}\n{}", tail(&parser.report.console));
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!(
                    "the virtual machine did not finish within {limit:?}; its console ends with:\n{}",
                    tail(&parser.report.console)
                );
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = guard.child().wait()?;
                bail!(
                    "the virtual machine ended early ({status}); its console ends with:\n{}",
                    tail(&parser.report.console)
                );
            }
        }
    }
}

fn tail(console: &str) -> &str {
    let start = console.len().saturating_sub(4000);
    let start = (start..=console.len()).find(|&at| console.is_char_boundary(at));
    &console[start.unwrap_or(0)..]
}

#[derive(Debug, Default)]
struct Parser {
    report: Report,
    current: Option<CommandResult>,
    done: bool,
    failed: Option<String>,
}

impl Parser {
    fn line(&mut self, line: &str) {
        self.report.console.push_str(line);
        self.report.console.push('\n');
        // A command may have printed without a newline before the marker.
        let marker = line.find("@vm ").map(|at| line.split_at(at));
        let Some((before, marker)) = marker else {
            if let Some(current) = &mut self.current {
                current.output.push_str(line);
                current.output.push('\n');
            }
            return;
        };
        if let Some(current) = &mut self.current {
            current.output.push_str(before);
        }
        let words: Vec<&str> = marker.split(' ').collect();
        match words.as_slice() {
            ["@vm", "begin", _] => self.current = Some(CommandResult::default()),
            ["@vm", "end", _, status] => {
                let mut result = self.current.take().unwrap_or_default();
                result.status = status.parse().unwrap_or(-1);
                self.report.results.push(result);
            }
            ["@vm", "done"] => self.done = true,
            ["@vm", "failed", ..] => self.failed = Some(words[2..].join(" ")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_cut_out_of_the_noise() {
        let mut parser = Parser::default();
        for line in [
            "[    0.1] kernel talk",
            "@vm begin 0",
            "hello",
            "no newline@vm end 0 3",
            "@vm begin 1",
            "@vm end 1 0",
            "@vm done",
        ] {
            parser.line(line);
        }
        assert!(parser.done);
        assert_eq!(
            parser.report.results,
            [
                CommandResult { status: 3, output: "hello\nno newline".into() },
                CommandResult::default()
            ]
        );
    }
}
