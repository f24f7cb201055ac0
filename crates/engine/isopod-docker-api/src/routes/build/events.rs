//! A build told event by event, for clients that draw it themselves.

use super::Narrator;
use crate::convert::image;
use isopod_build::{Event, Stream};
use isopod_docker_types::{BUILD_EVENT_ID, BuildEvent, BuildStepInfo, JsonMessage};
use isopod_engine::BuildProgress;

/// Passes everything on.
pub(super) struct Events;

impl Narrator for Events {
    fn tell(&mut self, progress: BuildProgress) -> Vec<JsonMessage> {
        let event = match progress {
            BuildProgress::Pull(step) => return vec![image::progress(step)],
            BuildProgress::ExitCode(_) => return Vec::new(),
            BuildProgress::Built(id, names) => BuildEvent::Built(id, names),
            BuildProgress::Event(event) => convert(event),
        };
        let aux = serde_json::to_value(event).expect("plain data");
        vec![JsonMessage {
            id: BUILD_EVENT_ID.to_owned(),
            aux: Some(aux),
            ..JsonMessage::default()
        }]
    }
}

fn convert(event: Event) -> BuildEvent {
    match event {
        Event::Planned(plan) => BuildEvent::Plan(
            plan.steps
                .iter()
                .map(|step| BuildStepInfo {
                    stage: plan.stages[step.stage].name.clone(),
                    text: step.text.clone(),
                    lines: step.lines,
                })
                .collect(),
        ),
        Event::Started(step) => BuildEvent::Started(step),
        Event::Cached(step) => BuildEvent::Cached(step),
        Event::Output(step, stream, bytes) => {
            let descriptor = if stream == Stream::Stdout { 1 } else { 2 };
            BuildEvent::Output(step, descriptor, String::from_utf8_lossy(&bytes).into_owned())
        }
        Event::Done(step, id) => BuildEvent::Done(step, id.to_string()),
        Event::Failed(step, message) => BuildEvent::Failed(step, message),
        Event::Warning(text) => BuildEvent::Warning(text),
    }
}
