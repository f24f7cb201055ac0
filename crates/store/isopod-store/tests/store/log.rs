//! The log under power cuts at every step, flipped bits, lost files and a full disk.

use std::path::Path;
use std::sync::Arc;

use isopod_store::log::{Log, LogError, LogOptions, Recovered};
use raft::eraftpb::{Entry, HardState};

use crate::faulty_disk::FaultyDisk;
use crate::random::Random;

const SMALL: LogOptions = LogOptions { segment_bytes: 4096, first_segment_bytes: 2048 };

fn open(disk: &FaultyDisk, applied: (u64, u64)) -> Result<Recovered, LogError> {
    Log::open(Arc::new(disk.clone()), Path::new("/log"), SMALL, applied)
}

fn entry(index: u64, term: u64, size: usize) -> Entry {
    Entry { index, term, data: vec![index as u8; size].into(), ..Entry::default() }
}

fn hard_state(term: u64, commit: u64) -> HardState {
    HardState { term, vote: 1, commit, ..HardState::default() }
}

/// Appends entries 1 to `count`, one at a time.
fn fill(log: &mut Log, count: u64) {
    for index in 1..=count {
        log.append(Some(&hard_state(1, index - 1)), &[entry(index, 1, 300)]).unwrap();
    }
}

fn indexes(recovered: &Recovered) -> Vec<u64> {
    recovered.entries.iter().map(|entry| entry.index).collect()
}

#[test]
fn what_was_appended_is_there_again() {
    let disk = FaultyDisk::default();
    fill(&mut open(&disk, (0, 0)).unwrap().log, 50);
    let recovered = open(&disk, (0, 0)).unwrap();
    assert_eq!(indexes(&recovered), (1..=50).collect::<Vec<_>>());
    assert_eq!(recovered.entries[41], entry(42, 1, 300));
    assert_eq!(recovered.hard_state, hard_state(1, 49));
    assert!(disk.files("log-").len() > 3, "{:?}", disk.files("log-"));
    assert_eq!(indexes(&open(&disk, (47, 1)).unwrap()), [48, 49, 50]);
}

#[test]
fn conflicting_entries_replace_what_was_there() {
    let disk = FaultyDisk::default();
    let mut log = open(&disk, (0, 0)).unwrap().log;
    fill(&mut log, 20);
    log.append(Some(&hard_state(2, 9)), &[entry(11, 2, 10), entry(12, 2, 10)]).unwrap();
    let recovered = open(&disk, (0, 0)).unwrap();
    assert_eq!(indexes(&recovered), (1..=12).collect::<Vec<_>>());
    assert_eq!(recovered.entries[10].term, 2);
}

#[test]
fn a_cut_gives_segments_back_and_uses_one_again() {
    let disk = FaultyDisk::default();
    let mut log = open(&disk, (0, 0)).unwrap().log;
    fill(&mut log, 50);
    let before = disk.files("log-").len();
    log.cut(45).unwrap();
    assert!(disk.files("log-").len() < before);
    assert_eq!(disk.files("spare").len(), 1);
    for index in 51..=80 {
        log.append(None, &[entry(index, 1, 300)]).unwrap();
    }
    assert_eq!(indexes(&open(&disk, (45, 1)).unwrap()), (46..=80).collect::<Vec<_>>());
}

#[test]
fn a_restart_leaves_nothing_of_before() {
    let disk = FaultyDisk::default();
    let mut log = open(&disk, (0, 0)).unwrap().log;
    fill(&mut log, 10);
    log.restart(&hard_state(3, 100), 100, 3).unwrap();
    log.append(None, &[entry(101, 3, 10)]).unwrap();
    assert_eq!(indexes(&open(&disk, (100, 3)).unwrap()), [101]);
}

#[test]
fn a_checkpoint_from_elsewhere_wins_over_the_log() {
    for applied in [(100, 3), (8, 2)] {
        let disk = FaultyDisk::default();
        fill(&mut open(&disk, (0, 0)).unwrap().log, 10);
        let mut recovered = open(&disk, applied).unwrap();
        assert!(recovered.entries.is_empty());
        recovered.log.append(None, &[entry(applied.0 + 1, 3, 10)]).unwrap();
        assert_eq!(indexes(&open(&disk, applied).unwrap()), [applied.0 + 1]);
    }
}

/// What had been acknowledged when the power went: the terms of the entries, and the last cut.
#[derive(Default)]
struct Acknowledged {
    terms: Vec<u64>,
    cut: u64,
}

/// Runs appends, replacements, spares and cuts until the power fails.
fn run(disk: &FaultyDisk, done: &mut Acknowledged) -> Result<(), LogError> {
    let mut log = open(disk, (0, 0))?.log;
    for round in 1..=4 {
        for _ in 0..8 {
            let index = done.terms.len() as u64 + 1;
            log.append(Some(&hard_state(round, 0)), &[entry(index, round, 300)])?;
            done.terms.push(round);
        }
        let last = done.terms.len() as u64;
        log.append(None, &[entry(last, round + 1, 700)])?;
        done.terms[last as usize - 1] = round + 1;
        let _ = log.spare().prepare();
        done.cut = last - 4;
        log.cut(done.cut)?;
        log.seal()?;
    }
    Ok(())
}

#[test]
fn a_power_cut_at_any_step_loses_nothing_acknowledged() {
    let clean = FaultyDisk::default();
    run(&clean, &mut Acknowledged::default()).unwrap();
    for steps in 0..clean.steps() {
        for seed in 0..8 {
            let disk = FaultyDisk::default();
            disk.fail_after(steps);
            let mut done = Acknowledged::default();
            assert!(run(&disk, &mut done).is_err());
            let mut random = Random::new(seed);
            disk.crash(&mut random);
            check(&disk, &done, &format!("steps {steps}, seed {seed}"), &mut random);
        }
    }
}

/// All that was acknowledged is there, and of the append that was cut all or nothing; a second
/// crash, right after opening, changes nothing.
fn check(disk: &FaultyDisk, done: &Acknowledged, run: &str, random: &mut Random) {
    let cut = done.cut as usize;
    let term_at_cut = if cut == 0 { 0 } else { done.terms[cut - 1] };
    let checkpoint = (done.cut, term_at_cut);
    let recovered = open(disk, checkpoint).unwrap_or_else(|error| panic!("{run}: {error}"));
    let found: Vec<u64> = recovered.entries.iter().map(|entry| entry.term).collect();
    let expected = &done.terms[cut..];
    let appended = found.len() == expected.len() + 1 && found.starts_with(expected);
    let replaced = !found.is_empty()
        && found.len() == expected.len()
        && found[..found.len() - 1] == expected[..found.len() - 1]
        && found.last() == expected.last().map(|term| term + 1).as_ref();
    assert!(found == expected || appended || replaced, "{run}: {found:?} for {expected:?}");
    disk.crash(random);
    assert_eq!(open(disk, checkpoint).unwrap().entries, recovered.entries, "{run}");
}

#[test]
fn a_sync_that_lies_is_seen_by_these_tests() {
    let lost = (0..50).any(|seed| {
        let disk = FaultyDisk::default();
        let mut log = open(&disk, (0, 0)).unwrap().log;
        disk.lie_about_syncs();
        fill(&mut log, 10);
        disk.crash(&mut Random::new(seed));
        open(&disk, (0, 0)).is_ok_and(|recovered| recovered.entries.len() < 10)
    });
    assert!(lost);
}

#[test]
fn every_flipped_bit_is_found_or_harmless() {
    let disk = FaultyDisk::default();
    let mut log = open(&disk, (0, 0)).unwrap().log;
    fill(&mut log, 24);
    log.seal().unwrap();
    drop(log);
    let whole = open(&disk, (0, 0)).unwrap().entries;
    let mut random = Random::new(7);
    for path in disk.files("log-") {
        for offset in 0..disk.content(&path).len() {
            let bit = random.below(8) as u8;
            disk.flip(&path, offset, bit);
            match open(&disk, (0, 0)) {
                Ok(recovered) => assert_eq!(recovered.entries, whole, "{path:?} {offset} {bit}"),
                Err(LogError::Damaged { path: named, offset: at, .. }) => {
                    assert_eq!(named, path);
                    assert!(at <= offset as u64, "said {at}, flipped {offset}");
                }
                Err(other) => panic!("{path:?} {offset} {bit}: {other}"),
            }
            disk.flip(&path, offset, bit);
        }
    }
}

#[test]
fn a_lost_segment_is_named() {
    let disk = FaultyDisk::default();
    fill(&mut open(&disk, (0, 0)).unwrap().log, 50);
    let middle = disk.files("log-")[2].clone();
    disk.lose(&middle);
    let error = open(&disk, (0, 0)).unwrap_err();
    assert!(matches!(&error, LogError::Missing { path } if path == &middle), "{error}");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let disk = FaultyDisk::default();
    let mut log = open(&disk, (0, 0)).unwrap().log;
    disk.set_capacity(Some(7000));
    let mut last = 0;
    let error = loop {
        match log.append(None, &[entry(last + 1, 1, 300)]) {
            Ok(()) => last += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_no_space(), "{error}");
    assert!(log.spare().prepare().is_err());
    assert!(log.room_bytes() < Log::needed_bytes(&[entry(last + 1, 1, 300)]));
    assert_eq!(indexes(&open(&disk, (0, 0)).unwrap()).len() as u64, last);
    disk.set_capacity(None);
    log.append(None, &[entry(last + 1, 1, 300)]).unwrap();
    assert_eq!(indexes(&open(&disk, (0, 0)).unwrap()).len() as u64, last + 1);
}
