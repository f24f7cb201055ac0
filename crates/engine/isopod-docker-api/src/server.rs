//! Accepts connections and speaks HTTP/1.1 on them, until one is hijacked.

use crate::api::Api;
use crate::body::Body;
use crate::call::Reply;
use crate::connection::{Accepted, Connection};
use crate::extension::Extension;
use crate::hijack::Hijack;
use crate::listen::Listener;
use http::{HeaderValue, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use isopod_engine::Engine;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Connections at once; more wait in the socket's backlog.
const CONNECTIONS: usize = 4096;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long requests may take to finish when the engine is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Serves the API on all listeners until `stop` is ready, then lets requests finish.
pub async fn serve(
    engine: Arc<Engine>,
    listeners: Vec<Listener>,
    extensions: &'static [Extension],
    stop: impl Future<Output = ()> + Send,
) {
    let api = Arc::new(Api::new(engine, extensions));
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (stopping, stopped) = tokio::sync::watch::channel(false);
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let (api, places, stopped) = (api.clone(), places.clone(), stopped.clone());
        accepting.spawn(accept(listener, api, places, stopped));
    }
    stop.await;
    let _ = stopping.send(true);
    let finished = async {
        while accepting.join_next().await.is_some() {}
        let _ = places.acquire_many(CONNECTIONS as u32).await;
    };
    if tokio::time::timeout(GRACE, finished).await.is_err() {
        tracing::info!("stopping with requests under way");
    }
}

async fn accept(
    listener: Listener,
    api: Arc<Api>,
    places: Arc<Semaphore>,
    mut stopped: tokio::sync::watch::Receiver<bool>,
) {
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok(stream) => {
                let (api, stopped) = (api.clone(), stopped.clone());
                tokio::spawn(async move {
                    connect(stream, api, stopped).await;
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
}

async fn connect(accepted: Accepted, api: Arc<Api>, stopped: tokio::sync::watch::Receiver<bool>) {
    match accepted.establish().await {
        Ok(stream) => connection(stream, api, stopped).await,
        Err(error) => tracing::debug!(%error, "no connection"),
    }
}

async fn connection(
    stream: Connection,
    api: Arc<Api>,
    mut stopped: tokio::sync::watch::Receiver<bool>,
) {
    let (hijacker, mut hijacked) = mpsc::channel::<Hijack>(1);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (api, hijacker) = (api.clone(), hijacker.clone());
        async move {
            match api.handle(request).await {
                Reply::Http(response) => Ok::<_, Infallible>(signed(response)),
                Reply::Hijack(hijack) => {
                    // The connection's task takes the socket away from under this request.
                    let _ = hijacker.send(hijack).await;
                    std::future::pending().await
                }
            }
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let hijack = loop {
        tokio::select! {
            biased;
            Some(hijack) = hijacked.recv() => break hijack,
            result = &mut connection => {
                if let Err(error) = result {
                    tracing::debug!(error = %isopod_base::chain(&error), "a connection failed");
                }
                return;
            }
            Ok(()) = stopped.changed() => std::pin::Pin::new(&mut connection).graceful_shutdown(),
        }
    };
    let parts = connection.into_parts();
    if let Err(error) = hijack.run(parts.io.into_inner(), parts.read_buf).await {
        tracing::debug!(%error, "an attached stream broke off");
    }
}

/// Adds the headers that every response carries.
fn signed(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(
        "server",
        HeaderValue::from_static(concat!("Isopod/", env!("CARGO_PKG_VERSION"), " (linux)")),
    );
    headers.insert("api-version", HeaderValue::from_static(isopod_docker_types::API_VERSION));
    headers.insert("ostype", HeaderValue::from_static("linux"));
    headers.insert("docker-experimental", HeaderValue::from_static("false"));
    response
}
