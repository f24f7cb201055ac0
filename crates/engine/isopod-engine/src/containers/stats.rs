//! What containers use.

use super::Container;
use crate::engine::blocking;
use crate::error::Result;
use crate::system::total_memory;
use crate::{Engine, NetworkMode, NetworkStats, Stats};
use isopod_base::times::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

const INTERVAL: Duration = Duration::from_secs(1);

/// A reading of the counters.
#[derive(Clone, Debug)]
struct Reading {
    time: Timestamp,
    cgroup: Option<isopod_cgroups::Stats>,
    system_cpu_ns: u64,
    networks: Vec<(String, NetworkStats)>,
}

impl Engine {
    /// With `stream` a sample a second until the container is removed; otherwise one, with
    /// `one_shot` at once and without a sample before it.
    pub async fn container_stats(
        self: &Arc<Self>,
        name: &str,
        stream: bool,
        one_shot: bool,
    ) -> Result<mpsc::Receiver<Result<Stats>>> {
        let container = self.containers.find(name)?;
        let (sender, receiver) = mpsc::channel(2);
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            let mut before: Option<Reading> = None;
            if !stream && !one_shot && container.status().is_alive() {
                before = engine.read_counters(&container).await.ok();
                tokio::time::sleep(INTERVAL).await;
            }
            loop {
                let sample = match engine.read_counters(&container).await {
                    Ok(reading) => {
                        let stats = stats(&container, &reading, before.as_ref());
                        before = Some(reading);
                        Ok(stats)
                    }
                    Err(error) => Err(error),
                };
                let failed = sample.is_err();
                if sender.send(sample).await.is_err() || failed || !stream {
                    return;
                }
                let mut life = container.life.subscribe();
                tokio::select! {
                    () = tokio::time::sleep(INTERVAL) => {}
                    _ = life.wait_for(|life| life.removed) => return,
                    () = sender.closed() => return,
                }
            }
        });
        Ok(receiver)
    }

    async fn read_counters(&self, container: &Arc<Container>) -> Result<Reading> {
        let runtime = self.runtime.clone();
        let record = container.record();
        blocking(move || {
            let alive = record.state.status.is_alive();
            // One that ends this moment uses nothing.
            let cgroup =
                alive.then(|| runtime.load(&record.id).ok()?.cgroup().ok()?.stats().ok()).flatten();
            let networks = if alive && record.host.network_mode != NetworkMode::Host {
                networks(record.state.pid)
            } else {
                Vec::new()
            };
            Ok(Reading { time: Timestamp::now(), cgroup, system_cpu_ns: system_cpu_ns(), networks })
        })
        .await
    }
}

fn stats(container: &Container, reading: &Reading, before: Option<&Reading>) -> Stats {
    let host = total_memory();
    let limit = reading.cgroup.as_ref().map_or(0, |cgroup| cgroup.memory.usage.limit);
    Stats {
        id: container.id.clone(),
        name: container.name(),
        read: reading.time,
        preread: before.map(|before| before.time),
        cgroup: reading.cgroup.clone(),
        precgroup: before.and_then(|before| before.cgroup.clone()),
        system_cpu_ns: reading.system_cpu_ns,
        presystem_cpu_ns: before.map_or(0, |before| before.system_cpu_ns),
        online_cpus: u32::try_from(std::thread::available_parallelism().map_or(1, usize::from))
            .unwrap_or(1),
        memory_limit_bytes: if limit == 0 { host } else { limit.min(host) },
        networks: reading.networks.clone(),
    }
}

/// CPU time of the host since it booted: the first line of `/proc/stat`, in ticks of 10 ms.
fn system_cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: u64 = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(1)
        .take(7)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    ticks * 10_000_000
}

fn networks(pid: i32) -> Vec<(String, NetworkStats)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap_or_default();
    text.lines()
        .skip(2)
        .filter_map(|line| {
            let (name, counters) = line.split_once(':')?;
            let n: Vec<u64> =
                counters.split_ascii_whitespace().filter_map(|field| field.parse().ok()).collect();
            let [
                rx_bytes,
                rx_packets,
                rx_errors,
                rx_dropped,
                _,
                _,
                _,
                _,
                tx_bytes,
                tx_packets,
                tx_errors,
                tx_dropped,
                ..,
            ] = n[..]
            else {
                return None;
            };
            let stats = NetworkStats {
                rx_bytes,
                rx_packets,
                rx_errors,
                rx_dropped,
                tx_bytes,
                tx_packets,
                tx_errors,
                tx_dropped,
            };
            Some((name.trim().to_owned(), stats))
        })
        .filter(|(name, _)| name != "lo")
        .collect()
}
