//! Several cases at a time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{Record, Report};

/// Runs cases on `jobs` threads; those that are `alone` run after the others, one by one. The
/// report has them in their own order. `record` gets a case's place in it, too.
pub fn run_all<C: Send + Sync>(
    cases: Vec<C>,
    jobs: usize,
    alone: impl Fn(&C) -> bool,
    record: impl Fn(usize, &C) -> Record + Sync,
) -> Report {
    let (alone, together): (Vec<_>, Vec<_>) =
        cases.into_iter().enumerate().partition(|(_, case)| alone(case));
    let records = Mutex::new(Vec::new());
    let queue = Mutex::new(VecDeque::from(together));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((number, case)) = next else { break };
                    let record = record(number, &case);
                    records.lock().unwrap_or_else(PoisonError::into_inner).push((number, record));
                }
            });
        }
    });
    let mut records = records.into_inner().unwrap_or_else(PoisonError::into_inner);
    records.extend(alone.iter().map(|(number, case)| (*number, record(*number, case))));
    records.sort_by_key(|(number, _)| *number);
    Report { records: records.into_iter().map(|(_, record)| record).collect() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Outcome;
    use super::*;

    #[test]
    fn the_report_is_in_the_order_of_the_cases() {
        let cases: Vec<usize> = (0..20).collect();
        let report = run_all(
            cases,
            3,
            |case| case % 7 == 0,
            |number, case| {
                assert_eq!(number, *case);
                Record { name: case.to_string(), outcome: Outcome::Passed, time: Duration::ZERO }
            },
        );
        let names: Vec<_> = report.records.iter().map(|record| record.name.clone()).collect();
        assert_eq!(names, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}
