//! Serves clients: each connection a task, and on it gRPC, the gateway and plain HTTP side by
//! side.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::sync::watch;

use crate::api::Api;
use crate::grpc::ResponseBody;
use crate::listen::{Arrival, Listener};
use crate::peer::Peer;
use crate::{gateway, grpc, http as plain};

/// How long a client may take to agree on TLS, and to send the head of a request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that a client may send on one stream, and on all, before they are asked for.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// After a failure to accept, most often for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How connections are kept.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    pub(crate) max_concurrent_streams: u32,
    pub(crate) keep_alive_interval: Duration,
    pub(crate) keep_alive_timeout: Duration,
    /// Whether the JSON gateway is served.
    pub(crate) gateway: bool,
    /// Whether calls are served, or only health and figures.
    pub(crate) calls: bool,
}

/// Accepts clients until `stop` says so, and then lets those that are here finish.
pub(crate) async fn accept(
    listener: Listener,
    api: Arc<Api>,
    connections: Connections,
    mut stop: watch::Receiver<bool>,
) {
    let connections = Arc::new(connections);
    loop {
        let arrival = tokio::select! {
            arrival = listener.accept() => arrival,
            () = stopped(&mut stop) => return,
        };
        match arrival {
            Ok(arrival) => {
                tokio::spawn(connection(arrival, api.clone(), connections.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::warn!(error = %error, "failed to accept a client");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits for the end of the process.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    stop.wait_for(|stop| *stop).await.ok();
}

async fn connection(
    arrival: Arrival,
    api: Arc<Api>,
    connections: Arc<Connections>,
    mut stop: watch::Receiver<bool>,
) {
    let (stream, peer) = match tokio::time::timeout(PATIENCE, arrival.enter()).await {
        Ok(Ok(entered)) => entered,
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "rejected connection on client endpoint");
            return;
        }
        Err(_) => return,
    };
    let builder = builder(&connections);
    let peer = Arc::new(peer);
    let service = service_fn(move |request| {
        let (api, peer, connections) = (api.clone(), peer.clone(), connections.clone());
        async move { Ok::<_, Infallible>(respond(api, &peer, &connections, request).await) }
    });
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

fn builder(connections: &Connections) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(connections.max_concurrent_streams)
        .keep_alive_interval(Some(connections.keep_alive_interval))
        .keep_alive_timeout(connections.keep_alive_timeout);
    builder
}

async fn respond(
    api: Arc<Api>,
    peer: &Peer,
    connections: &Connections,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    if connections.calls && grpc::is_grpc(&request) {
        return grpc::serve(api, peer, request).await;
    }
    let path = request.uri().path();
    if connections.calls && connections.gateway && gateway::is_gateway(path) {
        return gateway::serve(api, peer, request).await;
    }
    plain::serve(api, request.method(), request.uri()).await
}
