//! Events.

use isopod_docker_types as wire;
use isopod_engine as domain;

/// An event on the wire, with the legacy fields where Docker still writes them.
pub(crate) fn message(event: domain::Event) -> wire::EventMessage {
    let legacy = matches!(event.kind, domain::EventType::Container | domain::EventType::Image);
    let legacy_text = |text: &str| if legacy { text.to_owned() } else { String::new() };
    let from = match event.kind {
        domain::EventType::Container => event.attributes.get("image").cloned().unwrap_or_default(),
        _ => String::new(),
    };
    wire::EventMessage {
        status: legacy_text(&event.action),
        id: legacy_text(&event.actor_id),
        from,
        kind: event.kind.as_str().into(),
        action: event.action,
        actor: wire::EventActor { id: event.actor_id, attributes: event.attributes },
        scope: "local".into(),
        time: event.time.seconds(),
        time_nano: i64::try_from(event.time.nanos()).unwrap_or(i64::MAX),
    }
}
