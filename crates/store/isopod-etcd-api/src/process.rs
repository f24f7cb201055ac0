//! The process: settings, the store, listeners, signals.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use isopod_store::{Store, StoreConfig};
use isopod_tls::Identity;
use rustls::RootCertStore;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::api::{Api, LeaseIds, Limits};
use crate::listen::Listener;
use crate::metrics::Metrics;
use crate::server::Connections;
use crate::settings::url::Url;
use crate::settings::{self, Certificates, Invocation, Settings};
use crate::tokens::{SimpleTokens, Tokens};
use crate::{compactor, log, notify, server};

/// How long calls in progress may take to finish at the end.
const GRACE: Duration = Duration::from_secs(5);

/// `isopod store`, also under the name `etcd`: serves until SIGTERM or SIGINT. The exit status is
/// 0 then, 2 for wrong arguments, 1 for everything else.
pub fn main(arguments: Vec<OsString>) -> i32 {
    let arguments =
        arguments.into_iter().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("ETCD_"))?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    // Memory that compaction frees in blocks goes back to the system.
    isopod_sys::allocator::map_allocations_from(128 << 10).ok();
    match settings::read(arguments, variables) {
        Ok(Invocation::Say(text)) => {
            std::io::stdout().write_all(text.as_bytes()).ok();
            0
        }
        Ok(Invocation::Serve(settings)) => {
            log::start(&settings.log_level);
            match run(&settings) {
                Ok(()) => 0,
                Err(error) => {
                    say(&format!("{error:#}"));
                    1
                }
            }
        }
        Err(error) => {
            say(&isopod_base::chain(&error).to_string());
            2
        }
    }
}

fn say(text: &str) {
    std::io::stderr().write_all(format!("isopod store: {text}\n").as_bytes()).ok();
}

fn run(settings: &Settings) -> Result<()> {
    for note in &settings.moot {
        tracing::warn!("{note}");
    }
    let tls = client_tls(settings)?;
    let tokens = tokens(settings)?;
    let store = Store::open(store_config(settings)).context("the store cannot be opened")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(settings, store.clone(), tokens, tls));
    runtime.shutdown_timeout(GRACE);
    store.shutdown();
    served
}

async fn serve(
    settings: &Settings,
    store: Store,
    tokens: Tokens,
    tls: Option<TlsAcceptor>,
) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let api = Arc::new(api(settings, store.clone(), tokens));
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let full = connections(settings);
    for url in &settings.listen_client_urls {
        for listener in bind(url, tls.as_ref()).await? {
            tasks.spawn(server::accept(listener, api.clone(), full.clone(), stopped.clone()));
        }
    }
    let figures = Connections { calls: false, ..full };
    for url in &settings.listen_metrics_urls {
        for listener in bind(url, tls.as_ref()).await? {
            tasks.spawn(server::accept(listener, api.clone(), figures.clone(), stopped.clone()));
        }
    }
    if let Some(rule) = settings.auto_compaction()? {
        tasks.spawn(compactor::run(api.clone(), rule, stopped.clone()));
    }
    let ready = async {
        // A failure is noticed below.
        if store.wait_ready().await.is_err() {
            std::future::pending::<()>().await;
        }
        tracing::info!("ready to serve client requests");
        for url in &settings.listen_client_urls {
            tracing::info!(address = url.address(), secure = url.is_secure(), "serving clients");
        }
        notify::ready();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = ready => {}
        _ = terminate.recv() => tracing::info!(signal = "terminated", "received signal; shutting down"),
        failure = store.failed() => return Err(failure).context("the store failed"),
        _ = interrupt.recv() => tracing::info!(signal = "interrupt", "received signal; shutting down"),
    }
    stop.send(true).ok();
    tokio::time::timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await.ok();
    Ok(())
}

async fn bind(url: &Url, tls: Option<&TlsAcceptor>) -> Result<Vec<Listener>> {
    Listener::bind(url, tls).await.with_context(|| format!("listen at {url}"))
}

fn connections(settings: &Settings) -> Connections {
    Connections {
        max_concurrent_streams: settings.max_concurrent_streams,
        keep_alive_interval: settings.keep_alive_interval,
        keep_alive_timeout: settings.keep_alive_timeout,
        gateway: settings.gateway,
        calls: true,
    }
}

fn api(settings: &Settings, store: Store, tokens: Tokens) -> Api {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(now.as_millis()).unwrap_or_default();
    Api {
        lease_ids: LeaseIds::new(store.member_id(), millis),
        cluster_id: store.membership().cluster_id,
        store,
        limits: Limits {
            max_request_bytes: settings.max_request_bytes,
            max_txn_ops: settings.max_txn_ops,
            min_lease_ttl: settings.min_lease_ttl(),
            progress_interval: settings.progress_interval,
            bcrypt_cost: settings.bcrypt_cost,
        },
        tokens,
        metrics: Arc::new(Metrics::new()),
        quota_bytes: settings.quota_bytes,
    }
}

fn tokens(settings: &Settings) -> Result<Tokens> {
    match settings.auth_token.as_str() {
        "simple" => Ok(Tokens::Simple(SimpleTokens::new(settings.auth_token_ttl))),
        other => bail!("--auth-token {other:?} is not supported: expected simple"),
    }
}

/// The acceptor for clients, when there is a certificate to show.
fn client_tls(settings: &Settings) -> Result<Option<TlsAcceptor>> {
    let Certificates { certificate, key, authorities, required, auto } = &settings.clients;
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => isopod_tls::read_identity(certificate, key)?,
        _ if *auto => own_identity(settings)?,
        _ => return Ok(None),
    };
    let clients = match authorities {
        Some(path) if *required => {
            let mut roots = RootCertStore::empty();
            isopod_tls::add_authorities(&mut roots, path)?;
            Some(roots)
        }
        _ => None,
    };
    let mut config = isopod_tls::server(identity, clients)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// A certificate that vouches for itself, made anew at each start: whoever uses it encrypts, and
/// knows nobody.
fn own_identity(settings: &Settings) -> Result<Identity> {
    let urls = settings.listen_client_urls.iter().chain(&settings.advertise_client_urls);
    let names: BTreeSet<_> = urls.map(|url| url.host().to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names.into_iter().collect::<Vec<_>>())
        .context("make a certificate for --auto-tls")?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    Ok(Identity { chain: vec![made.cert.der().clone()], key: key.into() })
}

fn store_config(settings: &Settings) -> StoreConfig {
    let texts = |urls: &[Url]| urls.iter().map(Url::to_string).collect::<Vec<_>>();
    let members = settings.initial_cluster.iter();
    StoreConfig {
        name: settings.name.clone(),
        peer_urls: texts(&settings.advertise_peer_urls),
        client_urls: texts(&settings.advertise_client_urls),
        initial_cluster: members.map(|(name, urls)| (name.clone(), texts(urls))).collect(),
        cluster_token: settings.cluster_token.clone(),
        new_cluster: settings.new_cluster,
        heartbeat: settings.heartbeat,
        election: settings.election,
        pre_vote: settings.pre_vote,
        quota_bytes: settings.quota_bytes,
        max_request_bytes: settings.max_request_bytes,
        ..StoreConfig::new(settings.data_dir())
    }
}
