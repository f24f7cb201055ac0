//! Behaviour, crashes at every byte and at every step, and damage.

use std::sync::Arc;

use super::*;

fn contents(journal: &Journal) -> Vec<(String, Vec<u8>)> {
    journal.scan("").into_iter().map(|(key, value)| (key, value.to_vec())).collect()
}

fn open(dir: &Path) -> Journal {
    Journal::open(dir).expect("opens")
}

fn log_file(dir: &Path) -> PathBuf {
    let generation = checkpoint::newest(dir).expect("reads").expect("has one");
    log::path(dir, generation)
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = open(dir.path());
    journal
        .commit(Batch::new().put("a/1", *b"one").put("a/2", *b"two").put("b", *b""))
        .expect("commits");
    journal.commit(Batch::new().delete("a/1").put("a/2", *b"zwei")).expect("commits");
    let before = contents(&journal);
    assert_eq!(before, [("a/2".into(), b"zwei".to_vec()), ("b".into(), Vec::new())]);
    drop(journal);
    let journal = open(dir.path());
    assert_eq!(contents(&journal), before);
    assert_eq!(journal.scan("a/").len(), 1);
    journal.commit(Batch::new().put("c", *b"3")).expect("goes on after reopening");
}

#[test]
fn a_second_opening_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let _journal = open(dir.path());
    let error = Journal::open(dir.path()).expect_err("in use");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
}

#[test]
fn many_threads_commit_together() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = Arc::new(open(dir.path()));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let journal = Arc::clone(&journal);
            std::thread::spawn(move || {
                for number in 0..50 {
                    let key = format!("{thread}/{number}");
                    journal.commit(Batch::new().put(key, vec![thread; 100])).expect("commits");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    let before = contents(&journal);
    assert_eq!(before.len(), 400);
    drop(journal);
    assert_eq!(contents(&open(dir.path())), before);
}

/// Cuts the last frame at every byte: the reopened map is the one before it, or, whole, after it.
#[test]
fn a_frame_cut_at_any_byte_is_dropped_whole() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = open(dir.path());
    journal.commit(Batch::new().put("kept", *b"yes")).expect("commits");
    let start = journal.lock_queue().log.as_ref().expect("idle").used() as usize;
    journal.commit(Batch::new().put("last", *b"frame").delete("kept")).expect("commits");
    let end = journal.lock_queue().log.as_ref().expect("idle").used() as usize;
    let after = contents(&journal);
    drop(journal);
    let whole = fs::read(log_file(dir.path())).expect("reads");
    let checkpoint = fs::read(dir.path().join("checkpoint-0000000000000001")).expect("reads");
    for cut in start..=end {
        let copy = tempfile::tempdir().expect("temporary directory");
        let mut bytes = whole.clone();
        bytes[cut..].fill(0);
        fs::write(copy.path().join("checkpoint-0000000000000001"), &checkpoint).expect("writes");
        fs::write(copy.path().join("log-0000000000000001"), &bytes).expect("writes");
        let journal = open(copy.path());
        // The frame's last bytes may be zeros themselves: then it is whole before the last cut.
        if contents(&journal) != after {
            assert!(cut < end, "the whole frame counts");
            assert_eq!(contents(&journal), [("kept".to_owned(), b"yes".to_vec())], "cut at {cut}");
        }
        journal.commit(Batch::new().put("next", *b"1")).expect("goes on");
        drop(journal);
        assert!(open(copy.path()).get("next").is_some(), "cut at {cut}");
    }
}

#[test]
fn damage_to_acknowledged_frames_is_an_error_and_not_a_loss() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = open(dir.path());
    journal.commit(Batch::new().put("first", *b"1")).expect("commits");
    journal.commit(Batch::new().put("second", *b"2")).expect("commits");
    drop(journal);
    let path = log_file(dir.path());
    let whole = fs::read(&path).expect("reads");
    for at in 16..16 + frame::HEADER_BYTES + 15 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(&path, &bytes).expect("writes");
        let error = Journal::open(dir.path()).expect_err("damaged");
        assert!(matches!(error, Error::Damaged { offset: 16, .. }), "byte {at}: {error}");
    }
}

/// Builds the directory as it is after each step of a checkpoint and opens it.
#[test]
fn a_checkpoint_cut_after_any_step_loses_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = open(dir.path());
    journal.commit(Batch::new().put("a", *b"1").put("b", *b"2")).expect("commits");
    let before = contents(&journal);
    let map = journal.map.read().expect("not poisoned").clone();
    drop(journal);
    let steps: [fn(&Path, &Map); 3] = [
        |dir, _| drop(Log::create(dir, 2, 1).expect("creates")),
        |dir, _| fs::write(dir.join(".checkpoint-0000000000000002.abc"), b"half").expect("writes"),
        |dir, map| checkpoint::write(dir, 2, 1, map).expect("writes"),
    ];
    for count in 0..=steps.len() {
        let copy = tempfile::tempdir().expect("temporary directory");
        for name in ["checkpoint-0000000000000001", "log-0000000000000001"] {
            fs::copy(dir.path().join(name), copy.path().join(name)).expect("copies");
        }
        for step in &steps[..count] {
            step(copy.path(), &map);
        }
        let journal = open(copy.path());
        assert_eq!(contents(&journal), before, "after {count} steps");
        journal.commit(Batch::new().put("c", *b"3")).expect("goes on");
        assert_eq!(fs::read_dir(copy.path()).expect("lists").count(), 3, "after {count} steps");
    }
}

#[test]
fn a_grown_log_is_replaced() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = open(dir.path());
    for number in 0..12u8 {
        journal.commit(Batch::new().put("same", vec![number; 512 << 10])).expect("commits");
    }
    assert!(journal.lock_queue().log.as_ref().expect("idle").generation() > 1);
    drop(journal);
    assert_eq!(open(dir.path()).get("same").expect("there")[0], 11);
}

#[test]
fn oversized_changes_are_refused_and_change_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let journal = open(dir.path());
    let error = journal
        .commit(Batch::new().put("fine", *b"1").put("k".repeat(5000), *b""))
        .expect_err("key too long");
    assert!(error.to_string().contains("key of 5000 bytes"), "{error}");
    assert!(journal.get("fine").is_none());
}
