//! How fast a store of one member is in-process: `durable_puts DIR [WRITERS] [SECONDS]`.
//!
//! Every writer proposes a put of 256 bytes, waits until it is durable and applied, and proposes
//! the next.

#![allow(clippy::print_stdout, reason = "figures are what it is for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use isopod_mvcc::{Command, PutRequest, Request};
use isopod_store::{Store, StoreConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let dir = words.next().ok_or("durable_puts DIR [WRITERS] [SECONDS]")?;
    let writers: u64 = words.next().map_or(Ok(1000), |word| word.parse())?;
    let seconds: u64 = words.next().map_or(Ok(5), |word| word.parse())?;
    let opening = Instant::now();
    let store = Store::open(StoreConfig::new(dir))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    runtime.block_on(store.wait_ready())?;
    println!("opened in {:?}", opening.elapsed());
    let puts = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (store, puts) = (store.clone(), Arc::clone(&puts));
            runtime.spawn(async move {
                while Instant::now() < end {
                    let number = puts.fetch_add(1, Ordering::Relaxed);
                    let key = format!("/registry/{writer}/{:08}", number % 1_000_000);
                    let put = PutRequest {
                        key: key.into(),
                        value: Bytes::from_static(&[b'v'; 256]),
                        ..PutRequest::default()
                    };
                    let command = Command::internal(Request::Put(put));
                    if let Err(error) = store.propose(command).await {
                        println!("{error}");
                        return;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task)?;
    }
    let (puts, elapsed) = (puts.load(Ordering::Relaxed), began.elapsed());
    println!("{puts} puts, {:.0}/s, {:?} each in turn", puts as f64 / elapsed.as_secs_f64(), {
        elapsed.mul_f64(writers as f64 / puts.max(1) as f64)
    });
    Ok(())
}
