//! Figures of the state by itself: `cargo run --release -p isopod-mvcc --example figures [KEYS]`.
//! One thread, no log, no network; keys of 32 bytes, values of 256. Times are of the processor,
//! so that other work on the machine counts little.

#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isopod_mvcc::*;

fn main() {
    isopod_sys::allocator::map_allocations_from(128 << 10).expect("a valid border");
    let keys: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut bench = Bench { state: State::new(), keys, index: 0 };
    let idle = resident_bytes();
    bench.rate("put, new keys in no order", keys, |bench, number| bench.put(scatter(number)));
    let full = resident_bytes();
    let raw = keys * (32 + 256);
    println!(
        "resident: {} MiB, {} bytes a key beyond key and value",
        (full - idle) >> 20,
        (full - idle).saturating_sub(raw) / keys
    );
    bench.rate("put, existing keys", keys / 2, |bench, number| bench.put(scatter(number * 7)));
    bench.rate("create (transaction)", keys / 10, |bench, number| bench.create(keys + number));
    bench.rate("get", keys, |bench, number| {
        black_box(bench.state.range(&RangeRequest::new(KeyRange::single(key(scatter(number))))))
            .expect("newest");
    });
    bench.rate("list of 500 keys", keys / 500, |bench, number| {
        let range = KeyRange::new(key(scatter(number)), vec![0]);
        let request = RangeRequest { limit: 500, ..RangeRequest::new(range) };
        black_box(bench.state.range(&request)).expect("newest");
    });
    bench.rate("count of all keys", 100, |bench, _| {
        let request = RangeRequest { count_only: true, ..RangeRequest::new(KeyRange::all()) };
        black_box(bench.state.range(&request)).expect("newest");
    });
    bench.fan_out(100, 20_000);
    bench.snapshot();
    bench.compact();
    println!("resident at the end: {} MiB", (resident_bytes() - idle) >> 20);
}

struct Bench {
    state: State,
    keys: u64,
    index: u64,
}

impl Bench {
    fn rate(&mut self, what: &str, times: u64, mut each: impl FnMut(&mut Self, u64)) {
        let start = processor_time();
        (0..times).for_each(|number| each(self, number));
        let took = (processor_time() - start).as_secs_f64();
        println!("{what}: {:.0} /s, {:.2} µs each", times as f64 / took, took * 1e6 / times as f64);
    }

    fn apply(&mut self, request: Request) -> Outcome {
        self.index += 1;
        self.state.apply(self.index, 1, &Command::internal(request))
    }

    fn put(&mut self, number: u64) {
        black_box(self.apply(Request::Put(put(number % (2 * self.keys)))));
    }

    /// As Kubernetes does it: if the key does not exist, put it.
    fn create(&mut self, number: u64) {
        let compare = Compare {
            range: KeyRange::single(key(number)),
            result: CompareResult::Equal,
            target: CompareTarget::ModRevision(0),
        };
        let success = vec![Operation::Put(put(number))];
        let txn = TxnRequest { compare: vec![compare], success, failure: vec![] };
        black_box(self.apply(Request::Txn(txn)));
    }

    fn fan_out(&mut self, watches: u64, puts: u64) {
        let mut hub = WatchHub::new(&self.state);
        let window = Arc::new(Window::new(usize::MAX / 2));
        for _ in 0..watches {
            let request = WatchRequest::new(KeyRange::prefix("/registry/"));
            hub.watch(&self.state, &request, window.clone());
        }
        let (mut delivered, mut batches) = (0, Vec::new());
        for number in 0..puts {
            let batch = self.apply(Request::Put(put(number))).events.expect("a put");
            batches.push(batch);
        }
        let start = processor_time();
        for batch in &batches {
            for delivery in hub.publish(batch) {
                if let Delivery::Events { watches, .. } = delivery {
                    delivered += watches.len();
                }
            }
        }
        let spent = (processor_time() - start).as_nanos() as f64;
        println!("watch, {watches} on a prefix: {:.1} ns an event", spent / delivered as f64);
    }

    fn snapshot(&self) {
        let start = Instant::now();
        let snapshot = self.state.snapshot();
        println!("snapshot taken in {:.1?} of the clock", start.elapsed());
        let start = processor_time();
        let chunks: Vec<_> = snapshot.chunks().collect();
        let bytes: usize = chunks.iter().map(|chunk| chunk.len()).sum();
        println!(
            "snapshot written to memory: {} MiB in {:.1?}",
            bytes >> 20,
            processor_time().saturating_sub(start)
        );
        let start = processor_time();
        let mut restore = Restore::new();
        chunks.into_iter().for_each(|chunk| restore.push(chunk).expect("a chunk of a snapshot"));
        let state = restore.finish().expect("a whole snapshot");
        println!(
            "restored {} keys in {:.1?}",
            state.key_count(),
            processor_time().saturating_sub(start)
        );
    }

    fn compact(&mut self) {
        let (held, _) = self.state.size_bytes();
        self.apply(Request::Compact(self.state.revision())).result.expect("not compacted yet");
        let (start, mut steps) = (processor_time(), Vec::new());
        loop {
            let before = Instant::now();
            let done = self.state.compact_step(256);
            steps.push(before.elapsed());
            if done {
                break;
            }
        }
        let spent = processor_time() - start;
        steps.sort_unstable();
        let part = |per_mille: usize| steps[(steps.len() - 1) * per_mille / 1000];
        let (left, in_use) = self.state.size_bytes();
        println!(
            "compaction: {} steps in {spent:.1?}; {} to {} MiB, {} in use",
            steps.len(),
            held >> 20,
            left >> 20,
            in_use >> 20
        );
        println!("a step by the clock: median {:.1?}, 99.9% {:.1?}", part(500), part(999));
    }
}

fn key(number: u64) -> Vec<u8> {
    format!("/registry/pods/default/{number:09}").into_bytes()
}

fn put(number: u64) -> PutRequest {
    PutRequest { key: key(number).into(), value: vec![b'v'; 256].into(), ..PutRequest::default() }
}

/// Another order of the numbers below a million or so.
fn scatter(number: u64) -> u64 {
    number.wrapping_mul(982_451_653) % 1_000_003
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// What this thread has used of a processor.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0))
}
