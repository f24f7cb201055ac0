//! Growing waits between tries.

use std::time::Duration;

/// Exponential backoff with jitter: each wait doubles up to a ceiling, and a wait is spread
/// over the upper half of its length so that many clients do not come back at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    ceiling: Duration,
    seed: u64,
}

impl Backoff {
    /// Starts with `first`, never waits longer than `ceiling`; `seed` drives the jitter.
    #[must_use]
    pub fn new(first: Duration, ceiling: Duration, seed: u64) -> Self {
        Self { next: first.min(ceiling), ceiling, seed: seed | 1 }
    }

    /// How long to wait before the next try.
    pub fn next_wait(&mut self) -> Duration {
        // xorshift64: quality does not matter here, dependence on the seed alone does.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let wait = self.next;
        self.next = (wait * 2).min(self.ceiling);
        let half = wait / 2;
        let share = (self.seed >> 40) as f64 / f64::from(1u32 << 24);
        half + half.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_ceiling_and_stay_in_the_upper_half() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1), 7);
        for nominal_ms in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.next_wait().as_millis();
            assert!(wait >= nominal_ms / 2 && wait <= nominal_ms, "{wait} of {nominal_ms}");
        }
    }
}
