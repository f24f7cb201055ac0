//! Progress of pulls, pushes and loads: bars that are redrawn on a terminal, lines elsewhere.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;

use anyhow::{Context, Result, bail};
use hyper::body::Incoming;
use isopod_base::units::human_size;
use isopod_docker_types::JsonMessage;
use serde_json::value::RawValue;

use super::{Out, sanitize};
use isopod_client::JsonLines;

/// Most lines that are redrawn in place; further ones are left out until they matter.
const LINES_MAX: usize = 10_000;

/// Draws messages.
pub(crate) struct Progress {
    out: Out,
    terminal: bool,
    columns: usize,
    /// Line of each id, counted from the first.
    lines: HashMap<String, usize>,
    bars: HashMap<String, Bar>,
}

struct Bar {
    started: std::time::Instant,
}

impl Progress {
    /// Draws to `out`.
    pub(crate) fn new(out: Out) -> Self {
        let columns = out.size().map_or(80, |(_, columns)| columns.max(20) as usize);
        Self {
            out,
            terminal: out.is_terminal(),
            columns,
            lines: HashMap::new(),
            bars: HashMap::new(),
        }
    }

    /// Draws one message.
    pub(crate) fn show(&mut self, message: &JsonMessage) -> Result<()> {
        let mut text = String::new();
        if let Some(line) = self.line_of(message) {
            let up = self.lines.len() - line;
            let _ = write!(text, "\x1b[{up}A\x1b[2K\r{}\x1b[{up}B\r", self.describe(message));
        } else if !self.terminal
            && message.progress_detail.as_ref().is_some_and(|p| p.current > 0 || p.total > 0)
        {
            return Ok(());
        } else if !message.stream.is_empty() {
            text.push_str(&message.stream);
        } else {
            let _ = write!(text, "{}", self.describe(message));
            text.push('\n');
        }
        self.out.write_all(text.as_bytes()).context("write progress")
    }

    /// Where a message with an id is drawn on a terminal; a new id gets a new line.
    fn line_of(&mut self, message: &JsonMessage) -> Option<usize> {
        if !self.terminal || message.id.is_empty() || !message.stream.is_empty() {
            // Lines below others would be overwritten: begin anew after them.
            if !message.stream.is_empty() || message.id.is_empty() {
                self.lines.clear();
            }
            return None;
        }
        if let Some(line) = self.lines.get(&message.id) {
            return Some(*line);
        }
        if self.lines.len() >= LINES_MAX {
            self.lines.clear();
        }
        let line = self.lines.len();
        self.lines.insert(message.id.clone(), line);
        // The new line is opened first, then drawn like the others.
        let _ = self.out.write_all(b"\n");
        Some(line)
    }

    fn describe(&mut self, message: &JsonMessage) -> String {
        let mut text = String::new();
        if !message.id.is_empty() {
            let _ = write!(text, "{}: ", sanitize(&message.id));
        }
        text.push_str(&sanitize(&message.status));
        if self.terminal {
            if let Some(bar) = self.bar(message, text.chars().count()) {
                text.push(' ');
                text.push_str(&bar);
            } else if !message.progress.is_empty() {
                text.push(' ');
                text.push_str(&sanitize(&message.progress));
            }
            return text.chars().take(self.columns.saturating_sub(1)).collect();
        }
        text
    }

    /// `[=====>      ]  12.3MB/45.6MB`.
    fn bar(&mut self, message: &JsonMessage, used: usize) -> Option<String> {
        let detail = message.progress_detail.as_ref().filter(|detail| detail.current > 0)?;
        let size = |bytes: i64| human_size(u64::try_from(bytes).unwrap_or(0));
        if !detail.units.is_empty() {
            return Some(format!("{}/{} {}", detail.current, detail.total, detail.units));
        }
        if detail.total <= 0 {
            return Some(format!("{:>8}", size(detail.current)));
        }
        let started = self
            .bars
            .entry(message.id.clone())
            .or_insert_with(|| Bar { started: std::time::Instant::now() })
            .started;
        let mut bar = String::new();
        if self.columns > used + 70 {
            let percent = (detail.current as f64 / detail.total as f64 * 100.0).min(100.0);
            let done = (percent / 2.0) as usize;
            let _ = write!(bar, "[{}>{:blanks$}] ", "=".repeat(done), "", blanks = 50 - done);
        }
        let _ = write!(bar, "{:>8}/{}", size(detail.current.min(detail.total)), size(detail.total));
        let spent = started.elapsed().as_secs();
        if detail.current < detail.total && spent > 1 && self.columns > used + 80 {
            let left =
                spent as f64 * (detail.total - detail.current) as f64 / detail.current as f64;
            let _ = write!(bar, " {}s", left as u64);
        }
        Some(bar)
    }
}

/// Shows a stream of progress messages; `aside` gets the documents that are meant for programs.
/// An error in the stream is the error of the whole.
pub(crate) async fn show_progress(
    body: Incoming,
    mut progress: Option<Progress>,
    mut aside: impl FnMut(&RawValue),
) -> Result<()> {
    let mut documents = JsonLines::new(body);
    while let Some(document) = documents.next().await? {
        let message: JsonMessage = serde_json::from_str(document.get())
            .context("the engine's progress message is not as expected")?;
        if let Some(error) = &message.error_detail
            && !error.message.is_empty()
        {
            bail!("{}", error.message);
        }
        if !message.error.is_empty() {
            bail!("{}", message.error);
        }
        if message.aux.is_some() {
            aside(&document);
            continue;
        }
        if let Some(progress) = &mut progress {
            progress.show(&message)?;
        }
    }
    Ok(())
}
