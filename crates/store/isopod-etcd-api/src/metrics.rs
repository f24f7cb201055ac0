//! Figures under etcd's names, so that its dashboards and alerts work.

mod process;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use isopod_mvcc::State;

use crate::api::Api;
use crate::grpc::{Code, Status};
use crate::method::{Handler, METHODS, Method};
use crate::version::{CLUSTER_VERSION, SERVER_VERSION};
use text::Text;

const CODES: usize = Code::Unauthenticated as usize + 1;

/// Counts what happens.
pub(crate) struct Metrics {
    methods: Box<[Counts]>,
    pub(crate) health_success: AtomicU64,
    pub(crate) health_failures: AtomicU64,
    pub(crate) watch_streams: Gauge,
    pub(crate) watchers: Gauge,
}

#[derive(Default)]
struct Counts {
    started: AtomicU64,
    handled: [AtomicU64; CODES],
}

/// Something of which there is more or less.
#[derive(Default)]
pub(crate) struct Gauge(AtomicI64);

impl Gauge {
    pub(crate) fn add(&self, count: i64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A call that was begun; dropped without an end it counts as cancelled.
pub(crate) struct Observed {
    metrics: Arc<Metrics>,
    index: usize,
    code: Code,
}

impl Observed {
    pub(crate) fn finished(mut self, failure: Option<&Status>) {
        self.code = failure.map_or(Code::Ok, |status| status.code);
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let handled = &self.metrics.methods[self.index].handled;
        handled[self.code as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            methods: METHODS.iter().map(|_| Counts::default()).collect(),
            health_success: AtomicU64::new(0),
            health_failures: AtomicU64::new(0),
            watch_streams: Gauge::default(),
            watchers: Gauge::default(),
        }
    }

    pub(crate) fn call_started(self: &Arc<Self>, method: &'static Method) -> Observed {
        let index = METHODS.iter().position(|it| std::ptr::eq(it, method)).unwrap_or_default();
        self.methods[index].started.fetch_add(1, Ordering::Relaxed);
        Observed { metrics: self.clone(), index, code: Code::Cancelled }
    }

    fn handled(&self, grpc_path: &str) -> u64 {
        let index = METHODS.iter().position(|it| it.grpc_path == grpc_path).unwrap_or_default();
        self.methods[index].handled[Code::Ok as usize].load(Ordering::Relaxed)
    }
}

/// Everything, in the text format of Prometheus.
pub(crate) fn render(api: &Api) -> String {
    let mut text = Text::default();
    server(api, &mut text);
    state(api, &mut text);
    calls(&api.metrics, &mut text);
    process::render(&mut text);
    text.finish()
}

fn server(api: &Api, text: &mut Text) {
    let status = api.store.status();
    let leads = status.leader == status.member_id;
    text.gauge(
        "etcd_server_has_leader",
        "Whether there is a leader.",
        u64::from(status.leader != 0),
    );
    text.gauge("etcd_server_is_leader", "Whether this member leads.", u64::from(leads));
    text.gauge(
        "etcd_server_is_learner",
        "Whether this member is a learner.",
        u64::from(status.learner),
    );
    text.gauge("etcd_server_proposals_committed_total", "Entries committed.", status.committed);
    text.gauge("etcd_server_proposals_applied_total", "Entries applied.", status.applied);
    text.gauge("etcd_server_quota_backend_bytes", "The quota of space.", api.quota_bytes);
    let id = format!("{:x}", status.member_id);
    text.family("etcd_server_id", "gauge", "The member's number.");
    text.labelled("etcd_server_id", &[("server_id", &id)], 1);
    text.family("etcd_server_version", "gauge", "The version that is served.");
    text.labelled("etcd_server_version", &[("server_version", SERVER_VERSION)], 1);
    text.family("etcd_cluster_version", "gauge", "The version that the cluster behaves as.");
    text.labelled("etcd_cluster_version", &[("cluster_version", CLUSTER_VERSION)], 1);
    let metrics = &api.metrics;
    let health = &metrics.health_success;
    text.counter(
        "etcd_server_health_success",
        "Good answers of /health.",
        health.load(Ordering::Relaxed),
    );
    let health = &metrics.health_failures;
    text.counter(
        "etcd_server_health_failures",
        "Bad answers of /health.",
        health.load(Ordering::Relaxed),
    );
}

fn state(api: &Api, text: &mut Text) {
    let read = |state: &State| {
        (state.size_bytes().0 as u64, state.revision(), state.compact_revision(), state.key_count())
    };
    let (size, revision, compacted, keys) = api.store.with_state(read);
    let log_bytes = api.store.status().log_bytes;
    text.gauge("etcd_mvcc_db_total_size_in_bytes", "Data and log on the disk.", size + log_bytes);
    text.gauge("etcd_mvcc_db_total_size_in_use_in_bytes", "Data.", size);
    text.gauge("etcd_debugging_mvcc_current_revision", "The revision.", revision.cast_unsigned());
    text.gauge(
        "etcd_debugging_mvcc_compact_revision",
        "The last compaction.",
        compacted.cast_unsigned(),
    );
    text.gauge("etcd_debugging_mvcc_keys_total", "Keys.", keys);
    let metrics = &api.metrics;
    text.gauge(
        "etcd_debugging_mvcc_watch_stream_total",
        "Streams of watches.",
        metrics.watch_streams.get().max(0).cast_unsigned(),
    );
    text.gauge(
        "etcd_debugging_mvcc_watcher_total",
        "Watches.",
        metrics.watchers.get().max(0).cast_unsigned(),
    );
    for (name, path) in [
        ("etcd_mvcc_range_total", "/etcdserverpb.KV/Range"),
        ("etcd_mvcc_put_total", "/etcdserverpb.KV/Put"),
        ("etcd_mvcc_delete_total", "/etcdserverpb.KV/DeleteRange"),
        ("etcd_mvcc_txn_total", "/etcdserverpb.KV/Txn"),
    ] {
        text.counter(
            name,
            "Requests of this kind that this member carried out.",
            metrics.handled(path),
        );
    }
}

/// What grpc-prometheus counts.
fn calls(metrics: &Metrics, text: &mut Text) {
    let labels = |method: &Method| {
        let kind = match method.handler {
            Handler::Unary(_) => "unary",
            Handler::Stream(_) => "server_stream",
            Handler::Duplex(_) => "bidi_stream",
        };
        let (service, name) = method.names();
        [("grpc_method", name), ("grpc_service", service), ("grpc_type", kind)]
    };
    text.family("grpc_server_started_total", "counter", "Calls begun.");
    for (method, counts) in METHODS.iter().zip(&metrics.methods) {
        let started = counts.started.load(Ordering::Relaxed);
        text.labelled("grpc_server_started_total", &labels(method), started);
    }
    text.family("grpc_server_handled_total", "counter", "Calls ended, by code.");
    for (method, counts) in METHODS.iter().zip(&metrics.methods) {
        for (code, handled) in counts.handled.iter().enumerate() {
            let handled = handled.load(Ordering::Relaxed);
            if handled > 0 {
                let [method, service, kind] = labels(method);
                let labels = [("grpc_code", Code::NAMES[code]), method, service, kind];
                text.labelled("grpc_server_handled_total", &labels, handled);
            }
        }
    }
}
