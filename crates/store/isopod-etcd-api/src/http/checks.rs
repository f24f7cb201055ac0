//! What makes a member healthy.

use std::fmt::Write;
use std::time::Duration;

use isopod_mvcc::AlarmKind;

use crate::api::Api;

/// A read that takes longer is no read.
const READ_TIMEOUT: Duration = Duration::from_secs(7);

const LIVEZ: &[&str] = &["serializable_read"];
const READYZ: &[&str] =
    &["data_corruption", "linearizable_read", "non_learner", "serializable_read"];

/// The checks that a path means: all of `/livez` or `/readyz`, or the one that it names.
fn checks(path: &str) -> Option<Vec<&'static str>> {
    let (all, rest) = match path.strip_prefix("/livez") {
        Some(rest) => (LIVEZ, rest),
        None => (READYZ, path.strip_prefix("/readyz")?),
    };
    if rest.is_empty() {
        return Some(all.to_vec());
    }
    let wanted = rest.strip_prefix('/')?;
    all.iter().find(|name| **name == wanted).map(|name| vec![*name])
}

pub(super) fn is_check(path: &str) -> bool {
    checks(path).is_some()
}

/// A line for each check; an error if one of them failed.
pub(super) async fn run(api: &Api, path: &str, excluded: &[&str]) -> Result<String, String> {
    let mut report = String::new();
    let mut healthy = true;
    for name in checks(path).unwrap_or_default() {
        if excluded.contains(&name) {
            continue;
        }
        let line = match check(api, name).await {
            Ok(()) => writeln!(report, "[+]{name} ok"),
            Err(reason) => {
                healthy = false;
                writeln!(report, "[-]{name} failed: {reason}")
            }
        };
        line.expect("writing to a string cannot fail");
    }
    if healthy { Ok(report) } else { Err(report) }
}

async fn check(api: &Api, name: &str) -> Result<(), String> {
    match name {
        "data_corruption" => {
            let corrupt = api
                .store
                .with_state(|state| state.alarms().any(|alarm| alarm.kind == AlarmKind::Corrupt));
            match corrupt {
                true => Err("alarm activated: CORRUPT".to_owned()),
                false => Ok(()),
            }
        }
        "linearizable_read" => linearizable_read(api).await,
        "non_learner" if api.store.status().learner => Err("not supported for learner".to_owned()),
        // A member that answers at all reads what it has.
        _ => Ok(()),
    }
}

async fn linearizable_read(api: &Api) -> Result<(), String> {
    match tokio::time::timeout(READ_TIMEOUT, api.store.barrier()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(crate::grpc::Status::from(error).message.into_owned()),
        Err(_) => Err("context deadline exceeded".to_owned()),
    }
}

/// Why the member is not healthy, if it is not.
pub(super) async fn unhealthy(api: &Api, serializable: bool, excluded: &[&str]) -> Option<String> {
    for alarm in api.store.with_state(|state| state.alarms().collect::<Vec<_>>()) {
        let name = match alarm.kind {
            AlarmKind::NoSpace => "NOSPACE",
            AlarmKind::Corrupt => "CORRUPT",
        };
        if !excluded.contains(&name) {
            return Some(format!("ALARM {name}"));
        }
    }
    if serializable {
        return None;
    }
    if api.store.status().leader == 0 {
        return Some("RAFT NO LEADER".to_owned());
    }
    linearizable_read(api).await.err().map(|reason| format!("RANGE ERROR:{reason}"))
}
