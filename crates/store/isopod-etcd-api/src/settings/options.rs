//! The options: one line each, whichever way they are given.

use std::path::PathBuf;
use std::time::Duration;

use super::compaction::Mode;
use super::url::Url;
use super::{Settings, duration};

/// What giving an option does.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// Sets something; a flag needs a value.
    Set(fn(&mut Settings, &str) -> Result<(), String>),
    /// Turns something on or off; a flag alone turns it on.
    Switch(fn(&mut Settings, bool)),
    /// Changes nothing here, for a reason that is said.
    Moot(&'static str),
    /// The same for a flag that needs no value.
    MootSwitch(&'static str),
    /// Is refused, for a reason that is said.
    Refused(&'static str),
    /// Is refused when turned on.
    RefusedSwitch(&'static str),
}

/// An option of etcd.
pub(super) struct Opt {
    pub(super) name: &'static str,
    pub(super) effect: Effect,
    /// For the help.
    pub(super) help: &'static str,
}

impl Opt {
    /// Whether a flag stands without a value.
    pub(super) fn is_switch(&self) -> bool {
        matches!(self.effect, Effect::Switch(_) | Effect::MootSwitch(_) | Effect::RefusedSwitch(_))
    }
}

pub(super) fn by_name(name: &str) -> Option<&'static Opt> {
    OPTIONS.iter().find(|option| option.name == name)
}

pub(super) fn switch(value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}

fn millis(text: &str) -> Result<Duration, String> {
    match number(text)? {
        0 => Err("expected milliseconds above 0".to_owned()),
        millis => Ok(Duration::from_millis(millis)),
    }
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| text.into())
}

/// `NAME=URL,NAME=URL`; a name may stand several times.
fn cluster(text: &str) -> Result<Vec<(String, Vec<Url>)>, String> {
    let mut members: Vec<(String, Vec<Url>)> = Vec::new();
    for entry in text.split(',').filter(|entry| !entry.trim().is_empty()) {
        let (name, url) = entry.trim().split_once('=').ok_or("expected NAME=URL,NAME=URL")?;
        let url = Url::parse(url)?;
        match members.iter_mut().find(|(known, _)| known == name) {
            Some((_, urls)) => urls.push(url),
            None => members.push((name.to_owned(), vec![url])),
        }
    }
    Ok(members)
}

const SEGMENTS: &str = "the log is cut by itself after each checkpoint of the state";
const SRV: &str = "name the members with --initial-cluster";
const V2: &str = "there is no version 2 of the API";
/// Why what concerns other members is refused.
const ALONE: &str = "a store has one member yet, which speaks with no other";

const DIALECT: &str = "it is experimental in etcd";

use Effect::{Moot, MootSwitch, Refused, RefusedSwitch, Set, Switch};

macro_rules! options {
    ($($name:literal: $effect:expr, $help:literal;)*) => {
        &[$(Opt { name: $name, effect: $effect, help: $help }),*]
    };
}

#[rustfmt::skip]
pub(super) const OPTIONS: &[Opt] = options! {
    "name": Set(|s, v| { v.clone_into(&mut s.name); Ok(()) }), "the member's name";
    "data-dir": Set(|s, v| { s.data_dir = path(v); Ok(()) }), "where the data lies (NAME.etcd)";
    "wal-dir": Refused("the log lies in the data folder"), "";
    "listen-client-urls": Set(|s, v| { s.listen_client_urls = Url::parse_list(v)?; Ok(()) }), "where clients are served";
    "listen-peer-urls": Set(|s, v| { s.listen_peer_urls = Url::parse_list(v)?; Ok(()) }), "where other members are served";
    "listen-client-http-urls": Refused("gRPC and HTTP are served on the same port"), "";
    "listen-metrics-urls": Set(|s, v| { s.listen_metrics_urls = Url::parse_list(v)?; Ok(()) }), "where figures and health are served besides";
    "advertise-client-urls": Set(|s, v| { s.advertise_client_urls = Url::parse_list(v)?; Ok(()) }), "where clients are told to come";
    "initial-advertise-peer-urls": Set(|s, v| { s.advertise_peer_urls = Url::parse_list(v)?; Ok(()) }), "where other members are told to come";
    "initial-cluster": Set(|s, v| { s.initial_cluster = cluster(v)?; Ok(()) }), "the members at the beginning: NAME=URL,NAME=URL";
    "initial-cluster-state": Set(|s, v| { s.new_cluster = state(v)?; Ok(()) }), "new, or existing to join one";
    "initial-cluster-token": Set(|s, v| { v.clone_into(&mut s.cluster_token); Ok(()) }), "tells clusters with the same members apart";
    "initial-election-tick-advance": MootSwitch("a member never waits longer than an election takes"), "";
    "heartbeat-interval": Set(|s, v| { s.heartbeat = millis(v)?; Ok(()) }), "milliseconds between heartbeats";
    "election-timeout": Set(|s, v| { s.election = millis(v)?; Ok(()) }), "milliseconds without a leader before an election";
    "pre-vote": Switch(|s, on| s.pre_vote = on), "ask before standing for election";
    "snapshot-count": Moot(SEGMENTS), "";
    "snapshot-catchup-entries": Moot(SEGMENTS), "";
    "max-snapshots": Moot(SEGMENTS), "";
    "max-wals": Moot(SEGMENTS), "";
    "backend-batch-interval": Moot("every write is durable before it is acknowledged"), "";
    "backend-batch-limit": Moot("every write is durable before it is acknowledged"), "";
    "backend-bbolt-freelist-type": Moot("there is no such file"), "";
    "quota-backend-bytes": Set(|s, v| { s.quota_bytes = quota(v)?; Ok(()) }), "bytes of data before writes are refused (2 GiB)";
    "max-request-bytes": Set(|s, v| { s.max_request_bytes = number(v)?; Ok(()) }), "the largest request (1.5 MiB)";
    "max-txn-ops": Set(|s, v| { s.max_txn_ops = number(v)?; Ok(()) }), "operations in a transaction (128)";
    "max-concurrent-streams": Set(|s, v| { s.max_concurrent_streams = number(v)?; Ok(()) }), "streams of one client at a time";
    "grpc-keepalive-min-time": Moot("clients may ask for signs of life as often as they like"), "";
    "grpc-keepalive-interval": Set(|s, v| { s.keep_alive_interval = duration::parse(v)?; Ok(()) }), "silence before a client is asked for a sign of life (2h)";
    "grpc-keepalive-timeout": Set(|s, v| { s.keep_alive_timeout = duration::parse(v)?; Ok(()) }), "how long it has to answer (20s)";
    "watch-progress-notify-interval": Set(|s, v| { s.progress_interval = duration::parse(v)?; Ok(()) }), "how often watches that want it hear of progress (10m)";
    "experimental-watch-progress-notify-interval": Set(|s, v| { s.progress_interval = duration::parse(v)?; Ok(()) }), "the same by its old name";
    "auto-compaction-mode": Set(|s, v| { s.compaction_mode = Mode::parse(v)?; Ok(()) }), "periodic or revision";
    "auto-compaction-retention": Set(|s, v| { v.clone_into(&mut s.compaction_retention); Ok(()) }), "what is kept: hours, a duration, or revisions; 0 is all";
    "cert-file": Set(|s, v| { s.clients.certificate = path(v); Ok(()) }), "the certificate for clients";
    "key-file": Set(|s, v| { s.clients.key = path(v); Ok(()) }), "its key";
    "trusted-ca-file": Set(|s, v| { s.clients.authorities = path(v); Ok(()) }), "authorities of clients' certificates";
    "client-cert-auth": Switch(|s, on| s.clients.required = on), "clients must show a certificate";
    "auto-tls": Switch(|s, on| s.clients.auto = on), "make a certificate for clients";
    "client-crl-file": Refused("certificates cannot be revoked by a list"), "";
    "client-cert-allowed-hostname": Refused("use --client-cert-auth with an authority of your own"), "";
    "ca-file": Refused("use --trusted-ca-file and --client-cert-auth"), "";
    "peer-cert-file": Refused(ALONE), "";
    "peer-key-file": Refused(ALONE), "";
    "peer-trusted-ca-file": Refused(ALONE), "";
    "peer-client-cert-auth": RefusedSwitch(ALONE), "";
    "peer-auto-tls": RefusedSwitch(ALONE), "";
    "peer-crl-file": Refused(ALONE), "";
    "peer-cert-allowed-cn": Refused(ALONE), "";
    "peer-cert-allowed-hostname": Refused(ALONE), "";
    "cipher-suites": Refused("only safe ones exist here"), "";
    "tls-min-version": Set(|_, v| one_of(v, &["", "TLS1.2"])), "TLS1.2";
    "tls-max-version": Set(|_, v| one_of(v, &["", "TLS1.3"])), "TLS1.3";
    "auth-token": Set(|s, v| { v.clone_into(&mut s.auth_token); Ok(()) }), "simple";
    "auth-token-ttl": Set(|s, v| { s.auth_token_ttl = Duration::from_secs(number(v)?); Ok(()) }), "seconds that a token lives after its last use (300)";
    "bcrypt-cost": Set(|s, v| { s.bcrypt_cost = cost(v)?; Ok(()) }), "work to hash a password (10)";
    "log-level": Set(|s, v| { v.clone_into(&mut s.log_level); level(v) }), "debug, info, warn or error";
    "logger": Set(|_, v| one_of(v, &["zap"])), "zap";
    "log-outputs": Set(|_, v| one_of(v, &["default", "stderr"])), "stderr";
    "log-format": Set(|_, v| one_of(v, &["json"])), "json";
    "log-package-levels": Refused("use --log-level"), "";
    "debug": RefusedSwitch("use --log-level=debug"), "";
    "enable-log-rotation": RefusedSwitch("the log goes to stderr"), "";
    "metrics": Set(|_, v| one_of(v, &["basic"])), "basic";
    "enable-pprof": RefusedSwitch("there is no profile to be had over HTTP"), "";
    "enable-grpc-gateway": Switch(|s, on| s.gateway = on), "serve JSON besides gRPC";
    "strict-reconfig-check": MootSwitch("a change of members that would lose the quorum is always refused"), "";
    "socket-reuse-port": RefusedSwitch("one process serves a port"), "";
    "socket-reuse-address": MootSwitch("it is always on"), "";
    "unsafe-no-fsync": RefusedSwitch("acknowledged writes are durable"), "";
    "force-new-cluster": RefusedSwitch("a lost quorum cannot be recovered yet"), "";
    "discovery": Refused(SRV), "";
    "discovery-srv": Refused(SRV), "";
    "discovery-srv-name": Refused(SRV), "";
    "discovery-fallback": Refused(SRV), "";
    "discovery-proxy": Refused(SRV), "";
    "proxy": Set(|_, v| one_of(v, &["off"])), "";
    "enable-v2": RefusedSwitch(V2), "";
    "v2-deprecation": Refused(V2), "";
    "cors": Refused("put a proxy before the gateway"), "";
    "host-whitelist": Refused("put a proxy before the gateway"), "";
    "experimental-initial-corrupt-check": RefusedSwitch(DIALECT), "";
    "experimental-corrupt-check-time": Refused(DIALECT), "";
    "experimental-enable-lease-checkpoint": RefusedSwitch(DIALECT), "";
    "experimental-compaction-batch-limit": Refused(DIALECT), "";
    "experimental-peer-skip-client-san-verification": RefusedSwitch(DIALECT), "";
    "experimental-enable-distributed-tracing": RefusedSwitch(DIALECT), "";
};

fn state(text: &str) -> Result<bool, String> {
    match text {
        "new" => Ok(true),
        "existing" => Ok(false),
        _ => Err("expected new or existing".to_owned()),
    }
}

/// 0 is the default; etcd turns the quota off below 0.
fn quota(text: &str) -> Result<u64, String> {
    Ok(match number::<i64>(text)? {
        0 => 2 << 30,
        bytes => u64::try_from(bytes).unwrap_or(u64::MAX >> 1),
    })
}

fn cost(text: &str) -> Result<u32, String> {
    match number(text)? {
        cost @ 4..=31 => Ok(cost),
        _ => Err("expected a number from 4 to 31".to_owned()),
    }
}

fn level(text: &str) -> Result<(), String> {
    one_of(text, &["debug", "info", "warn", "error"])
}

/// Options that have only some values here.
fn one_of(text: &str, allowed: &[&str]) -> Result<(), String> {
    match allowed.contains(&text) {
        true => Ok(()),
        false => Err(format!("expected {}", allowed.join(" or ").trim_start_matches(" or "))),
    }
}
