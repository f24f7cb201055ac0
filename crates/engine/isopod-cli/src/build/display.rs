//! Progress as BuildKit shows it: lines by step, or redrawn in place on a terminal.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};
use isopod_docker_types::{BuildEvent, BuildStepInfo, JsonMessage};

use crate::output::{Out, sanitize};

/// How to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    Terminal,
    Quiet,
}

/// Lines of a running step that a terminal shows.
const LOG_LINES: usize = 6;
/// Lines of a failed step that are shown again.
const FAILED_LINES: usize = 20;

/// What is known of a step.
#[derive(Debug)]
struct Step {
    /// `[build 2/5] RUN make`.
    name: String,
    info: BuildStepInfo,
    /// Whether it is shown at all: those that change no file are not.
    shown: bool,
    started: Option<Instant>,
    ended: Option<Instant>,
    cached: bool,
    failed: bool,
    /// The number that a plain display gives it.
    number: usize,
    log: VecDeque<String>,
    partial: String,
}

/// Shows a build.
pub(super) struct Display {
    mode: Mode,
    out: Out,
    steps: Vec<Step>,
    begun: Instant,
    /// Numbers given so far.
    numbers: usize,
    /// Lines drawn on the terminal.
    drawn: usize,
    drawn_at: Option<Instant>,
    pulls: String,
}

impl Display {
    pub(super) fn new(mode: Mode, out: Out) -> Self {
        Self {
            mode,
            out,
            steps: Vec::new(),
            begun: Instant::now(),
            numbers: 0,
            drawn: 0,
            drawn_at: None,
            pulls: String::new(),
        }
    }

    /// Shows something that happened.
    pub(super) fn event(&mut self, event: &BuildEvent) -> Result<()> {
        let mut lines = String::new();
        match event {
            BuildEvent::Plan(steps) => self.plan(steps),
            BuildEvent::Started(step) => self.started(*step, &mut lines),
            BuildEvent::Cached(step) => {
                if let Some(step) = self.steps.get_mut(*step) {
                    step.cached = true;
                    if step.shown {
                        let _ = writeln!(lines, "#{} CACHED", step.number);
                    }
                }
            }
            BuildEvent::Output(step, _, text) => self.output(*step, text, &mut lines),
            BuildEvent::Done(step, _) => self.done(*step, &mut lines),
            BuildEvent::Failed(step, message) => self.failed(*step, message, &mut lines),
            BuildEvent::Warning(text) => self.message(text, &mut lines)?,
            BuildEvent::Built(id, names) => {
                let number = self.next_number();
                let _ = writeln!(lines, "\n#{number} exporting to image");
                let _ = writeln!(lines, "#{number} writing image {id} done");
                for name in names {
                    let _ = writeln!(lines, "#{number} naming to {name} done");
                }
                let _ = writeln!(lines, "#{number} DONE 0.0s");
            }
        }
        self.show(&lines, event)
    }

    fn plan(&mut self, steps: &[BuildStepInfo]) {
        let changes = |step: &BuildStepInfo| {
            let word = step.text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            matches!(word.as_str(), "FROM" | "RUN" | "COPY" | "ADD" | "WORKDIR")
        };
        let stages: std::collections::BTreeSet<&str> =
            steps.iter().map(|step| step.stage.as_str()).collect();
        let many = stages.len() > 1;
        let mut counts = std::collections::BTreeMap::new();
        self.steps = steps
            .iter()
            .map(|info| {
                let shown = changes(info);
                let of_stage = |other: &&BuildStepInfo| other.stage == info.stage && changes(other);
                let total = steps.iter().filter(of_stage).count();
                let count = counts.entry(info.stage.clone()).or_insert(0);
                *count += usize::from(shown);
                let stage = match info.stage.parse::<usize>() {
                    Ok(number) => format!("stage-{number}"),
                    Err(_) => info.stage.clone(),
                };
                let stage = if many { format!("{stage} ") } else { String::new() };
                let text: String = info.text.split_whitespace().collect::<Vec<_>>().join(" ");
                Step {
                    name: format!("[{stage}{count}/{total}] {}", sanitize(&text)),
                    info: info.clone(),
                    shown,
                    started: None,
                    ended: None,
                    cached: false,
                    failed: false,
                    number: 0,
                    log: VecDeque::new(),
                    partial: String::new(),
                }
            })
            .collect();
    }

    fn next_number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    fn started(&mut self, index: usize, lines: &mut String) {
        let number = match self.steps.get(index) {
            Some(step) if step.shown => self.next_number(),
            Some(_) => 0,
            None => return,
        };
        let step = &mut self.steps[index];
        step.started = Some(Instant::now());
        step.number = number;
        if step.shown {
            let _ = writeln!(lines, "\n#{number} {}", step.name);
        }
    }

    fn output(&mut self, index: usize, text: &str, lines: &mut String) {
        let Some(step) = self.steps.get_mut(index) else { return };
        let spent = step.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
        step.partial.push_str(text);
        while let Some(end) = step.partial.find('\n') {
            let line: String = step.partial.drain(..=end).collect();
            let line = sanitize(line.trim_end_matches(['\n', '\r']));
            let _ = writeln!(lines, "#{} {spent:.3} {line}", step.number);
            if step.log.len() == FAILED_LINES {
                step.log.pop_front();
            }
            step.log.push_back(line);
        }
    }

    fn rest(&mut self, index: usize, lines: &mut String) {
        if self.steps.get(index).is_some_and(|step| !step.partial.is_empty()) {
            self.output(index, "\n", lines);
        }
    }

    fn done(&mut self, index: usize, lines: &mut String) {
        self.rest(index, lines);
        let Some(step) = self.steps.get_mut(index) else { return };
        step.ended = Some(Instant::now());
        if step.shown && !step.cached {
            let spent = step.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
            let _ = writeln!(lines, "#{} DONE {spent:.1}s", step.number);
        }
    }

    fn failed(&mut self, index: usize, message: &str, lines: &mut String) {
        self.rest(index, lines);
        let Some(step) = self.steps.get_mut(index) else { return };
        step.ended = Some(Instant::now());
        step.failed = true;
        step.shown = true;
        let _ = writeln!(lines, "#{} ERROR: {}", step.number, sanitize(message));
    }

    /// A line about the whole.
    fn message(&mut self, text: &str, lines: &mut String) -> Result<()> {
        if self.mode == Mode::Terminal {
            self.erase()?;
            return writeln!(self.out, "{}", sanitize(text)).context("write progress");
        }
        let _ = writeln!(lines, "{}", sanitize(text));
        Ok(())
    }

    /// Shows a step of a pull.
    pub(super) fn pull(&mut self, message: &JsonMessage) -> Result<()> {
        let text = if message.id.is_empty() {
            message.status.clone()
        } else {
            format!("{}: {}", message.id, message.status)
        };
        let counts = message.progress_detail.as_ref().is_some_and(|detail| detail.current > 0);
        match self.mode {
            Mode::Plain if !counts && !text.is_empty() => {
                writeln!(self.out, "#0 {}", sanitize(&text)).context("write progress")
            }
            Mode::Terminal => {
                self.pulls = sanitize(&text);
                self.draw(false)
            }
            _ => Ok(()),
        }
    }

    fn show(&mut self, lines: &str, event: &BuildEvent) -> Result<()> {
        match self.mode {
            Mode::Quiet => Ok(()),
            Mode::Plain => self.out.write_all(lines.as_bytes()).context("write progress"),
            Mode::Terminal => {
                let last = matches!(event, BuildEvent::Built(..) | BuildEvent::Failed(..));
                self.draw(last)
            }
        }
    }

    /// Redraws, unless that was done a moment ago.
    pub(super) fn draw(&mut self, last: bool) -> Result<()> {
        if self.mode != Mode::Terminal {
            return Ok(());
        }
        let recent = self.drawn_at.is_some_and(|at| at.elapsed().as_millis() < 80);
        if recent && !last {
            return Ok(());
        }
        self.drawn_at = Some(Instant::now());
        let (rows, columns) = self.out.size().unwrap_or((24, 80));
        let width = (columns as usize).max(40);
        let shown: Vec<&Step> = self.steps.iter().filter(|step| step.shown).collect();
        let done = shown.iter().filter(|step| step.ended.is_some()).count();
        let spent = self.begun.elapsed().as_secs_f64();
        let state = if last { " FINISHED" } else { "" };
        let mut lines = vec![format!("[+] Building {spent:.1}s ({done}/{}){state}", shown.len())];
        if shown.is_empty() && !self.pulls.is_empty() {
            lines.push(format!(" => {}", self.pulls));
        }
        for step in shown.iter().filter(|step| step.started.is_some()) {
            lines.extend(step.lines(width));
        }
        let most = (rows as usize).saturating_sub(1).max(4);
        if lines.len() > most {
            lines.drain(1..lines.len() - most + 1);
        }
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\x1b[{}A\x1b[J", self.drawn);
        }
        for line in &lines {
            text.extend(line.chars().take(width - 1));
            text.push('\n');
        }
        self.drawn = lines.len();
        self.out.write_all(text.as_bytes()).context("write progress")
    }

    fn erase(&mut self) -> Result<()> {
        if self.drawn > 0 {
            write!(self.out, "\x1b[{}A\x1b[J", self.drawn).context("write progress")?;
            self.drawn = 0;
        }
        Ok(())
    }

    /// What a failed step printed last, and its place in the Dockerfile.
    pub(super) fn failure(&self) -> String {
        let mut text = String::new();
        for step in self.steps.iter().filter(|step| step.failed) {
            let _ = writeln!(text, "------\n > {}:", step.name);
            for line in &step.log {
                let _ = writeln!(text, "{line}");
            }
            let (first, last) = step.info.lines;
            let lines = if first == last {
                format!("line {first}")
            } else {
                format!("lines {first} to {last}")
            };
            let _ = writeln!(text, "------\nDockerfile, {lines}: {}", sanitize(&step.info.text));
        }
        text
    }
}

impl Step {
    fn lines(&self, width: usize) -> Vec<String> {
        let end = self.ended.unwrap_or_else(Instant::now);
        let spent = self.started.map_or(0.0, |started| (end - started).as_secs_f64());
        let mark = match (self.failed, self.cached) {
            (true, _) => "ERROR ",
            (_, true) => "CACHED ",
            _ => "",
        };
        let time = format!("{spent:.1}s");
        let room = width.saturating_sub(time.len() + 6);
        let name: String = format!("{mark}{}", self.name).chars().take(room).collect();
        let mut lines = vec![format!(" => {name:<room$} {time}")];
        if self.ended.is_none() {
            let skip = self.log.len().saturating_sub(LOG_LINES);
            lines.extend(self.log.iter().skip(skip).map(|line| format!(" => => # {line}")));
        }
        lines
    }
}
