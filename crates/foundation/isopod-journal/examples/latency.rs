//! Prints how long a commit takes, alone and with eight threads: `cargo run --release --example latency [DIR]`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use isopod_journal::{Batch, Journal};

const COMMITS: u32 = 500;

#[allow(clippy::print_stdout, reason = "printing is what this example is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir =
        std::env::args_os().nth(1).map_or_else(|| PathBuf::from("latency-journal"), PathBuf::from);
    let journal = Arc::new(Journal::open(&dir)?);
    for threads in [1, 8] {
        let begin = Instant::now();
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let journal = Arc::clone(&journal);
                std::thread::spawn(move || {
                    (0..COMMITS).try_for_each(|n| {
                        journal.commit(
                            Batch::new().put(format!("{worker}/{}", n % 100), vec![7; 2000]),
                        )
                    })
                })
            })
            .collect();
        for worker in workers {
            worker.join().expect("no panic")?;
        }
        let each = begin.elapsed() / COMMITS;
        println!(
            "{threads} threads: {each:?} a commit as each sees it, {threads} commits in that time"
        );
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
