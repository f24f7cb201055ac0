//! Listens, speaks TLS and HTTP/1.1, and tidies up from time to time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use isopod_images::{CollectPolicy, Images};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::api::Api;
use crate::error::ServeError;
use crate::settings::Settings;

/// Connections at once; more wait in the sockets' backlogs.
const CONNECTIONS: usize = 2048;
/// How long a client may take for TLS, and for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long requests may take to finish at the end.
const GRACE: Duration = Duration::from_secs(2);
/// How often uploads and copies are looked through.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// How long after a removal the space is given back; more removals may follow.
const COLLECT_AFTER: Duration = Duration::from_secs(20);
/// How long a blob may wait for the manifest that needs it.
const ORPHAN_GRACE: Duration = Duration::from_secs(24 * 3600);

/// A registry with its sockets.
#[derive(Debug)]
pub struct Registry {
    api: Arc<Api>,
    listeners: Vec<TcpListener>,
    tls: Option<Tls>,
    images: Images,
}

#[derive(Clone)]
struct Tls(TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Registry {
    /// Checks the settings and listens. Must be called within a tokio runtime of several threads.
    pub async fn bind(images: &Images, settings: Settings) -> Result<Self, ServeError> {
        let addresses = settings.listen.clone();
        let tls = tls(&settings)?;
        let api = Arc::new(Api::new(images, settings)?);
        let mut listeners = Vec::new();
        for address in addresses {
            let listener = TcpListener::bind(address)
                .await
                .map_err(|source| ServeError::Listen { address: address.to_string(), source })?;
            listeners.push(listener);
        }
        Ok(Self { api, listeners, tls, images: images.clone() })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Serves until `stop` is ready, then lets requests finish.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (stopping, stopped) = watch::channel(false);
        // Dropped with this future, and all tasks with it.
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            let service =
                Service { api: self.api.clone(), tls: self.tls.clone(), stopped: stopped.clone() };
            tasks.spawn(accept(listener, service, places.clone()));
        }
        let mut tidying = JoinSet::new();
        tidying.spawn(tidy(self.api.clone(), self.images));
        stop.await;
        let _ = stopping.send(true);
        let finished = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, finished).await.is_err() {
            tracing::info!("stopping with requests under way");
        }
    }
}

#[derive(Clone)]
struct Service {
    api: Arc<Api>,
    tls: Option<Tls>,
    stopped: watch::Receiver<bool>,
}

async fn accept(listener: TcpListener, service: Service, places: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    let mut stopped = service.stopped.clone();
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                let service = service.clone();
                connections.spawn(async move {
                    service.connection(stream, peer).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly: give the others time to close some.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

impl Service {
    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let Some(Tls(acceptor)) = self.tls.clone() else {
            return self.speak(stream, peer, false).await;
        };
        match tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream, peer, true).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS"),
            Err(_) => tracing::debug!(%peer, "TLS took too long"),
        }
    }

    async fn speak<S>(mut self, stream: S, peer: SocketAddr, tls: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let api = self.api;
        let service = service_fn(move |request| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.handle(request, peer, tls).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .title_case_headers(true)
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        loop {
            tokio::select! {
                result = &mut connection => {
                    if let Err(error) = result {
                        tracing::debug!(%peer, error = %isopod_base::chain(&error), "broke off");
                    }
                    return;
                }
                Ok(()) = self.stopped.changed() => connection.as_mut().graceful_shutdown(),
            }
        }
    }
}

/// Closes resting uploads, drops what has had its time, gives space back.
async fn tidy(api: Arc<Api>, images: Images) {
    loop {
        let removed = tokio::select! {
            () = tokio::time::sleep(TIDY_EVERY) => false,
            () = api.removed.notified() => true,
        };
        if removed {
            tokio::time::sleep(COLLECT_AFTER).await;
        }
        api.sessions.rest();
        let (repositories, images) = (api.repositories.clone(), images.clone());
        let age = api.upstream.is_some().then_some(api.settings.cache_age);
        let work = tokio::task::spawn_blocking(move || {
            let expired = repositories.expire(ORPHAN_GRACE, age)?;
            if removed || expired.blobs + expired.manifests > 0 {
                let collected = images.collect(&CollectPolicy::default())?;
                tracing::info!(bytes = collected.bytes, "space was given back");
            }
            Ok::<_, isopod_images::ImageError>(())
        });
        if let Ok(Err(error)) = work.await {
            tracing::error!(error = %isopod_base::chain(&error), "tidying up failed");
        }
    }
}

fn tls(settings: &Settings) -> Result<Option<Tls>, ServeError> {
    let (Some(chain_path), Some(key_path)) = (&settings.tls_certificate, &settings.tls_key) else {
        return Ok(None);
    };
    let identity = isopod_tls::read_identity(chain_path, key_path)?;
    let mut config = isopod_tls::server(identity, None)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Tls(TlsAcceptor::from(Arc::new(config)))))
}
