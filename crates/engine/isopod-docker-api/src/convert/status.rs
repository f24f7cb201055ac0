//! The status column of a container list: `Up 3 seconds (healthy)`.

use isopod_base::times::Timestamp;
use isopod_base::units::human_duration;
use isopod_engine::{ContainerState, HealthStatus, Status};

/// What a user reads of a container's state.
pub(crate) fn text(state: &ContainerState, now: Timestamp) -> String {
    let since = |time: Option<Timestamp>| {
        time.map_or_else(
            || "Less than a second".to_owned(),
            |time| human_duration(time.elapsed_at(now)),
        )
    };
    match state.status {
        Status::Created => "Created".to_owned(),
        Status::Running => match &state.health {
            None => format!("Up {}", since(state.started_at)),
            Some(health) => {
                let health = match health.status {
                    HealthStatus::Starting => "health: starting",
                    other => other.as_str(),
                };
                format!("Up {} ({health})", since(state.started_at))
            }
        },
        Status::Paused => format!("Up {} (Paused)", since(state.started_at)),
        Status::Restarting => {
            format!("Restarting ({}) {} ago", state.exit_code, since(state.finished_at))
        }
        Status::Removing => "Removal In Progress".to_owned(),
        Status::Dead => "Dead".to_owned(),
        Status::Exited => format!("Exited ({}) {} ago", state.exit_code, since(state.finished_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let second = 1_000_000_000;
        let now = Timestamp::from_nanos(1000 * second);
        let mut state = ContainerState {
            status: Status::Running,
            started_at: Some(Timestamp::from_nanos(997 * second)),
            ..ContainerState::default()
        };
        assert_eq!(text(&state, now), "Up 3 seconds");
        state.status = Status::Paused;
        assert_eq!(text(&state, now), "Up 3 seconds (Paused)");
        state.status = Status::Exited;
        state.exit_code = 137;
        state.finished_at = Some(Timestamp::from_nanos(880 * second));
        assert_eq!(text(&state, now), "Exited (137) 2 minutes ago");
    }
}
