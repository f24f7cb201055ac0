//! A build told in the words of docker's own builder.
//!
//! Steps are told in the order of the file. What stages do at the same time waits for its turn,
//! and is cut when it grows too long.

use super::Narrator;
use crate::convert::image;
use isopod_build::{Event, Op, Plan, Stream};
use isopod_docker_types::JsonMessage;
use isopod_engine::BuildProgress;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of output that wait for a step's turn.
const WAITING_BYTES: usize = 2 << 20;

/// Tells a build as text.
pub(super) struct Text {
    quiet: bool,
    /// Whether it is said that containers are removed.
    removes: bool,
    plan: Option<Arc<Plan>>,
    /// The step whose turn it is.
    turn: usize,
    waiting: BTreeMap<usize, Waiting>,
}

/// What a step whose turn it is not has to say.
#[derive(Default)]
struct Waiting {
    messages: Vec<JsonMessage>,
    bytes: usize,
    done: bool,
    cached: bool,
    container: String,
}

fn say(text: impl Into<String>) -> JsonMessage {
    JsonMessage { stream: text.into(), ..JsonMessage::default() }
}

impl Text {
    pub(super) fn new(quiet: bool, removes: bool) -> Self {
        Self { quiet, removes, plan: None, turn: 0, waiting: BTreeMap::new() }
    }

    fn event(&mut self, event: Event) -> Vec<JsonMessage> {
        match event {
            Event::Planned(plan) => {
                self.plan = Some(plan);
                Vec::new()
            }
            Event::Warning(text) => vec![say(format!("{text}\n"))],
            Event::Started(step) => {
                let total = self.plan.as_ref().map_or(0, |plan| plan.steps.len());
                let text = self.step_text(step);
                self.add(step, say(format!("Step {}/{total} : {text}", step + 1)));
                self.add(step, say("\n"));
                self.flush()
            }
            Event::Cached(step) => {
                self.waiting.entry(step).or_default().cached = true;
                self.add(step, say(" ---> Using cache\n"));
                self.flush()
            }
            Event::Output(step, stream, bytes) => {
                self.begin_container(step);
                let text = String::from_utf8_lossy(&bytes);
                let text = match stream {
                    Stream::Stdout => text.into_owned(),
                    Stream::Stderr => format!("\x1b[91m{text}\x1b[0m"),
                };
                self.add(step, say(text));
                self.flush()
            }
            Event::Done(step, id) => {
                let runs = self.runs(step) && !self.waiting.entry(step).or_default().cached;
                if runs {
                    self.begin_container(step);
                    if self.removes {
                        let container = self.waiting.entry(step).or_default().container.clone();
                        let text = format!("Removing intermediate container {container}\n");
                        self.add(step, say(text));
                    }
                }
                self.add(step, say(format!(" ---> {}\n", id.short())));
                self.waiting.entry(step).or_default().done = true;
                self.flush()
            }
            // The error at the end says it.
            Event::Failed(..) => Vec::new(),
        }
    }

    fn runs(&self, step: usize) -> bool {
        self.plan.as_ref().is_some_and(|plan| matches!(plan.steps[step].op, Op::Run(_)))
    }

    fn step_text(&self, step: usize) -> String {
        self.plan.as_ref().map(|plan| plan.steps[step].text.clone()).unwrap_or_default()
    }

    /// Says where a command runs, once.
    fn begin_container(&mut self, step: usize) {
        let waiting = self.waiting.entry(step).or_default();
        if waiting.container.is_empty() {
            waiting.container = isopod_base::id::full()[..12].to_owned();
            let text = format!(" ---> Running in {}\n", waiting.container);
            self.add(step, say(text));
        }
    }

    fn add(&mut self, step: usize, message: JsonMessage) {
        let turn = self.turn;
        let waiting = self.waiting.entry(step).or_default();
        if step != turn {
            waiting.bytes += message.stream.len();
            if waiting.bytes > WAITING_BYTES {
                if waiting.bytes - message.stream.len() <= WAITING_BYTES {
                    waiting.messages.push(say("\n[output clipped]\n"));
                }
                return;
            }
        }
        waiting.messages.push(message);
    }

    /// What may be said now: of the step whose turn it is, and of those after it.
    fn flush(&mut self) -> Vec<JsonMessage> {
        let mut messages = Vec::new();
        while let Some(waiting) = self.waiting.get_mut(&self.turn) {
            messages.append(&mut waiting.messages);
            if !waiting.done {
                break;
            }
            self.waiting.remove(&self.turn);
            self.turn += 1;
        }
        messages
    }
}

impl Narrator for Text {
    fn tell(&mut self, progress: BuildProgress) -> Vec<JsonMessage> {
        match progress {
            BuildProgress::ExitCode(_) => Vec::new(),
            BuildProgress::Built(id, names) => {
                if self.quiet {
                    return vec![say(format!("{id}\n"))];
                }
                let mut messages = vec![JsonMessage {
                    aux: Some(serde_json::json!({ "ID": id })),
                    ..JsonMessage::default()
                }];
                let short: String = id.trim_start_matches("sha256:").chars().take(12).collect();
                messages.push(say(format!("Successfully built {short}\n")));
                for name in names {
                    messages.push(say(format!("Successfully tagged {name}\n")));
                }
                messages
            }
            BuildProgress::Pull(_) | BuildProgress::Event(_) if self.quiet => Vec::new(),
            BuildProgress::Pull(step) => vec![image::progress(step)],
            BuildProgress::Event(event) => self.event(event),
        }
    }
}
