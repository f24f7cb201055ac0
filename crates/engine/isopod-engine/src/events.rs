//! Events: told to listeners as they happen, the last ones remembered.

use crate::error::Result;
use crate::{Engine, Event, EventType, SubscribeEvents};
use isopod_base::times::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{broadcast, mpsc};

/// How many events are remembered, and how many a listener may lag behind.
const REMEMBERED: usize = 1024;

/// The events of an engine.
#[derive(Debug)]
pub(crate) struct Events {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    past: VecDeque<Arc<Event>>,
    sender: Option<broadcast::Sender<Arc<Event>>>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            inner: Mutex::new(Inner {
                past: VecDeque::new(),
                sender: Some(broadcast::channel(REMEMBERED).0),
            }),
        }
    }
}

impl Events {
    pub(crate) fn emit(
        &self,
        kind: EventType,
        action: String,
        actor_id: String,
        attributes: BTreeMap<String, String>,
    ) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Arc::new(Event {
            kind,
            action,
            actor_id,
            attributes,
            // Taken under the lock, so that the order is that of the times.
            time: Timestamp::now(),
        });
        if inner.past.len() == REMEMBERED {
            inner.past.pop_front();
        }
        inner.past.push_back(Arc::clone(&event));
        if let Some(sender) = &inner.sender {
            // Nobody listening is no error.
            let _ = sender.send(event);
        }
    }

    pub(crate) fn listeners(&self) -> usize {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sender.as_ref().map_or(0, broadcast::Sender::receiver_count)
    }

    /// Ends all listening.
    pub(crate) fn close(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).sender = None;
    }

    /// What is remembered from `since` on, and what comes; no event between is missed.
    fn listen(
        &self,
        since: Option<Timestamp>,
    ) -> (Vec<Arc<Event>>, Option<broadcast::Receiver<Arc<Event>>>) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let past = match since {
            Some(since) => inner.past.iter().filter(|event| event.time >= since).cloned().collect(),
            None => Vec::new(),
        };
        (past, inner.sender.as_ref().map(broadcast::Sender::subscribe))
    }
}

impl Engine {
    /// Remembered events as asked for, then those that come. A listener that lags behind by more
    /// than 1024 events is cut off.
    pub async fn events(&self, request: SubscribeEvents) -> Result<mpsc::Receiver<Event>> {
        let since = match (request.since, request.until) {
            // Docker tells the past when only its end is given.
            (None, Some(until)) if until <= Timestamp::now() => Some(Timestamp::default()),
            (since, _) => since,
        };
        let (past, live) = self.events.listen(since);
        let (sender, receiver) = mpsc::channel(64);
        tokio::spawn(tell(request, past, live, sender));
        Ok(receiver)
    }
}

async fn tell(
    request: SubscribeEvents,
    past: Vec<Arc<Event>>,
    live: Option<broadcast::Receiver<Arc<Event>>>,
    sender: mpsc::Sender<Event>,
) {
    let wanted = |event: &Event| {
        request.until.is_none_or(|until| event.time <= until) && matches(event, &request.filters)
    };
    for event in past {
        if wanted(&event) && sender.send((*event).clone()).await.is_err() {
            return;
        }
    }
    let Some(mut live) = live else {
        return;
    };
    let left = request.until.map(|until| Timestamp::now().nanos() - until.nanos());
    let deadline = left.map(|nanos| {
        let wait = u64::try_from(-nanos).unwrap_or(0);
        tokio::time::Instant::now() + std::time::Duration::from_nanos(wait)
    });
    loop {
        let end = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = live.recv() => match event {
                Ok(event) => {
                    if wanted(&event) && sender.send((*event).clone()).await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            },
            () = end => return,
            () = sender.closed() => return,
        }
    }
}

/// Whether an event passes Docker's filters.
fn matches(event: &Event, filters: &crate::Filters) -> bool {
    filters.iter().all(|(key, values)| {
        let mut values = values.iter();
        // An event has several labels, but one type, action and actor.
        match key.as_str() {
            "label" => values.all(|value| matches_one(event, key, value)),
            _ => values.len() == 0 || values.any(|value| matches_one(event, key, value)),
        }
    })
}

fn matches_one(event: &Event, key: &str, value: &str) -> bool {
    let attribute = |name: &str| event.attributes.get(name).map(String::as_str);
    let named = |kind: EventType| {
        event.kind == kind
            && (event.actor_id == value
                || (value.len() >= 12 && event.actor_id.starts_with(value))
                || attribute("name") == Some(value))
    };
    match key {
        "type" => event.kind.as_str() == value,
        "event" => {
            // `exec_create: ls -l` is found by `exec_create`.
            event.action == value || event.action.split(':').next() == Some(value)
        }
        "container" => named(EventType::Container),
        "volume" => named(EventType::Volume),
        "network" => named(EventType::Network),
        "daemon" => named(EventType::Daemon),
        "image" => {
            named(EventType::Image)
                || attribute("image").is_some_and(|image| {
                    image == value || image.rsplit_once(':').is_some_and(|(name, _)| name == value)
                })
        }
        "label" => match value.split_once('=') {
            Some((label, wanted)) => attribute(label) == Some(wanted),
            None => event.attributes.contains_key(value),
        },
        "scope" => value == "local",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str) -> Event {
        Event {
            kind: EventType::Container,
            action: action.into(),
            actor_id: "0123456789abcdef".into(),
            attributes: BTreeMap::from([
                ("name".into(), "web".into()),
                ("image".into(), "nginx:1".into()),
                ("tier".into(), "front".into()),
            ]),
            time: Timestamp::now(),
        }
    }

    #[test]
    fn filters_are_docker_s() {
        let event = event("exec_create: ls");
        for (key, value, expected) in [
            ("type", "container", true),
            ("type", "image", false),
            ("event", "exec_create", true),
            ("event", "exec", false),
            ("container", "web", true),
            ("container", "0123456789ab", true),
            ("container", "other", false),
            ("image", "nginx:1", true),
            ("image", "nginx", true),
            ("label", "tier", true),
            ("label", "tier=front", true),
            ("label", "tier=back", false),
            ("bogus", "x", false),
        ] {
            let filters = crate::Filters::from([(key.to_owned(), vec![value.to_owned()])]);
            assert_eq!(matches(&event, &filters), expected, "{key}={value}");
        }
    }
}
